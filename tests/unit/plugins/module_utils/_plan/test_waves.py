# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves cut a plan into parts that fit the pool, and a wave that went wrong stops the rest."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import Row
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool, State, make_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.waves import Waves, cut, judge, waves_from
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis

SIZES = st.lists(st.one_of(st.integers(1, 60), st.floats(0.001, 1.0, exclude_min=True)), max_size=4).map(tuple)


def read(*waves: object, max_failures: object = None) -> tuple[Waves, list[str]]:
    made, problems = waves_from(list(waves), max_failures)
    return made, [problem.text for problem in problems]


@pytest.mark.parametrize(
    ("sizes", "changes", "ends"),
    [
        (("10", "5%"), 5000, [10, 250, 5000]),
        (("10", "5%"), 100, [10, 100]),
        (("10", "5%"), 10, [10]),
        (("10", "5%"), 3, [3]),
        (("1%",), 101, [2, 101]),
        (("7%",), 100, [7, 100]),
        (("0.01%",), 50, [1, 50]),
        (("100%",), 50, [50]),
        (("1%", 1, "10%", 20), 100, [1, 10, 20, 100]),
        ((), 50, [50]),
        (("10",), 0, []),
    ],
)
def test_how_many_are_done_after_each_wave(sizes: tuple[object, ...], changes: int, ends: list[int]) -> None:
    waves, problems = read(*sizes)
    assert problems == []
    assert waves.ends(changes) == ends
    assert waves.as_result(changes) == ({"waves": ends} if sizes else {})


@given(
    st.sampled_from(["present", "absent", "exact"]),
    st.lists(st.integers(0, 60), unique=True),
    st.sets(st.integers(0, 60)),
    st.integers(0, 60),
    SIZES,
)
def test_parts_follow_the_plan_and_fit_the_pool(
    state: State, wanted: list[int], held: set[int], spare: int, sizes: tuple[t.Any, ...]
) -> None:
    plan = make_plan({}, state, list(map(imei, wanted)), set(map(imei, held)), Pool(None, None))
    # The pool of which the whole plan leaves just so many.
    free = max(0, len(plan.assign) - len(plan.remove)) + spare
    waves = Waves(sizes)
    parts = cut(plan, waves)
    assert [device for part in parts for device in part.remove] == list(plan.remove)
    assert [device for part in parts for device in part.assign] == list(plan.assign)
    done = 0
    for part, end in zip(parts, waves.ends(plan.changes), strict=True):
        assert part.changes > 0
        assert (part.state, part.held, part.digest) == (plan.state, plan.held, plan.digest)
        done += part.changes
        assert done == end
        free += len(part.remove) - len(part.assign)
        assert free >= min(spare, max(0, len(plan.assign) - len(plan.remove)) + spare), "the reserve stays"
        assert free >= 0


def test_a_full_pool_is_reshuffled_wave_by_wave() -> None:
    plan = make_plan({}, "exact", imeis(10, 10), set(imeis(10)), Pool(10, 10))
    parts = cut(plan, read(1, 5, "50%")[0])
    assert [(len(part.remove), len(part.assign)) for part in parts] == [(1, 0), (2, 2), (2, 3), (5, 5)]


@given(st.integers(0, 300), st.integers(1, 50), SIZES)
def test_requests_are_those_of_each_wave(changes: int, size: int, sizes: tuple[t.Any, ...]) -> None:
    plan = make_plan({}, "present", imeis(changes), set(), Pool(None, None))
    waves = Waves(sizes)
    sent = [part.assign[start : start + size] for part in cut(plan, waves) for start in range(0, part.changes, size)]
    assert waves.requests(changes, size) == len(sent)


@pytest.mark.parametrize(
    ("waves", "words"),
    [
        ([0], ["the entry '0'"]),
        (["0%"], ["the entry '0%'"]),
        (["x", "-1", "5 percent", True, 2.5, "101%", None], ["the entry 'x'", *["the entry"] * 6]),
        ([100, 10], ["has 10 after one that is not smaller"]),
        ([10, 10], ["each says how many devices are done in all by then"]),
        (["5%", 10, "5%"], ["has 5% after"]),
        ([10, "5%", 20, "10%"], []),
    ],
)
def test_sizes_that_mean_nothing(waves: list[object], words: list[str]) -> None:
    made, problems = read(*waves)
    assert len(problems) == len(words)
    assert all(word in text for word, text in zip(words, problems, strict=True))
    assert bool(made.sizes) == (not words)


def test_all_problems_at_once() -> None:
    assert len(read("x", "0", max_failures="some")[1]) == 3


def rows(**counts: int) -> list[Row]:
    devices = iter(imeis(1000))
    return [Row(next(devices), t.cast(t.Any, name), "why") for name, count in counts.items() for _n in range(count)]


@pytest.mark.parametrize(
    ("allowed", "tried", "good"),
    [
        (None, {"assigned": 10}, True),
        (None, {"assigned": 5, "removed": 3, "unchanged": 2}, True),
        (None, {"assigned": 9, "failed": 1}, False),
        (2, {"assigned": 8, "failed": 1, "unknown": 1}, True),
        (2, {"assigned": 7, "failed": 1, "unknown": 1, "skipped": 1}, False),
        ("10%", {"assigned": 9, "accepted": 1}, True),
        ("10%", {"assigned": 8, "failed": 1}, False),
        ("10%", {"assigned": 17, "accepted": 2}, False),
    ],
)
def test_how_many_may_not_be_as_wanted(allowed: object, tried: dict[str, int], good: bool) -> None:
    waves, problems = read(10, max_failures=allowed)
    assert problems == []
    assert (judge(waves, rows(**tried), 5) is None) == good


def test_the_error_says_what_to_do() -> None:
    error = judge(read(10, max_failures="5%")[0], rows(removed=90, failed=7, accepted=3), 4321)
    assert error is not None
    assert error.code == "canary_failed"
    assert error.details == {"tried": 100, "not_as_wanted": 10, "allowed": 5}
    assert "10 of 100 devices did not reach the wanted state (7 failed, 3 not confirmed)" in error.message
    assert f"{imei(90)} failed: why; " in error.message
    assert "and 5 more (see 'devices'" in error.message
    assert "4,321 more devices were not sent." in error.message
    assert "run again: finished changes stay" in error.message
    assert "callback_info" in error.message
    assert error.short == "the canary wave failed, 10 of 100 devices are not as wanted"
