# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of each device of a SIM-Secure request. No document says so exactly; codes marked * are ours."""

from __future__ import annotations

from dataclasses import dataclass

from ..quirks import Quirks
from ..world.account import Account
from ..world.device import Device
from ..world.directory import Ids
from ..world.skus import Sku


@dataclass(frozen=True)
class Failure:
    """Why a device failed."""

    code: str
    text: str


UNKNOWN = Failure("REQUEST_FAILED.DeviceNotFound", "REQUEST_FAILED. Device was not found")
NOT_ACTIVE = Failure("INPUT_INVALID.DeviceState.Invalid", "INPUT_INVALID. Device is not active")
NOT_4G = Failure("INPUT_INVALID.DeviceTechnology.Invalid", "INPUT_INVALID. Device is not a 4G device")  # *
EXHAUSTED = Failure("REQUEST_FAILED.LicenseNotAvailable", "REQUEST_FAILED. No license is available")  # *
NOT_ASSIGNED = Failure("REQUEST_FAILED.LicenseNotAssigned", "REQUEST_FAILED. Device has no such license")  # *
ASSIGNED = Failure("REQUEST_FAILED.LicenseAlreadyAssigned", "REQUEST_FAILED. Device already has the license")  # *


def device_of(account: Account, ids: Ids) -> Device | None:
    """Return the device that all identifiers name, if they do."""
    found = [account.directory.find(kind, value) for kind, value in ids]
    return found[0] if all(device is found[0] for device in found) else None


def refusal(device: Device | None, removing: bool) -> Failure | None:
    """Say why a device can have no part in this; removing asks only that the account has it."""
    if device is None:
        return UNKNOWN
    if removing:
        return None
    if device.state != "active":
        return NOT_ACTIVE
    return None if device.technology == "4G" else NOT_4G


def settle(device: Device | None, sku: Sku, removing: bool, quirks: Quirks, now_ms: int) -> Failure | None:
    """Attach or detach the license of one device; return why that failed."""
    fault = refusal(device, removing)
    if fault is not None or device is None:
        return fault
    held = device.imei in sku.licenses
    if removing:
        if not held:
            return NOT_ASSIGNED
        del sku.licenses[device.imei]
        return None
    if held:
        return ASSIGNED if quirks.word("simsec_reassign") == "failed" else None
    if not sku.free:
        return EXHAUSTED
    sku.licenses[device.imei] = now_ms
    return None


def change(device: Device | None, sku: Sku, removing: bool) -> int:
    """Return by how much a device will change the number assigned, as far as is known at acceptance."""
    if device is None or (device.imei in sku.licenses) is not removing:
        return 0
    return -1 if removing else 1
