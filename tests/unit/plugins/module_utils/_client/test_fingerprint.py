# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.fingerprint import fingerprint

SALT = "0123456789abcdef" * 2
OWN = ("fleet@example.com", "a password")


@pytest.mark.parametrize("name", ["FLEET@example.com", " fleet@example.com "])
def test_another_spelling_of_the_name_is_the_same_user(name: str) -> None:
    assert fingerprint(SALT, (name, OWN[1])) == fingerprint(SALT, OWN)


@pytest.mark.parametrize(
    "credentials",
    [
        [(OWN[0], "A password")],
        [("other@example.com", OWN[1])],
        [OWN, OWN],
        [OWN, (None, None)],
        [],
    ],
)
def test_other_credentials_have_another_fingerprint(credentials: list[tuple[t.Any, t.Any]]) -> None:
    assert fingerprint(SALT, *credentials) != fingerprint(SALT, OWN)


def test_each_file_has_its_own_fingerprint() -> None:
    assert fingerprint(SALT[::-1], OWN) != fingerprint(SALT, OWN)
