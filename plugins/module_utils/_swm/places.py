# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where a page of an ordered list may begin: at a device of the account that is near to the wanted one. Pure."""

from __future__ import annotations

import bisect
import typing as t

REFUSED_IN_A_ROW = 20
"""After so many refused cursors in a row, only those are used that ThingSpace names."""


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
