# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The rule for lists that are read by record number: pages overlap by one record, or two readings must be the same.

If somebody removes a record further up between two pages, the next page begins one record too far, and nobody sees the
record that moved to the page before. A page that is asked for from the last record of the one before, and begins with
it, shows that this did not happen. A server need not honor a number that it did not name itself.
"""

from __future__ import annotations

import typing as t

from .._errors import ApiError, IncompleteList

UNSHOWN = "its pages do not show that they follow each other"
"""Why one reading without overlaps proves nothing."""


class _Page(t.Protocol):
    @property
    def devices(self) -> t.Sequence[object]: ...

    @property
    def more(self) -> bool: ...


P = t.TypeVar("P", bound=_Page)


class Overlap:
    """Whether the pages of one reading overlap.

    :param on: whether that is tried.
    """

    def __init__(self, *, on: bool = True) -> None:
        self._on = on
        self._fitted = False

    def is_possible(self, length: int) -> bool:
        """Whether the page after one of this length may begin with its last record. Pages of one would not advance."""
        return self._on and (self._fitted or length > 1)

    def page(self, ask: t.Callable[[int], P], count: int, last: str, first: t.Callable[[P], str]) -> P | None:
        """The page that begins with the last record of the one before; None if no page can, so that none does any more.

        :param ask: reads the page from a record number.
        :param count: how many records there are up to the last one.
        :param first: the first record of a page, or an empty text.
        :raises IncompleteList: the server honored such numbers before, so somebody has changed the list.
        """
        try:
            found = ask(count - 1)
        except ApiError as error:
            if error.code != "api_rejected":
                raise
            found = None
        if found is not None and first(found) == last:
            self._fitted = True
            if len(found.devices) > 1 or not found.more:
                return found
        elif self._fitted:
            raise IncompleteList("it was changed while it was read by record number")
        self._on = False
        return None
