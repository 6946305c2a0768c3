# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses: what an account has bought of each SKU, and which devices hold one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..fields import WHOLE, Kind, anything, is_count, read_list, string, text
from .account import Account, dump_licenses, read_licenses

LIFETIME = "SIMSec-IoT-Lt"
# The SIM-Secure SKUs (assign page). Only the type "Flexible Bundle" is documented, the other words are ours.
SIMSEC_SKUS = {
    LIFETIME: "Lifetime",
    "SIMSec-IoT": "Flexible",
    "TS-BUNDLE-KTO-SIMSEC-MRC": "Flexible Bundle",
    "TSS-IOT-INTLG-TIERED-SIMSEC": "Flexible Tiered",
}
_KINDS: dict[str, Kind] = {"sku": text, "license_type": string, "purchased": WHOLE, "licenses": anything}


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


def load(given: Any, account: Account, where: str, problems: list[str]) -> dict[str, Sku]:
    """Read the SKUs of an account, each with who holds a license."""
    devices = list(account.devices)
    skus: dict[str, Sku] = {}
    for name, fields in read_list(given, "sku", _KINDS, where, problems).items():
        holders, place = fields.get("licenses", []), f"{where}[{name}].licenses"
        licenses = read_licenses(holders, lambda count: devices[:count], place, problems)
        if is_count(holders) and holders > len(devices):
            problems.append(f"{place}: the account has {len(devices)} devices only, not {holders}")
        strange = licenses.keys() - account.devices.keys()
        problems.extend(f"{place}: {imei} is not a device of the account" for imei in strange)
        license_type = fields.get("license_type", SIMSEC_SKUS.get(name, "Flexible"))
        skus[name] = Sku(name, license_type, fields.get("purchased", len(devices)), licenses)
    return skus


def dump(skus: dict[str, Sku]) -> list[dict[str, Any]]:
    """Write the SKUs."""
    return [
        {
            "sku": one.sku,
            "license_type": one.license_type,
            "purchased": one.purchased,
            "licenses": dump_licenses(one.licenses),
        }
        for one in skus.values()
    ]
