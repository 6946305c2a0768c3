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

import typing as t

from .._client.answers import Reader, text
from .._client.client import Client, segments
from .._client.cuts import Cuts, starts_of, unsplit
from .._client.masking import mask_ids
from .._client.paging import FIRST, Page
from .._errors import IncompleteList
from .._thingspace.api_versions import ApiVersion
from .dialects import path
from .facts import Facts, facts_of
from .nearby import look_near
from .offered import Offered
from .search import MOST_PAGES, DevicePage, Found, Search, search

_LIST = Reader("list the devices", "api_version")


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
        self.unsplit = ""
        """What to tell if the list could not be read in pieces, although that was tried; otherwise empty."""

    def page(self, cursor: str = FIRST) -> DevicePage:
        """One page.

        :raises IncompleteList: a device is on it twice.
        """
        return self._page_by(self._client.get, cursor)

    def _page_by(self, get: t.Callable[[str, str], dict[str, t.Any]], cursor: str) -> DevicePage:
        start = segments("index", cursor) if self._by_index else "?lastSeenDeviceId=" + segments(cursor)[1:]
        value = get(_LIST.what, self._path + start)
        self.offered.answered()
        rows, more = _LIST.page(value, "deviceList", _names_device)
        ids = mask_ids([str(row["deviceId"]) for row in rows], self._client.mask)
        devices = {device: facts_of(row, self._client.mask) for device, row in zip(ids, rows, strict=True)}
        if len(devices) < len(ids):
            raise _contradiction("a device is on it twice")
        return DevicePage(devices, more, text(value, ("lastSeenDeviceId",)))

    def everything(self, known: t.Collection[str] = ()) -> dict[str, Facts]:
        """All devices, in any order. There is no count that proves that none is missing.

        :param known: ids that are probably among them, so that a long list can be read in pieces, side by side.
        :raises IncompleteList: the list contradicts itself.
        """
        page = self.page()
        cuts = Cuts(known, self._client.max_concurrency, self._cut, overlapping=True)
        first = _as_rows(page)._replace(assigned=len(known))
        starts = starts_of(first, cuts)
        if not starts:
            return self._as_chain(page)
        try:
            return self._in_pieces(first, starts, cuts)
        except IncompleteList as error:
            self.unsplit = unsplit("devices of the account", error.why)
            return self._as_chain(self.page())

    def _in_pieces(self, first: Page, starts: t.Sequence[str], cuts: Cuts) -> dict[str, Facts]:
        # A module compiles what it imports, each time. Few lists are that long.
        from .._client.pieces import read_pieces  # pylint: disable=import-outside-toplevel

        found: dict[str, Facts] = {}

        def keep(rows: t.Iterable[tuple[str, Facts]]) -> t.Sequence[str]:
            found.update(rows)
            return ()

        read_pieces(first, starts, self._rows, keep, self._tell, MOST_PAGES * len(first.devices), cuts)
        return found

    def _rows(self, cursor: str) -> Page:
        return _as_rows(self.page(cursor))

    def _cut(self, cursor: str) -> Page:
        """A page at which the list may be cut."""
        return _as_rows(self._page_by(self._client.try_get, cursor))

    def _tell(self, read: int, _of: int | None = None) -> None:
        self.progress.tell("devices read", read)

    def _as_chain(self, page: DevicePage) -> dict[str, Facts]:
        found: dict[str, Facts] = {}
        seen = {FIRST}
        while True:
            if found.keys() & page.devices:
                raise _contradiction("a device is on it twice")
            found.update(page.devices)
            self._tell(len(found))
            if not page.more:
                return found
            if not page.devices or page.cursor in seen or not page.cursor:
                raise _contradiction("its pages repeat, the position does not advance")
            if len(seen) == MOST_PAGES:
                raise _contradiction(f"it does not end within {MOST_PAGES} pages")
            seen.add(page.cursor)
            page = self.page(page.cursor)

    def find(
        self, wanted: t.Collection[str], known: t.Sequence[str], most: int | None, also: t.Collection[str] = ()
    ) -> dict[str, Facts]:
        """These devices, as far as they are found with so many requests. A list that cannot be read finds none.

        :param known: devices that are probably of the account, in order, at which a page can begin.
        :param most: how many pages to read at most; None for as many as it takes, side by side.
        :param also: devices that are not looked for, but returned if they are on these pages.
        :raises LicensingError: there was no answer at all.
        """
        return self.look_up(Search(wanted, known, also), most).facts

    def look_up(self, wish: Search, most: int | None) -> Found:
        """The same; tells also which devices the list would have, and does not.

        :raises LicensingError: there was no answer at all.
        """
        at_once = self._client.max_concurrency
        return self._look(wish, lambda: search(self.page, wish, most, at_once, self._tell))

    def look_near(self, wish: Search, beginning: t.Sequence[str], most: int) -> Found:
        """The same, with pages only where they probably show many of the devices.

        :param beginning: the ids on the first page of a list of the account.
        :param most: how many pages to read at most.
        :raises LicensingError: there was no answer at all.
        """
        return self._look(wish, lambda: look_near(self.page, wish, beginning, most, self._tell))

    def _look(self, wish: Search, look: t.Callable[[], Found]) -> Found:
        if not self.offered or not wish.wanted:
            return Found({}, set())
        found = look()
        if found.error is not None:
            self.unusable = self.offered.give_up(found.error)
        return found


def _as_rows(page: DevicePage) -> Page:
    return Page([*page.devices.items()], None, None, page.more, page.cursor, None)


def _contradiction(why: str) -> IncompleteList:
    return IncompleteList(why, "devices", "It was not used.")


def _names_device(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("deviceId"))
