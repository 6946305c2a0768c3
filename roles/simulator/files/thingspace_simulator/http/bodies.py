# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal says about the body of a request: never the body itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .messages import Request


@dataclass(frozen=True)
class Facts:
    """Account, SKU and device ids that a body names."""

    account: str | None = None
    sku: str | None = None
    devices: list[str] | None = None


def facts(request: Request) -> Facts:
    """Read a body, whatever it is."""
    try:
        given = request.json() if request.body else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Facts()
    return Facts(_text(given.get("accountName")), _text(given.get("skuNumber")), _devices(given))


def _text(value: Any) -> str | None:
    """Return a string or nothing."""
    return value if isinstance(value, str) else None


def _devices(given: dict[str, Any]) -> list[str] | None:
    """Return the ids of a FOTA body (deviceList) or of a SIM-Secure body (devices with deviceIds)."""
    ids = given.get("deviceList")
    if isinstance(ids, list):
        return [str(one) for one in ids]
    devices = given.get("devices")
    if not isinstance(devices, list):
        return None
    return [str(one.get("id")) for entry in devices for one in _list(entry) if isinstance(one, dict)]


def _list(entry: Any) -> list[Any]:
    """Return the identifiers of one device."""
    found = entry.get("deviceIds") if isinstance(entry, dict) else None
    return found if isinstance(found, list) else []
