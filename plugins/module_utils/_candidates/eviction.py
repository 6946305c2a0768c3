# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The eviction forecast: which devices lose their license when the subscription shrinks. Pure.

Documented order (create page of the candidate list): the listed devices in their order, then those that hold their
license longest. Not documented: what decides between licenses that were assigned at the same time.
"""

from __future__ import annotations

import bisect
import datetime
import typing as t

from .._text.former_names import with_former_names
from .._text.timestamps import parse_time

Reason = t.Literal["listed", "oldest"]


class Eviction(t.NamedTuple):
    """A device that would lose its license.

    :param place: its position in the order of evictions, from 1.
    :param assigned_at: as ThingSpace returned it.
    :param certain: whether it loses the license in any order of the devices that were assigned at the same time.
    :param upgraded: whether its firmware was upgraded, so that no request could remove the license; None if that is not
        known. An eviction excepts no device (cancel page), so it is the only way in which such a license comes back.
    """

    place: int
    device_id: str
    reason: Reason
    assigned_at: str
    certain: bool
    upgraded: bool | None = None


class Forecast(t.NamedTuple):
    """The effect of a subscription of this size.

    :param shrink_to: the number of purchased licenses after the change.
    :param assigned: licenses of the account held now.
    :param unnamed: how many devices beyond C(evictions) would lose theirs. Which ones is not known, because not all
        licenses are listed.
    :param evictions: the devices that would lose their license, in that order.
    :param tied: devices that may lose it in place of an uncertain one.
    :param without_license: devices on the list that hold no license, so listing them has no effect.
    """

    shrink_to: int
    assigned: int
    evictions: list[Eviction]
    tied: list[str]
    without_license: list[str]
    unnamed: int = 0

    @property
    def evicted(self) -> int:
        """How many devices would lose their license."""
        return len(self.evictions) + self.unnamed

    @property
    def beyond_list(self) -> int:
        """How many devices lose their license only because of its age. No unnamed device is known to be on the list."""
        return sum(eviction.reason == "oldest" for eviction in self.evictions) + self.unnamed

    @property
    def certain(self) -> bool:
        """Whether it is known of each device whether it loses its license."""
        return not self.unnamed and all(eviction.certain for eviction in self.evictions)

    @property
    def upgraded(self) -> int:
        """How many of them are known to hold a license that no request could remove."""
        return sum(bool(eviction.upgraded) for eviction in self.evictions)

    @property
    def upgraded_unknown(self) -> int:
        """Of how many of them that is not known."""
        return sum(eviction.upgraded is None for eviction in self.evictions) + self.unnamed

    def with_upgrades(self, upgrades: t.Mapping[str, str | None]) -> Forecast:
        """The same forecast, with what is known of upgrades.

        :param upgrades: when each device was last upgraded; empty if it never was.
        """

        def marked(eviction: Eviction) -> Eviction:
            known = upgrades.get(eviction.device_id)
            return eviction if known is None else eviction._replace(upgraded=bool(known))

        return self._replace(evictions=[marked(eviction) for eviction in self.evictions])

    def as_result(self, most: int) -> dict[str, t.Any]:
        """The C(forecast) value of the module's result.

        :param most: how many of the tied devices to name; 0 to name no device at all.
        """
        values = {
            "shrink_to": self.shrink_to,
            "assigned": self.assigned,
            "evicted": self.evicted,
            "from_list": self.evicted - self.beyond_list,
            "beyond_list": self.beyond_list,
            "upgraded": self.upgraded,
            "upgraded_unknown": self.upgraded_unknown,
            "certain": self.certain,
            "unnamed": self.unnamed,
            "devices": [eviction._asdict() for eviction in self.evictions] if most else [],
            "tied": self.tied[:most],
            "tied_count": len(self.tied),
            "without_license": self.without_license if most else [],
        }
        return with_former_names(values)

    def as_rows(self) -> list[tuple[str, ...]]:
        """The devices that would lose their license, one row each."""
        said = {True: "yes", False: "no", None: ""}
        return [
            (str(row.place), row.device_id, row.reason, row.assigned_at, said[row.certain], said[row.upgraded])
            for row in self.evictions
        ]


def forecast(
    shrink_to: int, licenses: t.Sequence[tuple[str, str]], candidates: t.Iterable[str], elsewhere: int = 0
) -> Forecast:
    """The devices that would lose their license in a smaller subscription.

    :param licenses: (device id, assignment time) of every licensed device that is listed.
    :param candidates: the list, in its order.
    :param elsewhere: licenses of the account whose devices are not listed. Each of them may go first.
    """
    times = dict(licenses)
    listed = list(dict.fromkeys(candidates))
    assigned = len(times) + elsewhere
    cut = max(0, assigned - shrink_to)
    holding = [(place, device) for place, device in enumerate(listed) if device in times][:cut]
    # Of the candidates before it that are not known to hold a license, as many may as there are such licenses.
    before = {device: min(place - known, elsewhere) + known for known, (place, device) in enumerate(holding)}
    first = [device for _place, device in holding if before[device] < cut]
    evictions = [Eviction(place, device, "listed", times[device], True) for place, device in enumerate(first, 1)]
    left = cut - len(holding)
    sure = max(0, left - elsewhere)
    others, tied = _oldest(times, set(listed), sure)
    evictions += [
        Eviction(place, device, "oldest", times[device], certain)
        for place, (device, certain) in enumerate(others, len(evictions) + 1)
    ]
    if sure < left:
        named = {device for device, _certain in others}
        some, more = _oldest(times, set(listed), left)
        tied = [
            device for device in dict.fromkeys([*(device for device, _certain in some), *more]) if device not in named
        ]
    tied = [*(device for _place, device in holding if before[device] >= cut), *tied]
    lacking = [] if elsewhere else [device for device in listed if device not in times]
    return Forecast(shrink_to, assigned, evictions, tied, lacking, cut - len(evictions))


def _oldest(times: t.Mapping[str, str], listed: set[str], count: int) -> tuple[list[tuple[str, bool]], list[str]]:
    """The oldest unlisted devices, each with whether it is certain; and those that may replace an uncertain one."""
    if count <= 0:
        return [], []
    aged: list[tuple[datetime.datetime, str]] = []
    unread: list[str] = []
    for device, text in times.items():
        time = None if device in listed else parse_time(text)
        if time is not None:
            aged.append((time, device))
        elif device not in listed:
            unread.append(device)
    aged.sort()
    known = [time for time, _device in aged]
    # An unreadable time can be any time, so such a device may come before all others or after them.
    certain_until, possible_until = _known_range(known, count, len(unread))
    order = [device for _time, device in aged] + sorted(unread)
    all_go = count >= len(order)
    chosen = [(device, all_go or place < certain_until) for place, device in enumerate(order[:count])]
    tied = order[count : max(count, possible_until)] + [
        device for device in sorted(unread) if device not in order[:count]
    ]
    return chosen, [] if all_go else list(dict.fromkeys(tied))


def _known_range(known: list[datetime.datetime], count: int, unread: int) -> tuple[int, int]:
    """Positions in the sorted times: up to where all devices certainly go, and up to where some may go."""
    certain = count - unread
    if 0 < certain < len(known):
        # Devices assigned at the same time as the first one that may stay are not certain, either.
        certain = bisect.bisect_left(known, known[certain])
    possible = bisect.bisect_right(known, known[count - 1]) if 0 < count <= len(known) else len(known)
    return max(0, certain), possible
