# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Freeze windows: times in which an account is not changed."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t
import zoneinfo

from .schema import DAYS

What = t.Literal["all", "removals"]

_DAY = datetime.timedelta(days=1)
_NOTHING = datetime.timedelta()
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d))?")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_WHOLE_DAY = (0, 24 * 60)
FOREVER = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
"""The end of a window without an end."""
_STRETCHES = 400
"""How many windows in a row, without a gap, are examined to find the end: more than a year of days."""


@dataclasses.dataclass(frozen=True)
class FreezeWindow:
    """One window. A time is in it if it matches everything that is given.

    :param begin: first time, in the window's time zone.
    :param end: first time after the window.
    :param days: days of the week; 0 is Monday.
    :param hours: minutes of the day; if the second number is not larger, it belongs to the next day.
    :param what: what is not done in the window.
    """

    name: str
    begin: datetime.datetime | None
    end: datetime.datetime | None
    days: frozenset[int]
    hours: tuple[int, int]
    zone: datetime.tzinfo
    what: What

    def ends(self, time: datetime.datetime) -> datetime.datetime | None:
        """When the part of the window that contains this time ends; None if the time is not in the window."""
        if (self.begin and time < self.begin) or (self.end and time >= self.end):
            return None
        if len(self.days) == len(DAYS) and self.hours == _WHOLE_DAY:
            return self.end or FOREVER
        local = time.astimezone(self.zone)
        first, last = self.hours
        for date in (local.date(), local.date() - _DAY):
            midnight = datetime.datetime.combine(date, datetime.time(), self.zone)
            begins = midnight + datetime.timedelta(minutes=first)
            ends = midnight + datetime.timedelta(minutes=last) + (_DAY if last <= first else _NOTHING)
            if begins <= local < ends and date.weekday() in self.days:
                return min(ends, self.end) if self.end else ends
        return None


class Frozen(t.NamedTuple):
    """Why an account is not changed now.

    :param until: the first time at which it may be changed, with its zone.
    """

    name: str
    until: datetime.datetime
    what: What


def read_window(settings: t.Mapping[str, t.Any]) -> tuple[FreezeWindow | None, list[str]]:
    """A window from a file or an option. Returns it with all problems.

    :param settings: texts C(name), C(from), C(until), C(hours), C(timezone), and C(what), and the list C(days).
    """
    wrong: list[str] = []
    if not str(settings.get("name") or "").strip():
        wrong.append("it lacks 'name', which gives the reason")
    if not any(settings.get(name) for name in ("from", "until", "days", "hours")):
        wrong.append("it lacks all of 'from', 'until', 'days' and 'hours', and would never end")
    zone = _zone(settings, wrong)
    begin, end = (_time(settings, name, zone, wrong) for name in ("from", "until"))
    if begin and end and begin >= end:
        wrong.append(f"'until' {settings['until']} is not after 'from' {settings['from']}")
    what = settings.get("what") or "all"
    if what not in ("all", "removals"):
        wrong.append(f"'what' is '{str(what)[:40]}'; it must be all or removals")
    days, hours = _days(settings, wrong), _hours(settings, wrong)
    if wrong:
        return None, wrong
    return FreezeWindow(str(settings["name"]), begin, end, days, hours, zone, t.cast(What, what)), []


def read_windows(entries: t.Sequence[t.Any]) -> tuple[list[FreezeWindow], list[str]]:
    """All windows of an option C(freeze). Returns them with all problems."""
    found, problems = [], []
    for place, entry in enumerate(entries, 1):
        window, wrong = read_window(entry if isinstance(entry, dict) else {})
        problems += [f"entry {place} of 'freeze': {text}." for text in wrong]
        if window is not None:
            found.append(window)
    return found, problems


def frozen(windows: t.Iterable[FreezeWindow], now: datetime.datetime, *, removing: bool) -> Frozen | None:
    """The window that forbids changes now, and when the last window that follows it without a gap ends.

    :param removing: whether licenses would be removed.
    """
    binding = [window for window in windows if removing or window.what == "all"]
    first, time = None, now
    for _stretch in range(_STRETCHES):
        ends = [(ends, window) for window in binding if (ends := window.ends(time))]
        if not ends:
            break
        time, window = max(ends, key=lambda pair: pair[0])
        first = first or window
        if time >= FOREVER:
            break
    return Frozen(first.name, time, first.what) if first else None


def _zone(settings: t.Mapping[str, t.Any], wrong: list[str]) -> datetime.tzinfo:
    name = settings.get("timezone") or "UTC"
    if name == "UTC":
        return datetime.timezone.utc
    try:
        return zoneinfo.ZoneInfo(str(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        wrong.append(f"'timezone' '{str(name)[:60]}' {_unknown_zone()}")
        return datetime.timezone.utc


def _unknown_zone() -> str:
    if zoneinfo.available_timezones():
        return "is not known here; use a name like Europe/Berlin, or UTC"
    return (
        "cannot be looked up, because there is no time zone data on this machine. Install the Python package tzdata "
        "for the Python of the task (pip install tzdata), or the package tzdata of the system; or write the times in "
        "UTC and leave out 'timezone'"
    )


def _time(
    settings: t.Mapping[str, t.Any], name: str, zone: datetime.tzinfo, wrong: list[str]
) -> datetime.datetime | None:
    """A timestamp. A date alone means the whole day."""
    given = settings.get(name)
    if not given:
        return None
    match = _TIMESTAMP.fullmatch(str(given).strip())
    try:
        if match:
            time = datetime.datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}").replace(tzinfo=zone)
            return time + (_DAY if name == "until" and not match[2] else _NOTHING)
    except (ValueError, OverflowError):
        pass
    wrong.append(f"'{name}' is '{str(given)[:40]}'; write it like 2026-12-20 or 2026-12-20 18:00")
    return None


def _days(settings: t.Mapping[str, t.Any], wrong: list[str]) -> frozenset[int]:
    given = settings.get("days") or list(DAYS)
    if not isinstance(given, (list, tuple)) or any(day not in DAYS for day in given):
        wrong.append(f"'days' must be a list of {', '.join(DAYS)}")
        return frozenset()
    return frozenset(DAYS.index(day) for day in given)


def _hours(settings: t.Mapping[str, t.Any], wrong: list[str]) -> tuple[int, int]:
    given = settings.get("hours")
    if not given:
        return _WHOLE_DAY
    match = _HOURS.fullmatch(str(given).strip())
    if not match:
        wrong.append(f"'hours' is '{str(given)[:40]}'; write them like 18:00-06:00")
        return 0, 0
    last = int(match[3]) * 60 + int(match[4]) if match[3] else 24 * 60
    return int(match[1]) * 60 + int(match[2]), last
