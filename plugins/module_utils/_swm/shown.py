# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What pages of the list of licensed devices say about single devices, whatever they were read for.

The cursor is "IMEIs larger than this". So a page has every licensed device between its position and its last device.
"""

from __future__ import annotations

import bisect
import typing as t

from .._client.cuts import ascending
from .._client.page import Fetch, Page
from .._client.paging import FIRST


class Shown:
    """Reads pages, and remembers them. Several threads may ask.

    :param first: the devices of the first page, if that was read already.
    """

    def __init__(self, fetch: Fetch, first: t.Sequence[str] = ()) -> None:
        self._fetch = fetch
        self._pages = [(FIRST, [*first])] if first else []

    def page(self, cursor: str) -> Page:
        """One page."""
        page = self._fetch(cursor)
        self._pages.append((cursor, [device for device, _time in page.devices]))
        return page

    @property
    def held(self) -> set[str]:
        """The devices on all pages."""
        return {device for _start, ids in self._pages for device in ids}

    def unlike(self, devices: t.Sequence[str], licensed: t.AbstractSet[str]) -> str:
        """The first of these devices of which a page says something else; empty if there is none.

        :param licensed: those that are said to hold a license.
        """
        others = (self.held - licensed) | self._lacking(sorted(licensed))
        return next((device for device in devices if device in others), "")

    def _lacking(self, licensed: list[str]) -> set[str]:
        """Those that would be on a page and are not. Only an ordered page shows that, and only of ids of one length."""
        lacking: set[str] = set()
        for start, ids in self._pages:
            if ids and ids[0] > start and ascending(ids):
                between = licensed[bisect.bisect_right(licensed, start) : bisect.bisect_right(licensed, ids[-1])]
                lacking.update(device for device in set(between).difference(ids) if len(device) == len(ids[0]))
        return lacking
