# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options of C(simsec_license), checked as a whole before anything is opened or sent."""

from __future__ import annotations

import datetime
import typing as t

from .._devices.wanted import Wanted, wanted_devices
from .._errors import Problem
from .._journal.clock import ago
from .._journal.rows import Scope
from .._plan.answer import Action
from .._plan.guards import Limits, limits_from
from .._plan.outcomes import report_path_problems
from .._plan.waves import Waves, waves_from
from .api import LIMIT
from .moves import Instead, read_instead
from .plan import Wish
from .send import request_id_problems
from .skus import sku_of, sku_problems
from .wait import wait_problems

OVERDUE = datetime.timedelta(hours=1)
"""After that long no confirmation is expected any more: ThingSpace sends it four times within 15 minutes."""


class Job(t.NamedTuple):
    """What a task asks for.

    :param consent: devices that may be bound for life.
    :param instead: what devices are to hold that lose a license.
    :param foresee: whether it is part of a plan that assigns that, too.
    """

    wish: Wish
    scope: Scope
    wanted: Wanted
    limits: Limits
    consent: int | None
    waves: Waves
    instead: t.Sequence[Instead] = ()
    foresee: bool = False


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with everything that is wrong about them."""
    wanted, problems = wanted_devices(params, params["kind"])
    limits, limit_problems = limits_from(params)
    waves, wave_problems = waves_from(params)
    instead, instead_problems = read_instead(params, wanted.devices)
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
        *report_path_problems(params["devices_report"]),
        *sku_problems(params["sku"]),
        *request_id_problems(params["request_id"]),
        *wait_problems(params, len(wanted.devices)),
        *wave_problems,
        *instead_problems,
        *_number_problems(params),
    ]
    if action == "remove" and sku.lifetime:
        problems.append(never_removed(sku.number))
    scope = Scope(params["account"], params["sku"], params["kind"])
    # No option of the module: only who plans all licenses of an account together knows that they are assigned.
    foresee = bool(params.get("foresee"))
    return Job(wish, scope, wanted, limits, params["lifetime_consent"], waves, instead, foresee), problems


def never_removed(sku: str) -> Problem:
    """Lifetime licenses stay."""
    return Problem(
        f"'state: absent' is not possible for {sku}: a lifetime license stays with its SIM and can never be removed. "
        "Devices can only be left out of future assignments.",
        "lifetime_not_removable",
    )


def _number_problems(params: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    if not 1 <= params["batch_size"] <= LIMIT:
        yield Problem(f"'batch_size' is {params['batch_size']}; it must be between 1 and {LIMIT}.")
    if isinstance(params["lifetime_consent"], bool):
        yield Problem("'lifetime_consent' is a boolean; it is a number of devices, for how many of them you consent.")
    elif params["lifetime_consent"] is not None and params["lifetime_consent"] < 0:
        yield Problem(f"'lifetime_consent' is {params['lifetime_consent']}; it is a number of devices.")
    if isinstance(params["lifetime_elsewhere"], bool):
        yield Problem("'lifetime_elsewhere' is a boolean; it is a number of licenses.")
    elif params["lifetime_elsewhere"] is not None and params["lifetime_elsewhere"] < 0:
        yield Problem(f"'lifetime_elsewhere' is {params['lifetime_elsewhere']}; it is a number of licenses.")
