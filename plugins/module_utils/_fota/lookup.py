# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read the current state with as few requests as the job allows, and make the plan from it."""

from __future__ import annotations

import typing as t

from .._client.paging import Page
from .._devices.spelling import require_spelling
from .._devices.wanted import Wanted
from .._errors import IncompleteList
from .._plan.guards import Limits, tripped_by
from .._plan.outcomes import Reporting
from .._plan.plan import Plan, Pool, State, make_plan
from .._plan.waves import Waves
from .._swm.licenses import FotaApi
from .._thingspace.api_versions import ApiVersion
from .foresight import Choice, Read, foresee, proofs
from .partial_plan import as_far_as_listed

CHEAP_PAGES = 3
"""How many further pages are always read. Then a second run sends no writes."""

LARGER = 10
"""An account is listed unless it is this many times larger than the job."""


class Job(t.NamedTuple):
    """What a task requests, checked without the network.

    :param only_planned: whether only the devices that the plan changes count as failed. What it leaves was approved.
    """

    account: str
    api_version: ApiVersion
    state: State
    wanted: Wanted
    limits: Limits
    lookup: str
    batch_size: int
    waves: Waves = Waves()
    removal_candidates: str = "report"
    foreseen_refusals: Choice = "skip"
    reporting: Reporting = Reporting("changed", None)
    only_planned: bool = False


def plan_job(
    api: FotaApi, job: Job, check_mode: bool, spare: t.AbstractSet[str] = frozenset()
) -> tuple[str, Plan, Pool]:
    """The plan, and how the current state was looked up (the value C(lookup) of the result).

    The first page shows the size of the account, so it is always read. Check mode always reads the current state. What
    would be refused is foreseen as far as the real run foresees it, so a plan that it sends unread foresees nothing.

    :param spare: devices that an exact run leaves alone.
    :raises LicensingError: the account could not be read, or not completely.
    """
    first = api.page()
    pool = api.pool(first)
    scope = {"kind": "fota", "account": job.account, "api_version": job.api_version}
    wanted = job.wanted.devices
    bound, foreseen = check_mode or job.limits.bound, True
    for way in _ways(api, job, first):
        if way == "devices":
            listed, most = [device for device, _time in first.devices], proofs(job.foreseen_refusals)
            removing = job.state == "absent"
            named = api.named.read(wanted, listed, removing=removing, most=most, pages=first.pages)
            if named is not None:
                if named.seen:
                    require_spelling(named.seen, wanted, losing=True)
                # A plan that is sent unread reads the list about those that ThingSpace does not know, too.
                if named.unproven and (not foreseen or _list_decides(job, first, len(named.unproven))):
                    break
                plan = make_plan(scope, job.state, wanted, named.licensed | named.unproven.keys(), pool, whole=False)
                known = sorted({*named.facts, *listed})
                read = Read(named.about, known, listed) if foreseen else None
                try:
                    return way, foresee(api, plan, read, job.foreseen_refusals), pool
                except IncompleteList as error:
                    api.named.distrust(error)
        else:
            plan = make_plan(scope, job.state, wanted, None, pool)
            pool = pool._replace(elsewhere=api.reach(first.assigned).elsewhere)
            # If the upper bound trips a guard, the exact plan is needed. A partial list shows what ThingSpace may not.
            blind = job.state == "absent" and api.partial is not None
            foreseen = blind or bool(tripped_by(plan, pool, job.limits))
            if not foreseen and not bound:
                return way, foresee(api, plan, None, job.foreseen_refusals), pool
    held, last = api.licensed(first, wanted)
    require_spelling(held, wanted, losing=job.state != "present")
    pool = pool._replace(total=pool.total if last.total is None else last.total, assigned=len(held))
    plan, pool = as_far_as_listed(api, make_plan(scope, job.state, wanted, held, pool, spare), pool, held)
    read = Read({}, sorted(held) if plan.changes else ()) if foreseen else None
    return "list", foresee(api, plan, read, job.foreseen_refusals), pool


def _ways(api: FotaApi, job: Job, first: Page) -> t.Iterator[t.Literal["devices", "direct"]]:
    """The ways to try, in this order, before the whole list is read. To stop in time, a task must know the state."""
    if job.state == "exact" or job.lookup == "list" or not first.more:
        return
    unread = job.foreseen_refusals != "stop"
    if unread and job.lookup == "direct":
        yield "direct"
    if api.named.offered and (job.lookup == "devices" or api.named.requests(len(job.wanted.devices)) < first.pages):
        yield "devices"
    if unread and job.lookup == "auto" and not _listing_pays(job, first):
        yield "direct"


def _list_decides(job: Job, first: Page, unproven: int) -> bool:
    """Whether the whole list is read because a few requests did not show that so many devices hold no license.

    It does not depend on check mode. The other devices do not wait for it, so it is read only if that is requested, or
    takes not many more requests.
    """
    asked = job.lookup == "devices" or job.foreseen_refusals == "stop"
    return asked or unproven > first.pages or _listing_pays(job, first)


def _listing_pays(job: Job, first: Page) -> bool:
    """Whether to list the whole account instead of relying on the answer for each device."""
    if first.assigned is None:
        return True
    return first.pages - 1 <= CHEAP_PAGES or first.assigned <= LARGER * len(job.wanted.devices)
