# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of a device in a state file, beside ``imei`` and ``upgraded``: how each is read, and how written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .clock import iso, parse_ms
from .device import STATES, TECHNOLOGIES, Device, usual_imei


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return read


def _iccid(value: Any) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and 3 <= len(value) <= 20):
        raise ValueError("must be a string of 3 to 20 digits")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty string")
    return value


def _groups(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("must be a list of strings")
    return list(value)


def _custom(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError("must be an object of strings")
    return dict(value)


def _moment(value: Any) -> int:
    try:
        return parse_ms(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError("must be an ISO 8601 time") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "iccid": _iccid,
    "state": _one_of(STATES),
    "technology": _one_of(TECHNOLOGIES),
    "groups": _groups,
    "service_plan": _text,
    "custom_fields": _custom,
    "created_at": _moment,
}
OWN_FIELDS = set(_READERS)


def read_own(fields: dict[str, Any], wrong: Callable[[str, str], None]) -> dict[str, Any]:
    """Return what of a device is not as usual; tell ``wrong`` the place and the reason of each mistake."""
    own: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if name in fields:
            try:
                own[name] = reader(fields[name])
            except ValueError as error:
                wrong(f".{name}", f"{error}, not {fields[name]!r}")
    return own


def dump_device(device: Device) -> dict[str, Any]:
    """Write a device; what is as usual is left out."""
    if not device.own:
        return {"imei": device.imei, "upgraded": device.upgraded}
    own = dict(device.own)
    if "created_at" in own:
        own["created_at"] = iso(own["created_at"])
    return {"imei": device.imei, "upgraded": device.upgraded, **own}


def shared_iccids(devices: dict[str, Device]) -> list[str]:
    """Return each ICCID that two devices would have; usual ones never collide with one another."""
    shared: list[str] = []
    seen: set[str] = set()
    for device in devices.values():
        if "iccid" not in device.own:
            continue
        other = devices.get(usual_imei(device.iccid))
        taken = other is not None and other is not device and "iccid" not in other.own
        if taken or device.iccid in seen:
            shared.append(device.iccid)
        seen.add(device.iccid)
    return shared
