# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options of C(simsec_license). All are checked before anything is opened or sent."""

from __future__ import annotations

import datetime
import typing as t

from .._devices.wanted import Wanted, wanted_devices
from .._errors import Problem
from .._journal.clock import ago
from .._journal.rows import Scope
from .._options import GUARD_SPEC, REPORT_SPEC, RESERVE_SPEC, SIMSEC_LICENSE_RANGES, WAVES_SPEC, chosen, out_of_range
from .._plan.guards import Limits, limits_from
from .._plan.outcomes import Reporting, reporting_from
from .._plan.waves import Waves, waves_from
from .._thingspace.id_kinds import Kind
from .moves import OPTION, Instead, Losing, read_instead
from .plan import Wish
from .send import request_id_problems
from .skus import sku_of, sku_problems
from .wait import wait_problems

OVERDUE = datetime.timedelta(hours=1)
"""After this time, no confirmation is expected. ThingSpace sends each one up to four times within 15 minutes."""


class Job(t.NamedTuple):
    """What a task requests. Other fields are the options of the same name.

    :param instead: the licenses that devices should hold in place of a lost one.
    :param foresee: whether this is part of a plan that also assigns those licenses.
    :param waits_later: whether the run of that plan waits for confirmations.
    :param bound_before: devices that the same plan names by the other kind of id, to get the same SKU before these.
    :param only_planned: whether only the devices that the plan changes count as failed. What it leaves was approved.
    :param journal: its path; empty for no journal.
    """

    wish: Wish
    scope: Scope
    wanted: Wanted
    limits: Limits
    waves: Waves
    instead: t.Sequence[Instead]
    foresee: bool
    waits_later: bool
    bound_before: t.Sequence[str]
    only_planned: bool
    journal: str
    reporting: Reporting
    lifetime_consent: int | None
    lifetime_elsewhere: int | None
    lifetime_without_journal: bool
    journal_new: bool
    check_eligibility: bool
    wait: bool
    wait_timeout: float
    require_listener: bool | None
    settle_time: float | None
    request_id: str | None
    batch_size: int


_OWN = Job._fields[Job._fields.index("lifetime_consent") :]


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems."""
    scope = Scope(**chosen(params, Scope._fields))
    wanted, problems = wanted_devices(params, t.cast(Kind, scope.kind))
    limits, limit_problems = limits_from(**chosen(params, GUARD_SPEC, RESERVE_SPEC))
    waves, wave_problems = waves_from(**chosen(params, WAVES_SPEC))
    placed = chosen(params, ("state", "journal"))
    instead, instead_problems = read_instead(params.get(OPTION), Losing(scope, wanted.devices), **placed)
    reporting, report_problems = reporting_from(**chosen(params, REPORT_SPEC))
    wish = Wish(
        account=scope.account,
        sku=sku_of(scope.sku),
        kind=scope.kind,
        action="assign" if placed["state"] == "present" else "remove",
        devices=wanted.devices,
        overdue=ago(OVERDUE),
        **chosen(params, ("retry_unknown", "retry_failed")),
    )
    job = Job(
        wish=wish,
        scope=scope,
        wanted=wanted,
        limits=limits,
        waves=waves,
        instead=instead,
        # Not options of the module. They are set by a plan for all licenses of an account.
        foresee=bool(params.get("foresee")),
        waits_later=bool(params.get("waits_later")),
        bound_before=params.get("bound_before") or (),
        only_planned=bool(params.get("only_planned")),
        journal=placed["journal"] or "",
        reporting=reporting,
        **chosen(params, _OWN),
    )
    waiting = chosen(params, ("wait", "wait_timeout", "journal", "waves"))
    problems = [
        *problems,
        *limit_problems,
        *report_problems,
        *sku_problems(scope.sku),
        *request_id_problems(job.request_id),
        *out_of_range(params, SIMSEC_LICENSE_RANGES),
        *wait_problems(**waiting, devices=len(wanted.devices)),
        *wave_problems,
        *instead_problems,
        *_number_problems(job),
    ]
    if wish.action == "remove" and wish.sku.lifetime:
        problems.append(never_removed(scope.sku))
    return job, problems


def never_removed(sku: str) -> Problem:
    """The problem of a task that would remove a lifetime license."""
    return Problem(
        f"'state: absent' is not possible for {sku}: a lifetime license stays with its SIM and can never be removed. "
        "Devices can only be left out of future assignments.",
        "lifetime_not_removable",
    )


def _number_problems(job: Job) -> t.Iterator[Problem]:
    for name, value, unit, more in (
        ("lifetime_consent", job.lifetime_consent, "devices", ", for how many of them you consent"),
        ("lifetime_elsewhere", job.lifetime_elsewhere, "licenses", ""),
    ):
        if isinstance(value, bool):
            yield Problem(f"'{name}' is a boolean; it is a number of {unit}{more}.")
        elif value is not None and value < 0:
            yield Problem(f"'{name}' is {value}; it is a number of {unit}.")
