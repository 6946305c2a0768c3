# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Looks for devices with very few pages of a large ordered list, of which only the beginning was read.

Source: "Only return devices with IMEIs larger than this value" (the pages that list devices). So the page after a
device of the account shows its neighbors. How far a page goes is estimated by the last one that was read.

If the devices that the task names are so far from each other that the pages would probably show less than half of them,
nothing is read. A later run names the same devices, so it knows no less, whatever has been done meanwhile.
"""

from __future__ import annotations

import typing as t

from .._client.paging import FIRST
from .._errors import ApiError, LicensingError
from .facts import Facts
from .offered import can_do_without
from .places import Run, fullest, shown
from .search import Fetch, Found, Search, refuses_place


def look_near(
    fetch: Fetch, wish: Search, beginning: t.Sequence[str], most: int, tell: t.Callable[[int], None]
) -> Found:
    """Look for devices.

    :param beginning: the ids on the first page. Only decimal ids of the same length can be expected anywhere.
    :param most: how many pages to read at most.
    :param tell: gets the number of devices read so far.
    :raises LicensingError: there was no answer at all.
    """
    look, named = _Look(wish, beginning), {*wish.wanted, *wish.also}
    error: LicensingError | None = None
    if 2 * shown(_Look(wish._replace(wanted=named), beginning).fullest(most)) < len(named):
        most = 0
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
