# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads a list as a chain of pages, and tells whether each page surely follows the one before.

A cursor that names the last device of its page cannot miss one, whatever others change in the meantime. A record number
can, see C(Overlap). Source: the public SDK calls the C(startIndex) of v1 a "zero-based number of the first record"; the
pages of ThingSpace call it an IMEI.
"""

from __future__ import annotations

import re

from .._errors import IncompleteList
from .overlap import Overlap
from .page import Fetch, Page, following

_UNIT = 14
"""The digits of an IMEI that name the device (3GPP TS 23.003, 6.2.1)."""


class Chain:
    """One reading.

    :param overlapping: whether pages that are read by record number overlap.
    :ivar sure: whether each page surely follows the one before.
    :ivar by_number: whether the cursors are record numbers.
    """

    def __init__(self, fetch: Fetch, *, overlapping: bool) -> None:
        self._fetch, self._overlap = fetch, Overlap(on=overlapping)
        self.sure, self.by_number = True, False

    def following(self, page: Page, count: int) -> Page:
        """The page after this one, without what is on both.

        :param count: how many devices the list has up to the end of this page.
        :raises IncompleteList: it does not follow.
        """
        last = page.devices[-1][0]
        if _names(page.cursor, last):
            return self._after(page, last)
        if page.cursor == str(count):
            self.by_number = True
            if self._overlap.is_possible(len(page.devices)):
                found = self._overlap.page(lambda number: self._fetch(str(number)), count, last, _first)
                if found is not None:
                    return found._replace(devices=found.devices[1:])
        found = following(self._fetch, page.cursor)
        # Not documented: a cursor that names the device with which the next page begins.
        self.sure = self.sure and bool(found.devices) and found.devices[0][0] == page.cursor
        return found

    def _after(self, page: Page, last: str) -> Page:
        """The page after the last device of this one.

        A license can outlive its device, which is no position any more. Then the page after the device before it has
        both, unless the license is gone, too.

        :raises IncompleteList: it does not.
        """
        try:
            return following(self._fetch, page.cursor)
        except IncompleteList:
            if len(page.devices) == 1:
                raise
            found = following(self._fetch, page.devices[-2][0])
            if _first(found) != last:
                raise
            return found._replace(devices=found.devices[1:])


def _first(page: Page) -> str:
    return page.devices[0][0] if page.devices else ""


def _names(cursor: str, device: str) -> bool:
    """Whether a cursor is the id of a device, maybe without leading zeros or with another check digit."""
    return cursor == device or ("" != _digits(cursor) == _digits(device))


def _digits(text: str) -> str:
    """The digits that name a device; empty if there are too few."""
    digits = re.sub(r"\D", "", text)
    return digits.zfill(_UNIT + 1)[:_UNIT].lstrip("0") if len(digits) > _UNIT // 2 else ""
