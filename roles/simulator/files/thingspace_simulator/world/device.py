# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A device as the service sees it. Only what differs from the usual is stored, the rest is derived from the IMEI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..fields import Choice, Flag, Kind, must, string_object, strings, text
from .clock import iso, moment, parse_ms

STATES = (
    "active",
    "pre-active",
    "deactive",
    "suspend",
    "pending activation",
    "pending deactivation",
    "pending suspend",
    "pending resume",
)
TECHNOLOGIES = ("4G", "3G", "5G")
PLAN = "m2m_4G"
# Devices were added one second apart, in the order of the state.
FIRST_ADDED_MS = parse_ms("2017-01-01T00:00:00.000Z")
FIRST_NUMBER = 1_000_001
_USUAL: Mapping[str, Any] = MappingProxyType({})
_SWAP = {"990000": "000000", "000000": "990000"}


def usual_iccid(imei: str) -> str:
    """Return the ICCID of a device that was not given another; 990000123456789 has 89148000000123456789."""
    return "89148" + _SWAP.get(imei[:6], imei[:6]) + imei[6:]


def usual_imei(iccid: str) -> str:
    """Return the IMEI of the device that usually has this ICCID; no id if there can be none."""
    if len(iccid) != 20 or not iccid.startswith("89148"):
        return ""
    return _SWAP.get(iccid[5:11], iccid[5:11]) + iccid[11:]


@dataclass(slots=True)
class Device:
    """A device of an account. No request can take the FOTA license of one that has ever upgraded.

    ``number`` is the internal DeviceId, given once somebody asks for it; ``own`` is what is not as usual.
    """

    imei: str
    upgraded: bool = False
    number: int = 0
    own: Mapping[str, Any] = field(default_factory=lambda: _USUAL)

    @property
    def iccid(self) -> str:
        """Return the id of the SIM."""
        return str(self.own.get("iccid") or usual_iccid(self.imei))

    @property
    def state(self) -> str:
        """Return the service state; SIM-Secure wants active (assign page)."""
        return str(self.own.get("state", STATES[0]))

    @property
    def technology(self) -> str:
        """Return the technology; SIM-Secure wants 4G (assign page)."""
        return str(self.own.get("technology", TECHNOLOGIES[0]))

    @property
    def service_plan(self) -> str:
        """Return the code of the service plan."""
        return str(self.own.get("service_plan", PLAN))

    @property
    def custom_fields(self) -> dict[str, str]:
        """Return the custom fields."""
        return dict(self.own.get("custom_fields", {}))

    @property
    def added_ms(self) -> int:
        """Return when the device was added to the account."""
        return int(self.own.get("created_at", FIRST_ADDED_MS + 1000 * (self.number - FIRST_NUMBER)))

    def groups(self, account: str) -> list[str]:
        """Return the device groups; every account has one of its own."""
        return list(self.own.get("groups", [f"Default: {account}"]))


def is_imei(text: str) -> bool:
    """Say whether an id is 15 digits; the documentation's own examples fail the Luhn check."""
    return len(text) == 15 and text.isascii() and text.isdigit()


def imei(value: Any) -> str:
    """Take an IMEI."""
    if not isinstance(value, str) or not is_imei(value):
        raise must("a string of 15 digits", value)
    return value


def _iccid(value: Any) -> str:
    """Take the id of a SIM."""
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and 3 <= len(value) <= 20):
        raise must("a string of 3 to 20 digits", value)
    return value


OWN_KINDS: dict[str, Kind] = {
    "iccid": _iccid,
    "state": Choice(STATES),
    "technology": Choice(TECHNOLOGIES),
    "groups": strings,
    "service_plan": text,
    "custom_fields": string_object,
    "created_at": moment,
}
"""What of a device may differ from the usual, in a state file and in the control for devices."""

DEVICE_KINDS: dict[str, Kind] = {"imei": imei, "upgraded": Flag(), **OWN_KINDS}


def own_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a device is not as usual."""
    return {name: value for name, value in fields.items() if name in OWN_KINDS}


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
