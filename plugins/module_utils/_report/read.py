# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads back what the info modules found out about an account, from their results and the files that they wrote."""

from __future__ import annotations

import csv
import operator
import os
import sys
import typing as t

from .._errors import LicensingError
from .._plan.outcomes import as_it_was
from .data import FOTA, AccountData, Device, Entry, Failure, Json, WantedLicenses
from .text import visible

WHAT = {
    "wanted": ("the fleet files", "accounts"),
    "fota": ("FOTA licenses", "licenses"),
    "removal_candidates": ("removal candidates", "candidate_count"),
    "simsec": ("SIM-Secure licenses", "subscriptions"),
    "devices": ("the device list", "count"),
}
"""The parts of an account's entry, each with its name in a report and a field that every result has."""


def read_account(entry: t.Mapping[str, t.Any], retired: t.Container[str]) -> AccountData:
    """Read one entry of the option C(accounts).

    :param retired: states of devices that are out of use. If a device has two lines, one in another state counts.
    """
    data = AccountData(visible(entry["account"]), shrink_to=whole(entry.get("shrink_to")))
    parts: dict[str, t.Callable[[AccountData, Json, str], None]] = {
        "wanted": _wanted,
        "fota": _fota,
        "removal_candidates": _candidates,
        "simsec": _simsec,
        "devices": lambda into, result, path: _devices(into, result, path, retired),
    }
    for name, read in parts.items():
        result = entry.get(name)
        if not isinstance(result, dict) or result.get("skipped"):
            continue
        what, field = WHAT[name]
        failure = _failure(result, field)
        if failure:
            _failed(data, what, *failure)
        try:
            if failure is None or name in ("fota", "simsec"):
                read(data, result, "" if failure else os.path.join(str(entry.get("reports") or ""), f"{name}.csv"))
        except LicensingError as error:
            _failed(data, what, error.code, visible(error.message))
    return data


def whole(value: t.Any) -> int | None:
    """A number that Ansible variables may have turned into a text; None if there is none.

    :raises ValueError: it is not a number of licenses.
    """
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)


def _failure(result: Json, field: str) -> tuple[str, str] | None:
    """Code and message of a module that failed or ended without a result."""
    failure = result.get("failure")
    if isinstance(failure, dict):
        return visible(failure.get("code")), visible(failure.get("message"))
    if result.get("failed") or field not in result:
        return "failed", visible(result.get("msg") or "The module ended without a result.")
    return None


def _failed(data: AccountData, what: str, code: str, message: str) -> None:
    """Add a failure. Parts that failed for the same reason are reported together."""
    for place, known in enumerate(data.failures):
        if known[1:] == (code, message):
            data.failures[place] = known._replace(what=f"{known.what}, {what}")
            return
    data.failures.append(Failure(what, code, message))


def _fota(data: AccountData, result: Json, path: str) -> None:
    data.fota_pool = result.get("licenses")
    purchase = str((result.get("subscription") or {}).get("purchase_type"))
    data.event_based = "EVNT" in purchase and "MRC" not in purchase
    if not path:
        return  # The number of purchased licenses is still known.
    if data.event_based and not os.path.exists(path):
        data.fota = {}
        return
    data.fota = dict(t.cast("t.Iterator[tuple[str, str]]", _rows(path, "device_id", "assigned_at")))


def _candidates(data: AccountData, result: Json, path: str) -> None:
    del result
    data.candidates = [device for (device,) in _rows(path, "device_id")]


def _simsec(data: AccountData, result: Json, path: str) -> None:
    data.subscriptions = [{**row, "sku": visible(row["sku"])} for row in result.get("subscriptions") or []]
    # Any device may hold licenses that the journal does not know.
    data.beyond_journal = frozenset(
        visible(row["sku"]) for row in result.get("drift") or [] if row.get("difference", 0) > 0
    )
    if "journal" not in result or not path:
        return
    data.journal = {}
    names = ("sku", "kind", "device_id", "state", "action", "confirmed", "held")
    for sku, kind, device, state, action, confirmed, held in _rows(path, *names):
        since = confirmed if (state, action) == ("assigned", "assign") else ""
        data.journal.setdefault((visible(sku), kind), {})[device] = Entry(sys.intern(held), since)


def _devices(data: AccountData, result: Json, path: str, retired: t.Container[str]) -> None:
    del result
    found: dict[str, dict[str, Device]] = {"imei": {}, "iccid": {}}
    for imei, iccid, state, last in _rows(path, "imei", "iccid", "state", "last_connected_at"):
        device = Device(sys.intern(visible(state)), last)
        data.device_count += 1
        for kind, name in (("imei", imei), ("iccid", iccid)):
            there = found[kind].get(name)
            if name and (there is None or there.state.lower() in retired):
                found[kind][name] = device
    data.devices = found


def _wanted(data: AccountData, result: Json, path: str) -> None:
    del path
    entries = [one for one in result.get("accounts") or [] if one.get("account") == data.name]
    if not entries:
        data.unnamed = True
        return
    entry = entries[0]
    lists = entry.get("lists") or {}
    pools = {(pool["sku"], pool["kind"]): pool for pool in entry["simsec"] if pool["count"]}
    simsec = {pool: dict.fromkeys(_ids(lists.get(one["list"]))) for pool, one in pools.items()}
    managed = entry["removal_candidates"]
    data.wanted = WantedLicenses(
        file=visible(entry["file"]),
        fota=dict.fromkeys(_ids(lists.get("fota"))) if entry["fota"] else None,
        exact={
            FOTA: (entry["fota"] or {}).get("state") == "exact",
            "simsec": any(pool.get("state") == "exact" for pool in entry["simsec"]),
        },
        simsec=simsec if entry["simsec"] else None,
        candidates=_ids(lists.get("candidates")) if managed else None,
        protected=frozenset(_ids(lists.get("protected")) if managed or "protected" in lists else []),
    )


def _ids(path: str | None) -> list[str]:
    try:
        with open(path or "", encoding="ascii") as stream:
            return stream.read().split()
    except (OSError, UnicodeError) as error:
        raise _unreadable(path or "of a list", error) from None


def _rows(path: str, *columns: str) -> t.Iterator[tuple[str, ...]]:
    """These columns of a file that one of our modules wrote, without the protection against spreadsheets."""
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader)
            places = [header.index(column) for column in columns]
            pick = operator.itemgetter(*places, places[0])
            for row in reader:
                yield tuple(as_it_was(cell) if "'" in cell else cell for cell in pick(row)[:-1])
    except (OSError, ValueError, StopIteration, IndexError, csv.Error) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: Exception) -> LicensingError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not what the module writes"
    return LicensingError(f"The file {path} cannot be read: {why}.", code="file_unreadable")
