# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Decide again by the journal right before each request.

Since the plan, a run may have waited: for an answer, for a count, or for what becomes of a wave. ThingSpace may have
reported meanwhile that a license is not confirmed after all, or that an earlier request was carried out.
"""

from __future__ import annotations

import dataclasses
import threading
import time
import typing as t

from .._errors import LicensingError
from .._journal.journal import Journal
from .._journal.rows import Snapshot
from .._plan.plan import Pool
from .api import SimsecApi, SkuSubscription
from .job import Job
from .lifetime import require_one_kind, require_whole_journal
from .look import statuses_of
from .moves import Losing, kept, kept_now, statuses_now
from .plan import SEND, Decision, SimsecPlan, make_simsec_plan
from .reported import ReportedMeanwhile
from .same_sim import lifetime_reasons

REPORTED = (
    "not sent again: a report that may be about an earlier request for it, and that says that it was done, arrived "
    "meanwhile"
)


QUICKLY = 0.02
"""Seconds. What needs all devices, and takes no longer than this, is looked at again right before each request."""

RATHER_OFTEN = 0.5
"""Otherwise, it is looked at again after so many seconds, or after four times as long as it takes if that is more."""


def _nothing_more(text: str) -> str:
    return text.replace("Nothing was sent", "Nothing more was sent")


class _Seldom:
    """Calls a function again as often as that is cheap. One thread at a time may ask."""

    def __init__(self, look: t.Callable[[], None]) -> None:
        self._look = look
        self._next = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            if time.monotonic() < self._next:
                return
            began = time.monotonic()
            self._look()
            took = time.monotonic() - began
            if took > QUICKLY:
                self._next = time.monotonic() + max(RATHER_OFTEN, 4 * took)


class RightBefore:
    """Decides again about planned devices, by what the journal says at that moment.

    :param known: what the plan knows of the journal.
    :param subscriptions: the counts that were read last.
    """

    def __init__(
        self,
        job: Job,
        journal: Journal,
        api: SimsecApi,
        plan: SimsecPlan,
        known: Snapshot,
        subscriptions: t.Sequence[SkuSubscription],
    ) -> None:
        self._job, self._journal, self._api = job, journal, api
        self._plan, self._planned = plan, plan.sent
        same = (one.devices for one in known.lost if one.action == job.wish.action)
        self._reported = ReportedMeanwhile(journal, job.scope.kind, plan.again.union(*same), known.last_report)
        self._subscriptions: t.Sequence[SkuSubscription] = subscriptions
        self._named = [one for one in job.instead if one.scope.kind == job.scope.kind]
        self._staying: dict[str, str] = {}
        self._look_at_others = _Seldom(self._keep_because_of_others if job.instead else self._require_one_kind)

    def begin_wave(self, *, later: bool = False) -> None:
        """Compare the counts again, if devices lose a license because of another one that must be there, or get one for
        life.

        :param later: whether there was a wave before, which may have taken hours.
        :raises LicensingError: the counts could not be read, or the journal knows fewer licenses for life.
        """
        job = self._job
        if job.instead or (later and job.wish.sku.lifetime):
            self._subscriptions = self._api.subscriptions()
        if job.instead:
            losing = Losing(job.scope, self._planned)
            self._staying = {**self._staying, **kept_now(self._journal, losing, job.instead, self._subscriptions)}
        try:
            require_whole_journal(job, self._plan, self._journal, self._subscriptions)
        except LicensingError as error:
            if later:
                error.reword(_nothing_more)
            raise

    def withheld(self, devices: t.Sequence[str]) -> dict[str, Decision]:
        """The decisions about those devices of a request that must not be sent any more."""
        job, journal = self._job, self._journal
        named = [device for device in devices if any(device in one.devices for one in self._named)]
        if job.instead or (job.wish.sku.lifetime and job.wish.action == "assign"):
            self._look_at_others()
        staying = self._staying
        stays = {device: staying[device] for device in devices if device in staying}
        if named:
            among = frozenset(named)
            instead = [one._replace(devices=one.devices & among) for one in self._named]
            losing = Losing(job.scope, named)
            stays |= kept(losing, instead, lambda scope: statuses_of(journal.attempts(scope, named)))
        if job.wish.sku.lifetime and job.wish.action == "assign":
            stays |= lifetime_reasons(journal, job.scope, devices, self._planned)
        wish = dataclasses.replace(job.wish, devices=[*devices])
        statuses = statuses_of(journal.attempts(job.scope, devices))
        plan = make_simsec_plan(wish, statuses, Pool(None, None), stays)
        found = {device: decision for device, decision in plan.decisions.items() if decision is not SEND}
        for device in self._reported.done(devices):
            found.setdefault(device, Decision("unknown", REPORTED))
        return found

    def _keep_because_of_others(self) -> None:
        """Find the devices that must keep their license because of others: all that should hold another license, by any
        kind of id.
        """
        losing = Losing(self._job.scope, self._planned)
        now = statuses_now(self._journal, losing, self._job.instead)
        self._staying = {**self._staying, **kept(losing, self._job.instead, now)}

    def _require_one_kind(self) -> None:
        """Stop if a device for life is known by the other kind of id by now, because it may be one of these SIMs.

        :raises LicensingError: C(journal_behind).
        """
        if not self._journal.path:
            return
        try:
            require_one_kind(self._job, self._journal)
        except LicensingError as error:
            error.reword(_nothing_more)
            raise
