# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that may be long, in a sentence."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._text.lists import are, few, first, many, said_once


@pytest.mark.parametrize(
    ("most", "named", "parted", "short"),
    [
        (3, "a, b, c", "a; b; c", "a, b, c"),
        (4, "a, b, c", "a; b; c", "a, b, c"),
        (2, "a, b and 1 more", "a; b; and 1 more", "a, b, ..."),
        (1, "a and 2 more", "a; and 2 more", "a, ..."),
    ],
)
def test_all_or_the_first(most: int, named: str, parted: str, short: str) -> None:
    assert first("abc", most) == named
    assert first(["a", "b", "c"], most, "; ") == parted
    assert few(dict.fromkeys("abc"), most) == short


def test_each_is_told_in_its_own_way_and_no_other_is_looked_at() -> None:
    asked: list[int] = []

    def tell(number: int) -> str:
        asked.append(number)
        return f"no. {number}"

    assert first(range(1000), 2, tell=tell) == "no. 0, no. 1 and 998 more"
    assert few(range(1000), 1, tell) == "no. 0, ..."
    assert asked == [0, 1, 0]


def test_none() -> None:
    assert first([], 5) == ""
    assert few([]) == ""


@pytest.mark.parametrize(
    ("count", "devices", "left", "verb"),
    [
        (0, "0 devices", "0 that stay", "are"),
        (1, "1 device", "1 that stays", "is"),
        (1200, "1,200 devices", "1,200 that stay", "are"),
    ],
)
def test_numbers_of_things(count: int, devices: str, left: str, verb: str) -> None:
    assert many(count, "device") == devices
    assert many(count, "that stays", "that stay") == left
    assert are(count) == verb


def test_an_unknown_number() -> None:
    assert are(None) == "are"


def test_a_sentence_that_several_texts_have() -> None:
    texts = ["One failed. Look at a.yml, e.g. line 2.", "Two failed. Look at a.yml, e.g. line 2.", "One failed."]
    assert said_once(texts) == "One failed. Look at a.yml, e.g. line 2. Two failed."
    assert said_once([]) == ""
