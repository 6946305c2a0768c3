# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the accounts come from at the start: a size."""

from __future__ import annotations

from typing import Any

from .account import MRC, SEEDED_MS
from .clock import iso
from .skus import SIMSEC_SKUS

ACCOUNT = "0000123456-00001"
FIRST_IMEI = 990_000_000_000_000
ACCOUNT_STEP = 100_000_000


def imeis(count: int, account_index: int = 0) -> list[str]:
    """Return that many device ids, the same every time; each account of a file has its own range."""
    first = FIRST_IMEI + account_index * ACCOUNT_STEP
    return [str(number) for number in range(first, first + count)]


def default_seed(devices: int, licensed: int, licenses: int, sku_licenses: int | None = None) -> dict[str, Any]:
    """Return a state file with one account; its first ``licensed`` devices hold a FOTA license.

    Of each SIM-Secure SKU it has bought ``sku_licenses``, by default as many as it has devices.
    """
    subscription = {"purchase_type": MRC, "license_count": licenses, "updated_at": iso(SEEDED_MS)}
    purchased = devices if sku_licenses is None else sku_licenses
    account = {
        "name": ACCOUNT,
        "subscription": subscription,
        "devices": devices,
        "licenses": licensed,
        "skus": [{"sku": sku, "license_type": kind, "purchased": purchased} for sku, kind in SIMSEC_SKUS.items()],
    }
    return {"accounts": [account]}
