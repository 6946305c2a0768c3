# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Looks for devices with very few pages of a large ordered list, of which only the beginning was read.

Source: "Only return devices with IMEIs larger than this value" (the pages that list devices). So the page after a
device of the account shows its neighbors. How far a page goes is estimated by the last one that was read. Nothing is
read if the pages would show less than half of the devices: then the requests would change little.
"""

from __future__ import annotations

import typing as t

from .._client.paging import FIRST
from .._errors import ApiError, LicensingError
from .._thingspace.check_digit import check_digit
from .facts import Facts
from .offered import can_do_without
from .places import Run, fullest, lonely, shown
from .search import Fetch, Found, Search, refuses_place

FAR = 10
"""If it takes so many pages to get from a known device to a wanted one, one request is worth a guess."""


def look_near(
    fetch: Fetch, wish: Search, beginning: t.Sequence[str], most: int, tell: t.Callable[[int], None]
) -> Found:
    """Look for devices.

    :param beginning: the ids on the first page. Only decimal ids of the same length can be expected anywhere.
    :param most: how many pages to read at most.
    :param tell: gets the number of devices read so far.
    :raises LicensingError: there was no answer at all.
    """
    look = _Look(wish, beginning)
    error: LicensingError | None = None
    if 2 * shown(look.fullest(most)) >= len(wish.wanted):
        try:
            for pages in range(most, 0, -1):
                for run in look.fullest(pages)[:1]:
                    look.read(fetch, run.start)
                    tell(look.count)
        except LicensingError as one:
            if not can_do_without(one):
                raise
            error = one
    return Found(look.facts, set(), error, look.unread)


def guesses(wish: Search, beginning: t.Sequence[str]) -> set[str]:
    """Ids right before those devices that are far from each known one. For parameters, see C(look_near).

    Devices that were bought together often have consecutive numbers. So such an id may be one of the account, at which
    a page can begin. If it is not, that costs one request.
    """
    return {_before(device) for device in _Look(wish, beginning).far()}


def _before(device: str) -> str:
    """The previous id, with its check digit if the device has one."""
    unit = device[:-1]
    if device[-1] == check_digit(unit):
        previous = str(int(unit) - 1).zfill(len(unit))
        return previous + check_digit(previous)
    return str(int(device) - 1).zfill(len(device))


class _Look:
    """What is still looked for, and where a page can begin.

    :ivar count: how many devices were read.
    """

    def __init__(self, wish: Search, beginning: t.Sequence[str]) -> None:
        self.facts: dict[str, Facts] = {}
        self.count = 0
        self._meant, self._also = frozenset(wish.wanted), wish.also
        self._length = len(beginning[0]) if beginning else 0
        first = self._numbered(beginning) or {0: FIRST}
        before = min(first) - 1
        self._reach = max(first) - before
        self._places = {**self._numbered(wish.known), before: FIRST}
        self._left = self._numbered(wish.wanted)
        self._odd = len(self._left) < len(wish.wanted)

    @property
    def unread(self) -> bool:
        """Whether pages on which wanted devices would be were not read."""
        return self._odd or bool(self._left)

    def fullest(self, most: int) -> list[Run]:
        """Which pages to read for the devices that are left."""
        return fullest(sorted(self._places), sorted(self._left), self._reach, most)

    def far(self) -> list[str]:
        """The devices to which it takes many pages from each place."""
        return [self._left[one] for one in lonely(sorted(self._places), sorted(self._left), FAR * self._reach)]

    def read(self, fetch: Fetch, start: int) -> None:
        """Read the page after a place. No page begins there again, also if the server refuses it."""
        place = self._places.pop(start)
        try:
            page = fetch(place)
        except ApiError as error:
            if place == FIRST or not refuses_place(error):
                raise
            return
        self.count += len(page.devices)
        self.facts.update(
            {one: facts for one, facts in page.devices.items() if one in self._meant or one in self._also}
        )
        ids = self._numbered(page.devices)
        end = max(ids, default=start)
        self._left = {one: device for one, device in self._left.items() if one <= start or (page.more and one > end)}
        if end > start:
            self._reach = end - start
            self._places[end] = ids[end]

    def _numbered(self, ids: t.Iterable[str]) -> dict[int, str]:
        """Those that can be compared with each other as numbers."""
        return {int(one): one for one in ids if len(one) == self._length and one.isascii() and one.isdecimal()}
