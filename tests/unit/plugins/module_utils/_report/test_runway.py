# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a pool lasts, with numbers worked out by hand, and never more precise than they are."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._report.runway import FAR, Point, runway
from ansible_collections.thingspace.licensing.plugins.module_utils._report.wording import runway_words

TODAY = datetime.date(2026, 11, 21)


def ago(days: int) -> datetime.date:
    return TODAY - datetime.timedelta(days)


def daily(count: int, *bounds: int) -> dict[str, int]:
    """So many assignments on each of some days; the bounds are as for C(range), in days ago."""
    return {ago(days).isoformat(): count for days in range(*bounds)}


def words(available: int | None, days: dict[str, int] | None, history: t.Sequence[Point] = ()) -> str:
    return runway_words(runway(available, days, TODAY, history).as_document(), TODAY)


def test_a_steady_rate() -> None:
    """Two a day for 90 days, three a day in the last 30 of them: 100 last 33 to 42 days."""
    found = runway(100, {**daily(3, 30), **daily(2, 30, 90)}, TODAY)
    assert (found.verdict, found.basis, found.last_30, found.last_90, found.span) == ("dated", "dates", 90, 210, 90)
    assert found.per_day == (210 / 90, 3.0)
    assert (found.empty_from, found.empty_to, found.days) == ("2026-12-24", "2027-01-02", 33)
    assert words(100, {**daily(3, 30), **daily(2, 30, 90)}) == (
        "at this rate empty between 24 December 2026 and 2 January 2027 (2.3 to 3 a day by assignment dates)"
    )


def test_two_rates_that_agree_make_no_day_certain() -> None:
    assert words(100, daily(2, 90)) == "at this rate empty about 10 January 2027 (2 a day by assignment dates)"
    assert words(300, daily(2, 90)) == "at this rate empty in April 2027 (2 a day by assignment dates)"


@pytest.mark.parametrize(
    ("available", "days", "told"),
    [
        (None, daily(2, 90), "unknown: there are neither assignment dates nor enough earlier reports"),
        (5, None, "unknown: there are neither assignment dates nor enough earlier reports"),
        (0, daily(2, 90), "empty"),
        (-3, None, "empty"),
        (5, {}, "no current license was assigned in 90 days"),
        (5, daily(9, 90, 400), "no current license was assigned in 90 days"),
        (
            5,
            {ago(0).isoformat(): 5000, ago(200).isoformat(): 1},
            "too few to tell: 5,000 assignments on 1 day in 90 days",
        ),
        (5, {**daily(1, 9), ago(300).isoformat(): 1}, "too few to tell: 9 assignments on 9 days in 90 days"),
        (5, daily(100, 13), "too few to tell: 1,300 assignments on 13 days in 13 days"),
        (10**9, daily(1, 90), "lasts more than two years (1 a day by assignment dates)"),
        (
            720,
            {**daily(1, 30), **daily(0, 30, 90), ago(89).isoformat(): 1},
            "at this rate empty not before November 2028, and maybe not within two years "
            "(0.3 to 1 a day by assignment dates)",
        ),
    ],
)
def test_nothing_is_told_that_is_not_known(available: int | None, days: dict[str, int] | None, told: str) -> None:
    assert words(available, days) == told


def test_a_pool_that_began_three_weeks_ago() -> None:
    """Was not idle before: its rate is that of 21 days, not of 90."""
    found = runway(42, daily(2, 21), TODAY)
    assert (found.span, found.per_day, found.days) == (21, (2.0, 2.0), 21)


def test_counts_of_earlier_reports_know_what_was_given_back() -> None:
    """Two a day were assigned, and only one a day was used up."""
    history = [Point(ago(days), 1000 - days) for days in (80, 60, 40, 20, 0)]
    found = runway(50, daily(2, 90), TODAY, history)
    assert (found.basis, found.span, found.per_day, found.empty_from) == ("history", 80, (1.0, 1.0), "2027-01-10")
    assert words(50, None, history) == "at this rate empty about 10 January 2027 (1 a day by the counts of 80 days)"
    shrinking = [point._replace(assigned=2000 - point.assigned) for point in history]
    assert words(50, daily(2, 90), shrinking) == "use did not grow in 80 days"


@pytest.mark.parametrize("days", [(80, 60, 40, 0), (13, 9, 6, 3, 0), (400, 300, 200, 100, 95)])
def test_too_little_history_counts_for_nothing(days: tuple[int, ...]) -> None:
    assert runway(50, None, TODAY, [Point(ago(day), 1000 - day) for day in days]).verdict == "unknown"


@given(
    st.one_of(st.none(), st.integers(-5, 10**7)),
    st.one_of(
        st.none(),
        st.dictionaries(
            st.integers(-3, 800).map(lambda days: ago(days).isoformat()), st.integers(1, 10**5), max_size=60
        ),
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10**6)), max_size=8),
)
def test_any_input(available: int | None, days: dict[str, int] | None, counts: list[tuple[int, int]]) -> None:
    history = sorted(Point(ago(age), assigned) for age, assigned in counts)
    found = runway(available, days, TODAY, history)
    assert words(available, days, history)
    if found.verdict == "dated":
        assert found.per_day is not None
        assert found.empty_from is not None
        assert available is not None
        assert 0 < found.per_day[0] <= found.per_day[1]
        assert found.days is not None
        assert 0 <= found.days <= FAR
        assert found.days <= available / found.per_day[1] < found.days + 1
        assert found.empty_to is None or found.empty_from <= found.empty_to
    else:
        assert (found.empty_from, found.empty_to) == (None, None)
