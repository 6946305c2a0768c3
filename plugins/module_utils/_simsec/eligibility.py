# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Refuse devices that SIM-Secure does not accept, before anything is sent.

Source: "Assign SIM-Secure licenses": a device must be active and belong to the account.
"""

from __future__ import annotations

import typing as t

from .._client.client import Client
from .._devices.api import DeviceApi
from .._errors import MAX_PROBLEMS, LicensingError
from .._text.lists import first, many


def require_eligible(client: Client, account: str, kind: str, devices: t.Sequence[str]) -> None:
    """Look up every device.

    :raises LicensingError: C(not_eligible), with every device that is not active, and the reason.
    """
    if not devices:
        return
    states = DeviceApi(client, account).states(kind, devices)
    refused = {device: _why(states.get(device)) for device in devices if states.get(device, "").lower() != "active"}
    if not refused:
        return
    named = first(refused.items(), 20, "; ", " ".join)
    raise LicensingError(
        f"{len(refused)} of {many(len(devices), 'device')} cannot get a SIM-Secure license: {named}. Nothing was sent. "
        "Activate them, or leave them out.",
        code="not_eligible",
        devices=dict(list(refused.items())[:MAX_PROBLEMS]),
    )


def _why(state: str | None) -> str:
    if state is None:
        return "is not a device of the account"
    return f"is not active (its state is '{state}')" if state else "has no known state"
