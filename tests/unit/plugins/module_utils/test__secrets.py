# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form in which a secret could be printed."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._secrets import SecretRegister, spellings

SECRET = "p@ss /%\"'\\\n\u00e4=?"


@given(st.text(min_size=1, max_size=30, alphabet=st.characters(exclude_categories=["Cs"])))
def test_all_spellings(secret: str) -> None:
    forms = spellings(secret)
    raw = secret.encode()
    for form in (
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        assert form in forms


@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_to_hide(nothing: str | None) -> None:
    found: list[str] = []
    SecretRegister(found.append).remember(nothing)
    assert found == []


def test_no_form_is_empty_for_that_would_mask_everything() -> None:
    assert "" not in spellings("=")
    assert "" not in spellings(SECRET)


def test_every_secret_is_handed_over() -> None:
    found: set[str] = set()
    SecretRegister(found.add).remember(SECRET, None, "other")
    assert found == spellings(SECRET) | spellings("other")
    assert "p%40ss+%2F%25%22%27%5C%0A%C3%A4%3D%3F" in found
    assert base64.b64encode(SECRET.encode()).decode() in found


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('[{"url": "u", "password":"geh\\"eim", "x": 1}]', '[{"url": "u", "password":"********", "x": 1}]'),
        ('{"newPassword" : "geheim', '{"newPassword" : "********'),
        ('{"password": ""}', '{"password": ""}'),
        ("a password is wrong", "a password is wrong"),
    ],
)
def test_a_quoted_password_is_masked_though_nobody_told_of_it(text: str, masked: str) -> None:
    assert SecretRegister(lambda _form: None).mask(text) == masked
