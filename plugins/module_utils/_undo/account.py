# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans the undo of a run in one account, or carries it out: the flow of C(fleet_account) with C(undo_run)."""

from __future__ import annotations

import os
import typing as t

from .._candidates import info
from .._errors import LicensingError, OptionsError, Problem
from .._fleet.account_apply import BEFORE
from .._fleet.account_parts import COUNTS, LIMITS, Options, Part
from .._fleet.account_parts import Run as AccountRun
from .._fleet.account_run import (
    FLOWS,
    plan_part,
    plan_parts,
    planned,
    require_run_options,
    result_of_parts,
    run_part,
    stop_if_failed,
)
from .._fleet.run_mark import name_of_request
from .._module import Context, Result
from . import undo
from .changes import RunPart
from .undo import CANDIDATES_LIST, RETURNING_LIST

LICENSED = "licensed.csv"
_PLAN_AGAIN = "A real run needs 'planned', what this module returned in check mode for the same account and run."


def run(context: Context) -> Result:
    """Plan the reversal of what the run did in the account. In a real run, carry out what was planned.

    Licenses are removed first, so that a full pool has some to assign again. But a device that moves back to another
    SKU loses nothing before that is confirmed. A part that fails does not stop the others.
    """
    account = context.params["account"]
    if context.check_mode:
        return _plan(context)
    try:
        parts = _parts_of(context)
    except LicensingError as error:
        # Nothing was sent. A failure of a part does not get here.
        return Result({"account": account}, failure=error)
    done: dict[str, Result] = {}
    ordered = sorted(parts, key=lambda pair: _order(*pair))
    only_fota = [part.kind for part, plan in parts if _changes(plan)].count("fota") == 1
    for part, plan in ordered:
        if _changes(plan):
            done[part.name] = _carry_out(context, part, plan, only_fota=only_fota)
    return result_of_parts(account, [part for part, _plan in ordered], done)


def _plan(context: Context) -> Result:
    account, folder = context.params["account"], _folder(context)
    # It reads the record and finds all problems before anything is created.
    if _lists(context, dest=None) is None:
        return Result({"account": account, "left_out": "The run did not concern this account."})
    AccountRun.of(context.params).make_folder()
    entry = _lists(context) or {}
    if entry["removal_candidates"] is not None:
        entry = _with_candidates(context, entry, "plan")
    parts = sorted((_part(context, about) for about in entry["parts"]), key=lambda part: list(FLOWS).index(part.kind))
    about = {"wanted": "", "reports": folder, "freeze": entry["freeze"], "notes": entry["notes"]}
    return planned(account, about, parts, plan_parts(context, parts))


def _lists(context: Context, stage: str = "plan", **more: t.Any) -> dict[str, t.Any] | None:
    """What C(fleet_undo) returns for the account, after it has written the lists; None if it is not in the record."""
    params = context.params
    options = {
        "run": params["undo_run"],
        "history": params["history"],
        "accounts": [params["account"]],
        "dest": params["reports"],
        "plan_dest": os.path.dirname(params["reports"]) if stage == "plan" else None,
        "stage": stage,
        "candidates": None,
        "licensed": None,
    }
    accounts: list[dict[str, t.Any]] = undo.run(context.part({**options, **more})).values["accounts"]
    return accounts[0] if accounts else None


def _with_candidates(context: Context, entry: t.Mapping[str, t.Any], stage: str) -> dict[str, t.Any]:
    """The same, with the candidate list to restore, if it can be restored. It compares the current list."""
    account, lists = context.params["account"], _folder(context)
    version = entry["removal_candidates"]["api_version"]
    asked = {"account": account, "api_version": version, "shrink_to": None, "report": "all", "devices_report": None}
    live = info.run(context.part(asked)).values["candidates"]
    licensed = None
    if entry["removal_candidates"]["returning"]:
        licensed = os.path.join(lists, LICENSED)
        options = {**_files(context, RETURNING_LIST), "api_version": version, "state": "present"}
        # A plan that the pool stops still shows who holds a license.
        stop_if_failed(
            [plan_part(context, Part("fota", RETURNING_LIST, {**options, "devices_report": licensed}, {}, {}))]
        )
    return _lists(context, stage, candidates=live, licensed=licensed) or {}


def _part(context: Context, about: RunPart) -> Part:
    """The options with which a license module plans a part of the undo."""
    limits = {name: about[name] for name in LIMITS if name in about}
    options = {**_files(context, about["list"]), "state": about["state"], **limits}
    if about["kind"] == "fota":
        options["api_version"] = about["api_version"]
    elif about["kind"] == "removal_candidates":
        options["api_version"] = about["api_version"]
        # Devices without a license were left out, except those that get their license back first.
        options["unlicensed"] = "ignore"
        options["before_file"] = os.path.join(_folder(context), "before-candidates.csv")
    else:
        asked, wait = context.params["require_listener"], context.params["wait"]
        options.update(sku=about["sku"], kind=about["id_kind"], journal=context.params["journal"], retry_failed=True)
        # Planning does not wait, but has to know whether there will be something to wait for.
        options["require_listener"] = (wait or None) if asked is None else asked
    shown = {name: about.get(name) for name in ("sku", "id_kind", "api_version", *LIMITS)}
    return Part(about["kind"], about["list"], options, {**shown, "item": about}, {})


def _folder(context: Context) -> str:
    """The directory with the lists and the reports of the account."""
    return str(os.path.join(context.params["reports"], context.params["account"]))


def _files(context: Context, name: str) -> Options:
    lists = _folder(context)
    return {
        "account": context.params["account"],
        "devices_file": os.path.join(lists, f"{name}.txt"),
        "report": "none",
        "devices_report": os.path.join(lists, f"plan-{name}.csv"),
    }


def _parts_of(context: Context) -> list[tuple[Part, dict[str, t.Any]]]:
    """The planned parts and their plans.

    :raises OptionsError: C(planned) is not what this module returned in check mode, or C(mark) is missing.
    """
    params = context.params
    shown = params["planned"] or {}
    require_run_options(params)
    if shown.get("account") != params["account"]:
        raise OptionsError([Problem(_PLAN_AGAIN)])
    if shown.get("left_out"):
        return []
    try:
        return [
            (_part(context, part["item"]), dict(part["result"]["plan"]))
            for part in shown["parts"]
            if "plan" in part["result"]
        ]
    except (AttributeError, LookupError, TypeError, ValueError):
        raise OptionsError([Problem(_PLAN_AGAIN)]) from None


def _order(part: Part, plan: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """When a part is carried out: FOTA licenses, SIM-Secure licenses, those of devices that moved, and the list."""
    if part.kind == "removal_candidates":
        return 3, 0
    kind = 0 if part.kind == "fota" else 2 if part.about["item"]["step"] == "moved" else 1
    return kind, 0 if plan.get("remove") else 1


def _changes(plan: t.Mapping[str, t.Any]) -> int:
    return sum(plan.get(name) or 0 for name in COUNTS)


def _carry_out(context: Context, part: Part, plan: t.Mapping[str, t.Any], *, only_fota: bool) -> Result:
    """The result of a part that changes no more devices than its plan shows."""
    params, changes, most = context.params, _changes(plan), part.options.get("max_changes")
    limits: Options = {"devices_report": os.path.join(_folder(context), f"apply-{part.name}.csv")}
    # Only an approval allows exceeding a limit of the account.
    limits["max_changes"] = changes if params["approved"] or most is None else min(changes, most)
    if params["approved"]:
        limits["max_removals"] = None
    if part.kind == "removal_candidates":
        limits["before_file"] = os.path.join(_folder(context), BEFORE)
        failure = _changed_list(context)
        if failure is not None:
            return Result({}, failure=failure)
    elif part.kind == "simsec" or only_fota:
        # Removing FOTA licenses and assigning others are two parts of one list. The first changes the state that the
        # second was planned for, so only the number of devices is still valid.
        limits["expected_plan"] = plan.get("digest") or "none"
    if part.kind == "simsec":
        limits["request_id"] = name_of_request(params["mark"], params["account"], part.name)
        limits["replaced_by"] = part.about["item"].get("replaced_by")
        limits["wait"], limits["wait_timeout"] = params["wait"], params["wait_timeout"]
    return run_part(context, part._replace(options={**part.options, **limits}))


def _changed_list(context: Context) -> LicensingError | None:
    """Why the candidate list must be left alone. It writes the list to restore again."""
    try:
        entry = _with_candidates(context, _lists(context, "apply") or {}, "apply")
    except LicensingError as error:
        return error
    if any(part["list"] == CANDIDATES_LIST for part in entry["parts"]):
        return None
    account = context.params["account"]
    text = (
        f"The removal candidates of {account} were changed after the plan of this undo was made. They were left alone."
    )
    return LicensingError(text, code="list_changed")
