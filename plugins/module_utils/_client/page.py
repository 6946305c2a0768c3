# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A page of a list of licensed devices, and how pages are asked for and counted."""

from __future__ import annotations

import math
import re
import typing as t

from .._errors import ApiError, IncompleteList


class Page(t.NamedTuple):
    """One page of devices, in the same form for every API version.

    :param devices: (device id, what the list says of it). Of a license, that is its assignment time in ThingSpace's
        format.
    :param total: licenses of the account; None if the version does not return it.
    :param assigned: licenses in use; None if the version does not return it.
    :param cursor: what to send for the next page; it is never computed here.
    :param size: devices on a full page; None if the version does not return it.
    """

    devices: list[tuple[str, t.Any]]
    total: int | None
    assigned: int | None
    more: bool
    cursor: str
    size: int | None

    @property
    def pages(self) -> int:
        """How many pages the list has if this is its first one, as far as its count shows."""
        if not self.more:
            return 1
        return max(2, math.ceil((self.assigned or 0) / max(1, len(self.devices))))


Fetch = t.Callable[[str], Page]
Tell = t.Callable[[int, "int | None"], None]
"""Gets the number of devices read so far and, if the version returns it, their total number."""

Kept = t.Sequence[t.Any]
Keep = t.Callable[["list[tuple[str, t.Any]]"], Kept]
"""What is kept of the devices of a page."""

_NO_POSITION = re.compile(r"\b(?:lastseendeviceid not valid|invalid device id format)", re.IGNORECASE)


def is_no_position(error: ApiError) -> bool:
    """Whether ThingSpace refuses a cursor because it is not a device of the account, or not an IMEI at all.

    The error page says of C(LastSeenDeviceId Not Valid) that the position must be 0 or an IMEI of the account.
    """
    return error.status == 400 and bool(_NO_POSITION.search(str(error.details.get("api_message", ""))))


def following(fetch: Fetch, cursor: str) -> Page:
    """The page after a position that the list named itself.

    :raises IncompleteList: it refuses the position, so it is not the same list any more.
    """
    try:
        return fetch(cursor)
    except ApiError as error:
        if not is_no_position(error):
            raise
        raise IncompleteList("the last device of a page left the account before the next page was read") from None
