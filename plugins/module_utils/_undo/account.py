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
from .._fleet.account_apply import BEFORE, DIFFERS
from .._fleet.account_parts import COUNTS, LIMITS, Options, Part
from .._fleet.account_parts import Run as AccountRun
from .._fleet.account_run import (
    FLOWS,
    plan_part,
    plan_parts,
    planned,
    plans_of,
    require_run_options,
    result_of_parts,
    run_part,
    stop_if_failed,
)
from .._fleet.halt import Halt
from .._fleet.record import read_record
from .._fleet.run_mark import name_of_request
from .._module import Context, Result
from .._plan.outcomes import write_csv
from .candidates import CANDIDATES_LIST, candidates_part, digest_in_order, restore
from .changes import CANDIDATES, Left, RunPart, parts_of
from .history import Later, history_of, later_than, place_problems
from .reversal import RETURNING_LIST, Undoing, undoing_of
from .simsec import NOT_CONFIRMED
from .undo import LEFT_FILE


class Read(t.NamedTuple):
    """What reverses the run in the account, as read in this process."""

    undoing: Undoing
    later: Later
    record: str
    freeze: list[t.Any]

    @property
    def digest(self) -> str:
        """What a plan is bound to: the record, and the devices of every part but the removal candidates."""
        return f"{self.record}-{self.undoing.digest}"


def run(context: Context) -> Result:
    """Plan the reversal of what the run did in the account. In a real run, carry out what was planned.

    Licenses are removed first, so that a full pool has some to assign again. But a device that moves back to another
    SKU loses nothing before that is confirmed. A part that fails does not stop the others.
    """
    account, run_options = context.params["account"], AccountRun.of(context.params)
    if context.check_mode:
        return _plan(context, run_options)
    shown = context.params["planned"] or {}
    try:
        with Halt(context.params["stop_together"], account) as halt:
            return _apply(context, run_options, shown, halt)
    except LicensingError as error:
        # Nothing was sent. A failure of a part does not get here.
        return Result({"account": account}, failure=error)


def _apply(context: Context, run_options: AccountRun, shown: t.Mapping[str, t.Any], halt: Halt) -> Result:
    """Carry out what was planned.

    :raises LicensingError: nothing was sent.
    """
    account = context.params["account"]
    if context.params["only_wait"]:
        raise OptionsError([Problem("'only_wait' is not for an undo. Undo the run again later.")])
    require_run_options(context.params)
    if shown.get("account") == account and shown.get("left_out"):
        return Result({"account": account, "parts": []})
    plans = plans_of(shown, account)
    read = _read(context, context.params["mark"])
    if read is None or read.digest != shown.get("wanted"):
        raise _changed(account)
    parts = [_part(about, read.undoing, run_options) for about in read.undoing.parts]
    if CANDIDATES_LIST in plans:
        about = next(part for part in shown["parts"] if part["list"] == CANDIDATES_LIST)
        parts.append(_candidates(candidates_part(read.undoing.run_parts, str(about.get("target"))), [], run_options))
    ordered = sorted(
        (part for part in parts if _changes(plans.get(part.name, {}))),
        key=lambda part: _order(part, plans[part.name]),
    )
    ordered = _bound(context, ordered, plans)
    done: dict[str, Result] = {}
    for part in ordered:
        if halt.told():
            break
        done[part.name] = _carry_out(context, part, plans[part.name], read, run_options)
        if done[part.name].failure is not None:
            halt.tell()
    return result_of_parts(account, ordered, done)


def _changed(account: str) -> LicensingError:
    text = f"What would be reversed in {account} changed after the plan was made. Nothing was sent. Plan again."
    return LicensingError(text, code=DIFFERS)


def _bound(context: Context, parts: list[Part], plans: t.Mapping[str, dict[str, t.Any]]) -> list[Part]:
    """The parts with the devices that their plans change, and no others.

    Removing FOTA licenses and assigning others are two parts of one list. The first changes the state that the second
    was planned for, so its plan is looked at again before the first, and names the devices.

    :raises LicensingError: C(plan_changed): a plan of them is another one now.
    """
    if [part.kind for part in parts].count("fota") < 2:
        return parts
    return [_planned_again(context, part, plans[part.name]) if part.kind == "fota" else part for part in parts]


def _planned_again(context: Context, part: Part, plan: t.Mapping[str, t.Any]) -> Part:
    looked = plan_part(context, part._replace(options={**part.options, "report": "all"}))
    stop_if_failed([looked])
    if looked.values["plan"]["digest"] != plan.get("digest"):
        raise _changed(context.params["account"])
    if part.options["state"] == "absent":
        return part
    # What the pool stops now has licenses once the others are removed.
    rows = [row["device_id"] for row in looked.values["devices"] if row["outcome"] != "unchanged"]
    return part._replace(ready={"devices": rows}, about={**part.about, "freed": True})


def _plan(context: Context, run_options: AccountRun) -> Result:
    account = context.params["account"]
    # It reads the record and finds all problems before anything is created.
    read = _read(context, None)
    if read is None:
        return Result({"account": account, "left_out": "The run did not concern this account."})
    run_options.make_folder()
    undoing = read.undoing
    parts, left = [_part(about, undoing, run_options) for about in undoing.parts], undoing.left
    if undoing.listed is not None:
        restoration = restore(
            account,
            parts_of(undoing.run_parts, CANDIDATES),
            _live(context, undoing.listed),
            _unlicensed(context, undoing, run_options) - set(undoing.given),
            read.later,
        )
        left = [*left, *restoration.left]
        if restoration.devices is not None:
            about = candidates_part(undoing.run_parts, digest_in_order(restoration.devices))
            parts.append(_candidates(about, restoration.devices, run_options))
    write_csv(os.path.join(run_options.reports, LEFT_FILE), Left._fields, left)
    parts = sorted(parts, key=lambda part: list(FLOWS).index(part.kind))
    about = {
        "wanted": read.digest,
        "reports": run_options.reports,
        "freeze": read.freeze,
        "notes": undoing.notes,
        "incomplete": [
            {"device_id": one.device_id, "outcome": "accepted", "reason": one.reason}
            for one in left
            if one.code == NOT_CONFIRMED
        ],
    }
    return planned(account, about, parts, plan_parts(context, parts))


def _read(context: Context, own: str | None) -> Read | None:
    """What reverses the run in the account; None if the run did not concern it.

    :param own: mark of the run that is carried out now.
    :raises OptionsError: the record, or a later one, cannot be used.
    """
    params = context.params
    # The plan and the record of the undo are written beside the reports.
    problems = list(place_problems(os.path.dirname(params["reports"]), params["undo_run"], params["history"]))
    try:
        record = read_record(params["undo_run"])
        later = later_than(record, history_of(record, params["history"]), own)
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    if problems:
        raise OptionsError(problems)
    found = next((one for one in record["accounts"] if one["account"] == params["account"]), None)
    if found is None:
        return None
    undoing = undoing_of(record, found, later, params["journal"])
    return Read(undoing, later, record["checksum"], found.get("freeze") or [])


def _part(about: RunPart, undoing: Undoing, run_options: AccountRun) -> Part:
    """A part for licenses."""
    name, account = about["list"], undoing.run_parts["account"]
    options: Options = {"state": about["state"], **_limits(about), **run_options.common(account, name)}
    ready: Options = {"devices": undoing.lists[name]}
    if about["kind"] == "fota":
        options["api_version"] = about["api_version"]
    else:
        # Requests that failed are part of what is reversed, so they are sent again.
        options.update(run_options.simsec({"retry_failed": True}), sku=about["sku"], kind=about["id_kind"], wait=False)
        instead = [
            {"sku": one["sku"], "kind": one["kind"], "devices": undoing.lists[one["list"]]}
            for one in about.get("replaced_by", ())
        ]
        # Only a real run has it as 'replaced_by': a plan foresees that the former licenses come back first.
        ready["instead"] = instead if about["state"] == "absent" else None
    return Part(about["kind"], name, options, {**_shown(about), "step": about["step"]}, ready)


def _candidates(about: RunPart, devices: t.Sequence[str], run_options: AccountRun) -> Part:
    options = {
        "state": "exact",
        "api_version": about["api_version"],
        # Devices without a license were left out, except those that get their license back first.
        "unlicensed": "ignore",
        "before_file": os.path.join(run_options.reports, "before-candidates.csv"),
        **_limits(about),
        **run_options.common(about["account"], CANDIDATES_LIST),
    }
    shown = {**_shown(about), "target": about["target"], "step": ""}
    return Part("removal_candidates", CANDIDATES_LIST, options, shown, {"devices": list(devices)})


def _limits(about: RunPart) -> Options:
    return {name: about[name] for name in LIMITS if name in about}


def _shown(about: RunPart) -> dict[str, t.Any]:
    return {name: about.get(name) for name in ("sku", "id_kind", "api_version", *LIMITS)}


def _live(context: Context, version: str) -> list[str]:
    """The current removal candidates, in their order."""
    asked = {"api_version": version, "shrink_to": None, "report": "all", "devices_report": None}
    return list(info.run(context.part(asked)).values["candidates"])


def _unlicensed(context: Context, undoing: Undoing, run_options: AccountRun) -> set[str]:
    """The devices that return to the list and hold no license now."""
    devices = undoing.lists[RETURNING_LIST]
    if not devices:
        return set()
    options = {
        **run_options.common(context.params["account"], RETURNING_LIST),
        "report": "all",
        "api_version": undoing.listed,
        "state": "present",
    }
    # A plan that the pool stops still shows who holds a license.
    looked = plan_part(context, Part("fota", RETURNING_LIST, options, {}, {"devices": devices}))
    stop_if_failed([looked])
    return {row["device_id"] for row in looked.values["devices"] if row["outcome"] != "unchanged"}


def _order(part: Part, plan: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """When a part is carried out: FOTA licenses, SIM-Secure licenses, those of devices that moved, and the list."""
    if part.kind == "removal_candidates":
        return 3, 0
    kind = 0 if part.kind == "fota" else 2 if part.about["step"] == "moved" else 1
    return kind, 0 if plan.get("remove") else 1


def _changes(plan: t.Mapping[str, t.Any]) -> int:
    return sum(plan.get(name) or 0 for name in COUNTS)


def _carry_out(
    context: Context,
    part: Part,
    plan: t.Mapping[str, t.Any],
    read: Read,
    run_options: AccountRun,
) -> Result:
    """The result of a part that changes no more devices than its plan shows."""
    params, changes, most = context.params, _changes(plan), part.options.get("max_changes")
    limits: Options = {"devices_report": os.path.join(run_options.reports, f"apply-{part.name}.csv")}
    # Only an approval allows exceeding a limit of the account.
    limits["max_changes"] = changes if params["approved"] or most is None else min(changes, most)
    if params["approved"]:
        limits["max_removals"] = None
    ready = part.ready
    if part.kind == "removal_candidates":
        limits["before_file"] = os.path.join(run_options.reports, BEFORE)
        try:
            ready = {"devices": _restored(context, part, read, run_options)}
        except LicensingError as error:
            return Result({}, failure=error)
    elif not part.about.get("freed"):
        limits["expected_plan"] = plan.get("digest") or "none"
    if part.kind == "simsec":
        limits["request_id"] = name_of_request(params["mark"], params["account"], part.name)
        limits["wait"], limits["wait_timeout"] = params["wait"], params["wait_timeout"]
        ready = {"devices": ready["devices"], "replaced_by": ready["instead"]}
    return run_part(context, part._replace(options={**part.options, **limits}, ready=ready))


def _restored(context: Context, part: Part, read: Read, run_options: AccountRun) -> list[str]:
    """The removal candidate list as it is to be now: at most what was shown.

    Devices whose license could not be given back are missing.

    :raises LicensingError: C(list_changed): the list is no longer as it was planned for. It is left alone.
    """
    undoing, account = read.undoing, context.params["account"]
    live, unlicensed = _live(context, part.options["api_version"]), _unlicensed(context, undoing, run_options)
    parts = parts_of(undoing.run_parts, CANDIDATES)
    foreseen = restore(account, parts, live, unlicensed - set(undoing.given), read.later).devices
    now = restore(account, parts, live, unlicensed, read.later).devices
    if foreseen is None or now is None or digest_in_order(foreseen) != part.about["target"]:
        text = (
            f"The removal candidates of {account}, or who of them holds a license, were changed after the plan of this "
            "undo was made. The list was left alone."
        )
        raise LicensingError(text, code="list_changed")
    return now
