# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff: bounded, and equal on both sides when nothing changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import Wish, make_candidates_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._text.diff import DIFF_LINES, device_diff, order_diff
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis


def test_diff() -> None:
    found = device_diff("a: FOTA", 3, ["1", "2"], [])
    title = "a: FOTA licenses, 2 of 3 devices change"
    assert found == {"before_header": title, "after_header": title, "before": "1\n2\n", "after": ""}


def test_a_long_diff_says_how_much_is_left_out() -> None:
    lines = device_diff("title", 2, [], imeis(DIFF_LINES + 7))["after"].splitlines()
    assert (len(lines), lines[-1]) == (DIFF_LINES + 1, "... and 7 more")
    assert len(device_diff("title", 2, [], imeis(DIFF_LINES))["after"].splitlines()) == DIFF_LINES


def lines(before: str, after: str) -> tuple[str, str]:
    """Both sides of the diff of lists whose devices have names of one letter, each line a word."""
    plan = make_candidates_plan(Wish("account", "v2", "exact", after, frozenset()), before)
    found = order_diff("title", list(before), list(after), plan.move)
    assert found["before_header"] == found["after_header"] == "title"
    return " ".join(found["before"].splitlines()), " ".join(found["after"].splitlines())


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "", ("", "")),
        ("", "ab", ("", "a b")),
        ("ab", "", ("a b", "")),
        ("abc", "acb", ("a b c", "a c b")),
        ("abcdef", "abcdef", ("", "")),
        ("abcdef", "abcdefg", ("... 3 more d e f", "... 3 more d e f g")),
        ("abcdef", "xabcdef", ("a b c ... 3 more", "x a b c ... 3 more")),
        ("abcdefghijklmn", "bcdefghijklmnx", ("a b c d ... 7 more l m n", "b c d ... 7 more l m n x")),
        ("aaaa", "aa", ("a a a a", "a a")),
    ],
)
def test_order_diff_shows_what_changes_and_its_neighbors(before: str, after: str, shown: tuple[str, str]) -> None:
    assert lines(before, after) == shown


LISTS = st.lists(st.sampled_from("abcdefghijklmnopqrst"), unique=True).map("".join)


@given(LISTS, LISTS)
def test_order_diff_leaves_out_only_what_is_equal(before: str, after: str) -> None:
    shown = lines(before, after)
    assert (before == after) == (shown[0] == shown[1])
    for whole, part in ((before, shown[0]), (after, shown[1])):
        hidden = sum(int(number) for number in re.findall(r"\.\.\. (\d+) more", part))
        letters = re.sub(r"\.\.\. \d+ more", "", part).split()
        assert hidden + len(letters) == (len(whole) if part else 0)
        assert set(before) ^ set(after) <= {*shown[0].split(), *shown[1].split()}


def test_a_change_far_below_another_is_shown() -> None:
    before = imeis(20_000)
    after = [*before[:5], before[6], before[5], *before[7:11_000], "990099999999999", *before[11_001:]]
    found = order_diff("title", before, after, {before[5]})
    assert before[11_000] in found["before"]
    assert "990099999999999" in found["after"]
    assert len(found["after"].splitlines()) < 25


def test_a_long_order_diff_is_cut() -> None:
    after = order_diff("title", [], imeis(DIFF_LINES + 7), set())["after"].splitlines()
    assert (len(after), after[-1]) == (DIFF_LINES + 1, "... and 7 more")
