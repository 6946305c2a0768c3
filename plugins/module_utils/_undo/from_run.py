# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads what reverses a run in an account, right where that is planned or carried out."""

from __future__ import annotations

import os
import typing as t

from .._candidates import info
from .._errors import LicensingError, OptionsError, Problem
from .._fleet.account_parts import LIMITS, Options, Part, PartPlan, RunOptions, Wanted
from .._fleet.account_run import differs, plan_part, plans_of, stop_if_failed
from .._fleet.all_runs import find_run
from .._module import Context
from .._plan.outcomes import write_csv
from .candidates import CANDIDATES_LIST, candidates_part, digest_in_order, restore
from .changes import CANDIDATES, Left, UndoPart, parts_of
from .history import Later, history_of, later_than, lost_problems, place_problems
from .in_progress import require_ended
from .reversal import RETURNING_LIST, Undoing, undoing_of
from .simsec import NOT_CONFIRMED
from .undo import LEFT_FILE


class Read(t.NamedTuple):
    """What reverses the run in the account, as read in this process.

    :param record: the checksum of the record.
    :param freeze: the freeze windows of the account when the run was planned.
    """

    undoing: Undoing
    later: Later
    record: str
    freeze: list[t.Any]

    @property
    def digest(self) -> str:
        """What a plan is bound to: the record, and the devices of every part but the removal candidates."""
        return f"{self.record}-{self.undoing.digest}"


def from_run(context: Context, run_options: RunOptions) -> Wanted | None:
    """Read the record, the later ones, the journal, and for a plan also the removal candidates.

    Licenses are removed first, so that a full pool has some to assign again. But a device that moves back to another
    SKU loses nothing before that is confirmed.

    :raises OptionsError: a record cannot be used, or the run is to wait only.
    :raises LicensingError: ThingSpace or the journal cannot be read, or what was planned is something else now.
    """
    if run_options.only_wait and not context.check_mode:
        raise OptionsError([Problem("'only_wait' is not for an undo. Undo the run again later.")])
    # This finds all problems before anything is created.
    read = _read(context, run_options)
    if read is None:
        return None
    run_options.make_folder()
    parts = [_part(one, read.undoing, run_options, planning=context.check_mode) for one in read.undoing.parts]
    if context.check_mode:
        restored, left = _planned_restoration(context, read, run_options)
        left = [*read.undoing.left, *left]
        write_csv(os.path.join(run_options.reports, LEFT_FILE), Left._fields, left)
    else:
        plans = plans_of(run_options.planned, run_options.account)
        parts, left = _bound(context, parts, plans), []
        restored = _late_restoration(context, read, run_options, plans)
    incomplete = [
        {"device_id": one.device_id, "outcome": "accepted", "reason": one.reason}
        for one in left
        if one.code == NOT_CONFIRMED
    ]
    # One kind after another, as they are planned.
    fota = [part for part in parts if part.kind == "fota"]
    ordered = [*fota, *restored, *parts[len(fota) :]]
    about = {"freeze": read.freeze, "notes": read.undoing.notes}
    return Wanted(run_options.account, read.digest, ordered, about, incomplete)


def _bound(context: Context, parts: list[Part], plans: t.Mapping[str, PartPlan]) -> list[Part]:
    """The parts with the devices that their plans change, and no others.

    Removing FOTA licenses and assigning others are two parts of one list. The first changes the state that the second
    was planned for, so its plan is looked at again before the first, and names the devices.

    :raises LicensingError: C(plan_changed): a plan of them is another one now.
    """
    changing = [part for part in parts if part.kind == "fota" and part.name in plans and plans[part.name].changes]
    if len(changing) < 2:
        return parts
    return [_planned_again(context, part, plans[part.name]) if part in changing else part for part in parts]


def _planned_again(context: Context, part: Part, plan: PartPlan) -> Part:
    looked = plan_part(context, part._replace(options={**part.options, "report": "all"}))
    stop_if_failed([looked])
    if looked.values["plan"]["digest"] != plan.digest:
        raise differs(part.options["account"])
    if part.options["state"] == "absent":
        return part
    # What the pool stops now has licenses once the others are removed.
    rows = [row["device_id"] for row in looked.values["devices"] if row["outcome"] != "unchanged"]
    return part._replace(ready={**part.ready, "devices": rows}, bound=False)


def _read(context: Context, run_options: RunOptions) -> Read | None:
    """What reverses the run in the account; None if the run did not concern it.

    :raises OptionsError: the record, or a later one, cannot be used.
    """
    run, journal, told = str(run_options.undo_run), run_options.journal, context.told
    # The run that is carried out now is no later one.
    own = None if context.check_mode else run_options.mark
    history, problems = run_options.history, list[Problem]()
    try:
        record = find_run(run, journal, told)
        problems += lost_problems(record)
        history = history_of(record, history, run)
        later = later_than(record, history, journal, told, own)
    except OptionsError as error:
        problems += [Problem(text, error.code) for text in error.details["problems"]]
    # The plan and the record of the undo are written beside the reports.
    problems = [*place_problems(os.path.dirname(run_options.dest), run, history), *problems]
    if problems:
        raise OptionsError(problems)
    found = next((one for one in record.accounts if one.account == run_options.account), None)
    if found is None:
        return None
    require_ended(record, found, journal, told, context.warn)
    undoing = undoing_of(record, found, later, journal, told)
    return Read(undoing, later, record.checksum, found.freeze or [])


def _part(one: UndoPart, undoing: Undoing, run_options: RunOptions, *, planning: bool) -> Part:
    """A part as its module carries it out."""
    options: Options = {"state": one.state, **one.limits, **run_options.common(undoing.run.account, one.name)}
    ready: Options = {"devices": one.devices}
    if one.kind == "fota":
        ready["list_follows"] = undoing.listed is not None
    if one.kind == "simsec":
        # Requests that failed are part of what is reversed, so they are sent again.
        options.update(run_options.simsec({"retry_failed": True}), sku=one.sku, kind=one.id_kind, wait=False)
        if one.replaced_by is not None and not planning:
            # A plan foresees that the former licenses come back first.
            ready["replaced_by"] = [
                {"sku": other.sku, "kind": other.kind, "devices": other.devices} for other in one.replaced_by
            ]
    else:
        options["api_version"] = one.api_version
    if one.kind == "removal_candidates":
        # Devices without a license were left out, except those that get their license back first.
        options["unlicensed"] = "ignore"
        options["before_file"] = os.path.join(run_options.reports, "before-candidates.csv")
    about = {name: getattr(one, name) for name in ("sku", "id_kind", "api_version", "step")}
    target = {} if one.target is None else {"target": one.target}
    about = {**about, **{key: one.limits.get(key) for key in LIMITS}, **target}
    return Part(one.kind, one.name, options, about, ready)


def _live(context: Context, version: str) -> list[str]:
    """The current removal candidates, in their order."""
    asked = {"api_version": version, "shrink_to": None, "report": "all", "devices_report": None}
    return list(info.run(context.part(asked)).values["candidates"])


def _unlicensed(context: Context, undoing: Undoing, run_options: RunOptions) -> set[str]:
    """The devices that return to the list and hold no license now."""
    devices = undoing.returning
    if not devices:
        return set()
    options = {
        **run_options.common(run_options.account, RETURNING_LIST),
        "report": "all",
        "api_version": undoing.listed,
        "state": "present",
    }
    # A plan that the pool stops still shows who holds a license.
    looked = plan_part(context, Part("fota", RETURNING_LIST, options, {}, {"devices": devices}))
    stop_if_failed([looked])
    return {row["device_id"] for row in looked.values["devices"] if row["outcome"] != "unchanged"}


def _planned_restoration(context: Context, read: Read, run_options: RunOptions) -> tuple[list[Part], list[Left]]:
    """The part that restores the removal candidate list, if it is restored, and what stays as the run left it."""
    undoing = read.undoing
    if undoing.listed is None:
        return [], []
    live = _live(context, undoing.listed)
    unlicensed = _unlicensed(context, undoing, run_options) - set(undoing.given)
    parts = parts_of(undoing.run, CANDIDATES)
    found = restore(undoing.run.account, parts, live, unlicensed, read.later, undoing.losing)
    if found.devices is None:
        return [], found.left
    part = candidates_part(undoing.run, found.devices, digest_in_order(found.devices))
    return [_part(part, undoing, run_options, planning=True)], found.left


def _late_restoration(
    context: Context, read: Read, run_options: RunOptions, plans: t.Mapping[str, PartPlan]
) -> list[Part]:
    """The same part when it is carried out. Its devices are read right before, after the other parts."""
    if CANDIDATES_LIST not in plans:
        return []
    one = candidates_part(read.undoing.run, [], plans[CANDIDATES_LIST].target)
    part = _part(one, read.undoing, run_options, planning=False)
    return [part._replace(late=lambda: {"devices": _restored(context, part, read, run_options)}, bound=False)]


def _restored(context: Context, part: Part, read: Read, run_options: RunOptions) -> list[str]:
    """The removal candidate list as it is to be now: at most what was shown.

    Devices whose license could not be given back are missing.

    :raises LicensingError: C(list_changed): the list is no longer as it was planned for. It is left alone.
    """
    undoing, account = read.undoing, run_options.account
    live, unlicensed = _live(context, part.options["api_version"]), _unlicensed(context, undoing, run_options)
    parts = parts_of(undoing.run, CANDIDATES)
    losing = undoing.losing
    foreseen = restore(account, parts, live, unlicensed - set(undoing.given), read.later, losing).devices
    now = restore(account, parts, live, unlicensed, read.later, losing).devices
    if foreseen is None or now is None or digest_in_order(foreseen) != part.about["target"]:
        text = (
            f"The removal candidates of {account}, or who of them holds a license, were changed after the plan of this "
            "undo was made. The list was left alone."
        )
        raise LicensingError(text, code="list_changed")
    return now
