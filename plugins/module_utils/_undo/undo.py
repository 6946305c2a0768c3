# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The device lists that reverse a run: the flow of C(fleet_undo). It asks ThingSpace nothing."""

from __future__ import annotations

import os
import typing as t

from .._devices.ids import digest_of
from .._errors import OptionsError, Problem
from .._fleet.files import write_lists
from .._fleet.record import Document, read_record
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .changes import Left
from .history import later_than
from .reversal import Undoing, undoing_of

LEFT_FILE = "cannot.csv"


def run(context: Context) -> Result:
    """Read the record and the later ones, decide about each device, and write the lists."""
    params = context.params
    problems = report_path_problems(os.path.join(params["dest"], LEFT_FILE), "dest") if params["dest"] else []
    try:
        record = read_record(params["run"])
        later = later_than(record, params["history"])
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    if problems:
        raise OptionsError(problems)
    kept = record["accounts"]
    if params["accounts"] is not None:
        kept = [account for account in kept if account["account"] in params["accounts"]]
    values = {name: record[name] for name in ("run", "kind", "started", "ended", "status", "checksum")}
    found = [(account, undoing_of(record, account, later, params["journal"])) for account in kept]
    accounts = [_account(account, undoing, params["dest"]) for account, undoing in found]
    return Result({**values, "accounts": accounts})


def _account(account: Document, undoing: Undoing, dest: str | None) -> Document:
    """The result for an account. Writes its lists."""
    name = account["account"]
    if dest is not None:
        write_lists(dest, name, undoing.lists)
        write_csv(os.path.join(dest, name, LEFT_FILE), Left._fields, undoing.left)
    return {
        "account": name,
        "parts": [_part(part, undoing, os.path.join(dest or "", name)) for part in undoing.parts],
        "freeze": account.get("freeze") or [],
        "left": len(undoing.left),
        "notes": undoing.notes,
    }


def _part(part: Document, undoing: Undoing, folder: str) -> Document:
    """A part, with the option C(replaced_by) of the task that carries it out."""
    if "replaced_by" not in part:
        return part
    return {**part, "replaced_by": [_replaced_by(entry, undoing, folder) for entry in part["replaced_by"]]}


def _replaced_by(entry: t.Mapping[str, str], undoing: Undoing, folder: str) -> Document:
    devices = undoing.lists[entry["list"]]
    bound = {"count": len(devices), "digest": digest_of(devices)}
    path = os.path.join(folder, f"{entry['list']}.txt")
    return {"sku": entry["sku"], "kind": entry["kind"], "devices_file": path, **bound}
