# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control for devices that change: their state, their ICCID, whether they have upgraded."""

from __future__ import annotations

from typing import Any

from ..fields import Flag, or_null, read
from ..http.messages import Request
from ..simulation import Simulation
from ..world.account import Account
from ..world.device import DEVICE_KINDS, Device, own_of
from .control import Controls, Refused, account_of, body_of


def _put_devices(simulation: Simulation, request: Request) -> Any:
    """Change some devices of an account; nothing else is touched, and what is under way goes on."""
    given = body_of(request)
    with simulation.world.lock:
        problems: list[str] = []
        account = account_of(simulation, given.get("account") if isinstance(given, dict) else None, problems)
        if account is None:
            raise Refused(problems)
        entries = given.get("devices") if isinstance(given, dict) else given
        changes = _changes(entries, account)
        for device, upgraded, own in changes:
            device.upgraded = device.upgraded if upgraded is None else upgraded
            account.directory.change(device, own)
    return {"account": account.name, "changed": len(changes)}


def _changes(entries: Any, account: Account) -> list[tuple[Device, bool | None, dict[str, Any]]]:
    """Read the changes completely; refuses them all for whatever is wrong."""
    if not isinstance(entries, list):
        raise Refused(['give a list of devices, or {"account": name, "devices": list}'])
    changes: list[tuple[Device, bool | None, dict[str, Any]]] = []
    problems: list[str] = []
    given: set[str | None] = set()
    for index, entry in enumerate(entries):
        fields = read(entry, _KINDS, f"devices[{index}]", problems, required=("imei",))
        device = account.devices.get(fields.get("imei", ""))
        if device is None:
            problems.append(f"devices[{index}].imei: {fields.get('imei')!r} is not a device of the account")
            continue
        own = own_of(fields)
        iccid = own.get("iccid")
        if iccid and (iccid in given or account.directory.find("iccid", iccid) not in (None, device)):
            problems.append(f"devices[{index}].iccid: {iccid} is that of another device")
        given.add(iccid)
        changes.append((device, fields.get("upgraded"), own))
    if problems:
        raise Refused(problems)
    return changes


_KINDS = {**DEVICE_KINDS, "upgraded": or_null(Flag())}

CONTROLS: Controls = {
    "/_simulator/devices": {"PUT": _put_devices},
}
