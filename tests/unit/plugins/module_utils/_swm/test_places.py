# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where pages begin: they show as many of the wanted devices as few pages can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._swm.places import fullest, shown

NUMBERS = st.sets(st.integers(0, 60), max_size=12).map(sorted)


@pytest.mark.parametrize(
    ("starts", "wanted", "runs"),
    [
        ([], [1, 2], []),
        ([0], [1, 2, 10], [(0, 1, [1, 2, 10])]),
        ([0], [1, 2, 10, 11], [(0, 2, [1, 2, 10, 11])]),
        ([0], [15, 21], [(0, 2, [15])]),
        ([50, 51, 52], [50, 51, 52], [(50, 1, [51, 52])]),
        ([10, 11, 30, 31, 32], [10, 11, 30, 31, 32], [(30, 1, [31, 32]), (10, 1, [11])]),
        ([0, 30, 60], [30, 60], []),
        ([0, 30, 60], [1, 31, 61], [(0, 1, [1]), (30, 1, [31])]),
    ],
    ids=[
        "no place",
        "one page",
        "a second page",
        "only the second page",
        "neighbors",
        "two groups",
        "scattered",
        "no more than two",
    ],
)
def test_the_fullest_pages(starts: list[int], wanted: list[int], runs: list[tuple[int, int, list[int]]]) -> None:
    assert [(run.start, run.pages, [*run.devices]) for run in fullest(starts, wanted, 10, 2)] == runs


@given(NUMBERS, NUMBERS, st.integers(1, 30), st.integers(0, 4))
def test_few_pages_show_much(starts: list[int], wanted: list[int], reach: int, most: int) -> None:
    runs = fullest(starts, wanted, reach, most)
    on_pages = [set(range(run.start + 1, run.start + run.pages * reach + 1)) for run in runs]
    assert {one for run in runs for one in run.devices} == set(wanted) & set().union(*on_pages)
    assert len({one for run in runs for one in run.devices}) == shown(runs)
    assert {run.start for run in runs} <= set(starts)
    assert sum(run.pages for run in runs) <= most
    assert all(run.devices for run in runs)
    for start in starts if most else ():
        assert shown(runs) >= len([one for one in wanted if start < one <= start + most * reach]), "one run"
    if len(runs) < most:
        left = set(wanted) - set().union(*on_pages)
        unseen = {one for one in wanted if not any(start < one <= start + reach for start in starts)}
        assert left <= unseen or sum(run.pages for run in runs) == most
