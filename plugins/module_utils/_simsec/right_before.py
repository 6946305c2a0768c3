# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Decide by the journal, once for the plan, and again right before each request.

Between the two, a run may wait: for an answer, for a count, or for what becomes of a wave. ThingSpace may report
meanwhile that a license is not confirmed after all, or that an earlier request was carried out.
"""

from __future__ import annotations

import dataclasses
import typing as t
from types import MappingProxyType

from .._journal.journal import Journal
from .._journal.status import DeviceStatus
from .._plan.outcomes import RequestRow
from .._plan.plan import Pool
from .api import SimsecApi, SkuSubscription
from .job import Job
from .look import statuses_of
from .moves import Losing, kept_now
from .plan import SimsecPlan, make_simsec_plan
from .same_sim import lifetime_reasons

NO_POOL = Pool(None, None)


def plan_now(
    job: Job,
    journal: Journal,
    statuses: t.Mapping[str, DeviceStatus],
    pool: Pool,
    kept: t.Mapping[str, str] = MappingProxyType({}),
) -> SimsecPlan:
    """The plan, in which no SIM is bound twice for life because two ids name it."""
    plan = make_simsec_plan(job.wish, statuses, pool, kept)
    twice = lifetime_reasons(journal, job.scope, plan.plan.assign) if job.wish.sku.lifetime else {}
    return make_simsec_plan(job.wish, statuses, pool, {**kept, **twice}) if twice else plan


class RightBefore:
    """Decides again about planned devices, by what the journal says at that moment.

    :param subscriptions: the counts of the account, read after the plan.
    """

    def __init__(self, job: Job, journal: Journal, api: SimsecApi, subscriptions: t.Sequence[SkuSubscription]) -> None:
        self._job, self._journal, self._api = job, journal, api
        self._subscriptions = subscriptions

    def count(self) -> None:
        """Read the counts again, if a device loses its license because of another one that must be there.

        :raises LicensingError: they could not be read.
        """
        if self._job.instead:
            self._subscriptions = self._api.subscriptions()

    def withheld(self, devices: t.Sequence[str]) -> dict[str, RequestRow]:
        """The rows of those devices that must not be sent any more."""
        job, journal = self._job, self._journal
        part = job._replace(wish=dataclasses.replace(job.wish, devices=[*devices]))
        kept = kept_now(journal, Losing(job.scope, devices), job.instead, self._subscriptions)
        plan = plan_now(part, journal, statuses_of(journal.attempts(job.scope, devices)), NO_POOL, kept)
        return {
            device: RequestRow(device, decision.outcome, decision.reason, decision.request_id)
            for device, decision in plan.decisions.items()
            if decision.outcome != "send"
        }
