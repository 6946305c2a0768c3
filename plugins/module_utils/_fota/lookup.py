# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read the current state with as few requests as the job allows, and make the plan from it."""

from __future__ import annotations

import math
import typing as t

from .._client.paging import Page
from .._devices.spelling import require_spelling
from .._devices.wanted import Wanted
from .._plan.guards import Limits, tripped_by
from .._plan.outcomes import Reporting
from .._plan.plan import Plan, Pool, State, make_plan
from .._plan.waves import Waves
from .._swm.licenses import FotaApi
from .._thingspace.api_versions import ApiVersion

CHEAP_PAGES = 3
"""How many further pages are always read. Then a second run sends no writes."""

LARGER = 10
"""An account is listed unless it is this many times larger than the job."""


class Job(t.NamedTuple):
    """What a task requests, checked without the network."""

    account: str
    api_version: ApiVersion
    state: State
    wanted: Wanted
    limits: Limits
    lookup: str
    batch_size: int
    waves: Waves = Waves()
    removal_candidates: str = "report"
    reporting: Reporting = Reporting("changed", None)


def plan_job(
    api: FotaApi, job: Job, check_mode: bool, spare: t.AbstractSet[str] = frozenset()
) -> tuple[str, Plan, Pool]:
    """The plan, and how the current state was looked up (the value C(lookup) of the result).

    The first page shows the size of the account, so it is always read. Check mode always lists.

    :param spare: devices that an exact run leaves alone.
    :raises LicensingError: the account could not be read, or not completely.
    """
    first = api.page()
    scope = {"kind": "fota", "account": job.account, "api_version": job.api_version}
    pool = api.pool(first)
    if not (check_mode or _listing_pays(job, first)):
        plan = make_plan(scope, job.state, job.wanted.devices, None, pool)
        if not tripped_by(plan, pool, job.limits):
            return "direct", plan, pool
        # The upper bound would trip a guard, so the exact plan is needed.
    held, last = api.licensed(first, job.wanted.devices)
    require_spelling(held, job.wanted.devices)
    pool = Pool(pool.total if last.total is None else last.total, len(held))
    return "list", make_plan(scope, job.state, job.wanted.devices, held, pool, spare), pool


def _listing_pays(job: Job, first: Page) -> bool:
    """Whether to list the whole account instead of relying on the answer for each device."""
    if job.state == "exact" or job.limits.bound or job.lookup == "list" or not first.more:
        return True
    if job.lookup == "direct":
        return False
    if first.assigned is None:
        return False
    pages_left = math.ceil(first.assigned / max(1, len(first.devices))) - 1
    return pages_left <= CHEAP_PAGES or first.assigned <= LARGER * len(job.wanted.devices)
