# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The device list of an account: the whole list or an error, never a partial list.

Source: Retrieve Device Information (pages of 2,000 devices, C(hasMoreData)). The request for the next page contains the
internal id of the last device (its attribute C(DeviceId)) or, if answers do not contain that, the time it was added.
"""

from __future__ import annotations

import datetime
import typing as t

from .._client.answers import Reader
from .._client.body import MAX_DEVICES
from .._client.client import Client
from .._client.masking import changes
from .._errors import ApiError, IncompleteList
from .._text.timestamps import format_time, parse_time
from .filter import DeviceFilter
from .row import DeviceRow, device_row

PAGE_SIZE = 2000
"""Maximum number of devices on a page."""

FEW = 10
"""Up to this many devices are looked up one by one, more by reading the whole list."""

PATH = "/m2m/v1/devices/actions/list"
_LIST = Reader("list the devices", "base_url")

ALL = DeviceFilter()


class DeviceRows(t.NamedTuple):
    """One page."""

    rows: list[DeviceRow]
    more: bool


class _NoCursor(Exception):
    """More devices follow, but the page does not show where to continue."""


class DeviceApi:
    """Reads the devices of one account.

    :param personal: whether rows contain personal attributes.
    """

    def __init__(self, client: Client, account: str, page_size: int = PAGE_SIZE, *, personal: bool = False) -> None:
        self._client = client
        self._mask = client.secrets.mask_listed
        self._progress = client.progress.about("Device list")
        self._personal = personal
        self._account = account
        self._page_size = page_size

    def rows(self, filters: DeviceFilter = ALL) -> list[DeviceRow]:
        """All devices that match the filter, in ThingSpace's order.

        A list that contradicts itself is read again, because someone may have changed the account in the meantime.

        :raises LicensingError: it could not be read; C(incomplete_list) if the second reading contradicts itself, too.
        """
        if filters.device_id:
            return self._single(filters)
        try:
            return self._read(filters)
        except IncompleteList:
            return self._read(filters)

    def states(self, kind: str, ids: t.Collection[str]) -> dict[str, str]:
        """The state of each of these devices in the account; active if any line of the device is active."""
        if len(ids) > FEW:
            rows = self.rows()
        else:
            rows = [row for device in ids for row in self._single(DeviceFilter((kind, device)))]
        wanted = set(ids)
        states: dict[str, str] = {}
        for row in rows:
            device = row.ids.get(kind, "")
            if device in wanted and states.get(device, "").lower() != "active":
                states[device] = row.state
        return states

    def _single(self, filters: DeviceFilter) -> list[DeviceRow]:
        """The device with that id; none if the account does not have it."""
        try:
            page = self._page({**filters.body()})
        except ApiError as error:
            # The code starts with the name of a service, which may differ.
            if str(error.details.get("api_code", "")).endswith("REQUEST_FAILED.DeviceNotFound"):
                return []
            raise
        if page.more:
            raise _contradiction("it names more devices than the requested one")
        return page.rows

    def _read(self, filters: DeviceFilter) -> list[DeviceRow]:
        try:
            return self._read_by_id(filters)
        except _NoCursor:
            return self._read_by_time(filters)

    def _read_by_id(self, filters: DeviceFilter) -> list[DeviceRow]:
        rows: list[DeviceRow] = []
        seen: set[str] = set()
        cursor = "0"
        while True:
            position = int(cursor) if cursor.isdecimal() and cursor.isascii() else cursor
            page = self._page({**filters.body(), "largestDeviceIdSeen": position})
            _note(page, seen)
            rows += page.rows
            self._progress.tell("devices read", len(rows))
            if not page.more:
                return rows
            # If the position does not advance, the next page repeats devices, and _note raises an error.
            cursor = page.rows[-1].cursor
            if not cursor:
                raise _NoCursor

    def _read_by_time(self, filters: DeviceFilter) -> list[DeviceRow]:
        """Page by the time of adding. The next page begins with the devices added at the same time as the last one."""
        rows: dict[str, DeviceRow] = {}
        since = None
        while True:
            body = filters.body()
            if since is not None:
                body["earliest"] = format_time(since)
            page = self._page(body)
            _note(page, set())
            before = len(rows)
            for row in page.rows:
                rows.setdefault(row.identity, row)
            self._progress.tell("devices read", len(rows))
            if not page.more:
                return list(rows.values())
            latest = _last_added(page)
            if len(rows) == before or (since is not None and latest <= since):
                why = f"more devices were added at {page.rows[-1].created_at} than one page holds"
                raise _contradiction(f"it gives no 'DeviceId', and {why}")
            since = latest

    def _page(self, fields: dict[str, t.Any]) -> DeviceRows:
        body = {"accountName": self._account, **fields, "maxNumberOfDevices": self._page_size}
        value = self._client.query(_LIST.what, PATH, body, MAX_DEVICES)
        if "deviceId" in fields and value.get("hasMoreData") is None:
            value["hasMoreData"] = False
        devices, more = _LIST.page(value, "devices", lambda entry: isinstance(entry, dict))
        return DeviceRows(self._masked([device_row(entry, personal=self._personal) for entry in devices]), more)

    def _masked(self, rows: list[DeviceRow]) -> list[DeviceRow]:
        """The rows without secrets in any encoding, because texts from ThingSpace may contain anything."""
        texts = {text for row in rows for text in row.texts()}
        hidden = changes(texts, self._mask)
        return [row.with_texts(hidden) for row in rows] if hidden else rows


def _contradiction(why: str) -> IncompleteList:
    return IncompleteList(why, "devices", "It was read twice.")


def _note(page: DeviceRows, seen: set[str]) -> None:
    """Refuse a page that repeats a device, or that is empty and claims that more follow."""
    before = len(seen)
    seen.update(row.identity for row in page.rows)
    if len(seen) - before != len(page.rows):
        raise _contradiction("a device is on it twice")
    if page.more and not page.rows:
        raise _contradiction("an empty page claims that more devices follow")


def _last_added(page: DeviceRows) -> datetime.datetime:
    """When the last device of a page was added. Paging by it works only if the page is in that order."""
    times = [parse_time(row.created_at) for row in page.rows]
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        raise _contradiction("it gives no 'DeviceId', and not every device has a time of adding")
    if known != sorted(known):
        raise _contradiction("it gives no 'DeviceId', and is not in the order of adding")
    return known[-1]
