# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One device as the device list shows it (device information page, and what users report of real replies)."""

from __future__ import annotations

from typing import Any

from ...world.account import Account
from ...world.clock import iso
from ...world.device import Device

CARRIER_NAME = "Verizon Wireless"
MADE_UP = ("mdn", "imsi", "msisdn", "min")
_CONNECTED_AFTER_MS = 60_000


def made_up_ids(device: Device) -> dict[str, str]:
    """Return the ids that no state file has, made from the internal number."""
    number = f"{device.number:09d}"[-9:]
    mdn = f"5{number}"
    return dict(zip(MADE_UP, (mdn, f"311480{number}", f"1{mdn}", mdn), strict=True))


def row(device: Device, account: Account, attributes: bool) -> dict[str, Any]:
    """Return the whole row."""
    added = iso(device.added_ms)
    ids = {"imei": device.imei, "iccId": device.iccid, **made_up_ids(device)}
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
    """Return the extended attributes: personal data among them, and some without a value.

    SkuNumber is that of the equipment and says nothing about SIM-Secure.
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
