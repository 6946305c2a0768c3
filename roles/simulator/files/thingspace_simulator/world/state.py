# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service knows, as JSON: what ``--seed-file`` and ``/_simulator/state`` take. Reads report every problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .. import quirks
from ..fields import WHOLE, Flag, Kind, Place, anything, is_count, kind, or_null, secret, string, strings, text
from . import listeners
from .account import EVENT, MRC, Account, Candidates, Sku
from .auth import CREDENTIALS
from .clock import iso, moment, parse_ms
from .device import DEVICE_KINDS, Device, imei_kind, own_of, shared_iccids
from .skus import SIMSEC_SKUS
from .world import World

ACCOUNT = "0000123456-00001"
FIRST_IMEI = 990_000_000_000_000
ACCOUNT_STEP = 100_000_000
MAX_PROBLEMS = 50
# Licenses of a state that does not say otherwise were attached at the time of the documented example.
SEEDED_MS = parse_ms("2017-11-29T16:03:42.000Z")

_STATE: dict[str, Kind] = dict.fromkeys(("accounts", "quirks", "credentials"), anything)
_CREDENTIALS: dict[str, Kind] = dict.fromkeys(CREDENTIALS, secret)
_ACCOUNT: dict[str, Kind] = {
    "name": kind(
        "a non-empty string without a slash", lambda one: isinstance(one, str) and one != "" and "/" not in one
    ),
    "active": Flag(),
    **dict.fromkeys(("subscription", "devices", "licenses", "candidates", "skus", "callbacks"), anything),
}
_SUBSCRIPTION: dict[str, Kind] = {
    "purchase_type": kind(
        f"{MRC}, {EVENT} or both with a comma", lambda one: {*string(one).split(",")} <= {MRC, EVENT}
    ),
    "license_count": WHOLE,
    "updated_at": or_null(moment),
}
_LICENSE: dict[str, Kind] = {"device_id": imei_kind, "assigned_at": or_null(moment)}
_SKU: dict[str, Kind] = {"sku": text, "license_type": string, "purchased": WHOLE, "licenses": anything}


@dataclass(frozen=True)
class State:
    """What a state says. ``accounts`` is None if it names none; quirks and credentials may be incomplete."""

    accounts: list[Account] | None
    quirks: dict[str, Any]
    credentials: dict[str, str]


def imeis(count: int, account_index: int = 0) -> list[str]:
    """Return that many device ids, always the same. Each account of a file has its own range."""
    first = FIRST_IMEI + account_index * ACCOUNT_STEP
    return [str(number) for number in range(first, first + count)]


def default_seed(devices: int, licensed: int, licenses: int, sku_licenses: int | None = None) -> dict[str, Any]:
    """Return a state with one account. Its first ``licensed`` devices hold a FOTA license.

    It has bought ``sku_licenses`` of each SIM-Secure SKU, by default as many as it has devices.
    """
    purchased = devices if sku_licenses is None else sku_licenses
    account = {
        "name": ACCOUNT,
        "subscription": {"purchase_type": MRC, "license_count": licenses, "updated_at": iso(SEEDED_MS)},
        "devices": devices,
        "licenses": licensed,
        "skus": [{"sku": sku, "license_type": word, "purchased": purchased} for sku, word in SIMSEC_SKUS.items()],
    }
    return {"accounts": [account]}


def read_state(given: Any, now_ms: int) -> State:
    """Read a state completely. Raises Invalid with everything that is wrong."""
    place = Place("state")
    parts = place.read(given, _STATE)
    accounts = _accounts(parts.get("accounts", []), now_ms, place.problems)
    switches = Place("quirks", place.problems).read(parts.get("quirks", {}), quirks.KINDS)
    credentials = Place("credentials", place.problems).read(parts.get("credentials", {}), _CREDENTIALS)
    place.check()
    return State(accounts if "accounts" in parts else None, switches, credentials)


def _accounts(given: Any, now_ms: int, problems: list[str]) -> list[Account]:
    """Read accounts. Of very many problems only the first are noted."""
    place = Place("accounts")
    if not isinstance(given, list):
        place.note("must be a list")
        given = []
    accounts = [_account(entry, index, now_ms, place.at(f"[{index}]")) for index, entry in enumerate(given)]
    names = [account.name for account in accounts]
    for name in sorted({one for one in names if names.count(one) > 1}):
        place.note(f"{name} is given twice")
    problems.extend(place.problems[:MAX_PROBLEMS])
    if len(place.problems) > MAX_PROBLEMS:
        problems.append(f"and {len(place.problems) - MAX_PROBLEMS} more problems")
    return accounts


def _account(given: Any, index: int, now_ms: int, place: Place) -> Account:
    """Read an account. Where something is wrong, a default takes its place and a problem is noted."""
    fields = place.read(given, _ACCOUNT, required=("name",))
    first = partial(imeis, account_index=index)
    held = fields.get("licenses", [])
    named = isinstance(fields.get("devices"), list)  # then a number of licenses means the first of these devices
    licenses = {} if named and is_count(held) else _licenses(held, first, place.at(".licenses"))
    devices = _devices(fields.get("devices", list(licenses)), first, place.at(".devices"))
    if named and is_count(held):
        licenses = dict.fromkeys([*devices][:held], SEEDED_MS)
        if held > len(devices):
            place.at(".licenses").note(f"the account has {len(devices)} devices only, not {held}")
    _check_known(licenses, devices, place.at(".licenses"))
    bought = place.at(".subscription").read(fields.get("subscription", {}), _SUBSCRIPTION)
    updated_ms = bought.get("updated_at")
    updated_ms = now_ms if updated_ms is None else updated_ms
    listed = place.read({"candidates": fields.get("candidates", [])}, {"candidates": strings})
    return Account(
        name=fields.get("name", ""),
        purchase_type=bought.get("purchase_type", MRC),
        license_count=bought.get("license_count", len(devices)),
        updated_ms=updated_ms,
        active=fields.get("active", True),
        devices=devices,
        licenses=licenses,
        candidates=Candidates(listed.get("candidates", []), updated_ms),
        skus=_skus(fields.get("skus", []), devices, place.at(".skus")),
        listeners=listeners.read(fields.get("callbacks", []), place.at(".callbacks")),
    )


def _devices(given: Any, first: Callable[[int], list[str]], place: Place) -> dict[str, Device]:
    """Read devices: how many, plain ids, or objects."""
    if is_count(given):
        return {imei: Device(imei) for imei in first(given)}
    devices: dict[str, Device] = {}
    for imei, fields in place.read_list(given, "imei", DEVICE_KINDS).items():
        devices[imei] = device = Device(imei, fields.get("upgraded", "upgraded_at" in fields))
        if len(fields) > 1:
            device.own = own_of(fields) or device.own
    for iccid in shared_iccids(devices):
        place.note(f"two devices have the ICCID {iccid}")
    return devices


def _licenses(given: Any, first: Callable[[int], Iterable[str]], place: Place) -> dict[str, int]:
    """Read which devices hold a license, and since when: the ``first`` so many, plain ids, or objects."""
    if is_count(given):
        return dict.fromkeys(first(given), SEEDED_MS)
    licenses: dict[str, int] = {}
    for device, fields in place.read_list(given, "device_id", _LICENSE).items():
        assigned_ms = fields.get("assigned_at")
        licenses[device] = SEEDED_MS if assigned_ms is None else assigned_ms
    return licenses


def _check_known(licenses: Mapping[str, int], devices: Mapping[str, Device], place: Place) -> None:
    """Note the license holders that are not devices of the account."""
    for imei in licenses.keys() - devices.keys():
        place.note(f"{imei} is not a device of the account")


def _skus(given: Any, devices: dict[str, Device], place: Place) -> dict[str, Sku]:
    """Read the SIM-Secure SKUs, each with the devices that hold a license."""
    imeis_here = list(devices)
    skus: dict[str, Sku] = {}
    for name, fields in place.read_list(given, "sku", _SKU).items():
        holders, inside = fields.get("licenses", []), place.at(f"[{name}].licenses")
        licenses = _licenses(holders, lambda count: imeis_here[:count], inside)
        if is_count(holders) and holders > len(devices):
            inside.note(f"the account has {len(devices)} devices only, not {holders}")
        _check_known(licenses, devices, inside)
        license_type = fields.get("license_type", SIMSEC_SKUS.get(name, "Flexible"))
        skus[name] = Sku(name, license_type, fields.get("purchased", len(devices)), licenses)
    return skus


def keep_passwords(before: Mapping[str, Account], after: Iterable[Account]) -> None:
    """Give each listener that was read from a state without passwords the password it had."""
    for account in after:
        old = before[account.name].listeners if account.name in before else {}
        for service, one in account.listeners.items():
            if one.keep_password:
                password = old[service].password if service in old else ""
                account.listeners[service] = replace(one, password=password, keep_password=False)


def dump_state(world: World) -> dict[str, Any]:
    """Return the whole state, without the passwords of listeners."""
    with world.lock:
        accounts = [_dump_account(account) for account in world.accounts.values()]
        return {"accounts": accounts, "quirks": world.quirks.dump(), "credentials": dict(world.auth.credentials)}


def _dump_account(account: Account) -> dict[str, Any]:
    """Return an account as a state has it."""
    return {
        "name": account.name,
        "active": account.active,
        "subscription": {
            "purchase_type": account.purchase_type,
            "license_count": account.license_count,
            "updated_at": iso(account.updated_ms),
        },
        "devices": [device.dump() for device in account.devices.values()],
        "licenses": _dump_licenses(account.licenses),
        "candidates": list(account.candidates.ids),
        "skus": [
            {
                "sku": one.sku,
                "license_type": one.license_type,
                "purchased": one.purchased,
                "licenses": _dump_licenses(one.licenses),
            }
            for one in account.skus.values()
        ],
        "callbacks": [
            {"service": one.service, "url": one.url, "username": one.username, "has_password": bool(one.password)}
            for one in account.listeners.values()
        ],
    }


def _dump_licenses(licenses: Mapping[str, int]) -> list[dict[str, str]]:
    """Return which devices hold a license, and since when."""
    return [{"device_id": device, "assigned_at": iso(assigned_ms)} for device, assigned_ms in licenses.items()]
