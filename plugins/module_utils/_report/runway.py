# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How long a pool lasts: recent assignments, and when the pool is empty if they continue. Pure.

There is not always a rate: a single import, a few devices, or a pool that is only days old have none.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

RunwayVerdict = t.Literal["unknown", "empty", "no_assignment", "too_few", "not_growing", "far", "dated"]

MIN_ASSIGNMENTS = 10
MIN_DAYS = 5
MIN_SPAN = 14
FAR = 730
"""Dates more than this many days ahead are not shown."""

Basis = t.Literal["", "dates", "history"]


class Point(t.NamedTuple):
    """How many licenses were assigned on an earlier day."""

    day: datetime.date
    assigned: int


@dataclasses.dataclass(frozen=True)
class Runway:
    """How long a pool lasts.

    :param basis: C(dates), the assignment dates of the current licenses; C(history), the counts of earlier reports.
    :param last_30: current licenses that were assigned in the last 30 days, C(last_90) in the last 90.
    :param active_days: days of those 90 with an assignment.
    :param span: days over which the rate is computed.
    :param per_day: slowest and fastest rate.
    :param empty_from: the first day on which the pool is empty at the fastest rate, C(empty_to) at the slowest.
    """

    verdict: RunwayVerdict
    basis: Basis = ""
    last_30: int | None = None
    last_90: int | None = None
    active_days: int | None = None
    span: int | None = None
    per_day: tuple[float, float] | None = None
    empty_from: str | None = None
    empty_to: str | None = None
    days: int | None = None

    def as_document(self) -> dict[str, t.Any]:
        """Plain values."""
        rates = [round(rate, 2) for rate in self.per_day] if self.per_day else None
        return {**dataclasses.asdict(self), "per_day": rates}


def runway(
    available: int | None,
    days: t.Mapping[str, int] | None,
    today: datetime.date,
    history: t.Sequence[Point] = (),
) -> Runway:
    """How long this many free licenses last.

    :param days: how many of the current licenses were assigned on each day; None if that is unknown.
    :param history: counts of earlier days, oldest first; the last one is of today.
    """
    if available is None:
        return Runway("unknown")
    seen = _assigned(days, today) if days is not None else Runway("unknown")
    if available <= 0:
        return dataclasses.replace(seen, verdict="empty", days=0)
    net = _net(history, today)
    if net is not None:
        span, rate = net
        base = dataclasses.replace(seen, basis="history", span=span)
        return _dated(base, available, [rate], today) if rate > 0 else dataclasses.replace(base, verdict="not_growing")
    if seen.verdict != "dated" or seen.span is None:
        return seen
    rates = [(seen.last_90 or 0) / seen.span]
    if seen.span >= 30 and seen.last_30:
        rates.append(seen.last_30 / 30)
    return _dated(seen, available, rates, today)


def _assigned(days: t.Mapping[str, int], today: datetime.date) -> Runway:
    """What the assignment dates show. The verdict is C(dated) if they give a rate."""
    ages = {(today - datetime.date.fromisoformat(day)).days: count for day, count in days.items()}
    lately = {age: count for age, count in ages.items() if age < 90}
    last_90, last_30 = sum(lately.values()), sum(count for age, count in lately.items() if age < 30)
    # A pool that was started a month ago was not idle in the two months before.
    span = min(90, max(ages, default=0) + 1)
    verdict: RunwayVerdict = "dated"
    if not last_90:
        verdict = "no_assignment"
    elif last_90 < MIN_ASSIGNMENTS or len(lately) < MIN_DAYS or span < MIN_SPAN:
        verdict = "too_few"
    return Runway(verdict, "dates", last_30, last_90, len(lately), span)


def _net(history: t.Sequence[Point], today: datetime.date) -> tuple[int, float] | None:
    """Over how many days, and by how many licenses a day, the pool was used up. Returned licenses count."""
    lately = [point for point in history if 0 <= (today - point.day).days <= 90]
    if len(lately) < MIN_DAYS:
        return None
    span = (today - lately[0].day).days
    return (span, (lately[-1].assigned - lately[0].assigned) / span) if span >= MIN_SPAN else None


def _dated(base: Runway, available: int, rates: t.Sequence[float], today: datetime.date) -> Runway:
    soon, late = int(available / max(rates)), int(available / min(rates))
    found = dataclasses.replace(base, per_day=(min(rates), max(rates)))
    if soon > FAR:
        return dataclasses.replace(found, verdict="far")
    last = (today + datetime.timedelta(late)).isoformat() if late <= FAR else None
    first = (today + datetime.timedelta(soon)).isoformat()
    return dataclasses.replace(found, verdict="dated", empty_from=first, empty_to=last, days=soon)
