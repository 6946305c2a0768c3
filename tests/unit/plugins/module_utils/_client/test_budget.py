# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared pace: pure functions first, then one budget for several threads over files."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client import budget as budget_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client.budget import (
    Budget,
    Pace,
    reserve,
    throttled,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.retry import RETRY_AFTER_CAP
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore, MemoryStore
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock

NOW = 1_000_000.0


def test_unlimited_until_told_otherwise() -> None:
    pace = Pace()
    assert [reserve(pace, NOW, 0.0) for _number in range(100)] == [0.0] * 100


def test_rate_limit_spaces_evenly() -> None:
    pace = Pace()
    assert [reserve(pace, NOW, 4.0) for _number in range(5)] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


def test_time_that_passed_is_not_saved_up() -> None:
    pace = Pace()
    reserve(pace, NOW, 2.0)
    assert [reserve(pace, NOW + 60, 2.0) for _number in range(3)] == pytest.approx([0.0, 0.5, 1.0])


def test_the_first_429_cuts_to_seven_tenths_of_what_passed() -> None:
    pace = Pace()
    for _number in range(20):
        reserve(pace, NOW, 0.0)
    throttled(pace, NOW + 0.5, 3.0)
    assert pace.refused_rate == 19.0
    assert pace.rate == pytest.approx(13.3)
    assert pace.blocked_until == NOW + 3.5


def test_the_window_before_counts_too() -> None:
    pace = Pace()
    for number in range(31):
        reserve(pace, NOW + number * 0.1, 0.0)
    throttled(pace, NOW + 3.1, 1.0)
    assert pace.refused_rate == pytest.approx(10.0, rel=0.15)


def test_first_burst_is_one_cut_less_all_that_was_refused_and_the_longest_pause_counts() -> None:
    pace = Pace()
    for _number in range(10):
        reserve(pace, NOW, 0.0)
    throttled(pace, NOW + 0.1, 1.0)
    throttled(pace, NOW + 0.2, 9.0)
    throttled(pace, NOW + 0.9, 2.0)
    assert pace.rate == pytest.approx(0.7 * (10 - 3))
    assert pace.blocked_until == NOW + 9.2


def test_later_burst_is_one_cut() -> None:
    pace = Pace(rate=10.0, refused_rate=14.0, cut_at=NOW - 5, last_rate=10.0)
    for offset in (0.0, 0.2, 0.9):
        throttled(pace, NOW + offset, 1.0)
    assert (pace.refused_rate, pace.rate) == (10.0, 7.0)


@pytest.mark.parametrize("refused", [1, 2, 4, 16])
def test_burst_that_is_refused_as_a_whole_does_not_slow_down_to_a_crawl(refused: int) -> None:
    pace = Pace()
    for _number in range(refused):
        reserve(pace, NOW, 0.0)
    for _number in range(refused):
        throttled(pace, NOW + 0.1, 5.0)
    # Nothing was learned about the rate that is allowed: somebody else may have used it up just then.
    assert pace.rate >= 0.7


def test_a_later_burst_cuts_again() -> None:
    pace = Pace(rate=10.0, refused_rate=14.0, cut_at=NOW - 5, last_rate=10.0)
    throttled(pace, NOW, 1.0)
    assert (pace.refused_rate, pace.rate) == (10.0, 7.0)


def test_everyone_pauses_then_goes_on_at_the_pace() -> None:
    pace = Pace(rate=2.0, refused_rate=4.0, cut_at=NOW, blocked_until=NOW + 5)
    assert [reserve(pace, NOW + 1, 0.0) for _number in range(3)] == pytest.approx([4.0, 4.5, 5.0])


@pytest.mark.parametrize(
    ("rate", "limit", "gap"), [(2.0, 0.0, 0.5), (2.0, 4.0, 0.5), (4.0, 2.0, 0.5), (0.0, 2.0, 0.5), (0.0, 0.0, 0.0)]
)
def test_the_smaller_of_learned_rate_and_limit_counts(rate: float, limit: float, gap: float) -> None:
    pace = Pace(rate=rate, refused_rate=rate, cut_at=NOW)
    first, second = reserve(pace, NOW, limit), reserve(pace, NOW, limit)
    assert second - first == pytest.approx(gap)


def test_forgotten_after_a_long_silence() -> None:
    pace = Pace(rate=1.0, refused_rate=2.0, cut_at=NOW, next_at=NOW)
    reserve(pace, NOW + budget_module.FORGET_AFTER, 0.0)
    assert pace.rate == 1.0
    pace = Pace(rate=1.0, refused_rate=2.0, cut_at=NOW, next_at=NOW)
    assert reserve(pace, NOW + budget_module.FORGET_AFTER + 1, 0.0) == 0.0
    assert (pace.rate, pace.refused_rate) == (0.0, 0.0)


@pytest.mark.parametrize(("quiet", "rate"), [(0, 7.0), (20, 7.0), (25, 7.7), (30, 8.4), (31, 8.5), (60, 8.5)])
def test_recovery_is_slow_and_stays_below_the_refused_rate(quiet: float, rate: float) -> None:
    pace = Pace(rate=7.0, refused_rate=10.0, cut_at=NOW, next_at=NOW)
    now = NOW + quiet
    gap = -reserve(pace, now, 0.0) + reserve(pace, now, 0.0)
    assert 1 / gap == pytest.approx(rate, rel=1e-3)


@given(refused=st.floats(0.5, 1000), quiet=st.floats(0, 60), limit=st.floats(0.01, 1000) | st.just(0.0))
def test_never_faster_than_the_refused_rate_or_the_limit(refused: float, quiet: float, limit: float) -> None:
    pace = Pace(rate=0.7 * refused, refused_rate=refused, cut_at=NOW, next_at=NOW)
    reserve(pace, NOW + quiet, limit)
    gap = pace.next_at - (NOW + quiet)
    allowed = min(0.85 * refused, limit) if limit else 0.85 * refused
    assert gap >= 1 / allowed - 1e-6


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans(), st.floats(0, 60)), max_size=60))
def test_any_history_keeps_the_state_sane(events: list[tuple[float, bool, float]]) -> None:
    pace, now = Pace(), NOW
    for passed, is_429, wait in events:
        now += passed
        if is_429:
            throttled(pace, now, wait)
            assert pace.rate >= budget_module.SLOWEST
            assert pace.rate <= pace.refused_rate
            assert pace.blocked_until >= now + wait
        else:
            delay = reserve(pace, now, 0.0)
            assert delay >= 0.0
            assert now + delay >= pace.blocked_until or now + delay >= now


def test_a_cut_after_recovery_starts_from_what_was_really_being_sent() -> None:
    pace = Pace(rate=7.0, refused_rate=10.0, cut_at=NOW, next_at=NOW)
    now = NOW + 40.0
    while now < NOW + 50.0:
        now += reserve(pace, now, 0.0)
    throttled(pace, now, 1.0)
    # It had recovered to 8.5 requests a second.
    assert pace.rate == pytest.approx(0.7 * 8.5, rel=0.02)


def test_a_limit_that_was_passing_is_outgrown() -> None:
    pace = Pace()
    reserve(pace, NOW, 0.0)
    throttled(pace, NOW, 0.0)
    assert pace.rate == pytest.approx(0.7)
    now, sent = NOW, 0
    while now < NOW + 300.0:
        now += max(reserve(pace, now, 0.0), 0.01)
        sent += 1
    assert sent > 5000, "a single 429 at the start does not slow a long run down for good"


def test_a_probe_that_meets_the_limit_makes_the_next_one_come_twice_as_late() -> None:
    pace, times = Pace(), [NOW]
    now = NOW
    for _number in range(20):
        reserve(pace, now, 0.0)
    throttled(pace, now, 0.0)
    while now < NOW + 4 * 3600.0:
        now += max(reserve(pace, now, 0.0), 0.02)
        if pace.next_at - now < 1 / 20.0:  # the server allows 20 a second
            throttled(pace, now, 1.0)
            times.append(now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [round(gap / 900) for gap in gaps] == [1, 2, 4, 4, 4]


def test_clock_that_was_set_back_does_not_make_everyone_wait_for_a_day() -> None:
    pace = Pace(blocked_until=NOW + 86_400)
    assert reserve(pace, NOW, 0.0) <= RETRY_AFTER_CAP + 1.0


def test_a_pause_is_shared_by_everyone_with_the_same_store() -> None:
    clock, store = Clock(), MemoryStore()
    one, two, elsewhere = (Budget(store, name, 0.0, clock) for name in ("a", "a", "b"))
    one.throttled(5.0)
    assert two.reserve() == 5.0
    assert elsewhere.reserve() == 0.0


def test_state_of_a_damaged_or_newer_file_is_taken_as_far_as_it_goes() -> None:
    clock, store = Clock(), MemoryStore()
    with store.transaction("a") as state:
        state.update(rate="fast", unheard_of=1, blocked_until=clock() + 2)
    assert Budget(store, "a", 0.0, clock).reserve() == 2.0


def test_four_threads_over_one_file_never_exceed_the_rate(tmp_path: Path) -> None:
    clock = Clock()
    slots: list[float] = []
    directory = str(tmp_path / "run")

    def work() -> None:
        budget = Budget(FileStore(directory), "a", 10.0, clock)
        slots.extend(clock() + budget.reserve() for _number in range(25))

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slots.sort()
    assert len(slots) == 100
    assert [later - sooner for sooner, later in itertools.pairwise(slots)] == pytest.approx([0.1] * 99)
