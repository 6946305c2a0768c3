# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses: what an account has bought of each SKU, and which devices hold one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .account import Account
from .clock import iso, parse_ms
from .seed import SEEDED_MS, SIMSEC_SKUS

LIFETIME = "SIMSec-IoT-Lt"
_KNOWN = {"sku", "license_type", "purchased", "licenses"}


@dataclass
class Sku:
    """One SKU of an account. ``pending`` is by how much accepted requests will change what is assigned."""

    sku: str
    license_type: str
    purchased: int
    licenses: dict[str, int] = field(default_factory=dict)
    pending: int = 0

    @property
    def free(self) -> int:
        """Return the licenses that no device holds; never negative."""
        return max(0, self.purchased - len(self.licenses))


def skus_of(account: Account) -> dict[str, Sku]:
    """Return the SKUs of an account."""
    skus: dict[str, Sku] = account.parts.setdefault("skus", {})
    return skus


def load(value: Any, account: Account) -> dict[str, Sku]:
    """Read the SKUs of an account; raises ValueError for the first that is wrong."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError("must be a list of objects")
    skus: dict[str, Sku] = {}
    for index, entry in enumerate(value):
        try:
            one = _sku(entry, account)
        except ValueError as error:
            raise ValueError(f"entry {index}: {error}") from error
        if one.sku in skus:
            raise ValueError(f"entry {index}: {one.sku} is given twice")
        skus[one.sku] = one
    return skus


def _sku(entry: dict[str, Any], account: Account) -> Sku:
    """Read one SKU."""
    unknown = sorted(entry.keys() - _KNOWN)
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: unknown; known are {', '.join(sorted(_KNOWN))}")
    name = entry.get("sku")
    if not isinstance(name, str) or not name:
        raise ValueError(f"sku must be a non-empty string, not {name!r}")
    license_type = entry.get("license_type", SIMSEC_SKUS.get(name, "Flexible"))
    if not isinstance(license_type, str):
        raise ValueError(f"license_type must be a string, not {license_type!r}")
    purchased = _whole(entry.get("purchased", len(account.devices)), "purchased")
    return Sku(name, license_type, purchased, _licenses(entry.get("licenses", []), account))


def _whole(value: Any, name: str) -> int:
    """Read a count."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return value


def _licenses(given: Any, account: Account) -> dict[str, int]:
    """Read who holds a license: the first so many devices, plain ids, or objects."""
    if isinstance(given, int) and not isinstance(given, bool):
        count = _whole(given, "licenses")
        if count > len(account.devices):
            raise ValueError(f"licenses: the account has {len(account.devices)} devices only, not {count}")
        return dict.fromkeys(list(account.devices)[:count], SEEDED_MS)
    if not isinstance(given, list):
        raise ValueError("licenses must be a list, or a whole number")
    licenses: dict[str, int] = {}
    for entry in given:
        fields: dict[str, Any] = entry if isinstance(entry, dict) else {"device_id": entry}
        imei, moment = fields.get("device_id"), fields.get("assigned_at")
        if not isinstance(imei, str) or not fields.keys() <= {"device_id", "assigned_at"}:
            raise ValueError(f"licenses: an entry has device_id (a string) and assigned_at, not {entry!r}")
        if imei not in account.devices:
            raise ValueError(f"licenses: {imei} is not a device of the account")
        if imei in licenses:
            raise ValueError(f"licenses: {imei} is given twice")
        try:
            licenses[imei] = SEEDED_MS if moment is None else parse_ms(moment)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"licenses: assigned_at must be an ISO 8601 time, not {moment!r}") from error
    return licenses


def dump(skus: dict[str, Sku]) -> list[dict[str, Any]]:
    """Write the SKUs."""
    return [
        {
            "sku": one.sku,
            "license_type": one.license_type,
            "purchased": one.purchased,
            "licenses": [{"device_id": imei, "assigned_at": iso(ms)} for imei, ms in one.licenses.items()],
        }
        for one in skus.values()
    ]
