# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for accounts: devices that change, and the number of FOTA licenses that an account has bought."""

from __future__ import annotations

from typing import Any

from ..fields import WHOLE, Flag, Invalid, Kind, Place, anything, or_null
from ..simulation import Simulation
from ..world.account import Account, evict
from ..world.clock import iso
from ..world.device import DEVICE_KINDS, Device, own_of

_NAME: dict[str, Kind] = {"account": anything}
_SUBSCRIPTION: dict[str, Kind] = {**_NAME, "license_count": WHOLE}
_DEVICE: dict[str, Kind] = {**DEVICE_KINDS, "upgraded": or_null(Flag())}


def change_devices(simulation: Simulation, given: Any) -> Any:
    """Change some devices of an account. Everything else stays, and what is in progress continues."""
    by_name = given if isinstance(given, dict) else {"devices": given}
    with simulation.world.lock:
        account = _account(simulation, by_name.get("account"), [])
        changes = _changes(by_name.get("devices"), account)
        for device, upgraded, own in changes:
            device.upgraded = device.upgraded if upgraded is None else upgraded
            account.directory.change(device, own)
    return {"account": account.name, "changed": len(changes)}


def _changes(entries: Any, account: Account) -> list[tuple[Device, bool | None, dict[str, Any]]]:
    """Read all changes before any is applied."""
    if not isinstance(entries, list):
        raise Invalid('give a list of devices, or {"account": name, "devices": list}')
    changes: list[tuple[Device, bool | None, dict[str, Any]]] = []
    devices = Place("devices")
    given: set[str | None] = set()
    for index, entry in enumerate(entries):
        place = devices.at(f"[{index}]")
        fields = place.read(entry, _DEVICE, required=("imei",))
        device = account.devices.get(fields.get("imei", ""))
        if device is None:
            place.at(".imei").note(f"{fields.get('imei')!r} is not a device of the account")
            continue
        own = own_of(fields)
        iccid = own.get("iccid")
        if iccid and (iccid in given or account.directory.find("iccid", iccid) not in (None, device)):
            place.at(".iccid").note(f"{iccid} is that of another device")
        given.add(iccid)
        upgraded = fields.get("upgraded", True if "upgraded_at" in fields else None)
        changes.append((device, upgraded, own))
    devices.check()
    return changes


def subscription(simulation: Simulation, query: Any) -> Any:
    """Return how many licenses are bought and held. Without ``?account=``, the first account is meant."""
    place = Place("filter")
    name = place.read(query, _NAME).get("account")
    with simulation.world.lock:
        return _counts(_account(simulation, name, place.problems))


def change_subscription(simulation: Simulation, given: Any) -> Any:
    """Buy more or fewer licenses. If devices then hold more than are bought, some lose theirs at once."""
    place, world = Place("subscription"), simulation.world
    wanted = place.read(given, _SUBSCRIPTION, required=("license_count",))
    with world.lock:
        account = _account(simulation, wanted.get("account"), place.problems, with_pool=True)
        account.license_count, account.updated_ms = wanted["license_count"], world.clock.now_ms()
        evicted = evict(account, world.quirks, account.updated_ms)
        rows = [{"device_id": imei, "assigned_at": iso(assigned_ms)} for imei, assigned_ms in evicted]
        return {**_counts(account), "evicted": rows}


def _account(simulation: Simulation, name: Any, problems: list[str], with_pool: bool = False) -> Account:
    """Return the account with this name, or the first without one. Raises Invalid with all problems so far."""
    accounts = simulation.world.accounts
    account = next(iter(accounts.values()), None) if name is None else None
    if isinstance(name, str):
        account = accounts.get(name)
    if account is None:
        problems.append(f"account: {name!r} is unknown; known are {', '.join(accounts)}")
    elif with_pool and not account.has_pool:
        problems.append(f"account: {account.name} buys no licenses in advance")
    if problems or account is None:
        raise Invalid(*problems)
    return account


def _counts(account: Account) -> dict[str, Any]:
    """Return what both answers have in common."""
    return {"account": account.name, "license_count": account.license_count, "assigned": len(account.licenses)}
