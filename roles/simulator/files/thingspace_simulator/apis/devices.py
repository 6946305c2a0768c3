# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device list (device information page, and what users report of real replies).

Pages are by DeviceId or by the time at which a device was added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from ..http.messages import Reply
from ..world.account import Account
from ..world.clock import iso, parse_ms
from ..world.device import Device
from .call import Call, m2m_error
from .m2m import account_of, body_of, list_of, read_id, read_ids, text_of

CARRIER_NAME = "Verizon Wireless"
MADE_UP = ("mdn", "imsi", "msisdn", "min")
_CONNECTED_AFTER_MS = 60_000
Test = Callable[[Device], bool]
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, part: part in value,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_READ: dict[str, Callable[[Device], str]] = {"imei": lambda device: device.imei, "iccid": lambda device: device.iccid}


def devices(call: Call) -> Reply:
    """Answer with one page. The status is 202 while there are more devices, and 200 for the last page."""
    given = body_of(call)
    account = account_of(call, given.get("accountName"))
    quirks = call.world.quirks
    limit, cursor = _whole(given, "maxNumberOfDevices"), _whole(given, "largestDeviceIdSeen")
    size = min(limit or quirks.count("device_page"), quirks.count("device_page"))
    tests = _tests(given, account)
    earliest = _moment(given, "earliest")
    named = _named(given, account)
    if earliest is not None and (named is not None or cursor is not None):
        start = earliest
        tests.append(lambda device: device.added_ms >= start)
    source = named if named is not None else _walk(account, cursor, earliest)
    found = (device for device in source if all(test(device) for test in tests))
    page = list(islice(found, size + 1))
    more = len(page) > size
    attributes = quirks.word("device_attributes") == "list" or given.get("deviceId") is not None
    rows = [_row(device, account, attributes) for device in page[:size]]
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
        raise m2m_error("REQUEST_FAILED.DeviceNotFound", "The device could not be found.")
    return sorted(known.values(), key=account.directory.number_of)


def _whole(given: dict[str, Any], name: str) -> int | None:
    """Return a whole number or None. A cursor may be a string, like the attribute it comes from."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        number = -1 if isinstance(value, (bool, float)) else int(value)
    except (ValueError, TypeError):
        number = -1
    if number < 0:
        raise m2m_error("DeserializationFailed", f"{name} must be a whole number.")
    return number


def _tests(given: dict[str, Any], account: Account) -> list[Test]:
    """Return a test for each condition of a request. A device must pass all of them."""
    tests = [_identifier(one) for one in _identifiers(given)]
    state, group = text_of(given, "currentState"), text_of(given, "groupName")
    plan, carrier = text_of(given, "servicePlan"), text_of(given, "carrierNameFilter")
    latest = _moment(given, "latest")
    fields = {one.get("key"): one.get("value") for one in list_of(given, "customFields")}
    if state:
        tests.append(lambda device: device.state == state.lower())
    if group:
        tests.append(lambda device: group in device.groups(account.name))
    if plan:
        tests.append(lambda device: device.service_plan == plan)
    if carrier:
        tests.append(lambda _device: carrier.lower() in CARRIER_NAME.lower())
    if latest is not None:
        tests.append(lambda device: device.added_ms <= latest)
    if fields:
        tests.append(lambda device: fields.items() <= device.custom_fields.items())
    return tests


def _moment(given: dict[str, Any], name: str) -> int | None:
    """Return a time or None. The error code is ours."""
    text = text_of(given, name)
    if not text:
        return None
    try:
        return parse_ms(text)
    except (ValueError, OverflowError) as error:
        raise m2m_error("INPUT_INVALID.Date.Invalid", f"{name} is not a valid time.") from error


def _identifiers(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conditions on identifiers."""
    found = given.get("filter")
    if found is not None and not isinstance(found, dict):
        raise m2m_error("DeserializationFailed", "filter must be an object.")
    return list_of(found or {}, "deviceIdentifierFilters")


def _identifier(given: dict[str, Any]) -> Test:
    """Return the test of one condition on an identifier."""
    kind = given.get("kind")
    if not isinstance(kind, str) or kind.lower() not in {*_READ, *MADE_UP}:
        raise m2m_error("INPUT_INVALID.Device.Kind.Invalid", f"The device identifier kind {kind} is not valid.")
    read = _READ.get(kind.lower()) or _made_up(kind.lower())
    parts = [(_MATCHES[word], given[word]) for word in _MATCHES if given.get(word)]
    if not parts or not all(isinstance(part, str) for _match, part in parts):
        text = "A device identifier filter has contains, startswith or endswith."
        raise m2m_error("INPUT_INVALID.Device.Identifier.Invalid", text)
    return lambda device: all(match(read(device), part) for match, part in parts)


def _made_up(kind: str) -> Callable[[Device], str]:
    """Return the reader of an id that no state has."""
    return lambda device: _made_up_ids(device)[kind]


def _made_up_ids(device: Device) -> dict[str, str]:
    """Return the ids that no state has, made from the internal number."""
    number = f"{device.number:09d}"[-9:]
    mdn = f"5{number}"
    return dict(zip(MADE_UP, (mdn, f"311480{number}", f"1{mdn}", mdn), strict=True))


def _row(device: Device, account: Account, attributes: bool) -> dict[str, Any]:
    """Return the row of one device."""
    added = iso(device.added_ms)
    ids = {"imei": device.imei, "iccId": device.iccid, **_made_up_ids(device)}
    return {
        "accountName": account.name,
        "billingCycleEndDate": "2030-01-31T00:00:00Z",
        "carrierInformations": [
            {"carrierName": CARRIER_NAME, "servicePlan": device.service_plan, "state": device.state}
        ],
        "connected": device.state == "active",
        "createdAt": added,
        "customFields": [{"key": key, "value": value} for key, value in device.custom_fields.items()],
        "deviceIds": [{"id": value, "kind": kind} for kind, value in ids.items()],
        "extendedAttributes": _attributes(device, account) if attributes else [],
        "groupNames": device.groups(account.name),
        "ipAddress": "0.0.0.0",
        "lastActivationBy": "Simulated User",
        "lastActivationDate": added,
        "lastConnectionDate": iso(device.added_ms + _CONNECTED_AFTER_MS),
    }


def _attributes(device: Device, account: Account) -> list[dict[str, str]]:
    """Return the extended attributes, among them personal data and some without a value.

    SkuNumber is that of the equipment. It says nothing about SIM-Secure.
    """
    number = device.number
    known = {
        "PrimaryPlaceOfUseTitle": None,
        "PrimaryPlaceOfUseFirstName": f"First{number}",
        "PrimaryPlaceOfUseMiddleName": None,
        "PrimaryPlaceOfUseLastName": f"Last{number}",
        "PrimaryPlaceOfUseAddressLine1": f"{number} Main Street",
        "PrimaryPlaceOfUseCity": "Springfield",
        "PrimaryPlaceOfUseState": "NJ",
        "PrimaryPlaceOfUseZipCode": "07000",
        "PrimaryPlaceOfUseCountry": "USA",
        "PrimaryPlaceOfUseCBRPhone": f"555{number % 10_000_000:07d}",
        "PrimaryPlaceOfUseEmailAddress": f"user{number}@example.com",
        "AccountNumber": account.name,
        "SmsrOid": None,
        "ProfileStatus": None,
        "SkuNumber": "VZW200000470004",
        "CostCenterCode": None,
        "PreIMEI": None,
        "PreSKU": None,
        "SIMOTADate": iso(device.added_ms),
        "RoamingStatus": "NotRoaming",
        "LastRoamingStatusUpdate": iso(device.added_ms),
        "DeviceId": str(number),
    }
    return [{"key": key} if value is None else {"key": key, "value": value} for key, value in known.items()]
