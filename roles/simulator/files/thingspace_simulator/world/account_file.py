# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts as JSON, as the state has them. Reading reports every problem at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..fields import WHOLE, Flag, Kind, anything, is_count, must, or_null, read, read_list, string
from . import candidates, listeners, skus
from .account import EVENT, MRC, Account, dump_licenses, read_licenses
from .clock import iso, moment
from .device import DEVICE_KINDS, Device, dump_device, own_of, shared_iccids
from .seed import imeis

MAX_PROBLEMS = 50


@dataclass(frozen=True)
class Part:
    """A piece of an account that belongs to one API: how it is read, and how written.

    Reading takes the value, the account, the place in the file and the list that problems are added to.
    """

    load: Callable[[Any, Account, str, list[str]], Any]
    dump: Callable[[Any], Any]


# A later API registers its piece of an account here.
PARTS: dict[str, Part] = {
    "candidates": Part(candidates.load, candidates.dump),
    "skus": Part(skus.load, skus.dump),
    "callbacks": Part(listeners.load, listeners.dump),
}


def _name(value: Any) -> str:
    """Take the name of an account."""
    if not isinstance(value, str) or not value or "/" in value:
        raise must("a non-empty string without a slash", value)
    return value


def _purchase_type(value: Any) -> str:
    """Take one purchase type or both."""
    if not set(string(value).split(",")) <= {MRC, EVENT}:
        raise must(f"{MRC}, {EVENT} or both with a comma", value)
    return str(value)


_KINDS: dict[str, Kind] = {
    "name": _name,
    "active": Flag(),
    **dict.fromkeys(("subscription", "devices", "licenses", *PARTS), anything),
}
_SUBSCRIPTION: dict[str, Kind] = {
    "purchase_type": _purchase_type,
    "license_count": WHOLE,
    "updated_at": or_null(moment),
}


def dump(account: Account) -> dict[str, Any]:
    """Write an account."""
    return {
        "name": account.name,
        "active": account.active,
        "subscription": {
            "purchase_type": account.purchase_type,
            "license_count": account.license_count,
            "updated_at": iso(account.updated_ms),
        },
        "devices": [dump_device(device) for device in account.devices.values()],
        "licenses": dump_licenses(account.licenses),
        **{name: part.dump(account.parts[name]) for name, part in PARTS.items()},
    }


def load(given: Any, now_ms: int) -> tuple[list[Account], list[str]]:
    """Read accounts; return them and what is wrong with them."""
    problems: list[str] = []
    if not isinstance(given, list):
        return [], ["accounts: must be a list"]
    accounts = [_account(entry, index, now_ms, problems) for index, entry in enumerate(given)]
    names = [account.name for account in accounts]
    problems.extend(f"accounts: {name} is given twice" for name in sorted({n for n in names if names.count(n) > 1}))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more problems"]
    return accounts, problems


def _account(given: Any, index: int, now_ms: int, problems: list[str]) -> Account:
    """Read an account; where something is wrong, a default stands in and a problem is noted."""
    where = f"accounts[{index}]"
    fields = read(given, _KINDS, where, problems, required=("name",))
    first = partial(imeis, account_index=index)
    licenses = read_licenses(fields.get("licenses", []), first, f"{where}.licenses", problems)
    devices = _devices(fields.get("devices", list(licenses)), first, f"{where}.devices", problems)
    strange = licenses.keys() - devices.keys()
    problems.extend(f"{where}.licenses: {imei} is not a device of the account" for imei in strange)
    bought = read(fields.get("subscription", {}), _SUBSCRIPTION, f"{where}.subscription", problems)
    updated_ms = bought.get("updated_at")
    account = Account(
        name=fields.get("name", ""),
        purchase_type=bought.get("purchase_type", MRC),
        license_count=bought.get("license_count", len(devices)),
        updated_ms=now_ms if updated_ms is None else updated_ms,
        active=fields.get("active", True),
        devices=devices,
        licenses=licenses,
    )
    for name, part in PARTS.items():
        account.parts[name] = part.load(fields.get(name, []), account, f"{where}.{name}", problems)
    return account


def _devices(given: Any, first: Callable[[int], list[str]], where: str, problems: list[str]) -> dict[str, Device]:
    """Read devices: a number of them, plain ids, or objects."""
    if is_count(given):
        return {imei: Device(imei) for imei in first(given)}
    devices: dict[str, Device] = {}
    for imei, fields in read_list(given, "imei", DEVICE_KINDS, where, problems).items():
        devices[imei] = device = Device(imei, fields.get("upgraded", False))
        if len(fields) > 1:
            device.own = own_of(fields) or device.own
    problems.extend(f"{where}: two devices have the ICCID {iccid}" for iccid in shared_iccids(devices))
    return devices
