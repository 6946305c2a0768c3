# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The devices of an account as the Software Management API lists them, licensed or not, in all versions.

Sources: the pages "Get a list of devices in an account" of v1, v2, and v3. The cursor is "only devices with IMEIs
larger than this", and any IMEI of the account is a valid one. So a page can begin right before a wanted device.
A license may outlive its device in the account. So a cursor that ThingSpace did not name itself may be refused.
"""

from __future__ import annotations

import bisect
import typing as t

from .._client.answers import Reader, text
from .._client.client import Client, segments
from .._client.masking import mask_ids
from .._client.paging import FIRST
from .._errors import ApiError, IncompleteList, LicensingError
from .._thingspace.api_versions import ApiVersion
from .dialects import is_no_position, path
from .facts import Facts, facts_of
from .offered import Offered, can_do_without

_LIST = Reader("list the devices", "api_version")

REFUSED_IN_A_ROW = 20
"""After so many refused cursors in a row, only those are used that ThingSpace names."""


class DevicePage(t.NamedTuple):
    """A page.

    :param cursor: what to send for the next page.
    """

    devices: dict[str, Facts]
    more: bool
    cursor: str


class DeviceList:
    """The devices of one account with one API version."""

    def __init__(self, client: Client, account: str, version: ApiVersion) -> None:
        self._client = client
        self._path = path(version, "devices", account)
        self._by_index = version == "v1"
        self.progress = client.progress.about("FOTA")
        self.offered = Offered(client, f"{version} {_LIST.what}")
        self.unusable = ""
        """Why an answer could not be used; empty if there was none, or the server does not have the call."""

    def page(self, cursor: str = FIRST) -> DevicePage:
        """One page.

        :raises IncompleteList: a device is on it twice.
        """
        start = segments("index", cursor) if self._by_index else "?lastSeenDeviceId=" + segments(cursor)[1:]
        value = self._client.get(_LIST.what, self._path + start)
        self.offered.answered()
        rows, more = _LIST.page(value, "deviceList", _names_device)
        ids = mask_ids([str(row["deviceId"]) for row in rows], self._client.mask)
        devices = {device: facts_of(row, self._client.mask) for device, row in zip(ids, rows, strict=True)}
        if len(devices) < len(ids):
            raise _contradiction("a device is on it twice")
        return DevicePage(devices, more, text(value, ("lastSeenDeviceId",)))

    def everything(self) -> dict[str, Facts]:
        """All devices. There is no count that proves that none is missing.

        :raises IncompleteList: the list contradicts itself.
        """
        found: dict[str, Facts] = {}
        cursor, seen = FIRST, {FIRST}
        while True:
            page = self.page(cursor)
            if found.keys() & page.devices:
                raise _contradiction("a device is on it twice")
            found.update(page.devices)
            self.progress.tell("devices read", len(found))
            if not page.more:
                return found
            if not page.devices or page.cursor in seen or not page.cursor:
                raise _contradiction("its pages repeat, the position does not advance")
            cursor = page.cursor
            seen.add(cursor)

    def find(
        self, wanted: t.Iterable[str], known: t.Sequence[str], most: int | None, also: t.Container[str] = ()
    ) -> dict[str, Facts]:
        """These devices, as far as they are found with so many requests. A list that cannot be read finds none.

        A cursor that ThingSpace refuses is dropped. An earlier one takes its place, and in the end the one that
        ThingSpace named last, or the beginning.

        :param known: devices that are probably of the account, in order, at which a page can begin.
        :param most: how many pages to read at most; None for as many as it takes.
        :param also: devices that are not looked for, but returned if they are on these pages.
        :raises LicensingError: there was no answer at all.
        """
        found: dict[str, Facts] = {}
        left, reached, places, read = sorted(wanted), FIRST, _Places(known), 0
        meant = frozenset(left)
        try:
            while left and self.offered and most != 0:
                most = None if most is None else most - 1
                start = places.before(left[0], reached)
                page = self.page(start) if start == reached else self._page_at(start, places)
                if page is None:
                    continue
                read += len(page.devices)
                self.progress.tell("devices read", read)
                found.update({one: facts for one, facts in page.devices.items() if one in meant or one in also})
                reached = max(page.devices, default="")
                if not page.more or reached <= start:
                    break
                left = left[bisect.bisect_right(left, reached) :]
        except LicensingError as error:
            if not can_do_without(error):
                raise
            self.unusable = self.offered.give_up(error)
        return found

    def _page_at(self, place: str, places: _Places) -> DevicePage | None:
        """The page after a place that ThingSpace did not name itself; None if it refuses the place.

        :raises LicensingError: there is no such call, or the error has nothing to do with the place.
        """
        try:
            page = self.page(place)
        except ApiError as error:
            if error.code != "api_rejected" or self.offered.is_missing(error):
                raise
            places.refuse(place, one_of_many=is_no_position(error))
            return None
        places.in_a_row = 0
        return page


class _Places:
    """Where a page may begin.

    :param known: ids in order.
    :ivar in_a_row: how many of them were refused since the last one was not.
    """

    def __init__(self, known: t.Sequence[str]) -> None:
        self._known = known
        self._refused: set[str] = set()
        self.in_a_row = 0

    def before(self, device: str, reached: str) -> str:
        """The last place before a device; C(reached) if there is none after it. Refused ones are passed ever faster."""
        index, back = bisect.bisect_left(self._known, device), 1
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


def _contradiction(why: str) -> IncompleteList:
    return IncompleteList(why, "devices", "It was not used.")


def _names_device(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("deviceId"))
