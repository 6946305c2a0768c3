# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masking many texts at once: what is found, and how often is searched."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.masking import are_times, changes
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import MASK, WITHHELD, SecretRegister

SECRET = "Passw0rd-XyZ-987654"
ENCODED = base64.b64encode(SECRET.encode()).decode()
HIDDEN = base64.b64encode(f"xx{SECRET}".encode()).decode()


def register(*secrets: str) -> SecretRegister:
    made = SecretRegister(lambda _form: None)
    made.remember(*secrets)
    return made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-11-29T16:03:42.000Z",
        "2017-11-29 20:15:42.738 +0000 UTC",
        "2020-09-17T21:11:32Z",
        "2020-09-17T21:11:32+00:00",
        "2020-09-17 21:11:32",
    ],
)
def test_times(text: str) -> None:
    assert are_times([text, text])


@pytest.mark.parametrize(
    "text",
    [
        "5061737377307264",
        "50 61 73 73",
        "2017-11-29T16:03:42.0000000000Z",
        "2017-11-29T16:03:42Z|2017-11-29T16:03:42Z",
        "|",
        "2017-11-29T16:03:42Z\n",
        "\u0662017-11-29T16:03:42Z",
        "then",
        ENCODED,
    ],
)
def test_no_times(text: str) -> None:
    assert not are_times(["", text, ""])


@pytest.mark.slow
def test_a_million_times_are_quick() -> None:
    assert are_times(["2017-11-29T16:03:42.000Z"] * 1_000_000)


def test_only_what_holds_a_secret_is_changed() -> None:
    texts = [
        "a",
        ENCODED,
        HIDDEN,
        f"x {SECRET}",
        SECRET[:9],
        SECRET[9:],
        *(f"text {number}" for number in range(10_000)),
    ]
    mask = register(SECRET).mask_listed
    assert changes(texts, mask) == {HIDDEN: WITHHELD, ENCODED: MASK, f"x {SECRET}": f"x {MASK}"}


def test_texts_are_searched_together() -> None:
    asked: list[str] = []

    def mask(text: str) -> str:
        asked.append(text)
        return text

    assert changes([f"text number {number}" for number in range(10_000)] * 2, mask) == {}
    assert len(asked) < 10
    assert max(map(len, asked)) <= 50_000
