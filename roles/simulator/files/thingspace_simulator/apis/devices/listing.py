# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device list, in pages by DeviceId or by the time a device was added (device information page)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ...http.messages import Reply
from ...world.account import Account
from ...world.device import Device
from .. import errors
from ..call import Call, Route
from ..m2m import account_of, body_of, list_of, read_id, read_ids
from .filter import moment_of, tests_of
from .row import row


def devices(call: Call) -> Reply:
    """Answer with one page: 202 while there are more devices, 200 for the last."""
    given = body_of(call)
    account = account_of(call, given.get("accountName"))
    quirks = call.world.quirks
    limit, cursor = _whole(given, "maxNumberOfDevices"), _whole(given, "largestDeviceIdSeen")
    size = min(limit or quirks.count("device_page"), quirks.count("device_page"))
    tests = tests_of(given, account)
    earliest = moment_of(given, "earliest")
    named = _named(given, account)
    if earliest is not None and (named is not None or cursor is not None):
        start = earliest
        tests.append(lambda device: device.added_ms >= start)
    source = named if named is not None else _walk(account, cursor, earliest)
    found = (device for device in source if all(test(device) for test in tests))
    page = list(islice(found, size + 1))
    more = len(page) > size
    attributes = quirks.word("device_attributes") == "list" or given.get("deviceId") is not None
    rows = [row(device, account, attributes) for device in page[:size]]
    return Reply(202 if more else 200, {"hasMoreData": more, "devices": rows})


def _walk(account: Account, cursor: int | None, earliest: int | None) -> Iterable[Device]:
    """Return all devices in the order of the paging."""
    if cursor is not None:
        return account.directory.after(cursor)
    return account.directory.since(earliest or 0)


def _named(given: dict[str, Any], account: Account) -> list[Device] | None:
    """Return the devices that the request names, if it names any."""
    if given.get("deviceId") is not None:
        wanted = [[read_id(given["deviceId"])]]
    elif given.get("deviceList") is not None:
        wanted = [list(read_ids(entry)) for entry in list_of(given, "deviceList")]
    else:
        return None
    found = [account.directory.find(*ids[0]) for ids in wanted]
    known = {device.imei: device for device in found if device is not None}
    if not known:
        raise errors.m2m("REQUEST_FAILED.DeviceNotFound", "The device could not be found.")
    return sorted(known.values(), key=account.directory.number_of)


def _whole(given: dict[str, Any], name: str) -> int | None:
    """Return a whole number or nothing; a cursor may be written as a string, as the attribute it comes from."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        number = -1 if isinstance(value, (bool, float)) else int(value)
    except (ValueError, TypeError):
        number = -1
    if number < 0:
        raise errors.m2m("DeserializationFailed", f"{name} must be a whole number.")
    return number


ROUTES = (Route("device_list", "POST", "/m2m/v1/devices/actions/list", devices),)
