# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads everything about an account in one process, and stores it for a report: the flow of C(fleet_account_info)."""

from __future__ import annotations

import functools
import os
import sys
import typing as t

from .._account import account_problems
from .._candidates import info as candidates_info
from .._devices.api import DeviceApi
from .._errors import LicensingError, OptionsError, Problem
from .._fota import info as fota_info
from .._journal.inventory import JournalRow, drift
from .._module import Context, Result, result_of
from .._options import out_of_range
from .._simsec.api import SimsecApi, assigned_of
from .._simsec.info import opened, take_stock
from .._swm.licenses import FotaApi, is_event_based
from .data import FLEET_FILES, AccountData, BySku, Device, Entry, ReadFailure, WantedLicenses
from .stored import store

Source = t.Callable[[Context], WantedLicenses]
"""Reads what is wanted of the account of the task.

:raises LicensingError: it cannot be read.
"""


def run(context: Context, source: Source) -> Result:
    """Read each part, and store all of them. A part that cannot be read does not stop the others."""
    params = context.params
    account = params["account"]
    problems = [*account_problems(account), *out_of_range(params, {"shrink_to": (0, None)})]
    if problems:
        raise OptionsError(problems)
    path = os.path.join(params["dest"], f"{account}.json")
    data = AccountData(account, shrink_to=params["shrink_to"])
    try:
        _make_folder(params["dest"])
        for name, (what, read) in _parts(source).items():
            if name in params["parts"] or (name == "wanted" and any(params["src"] or ())):
                # Each part has its own deadline, like a task of its own.
                failure = result_of(functools.partial(read, data), context.step({})).failure
                if failure is not None:
                    data.failures.append(ReadFailure(what, failure.code, failure.message))
        store(data, path)
    except OSError as error:
        text = f"The file {path} cannot be written: {error.strerror or error}."
        return Result({"account": account}, failure=LicensingError(text, code="report_unwritable"))
    failures = [failure._asdict() for failure in data.failures]
    return Result({"account": account, "data_file": path, "failures": failures})


def _make_folder(path: str) -> None:
    """Make a directory, and those above it, for the owner only."""
    before = os.umask(0o077)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(before)


def _parts(source: Source) -> dict[str, tuple[str, t.Callable[[AccountData, Context], Result]]]:
    """The parts in their order, each with its name in a report. The list that takes the most memory comes first."""
    return {
        "devices": ("the device list", _devices),
        "wanted": (FLEET_FILES, functools.partial(_wanted, source)),
        "fota": ("FOTA licenses", _fota),
        "removal_candidates": ("removal candidates", _candidates),
        "simsec": ("SIM-Secure licenses", _simsec),
    }


def _wanted(source: Source, data: AccountData, context: Context) -> Result:
    data.wanted = source(context)
    return Result({})


def _version(data: AccountData, context: Context, kind: str) -> t.Any:
    """The API version. The fleet file has priority over the option."""
    versions = data.wanted.api_versions if data.wanted else {}
    return versions.get(kind) or context.params[f"{kind}_version"]


def _fota(data: AccountData, context: Context) -> Result:
    api = FotaApi(context.connect([]), data.name, _version(data, context, "fota"))
    wanted = data.wanted.fota if data.wanted else None
    expected = wanted or [device.imei for device in data.devices or ()]
    found = fota_info.read(context, api, details=True, expected=expected)
    # The number of purchased licenses is known even if the devices are not.
    data.fota_pool = found.pool.as_result()
    data.event_based = is_event_based(found.subscription)
    data.fota = None if found.failure else dict(found.rows or [])
    data.fota_upgrades = found.upgrades
    if found.undetailed is not None:
        _without_upgrades(data, api, found.undetailed)
    return Result({}, failure=found.failure or _partial(api))


def _partial(api: FotaApi) -> LicensingError | None:
    """What to tell in the report if the list has only a part of the licenses."""
    if not api.partial:
        return None
    text = f"{api.partial.told}. Which devices hold the others is not known: {api.partial.elsewhere_among()}."
    return LicensingError(text, code="incomplete_list")


def _without_upgrades(data: AccountData, api: FotaApi, error: LicensingError) -> None:
    """The licenses are known without the list of devices. A server that does not have the list is no failure."""
    data.upgrades_unread = error.message
    if api.devices.offered.give_up(error):
        data.failures.append(ReadFailure("upgrades of the firmware", error.code, error.message))
    else:
        data.upgrades_unread = "This server does not have the list that says when devices were upgraded."


def _candidates(data: AccountData, context: Context) -> Result:
    # An event-based subscription has no licenses to lose.
    if not data.event_based:
        version = _version(data, context, "removal_candidates")
        data.candidates = candidates_info.read(context, context.connect([]), data.name, version)
    return Result({})


def _simsec(data: AccountData, context: Context) -> Result:
    path, known = context.params["journal"], BySku[Entry]()

    def add(row: JournalRow) -> None:
        since = row.confirmed if (row.state, row.action) == ("assigned", "assign") else ""
        known.setdefault(row.sku, {}).setdefault(row.kind, {})[row.device_id] = Entry(row.held, since)

    problems: list[Problem] = []
    with opened(context, path, problems) as journal:
        found = SimsecApi(context.connect(problems), data.name).subscriptions()
        data.subscriptions = [dict(row) for row in found]
        if path:
            stocks = take_stock(journal, data.name, None, add)
            counts = assigned_of(found)
            # Any device may hold licenses that the journal does not know.
            beyond = [row["sku"] for row in drift(stocks, counts) if row["difference"] > 0]
            data.journal, data.beyond_journal = known, beyond
    return Result({})


def _devices(data: AccountData, context: Context) -> Result:
    rows = DeviceApi(context.connect([]), data.name).rows()
    data.devices = [
        Device(row.ids.get("imei", ""), row.ids.get("iccid", ""), sys.intern(row.state), row.last_connected_at)
        for row in rows
    ]
    return Result({})
