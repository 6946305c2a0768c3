# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which devices a device list is about (device information page)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...world.account import Account
from ...world.clock import parse_ms
from ...world.device import Device
from .. import errors
from ..m2m import list_of, text_of
from .row import CARRIER_NAME, MADE_UP, made_up_ids

Test = Callable[[Device], bool]
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, part: part in value,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_READ: dict[str, Callable[[Device], str]] = {"imei": lambda device: device.imei, "iccid": lambda device: device.iccid}


def tests_of(given: dict[str, Any], account: Account) -> list[Test]:
    """Return a test for each condition of a request; a device must pass them all."""
    tests = [_identifier(one) for one in _identifiers(given)]
    state, group = text_of(given, "currentState"), text_of(given, "groupName")
    plan, carrier = text_of(given, "servicePlan"), text_of(given, "carrierNameFilter")
    latest = moment_of(given, "latest")
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


def moment_of(given: dict[str, Any], name: str) -> int | None:
    """Return a time or nothing; the error code is ours."""
    text = text_of(given, name)
    if not text:
        return None
    try:
        return parse_ms(text)
    except (ValueError, OverflowError) as error:
        raise errors.m2m("INPUT_INVALID.Date.Invalid", f"{name} is not a valid time.") from error


def _identifiers(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conditions on identifiers."""
    found = given.get("filter")
    if found is not None and not isinstance(found, dict):
        raise errors.m2m("DeserializationFailed", "filter must be an object.")
    return list_of(found or {}, "deviceIdentifierFilters")


def _identifier(given: dict[str, Any]) -> Test:
    """Return the test of one condition on an identifier."""
    kind = given.get("kind")
    if not isinstance(kind, str) or kind.lower() not in {*_READ, *MADE_UP}:
        raise errors.m2m("INPUT_INVALID.Device.Kind.Invalid", f"The device identifier kind {kind} is not valid.")
    read = _READ.get(kind.lower()) or _made_up(kind.lower())
    parts = [(_MATCHES[word], given[word]) for word in _MATCHES if given.get(word)]
    if not parts or not all(isinstance(part, str) for _match, part in parts):
        text = "A device identifier filter has contains, startswith or endswith."
        raise errors.m2m("INPUT_INVALID.Device.Identifier.Invalid", text)
    return lambda device: all(match(read(device), part) for match, part in parts)


def _made_up(kind: str) -> Callable[[Device], str]:
    """Return how to read an id that no state file has."""
    return lambda device: made_up_ids(device)[kind]
