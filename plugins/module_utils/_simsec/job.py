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
from .._options import SIMSEC_LICENSE_RANGES, out_of_range
from .._plan.answer import Action
from .._plan.guards import Limits, limits_from
from .._plan.outcomes import Reporting, reporting_from
from .._plan.waves import Waves, waves_from
from .moves import Instead, read_instead
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
    :param journal: its path; empty for no journal.
    """

    wish: Wish
    scope: Scope
    wanted: Wanted
    limits: Limits
    waves: Waves
    instead: t.Sequence[Instead]
    foresee: bool
    journal: str
    reporting: Reporting
    lifetime_consent: int | None
    lifetime_elsewhere: int | None
    lifetime_without_journal: bool
    check_eligibility: bool
    wait: bool
    wait_timeout: float
    require_listener: bool | None
    settle_time: float | None
    request_id: str | None
    batch_size: int


_AS_GIVEN = Job._fields[Job._fields.index("lifetime_consent") :]


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems."""
    wanted, problems = wanted_devices(params, params["kind"])
    limits, limit_problems = limits_from(params)
    waves, wave_problems = waves_from(params)
    instead, instead_problems = read_instead(params, wanted.devices)
    reporting, report_problems = reporting_from(params)
    sku = sku_of(params["sku"])
    action: Action = "assign" if params["state"] == "present" else "remove"
    wish = Wish(
        account=params["account"],
        sku=sku,
        kind=params["kind"],
        action=action,
        devices=wanted.devices,
        retry_unknown=params["retry_unknown"],
        retry_failed=params["retry_failed"],
        overdue=ago(OVERDUE),
    )
    problems = [
        *problems,
        *limit_problems,
        *report_problems,
        *sku_problems(params["sku"]),
        *request_id_problems(params["request_id"]),
        *out_of_range(params, SIMSEC_LICENSE_RANGES),
        *wait_problems(params, len(wanted.devices)),
        *wave_problems,
        *instead_problems,
        *_number_problems(params),
    ]
    if action == "remove" and sku.lifetime:
        problems.append(never_removed(sku.number))
    job = Job(
        wish,
        Scope(params["account"], params["sku"], params["kind"]),
        wanted,
        limits,
        waves,
        instead,
        # Not an option of the module. It is set by a plan for all licenses of an account.
        bool(params.get("foresee")),
        params["journal"] or "",
        reporting,
        *(params[name] for name in _AS_GIVEN),
    )
    return job, problems


def never_removed(sku: str) -> Problem:
    """The problem of a task that would remove a lifetime license."""
    return Problem(
        f"'state: absent' is not possible for {sku}: a lifetime license stays with its SIM and can never be removed. "
        "Devices can only be left out of future assignments.",
        "lifetime_not_removable",
    )


def _number_problems(params: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    for name, unit, more in (
        ("lifetime_consent", "devices", ", for how many of them you consent"),
        ("lifetime_elsewhere", "licenses", ""),
    ):
        value = params[name]
        if isinstance(value, bool):
            yield Problem(f"'{name}' is a boolean; it is a number of {unit}{more}.")
        elif value is not None and value < 0:
            yield Problem(f"'{name}' is {value}; it is a number of {unit}.")
