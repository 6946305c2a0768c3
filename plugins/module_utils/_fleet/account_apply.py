# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Carries out the plan of an account, in an order in which no device is ever without its wanted license.

New licenses come first, and old ones are removed only from devices whose new one is confirmed: C(simsec_license) reads
the journal for that right before it sends. A part that fails does not stop the others. But after a part that differs
from its plan, no SIM-Secure license is removed.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import LicensingError
from .._module import Result
from .._plan.outcomes import write_csv
from .account_parts import Options, Part, PartPlan
from .account_run import DIFFERS
from .halt import Halt
from .run_mark import name_of_request

BEFORE = "apply-before-candidates.csv"
"""The removal candidates before the run changed anything in the account."""

Runner = t.Callable[[Part], Result]
"""Carries out a part with the flow of its module."""

Look = t.Callable[[Part], "tuple[str, ...] | None"]
"""The removal candidate list as it is, for the part that writes it; None if it cannot be read."""

Plans = t.Mapping[str, PartPlan]
"""What was planned for each part of an account, by the part's name."""


class ApplyOptions(t.NamedTuple):
    """How a run is carried out.

    :param reports: directory for the reports of this run; see C(folder_of).
    :param mark: mark of the run, which all its requests bear.
    :param approved: whether the plan was approved, so that it may exceed limits.
    :param wait: whether to wait for confirmations.
    :param wait_timeout: for how many seconds.
    :param only_planned: whether a device that the plan leaves not as wanted is no failure. An undo fails if ThingSpace
        refuses to give anything back, also if that was foreseen.
    """

    reports: str
    mark: str
    approved: bool
    wait: bool
    wait_timeout: float
    only_planned: bool = True


def carry_out(
    parts: t.Iterable[Part], plans: Plans, given: ApplyOptions, run: Runner, look: Look, halt: Halt
) -> dict[str, Result]:
    """Carry out the parts that change something. Returns the result of each part that was begun, by its name.

    :param parts: of one account.
    :param plans: what was planned. A part is carried out only if it still comes to exactly that.
    :param halt: tells whether a failure elsewhere stops this account, too.
    """
    done: dict[str, Result] = {}
    before: tuple[str, ...] | None = None
    for part in sorted(parts, key=lambda part: part.order):
        plan = plans.get(part.name)
        if not (plan and plan.changes) or halt.told() or (part.is_last and any(map(_differs, done.values()))):
            continue
        if part.kind == "fota" and plan.removals and before is None:
            # Devices may leave the list with their license. Which ones, only a list from before that shows.
            before = _candidates_before(parts, plans, look)
            _keep_before(given.reports, before)
        ready: Options = {"before": before} if before is not None and part.kind == "removal_candidates" else {}
        ready["only_planned"] = given.only_planned
        options = _options(part, plan, given, done)
        done[part.name] = run(part._replace(options=options, ready={**part.ready, **ready}))
        if done[part.name].failure is not None:
            halt.tell()
    return done


def wait_for(parts: t.Iterable[Part], plans: Plans, seconds: float, run: Runner) -> dict[str, Result]:
    """Wait for the confirmations of an earlier run. This sends nothing, which C(max_changes) ensures."""
    options = {"devices_report": None, "max_changes": 0, "wait": True, "wait_timeout": seconds}
    return {
        part.name: run(part._replace(options={**part.options, **options}))
        for part in parts
        if part.kind == "simsec" and part.name in plans and plans[part.name].incomplete
    }


def _options(part: Part, plan: PartPlan, given: ApplyOptions, done: t.Mapping[str, Result]) -> Options:
    """The options of a part that carry out its plan and nothing else."""
    options = {**part.options, "devices_report": os.path.join(given.reports, f"apply-{part.name}.csv")}
    # Limits and freeze windows were checked for the plan, so they apply to what is written. Only an approval allows
    # exceeding a limit.
    if part.bound:
        options["expected_plan"] = plan.digest or "none"
        options["approved_plan"] = plan.digest if given.approved else None
    else:
        most = options.get("max_changes")
        options["max_changes"] = plan.changes if given.approved or most is None else min(plan.changes, most)
        options.update({"max_removals": None} if given.approved else {})
    if part.kind == "simsec":
        # The undo uses the names to distinguish the requests of this run from all others.
        name = name_of_request(given.mark, part.options["account"], part.name)
        options.update(request_id=name, wait=given.wait, wait_timeout=given.wait_timeout)
    if part.kind == "removal_candidates":
        options["before_file"] = os.path.join(given.reports, BEFORE)
        if part.about.get("unlicensed", "ignore") is None:
            options["unlicensed"] = "ignore" if _all_licensed(done.get("fota")) else "refuse"
    return options


def _candidates_before(parts: t.Iterable[Part], plans: Plans, look: Look) -> tuple[str, ...] | None:
    """The removal candidate list, if it is going to be changed after licenses were removed."""
    lists = (part for part in parts if part.kind == "removal_candidates")
    changed = (part for part in lists if part.name in plans and plans[part.name].changes)
    part = next(changed, None)
    return look(part) if part is not None else None


def _keep_before(reports: str, before: tuple[str, ...] | None) -> None:
    """Save the list, for the case that its part fails before it reads it. Otherwise, that part saves it."""
    if before is not None:
        with contextlib.suppress(LicensingError):
            write_csv(os.path.join(reports, BEFORE), ("device_id",), [(device,) for device in before])


def _all_licensed(fota: Result | None) -> bool:
    """Whether every device that the fleet file wants to be licensed is licensed, because that was just ensured."""
    return fota is not None and fota.changed and fota.failure is None and fota.values["plan"]["state"] == "exact"


def _differs(result: Result) -> bool:
    return result.failure is not None and result.failure.code == DIFFERS
