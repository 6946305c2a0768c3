# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices of an account, to be found by any id and walked in any order without reading them all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import Any

from .device import FIRST_NUMBER, Device, usual_imei

Ids = tuple[tuple[str, str], ...]
"""The identifiers of one device: kind (imei or iccid) and id of each."""


class Directory:
    """Indexes over the devices of one account, each built when first needed; devices are only ever added."""

    def __init__(self, devices: dict[str, Device]) -> None:
        self._devices = devices
        self._numbered: list[Device] = []
        self._by_added: list[Device] | None = None
        self._iccids: dict[str, str] | None = None

    def find(self, kind: str, value: str) -> Device | None:
        """Return the device with this IMEI or ICCID."""
        if kind == "imei":
            return self._devices.get(value)
        if self._iccids is None:
            own = (device for device in self._devices.values() if "iccid" in device.own)
            self._iccids = {device.iccid: device.imei for device in own}
        device = self._devices.get(self._iccids.get(value) or usual_imei(value))
        return device if device is not None and device.iccid == value else None

    def change(self, device: Device, own: dict[str, Any]) -> None:
        """Change what of a device is not as usual."""
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
        """Yield the devices added at a moment or later, in the order they were added."""
        self._number()
        if self._by_added is None:
            self._by_added = sorted(self._numbered, key=_added)
        return islice(self._by_added, bisect_left(self._by_added, moment_ms, key=_added), None)

    def _number(self) -> None:
        """Give new devices their number."""
        fresh = len(self._devices) - len(self._numbered)
        if fresh:
            for device in islice(self._devices.values(), len(self._numbered), None):
                device.number = FIRST_NUMBER + len(self._numbered)
                self._numbered.append(device)
            self._by_added = None


def _added(device: Device) -> int:
    """Return what devices are sorted by."""
    return device.added_ms
