# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: bounded, and equal on both sides when nothing changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._diff import DIFF_LINES, device_diff, order_diff
from ansible_collections.thingspace.licensing.tests.unit.plugins.fakes import imeis


def test_diff() -> None:
    found = device_diff("title", ["1", "2"], [])
    assert found == {"before_header": "title", "after_header": "title", "before": "1\n2\n", "after": ""}


def test_a_long_diff_says_how_much_is_left_out() -> None:
    lines = device_diff("title", [], imeis(DIFF_LINES + 7))["after"].splitlines()
    assert (len(lines), lines[-1]) == (DIFF_LINES + 1, "... and 7 more")
    assert len(device_diff("title", [], imeis(DIFF_LINES))["after"].splitlines()) == DIFF_LINES


def lines(before: str, after: str) -> tuple[str, str]:
    """Both sides of the diff of lists whose devices have names of one letter, each line a word."""
    found = order_diff("title", before, after)
    assert found["before_header"] == found["after_header"] == "title"
    return " ".join(found["before"].splitlines()), " ".join(found["after"].splitlines())


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "", ("", "")),
        ("", "ab", ("", "a b")),
        ("ab", "", ("a b", "")),
        ("abc", "acb", ("a b c", "a c b")),
        ("abc", "abc", ("a b c", "a b c")),
        ("abcdef", "abcdef", ("... 3 more above d e f", "... 3 more above d e f")),
        ("abcdef", "abcdefg", ("... 3 more above d e f", "... 3 more above d e f g")),
        ("abcdef", "xabcdef", ("a b c ... 3 more below", "x a b c ... 3 more below")),
        (
            "abcdefghijkl",
            "abcdegfhijkl",
            ("... 2 more above c d e f g h i j ... 2 more below", "... 2 more above c d e g f h i j ... 2 more below"),
        ),
        ("aaaa", "aa", ("a a a a", "a a")),
    ],
)
def test_order_diff_shows_a_window(before: str, after: str, shown: tuple[str, str]) -> None:
    assert lines(before, after) == shown


@given(st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_order_diff_leaves_out_only_what_is_equal(before: str, after: str) -> None:
    shown = lines(before, after)
    assert (before == after) == (shown[0] == shown[1])
    for whole, part in ((before, shown[0]), (after, shown[1])):
        hidden = sum(int(number) for number in re.findall(r"\.\.\. (\d+) more", part))
        assert hidden + len(re.sub(r"\.\.\. \d+ more (above|below)", "", part).split()) == len(whole)


def test_a_long_order_diff_is_cut() -> None:
    after = order_diff("title", [], imeis(DIFF_LINES + 7))["after"].splitlines()
    assert (len(after), after[-1]) == (DIFF_LINES + 1, "... and 7 more")
