# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts as JSON, as the state has them. Reading reports every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import candidates, listeners, skus
from .account import EVENT, MRC, Account, is_imei
from .clock import iso, parse_ms
from .device import Device
from .device_file import OWN_FIELDS, dump_device, read_own, shared_iccids
from .seed import SEEDED_MS, imeis

MAX_PROBLEMS = 50
_DEVICE = {"imei", "upgraded", *OWN_FIELDS}
_LICENSE = {"device_id", "assigned_at"}


@dataclass(frozen=True)
class Part:
    """A piece of an account that belongs to one API: how it is read, and how written."""

    load: Callable[[Any, Account], Any]
    dump: Callable[[Any], Any]


# A later API registers its piece of an account here.
PARTS: dict[str, Part] = {
    "candidates": Part(candidates.load, candidates.dump),
    "skus": Part(skus.load, skus.dump),
    "callbacks": Part(listeners.load, listeners.dump),
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
        "licenses": [{"device_id": imei, "assigned_at": iso(ms)} for imei, ms in account.licenses.items()],
        **{name: part.dump(account.parts[name]) for name, part in PARTS.items()},
    }


def load(given: Any, now_ms: int) -> tuple[list[Account], list[str]]:
    """Read accounts; return them and what is wrong with them."""
    problems: list[str] = []
    if not isinstance(given, list):
        return [], ["accounts: must be a list"]
    accounts = [_Reader(entry, index, now_ms, problems).account() for index, entry in enumerate(given)]
    names = [account.name for account in accounts]
    problems.extend(f"accounts: {name} is given twice" for name in sorted({n for n in names if names.count(n) > 1}))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more problems"]
    return accounts, problems


class _Reader:
    """Reads one account, collecting problems under its place in the file."""

    def __init__(self, given: Any, index: int, now_ms: int, problems: list[str]) -> None:
        self._given: dict[str, Any] = given if isinstance(given, dict) else {}
        self._index = index
        self._now_ms = now_ms
        self._problems = problems
        self._where = f"accounts[{index}]"
        if not isinstance(given, dict):
            self._wrong("", "must be an object")

    def _wrong(self, place: str, what: str) -> None:
        self._problems.append(f"{self._where}{place}: {what}")

    def _unknown(self, given: dict[str, Any], allowed: set[str], place: str = "") -> None:
        for name in sorted(given.keys() - allowed):
            self._wrong(f"{place}.{name}", f"unknown; known are {', '.join(sorted(allowed))}")

    def _whole(self, value: Any, place: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self._wrong(place, f"must be a whole number, not {value!r}")
            return 0
        return value

    def account(self) -> Account:
        """Read the account; where something is wrong, a default stands in and a problem is noted."""
        given = self._given
        self._unknown(given, {"name", "active", "subscription", "devices", "licenses", *PARTS})
        name = given.get("name")
        if not isinstance(name, str) or not name or "/" in name:
            self._wrong(".name", f"must be a non-empty string without a slash, not {name!r}")
            name = ""
        active = given.get("active", True)
        if not isinstance(active, bool):
            self._wrong(".active", f"must be true or false, not {active!r}")
        licenses = self._licenses(given.get("licenses", []))
        devices = self._devices(given.get("devices", list(licenses)))
        for imei in licenses.keys() - devices.keys():
            self._wrong(".licenses", f"{imei} is not a device of the account")
        purchase_type, count, updated = self._subscription(given.get("subscription", {}), len(devices))
        account = Account(name, purchase_type, count, updated, bool(active), devices, licenses)
        account.parts = self._parts(account)
        return account

    def _subscription(self, given: Any, default_count: int) -> tuple[str, int, int]:
        if not isinstance(given, dict):
            self._wrong(".subscription", "must be an object")
            given = {}
        self._unknown(given, {"purchase_type", "license_count", "updated_at"}, ".subscription")
        purchase_type = given.get("purchase_type", MRC)
        if not isinstance(purchase_type, str) or not set(purchase_type.split(",")) <= {MRC, EVENT}:
            self._wrong(".subscription.purchase_type", f"must be {MRC}, {EVENT} or both with a comma")
            purchase_type = MRC
        count = self._whole(given.get("license_count", default_count), ".subscription.license_count")
        updated = self._time(given.get("updated_at"), ".subscription.updated_at", None, self._now_ms)
        return purchase_type, count, updated

    def _time(self, given: Any, place: str, index: int | None, default: int) -> int:
        if given is None:
            return default
        try:
            return parse_ms(given)
        except (ValueError, TypeError, OverflowError):
            spot = place if index is None else f"{place}[{index}].assigned_at"
            self._wrong(spot, f"must be an ISO 8601 time, not {given!r}")
            return default

    def _entries(self, given: Any, place: str, key: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Yield index, id and fields of each entry: a number of devices, plain ids, or objects."""
        if isinstance(given, int) and not isinstance(given, bool):
            yield from ((0, imei, {}) for imei in imeis(self._whole(given, place), self._index))
            return
        if not isinstance(given, list):
            self._wrong(place, "must be a list, or a whole number")
            return
        seen: set[str] = set()
        for index, entry in enumerate(given):
            fields: dict[str, Any] = entry if isinstance(entry, dict) else {key: entry}
            imei = fields.get(key)
            if not (isinstance(imei, str) and is_imei(imei)):
                self._wrong(f"{place}[{index}]", f"{key} must be a string of 15 digits, not {imei!r}")
                continue
            if imei in seen:
                self._wrong(f"{place}[{index}]", f"{imei} is given twice")
            seen.add(imei)
            yield index, imei, fields

    def _devices(self, given: Any) -> dict[str, Device]:
        devices: dict[str, Device] = {}
        for index, imei, fields in self._entries(given, ".devices", "imei"):
            upgraded = fields.get("upgraded", False)
            if not fields.keys() <= _DEVICE:
                self._unknown(fields, _DEVICE, f".devices[{index}]")
            if not isinstance(upgraded, bool):
                self._wrong(f".devices[{index}].upgraded", f"must be true or false, not {upgraded!r}")
            device = devices[imei] = Device(imei, bool(upgraded))
            if len(fields) > 1:
                device.own = read_own(fields, partial(self._wrong_field, index)) or device.own
        for iccid in shared_iccids(devices):
            self._wrong(".devices", f"two devices have the ICCID {iccid}")
        return devices

    def _wrong_field(self, index: int, name: str, what: str) -> None:
        self._wrong(f".devices[{index}]{name}", what)

    def _licenses(self, given: Any) -> dict[str, int]:
        licenses: dict[str, int] = {}
        for index, imei, fields in self._entries(given, ".licenses", "device_id"):
            if not fields.keys() <= _LICENSE:
                self._unknown(fields, _LICENSE, f".licenses[{index}]")
            licenses[imei] = self._time(fields.get("assigned_at"), ".licenses", index, SEEDED_MS)
        return licenses

    def _parts(self, account: Account) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        for name, part in PARTS.items():
            try:
                parts[name] = part.load(self._given.get(name, []), account)
            except ValueError as error:
                self._wrong(f".{name}", str(error))
        return parts
