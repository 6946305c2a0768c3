# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices of an account. Only what differs from the default is stored; the rest is derived from the IMEI."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

from ..fields import Choice, Flag, Kind, is_digits, kind, string_object, strings, text
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
PROTOCOLS = ("LWM2M", "OMADM", "HTTP")
# Devices were added one second apart, in the order of the state.
FIRST_ADDED_MS = parse_ms("2017-01-01T00:00:00.000Z")
# Devices that have upgraded did so at this time, if a state does not say otherwise.
UPGRADED_MS = parse_ms("2018-03-02T19:50:06.000Z")
FIRST_NUMBER = 1_000_001
_DEFAULT: Mapping[str, Any] = MappingProxyType({})
_SWAP = {"990000": "000000", "000000": "990000"}

Ids = tuple[tuple[str, str], ...]
"""The identifiers of one device: the kind (imei or iccid) and the id of each."""


def is_imei(value: Any) -> bool:
    """Say whether an id is 15 digits. The documentation's own examples fail the Luhn check."""
    return is_digits(value, 15, 15)


imei_kind = kind("a string of 15 digits", is_imei)
OWN_KINDS: dict[str, Kind] = {
    "iccid": kind("a string of 3 to 20 digits", lambda value: is_digits(value, 3, 20)),
    "state": Choice(STATES),
    "technology": Choice(TECHNOLOGIES),
    "groups": strings,
    "service_plan": text,
    "custom_fields": string_object,
    "created_at": moment,
    "eligible": Flag(True),
    "protocol": Choice(PROTOCOLS),
    "upgraded_at": moment,
}
"""What may differ from the default, in a state file and in the control for devices."""

DEVICE_KINDS: dict[str, Kind] = {"imei": imei_kind, "upgraded": Flag(), **OWN_KINDS}


def default_iccid(imei: str) -> str:
    """Return the ICCID of a device that was given no other: 89148000000123456789 for 990000123456789."""
    return "89148" + _SWAP.get(imei[:6], imei[:6]) + imei[6:]


def default_imei(iccid: str) -> str:
    """Return the IMEI of the device that has this ICCID by default; an empty string if no device can have it."""
    if len(iccid) != 20 or not iccid.startswith("89148"):
        return ""
    return _SWAP.get(iccid[5:11], iccid[5:11]) + iccid[11:]


@dataclass(slots=True)
class Device:
    """A device of an account. No request can remove the FOTA license of a device that has ever upgraded.

    ``number`` is the internal DeviceId, assigned when first asked for. ``own`` is what differs from the default.
    """

    imei: str
    upgraded: bool = False
    number: int = 0
    own: Mapping[str, Any] = field(default_factory=lambda: _DEFAULT)

    @property
    def iccid(self) -> str:
        """Return the id of the SIM."""
        return str(self.own.get("iccid") or default_iccid(self.imei))

    @property
    def state(self) -> str:
        """Return the service state. SIM-Secure requires active (assign page)."""
        return str(self.own.get("state", STATES[0]))

    @property
    def technology(self) -> str:
        """Return the technology. SIM-Secure requires 4G (assign page)."""
        return str(self.own.get("technology", TECHNOLOGIES[0]))

    @property
    def eligible(self) -> bool:
        """Say whether FOTA serves the device (campaign flow for v1: "Device not eligible for service.")."""
        return bool(self.own.get("eligible", True))

    @property
    def protocol(self) -> str:
        """Return the protocol by which the device gets its firmware."""
        return str(self.own.get("protocol", PROTOCOLS[0]))

    @property
    def upgraded_ms(self) -> int | None:
        """Return when the device was last upgraded."""
        return int(self.own.get("upgraded_at", UPGRADED_MS)) if self.upgraded else None

    @property
    def service_plan(self) -> str:
        """Return the code of the service plan."""
        return str(self.own.get("service_plan", "m2m_4G"))

    @property
    def custom_fields(self) -> dict[str, str]:
        """Return the custom fields."""
        return dict(self.own.get("custom_fields", {}))

    @property
    def added_ms(self) -> int:
        """Return when the device was added to the account."""
        return int(self.own.get("created_at", FIRST_ADDED_MS + 1000 * (self.number - FIRST_NUMBER)))

    def groups(self, account: str) -> list[str]:
        """Return the device groups. Every account has a default group."""
        return list(self.own.get("groups", [f"Default: {account}"]))

    def dump(self) -> dict[str, Any]:
        """Return the device as a state has it, without what is at its default."""
        own = dict(self.own)
        own.update({name: iso(own[name]) for name in ("created_at", "upgraded_at") if name in own})
        return {"imei": self.imei, "upgraded": self.upgraded, **own}


def own_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the default."""
    return {name: value for name, value in fields.items() if name in OWN_KINDS}


def shared_iccids(devices: dict[str, Device]) -> list[str]:
    """Return each ICCID that two devices would have. Default ones never collide with one another."""
    shared: list[str] = []
    seen: set[str] = set()
    for device in devices.values():
        if "iccid" not in device.own:
            continue
        other = devices.get(default_imei(device.iccid))
        taken = other is not None and other is not device and "iccid" not in other.own
        if taken or device.iccid in seen:
            shared.append(device.iccid)
        seen.add(device.iccid)
    return shared


class Directory:
    """Finds the devices of an account by any id and walks them in any order, without reading them all.

    Each index is built when first needed. Devices are only ever added.
    """

    def __init__(self, devices: dict[str, Device]) -> None:
        self._devices = devices
        self._numbered: list[Device] = []
        self._by_added: list[Device] | None = None
        self._iccids: dict[str, str] | None = None

    def find(self, kind_of_id: str, value: str) -> Device | None:
        """Return the device with this IMEI or ICCID."""
        if kind_of_id == "imei":
            return self._devices.get(value)
        if self._iccids is None:
            own = (device for device in self._devices.values() if "iccid" in device.own)
            self._iccids = {device.iccid: device.imei for device in own}
        device = self._devices.get(self._iccids.get(value) or default_imei(value))
        return device if device is not None and device.iccid == value else None

    def find_all(self, ids: Ids) -> Device | None:
        """Return the device that every identifier names, if they all name the same one."""
        found = [self.find(kind_of_id, value) for kind_of_id, value in ids]
        return found[0] if all(device is found[0] for device in found) else None

    def change(self, device: Device, own: dict[str, Any]) -> None:
        """Change what differs from the default."""
        device.own = {**device.own, **own}
        if "iccid" in own:
            self._iccids = None
        if "created_at" in own:
            self._by_added = None

    def number_of(self, device: Device) -> int:
        """Return the internal DeviceId."""
        self._number()
        return device.number

    def after(self, number: int) -> Iterable[Device]:
        """Yield the devices with a DeviceId greater than ``number``, in that order."""
        self._number()
        return islice(self._numbered, max(0, number - FIRST_NUMBER + 1), None)

    def since(self, moment_ms: int) -> Iterable[Device]:
        """Yield the devices added at a given time or later, in the order they were added."""
        self._number()
        if self._by_added is None:
            self._by_added = sorted(self._numbered, key=_added)
        return islice(self._by_added, bisect_left(self._by_added, moment_ms, key=_added), None)

    def _number(self) -> None:
        """Number the new devices."""
        if len(self._devices) > len(self._numbered):
            for device in islice(self._devices.values(), len(self._numbered), None):
                device.number = FIRST_NUMBER + len(self._numbered)
                self._numbered.append(device)
            self._by_added = None


def _added(device: Device) -> int:
    """Return the sort key of the time added."""
    return device.added_ms
