# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where a page of an ordered list may begin: at a device of the account that is near to the wanted ones. Pure."""

from __future__ import annotations

import bisect
import typing as t

REFUSED_IN_A_ROW = 20
"""After so many refused cursors in a row, only those are used that ThingSpace names."""


class Run(t.NamedTuple):
    """Pages that follow each other and are not read yet.

    :param start: the id at which the first one begins, as a number.
    :param pages: how many there are.
    :param devices: the ids of wanted devices that they probably show, likewise.
    """

    start: int
    pages: int
    devices: t.Sequence[int]


def fullest(starts: t.Sequence[int], wanted: t.Sequence[int], reach: int, most: int) -> list[Run]:
    """Which pages to read so that they probably show many of the wanted devices. None are read to show nothing.

    A page begins after its start. So of a group of neighbors, it does not show the one at which it begins.

    :param starts: ids at which a page can begin, as numbers, in order.
    :param wanted: the ids that are looked for, likewise.
    :param reach: how far a page goes, as the difference between ids.
    :param most: how many pages to choose at most.
    """
    best: list[Run] = []
    for pages in range(1, most + 1):
        count, first, start = max(_counted(starts, wanted, pages * reach), key=lambda run: run[0], default=(0, 0, 0))
        if not count:
            continue
        rest = [*wanted[:first], *wanted[first + count :]]
        runs = [Run(start, pages, wanted[first : first + count]), *fullest(starts, rest, reach, most - pages)]
        best = max(best, runs, key=shown)
    return best


def shown(runs: t.Iterable[Run]) -> int:
    """How many wanted devices these pages probably show."""
    return sum(len(run.devices) for run in runs)


def _counted(starts: t.Sequence[int], wanted: t.Sequence[int], reach: int) -> t.Iterator[tuple[int, int, int]]:
    """For each wanted device what follows the start before it, if that probably shows it. No other start shows more.

    :returns: how many wanted devices it shows, the index of the first one, and the start.
    """
    for device in wanted:
        start = _start(starts, device, reach)
        if start is not None:
            first = bisect.bisect_right(wanted, start)
            yield bisect.bisect_right(wanted, start + reach) - first, first, start


def _start(starts: t.Sequence[int], device: int, reach: int) -> int | None:
    """The last start before a device, if it is near."""
    index = bisect.bisect_left(starts, device) - 1
    return starts[index] if index >= 0 and device - starts[index] <= reach else None


class Places:
    """Where a page may begin.

    :param known: ids in order.
    :param last: an id that must be on the page after the place before it, because the list may end there; or empty.
    :ivar in_a_row: how many of them were refused since the last one was not.
    """

    def __init__(self, known: t.Sequence[str], last: str = "") -> None:
        self._known, self._last = known, last
        self._refused: set[str] = set()
        self.in_a_row = 0

    def before(self, device: str, reached: str) -> str:
        """The last place before a device; C(reached) if there is none after it. Refused ones are passed ever faster."""
        index = bisect.bisect_left(self._known, device)
        back = 2 if index and self._known[index - 1] == self._last else 1
        while self.in_a_row < REFUSED_IN_A_ROW and index >= back and self._known[index - back] > reached:
            if self._known[index - back] not in self._refused:
                return self._known[index - back]
            back *= 2
        return reached

    def refuse(self, place: str, *, one_of_many: bool) -> None:
        """Never give this place again.

        :param one_of_many: whether others may be accepted.
        """
        self._refused.add(place)
        self.in_a_row += 1 if one_of_many else REFUSED_IN_A_ROW
