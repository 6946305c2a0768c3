# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The device lists that reverse a run: the flow of C(fleet_undo). It asks ThingSpace nothing."""

from __future__ import annotations

import os

from .._devices.ids import digest_of
from .._errors import OptionsError, Problem
from .._fleet.all_runs import find_run, latest_run
from .._fleet.documents import Json
from .._fleet.files import write_lists
from .._fleet.record import RunAccount
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .changes import Instead, Left, UndoPart
from .history import later_than
from .in_progress import require_ended
from .reversal import RETURNING_LIST, Undoing, undoing_of

LEFT_FILE = "cannot.csv"


def run(context: Context) -> Result:
    """Read the record and the later ones, decide about each device, and write the lists."""
    params = context.params
    problems = report_path_problems(os.path.join(params["dest"], LEFT_FILE), "dest") if params["dest"] else []
    try:
        run = latest_run(params["run"], params["journal"], params["accounts"], context.told)
        record = find_run(run, params["journal"], context.told)
        later = later_than(record, params["history"], params["journal"], context.told)
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    if problems:
        raise OptionsError(problems)
    kept = record.accounts
    if params["accounts"] is not None:
        kept = [account for account in kept if account.account in params["accounts"]]
    for account in kept if params["dest"] is not None else ():
        require_ended(record, account, params["journal"], context.told, context.warn)
    names = ("run", "kind", "started", "ended", "status", "checksum")
    found = [(account, undoing_of(record, account, later, params["journal"], context.told)) for account in kept]
    accounts = [_account(account, undoing, params["dest"]) for account, undoing in found]
    return Result({**{name: getattr(record, name) for name in names}, "accounts": accounts})


def _account(account: RunAccount, undoing: Undoing, dest: str | None) -> Json:
    """The result for an account. Writes its lists."""
    name = account.account
    if dest is not None:
        lists = {RETURNING_LIST: undoing.returning, **{part.name: part.devices for part in undoing.parts}}
        lists.update({one.name: one.devices for part in undoing.parts for one in part.replaced_by or ()})
        write_lists(dest, name, lists)
        write_csv(os.path.join(dest, name, LEFT_FILE), Left._fields, undoing.left)
    return {
        "account": name,
        "parts": [_part(part, os.path.join(dest or "", name)) for part in undoing.parts],
        "freeze": account.freeze or [],
        "left": len(undoing.left),
        "notes": undoing.notes,
    }


def _part(part: UndoPart, folder: str) -> Json:
    """A part, with the option C(replaced_by) of the task that carries it out."""
    made: Json = {"kind": part.kind, "state": part.state, "step": part.step, "list": part.name}
    more = {name: getattr(part, name) for name in ("api_version", "sku", "id_kind")}
    made.update({name: value for name, value in more.items() if value is not None})
    made.update(part.limits, count=len(part.devices))
    if part.replaced_by is not None:
        made["replaced_by"] = [_replaced_by(one, folder) for one in part.replaced_by]
    return made


def _replaced_by(one: Instead, folder: str) -> Json:
    bound = {"count": len(one.devices), "digest": digest_of(one.devices)}
    return {"sku": one.sku, "kind": one.kind, "devices_file": os.path.join(folder, f"{one.name}.txt"), **bound}
