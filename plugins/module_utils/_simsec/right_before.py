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
import typing as t

from .._journal.journal import Journal
from .._journal.rows import Scope
from .._journal.status import DeviceStatus
from .._plan.plan import Pool
from .api import SimsecApi
from .job import Job
from .look import statuses_of
from .moves import Losing, kept, kept_now
from .plan import SEND, Decision, make_simsec_plan

REPORTED = (
    "not sent again: a report that may be about an earlier request for it, and that says that it was done, arrived "
    "meanwhile"
)


class RightBefore:
    """Decides again about planned devices, by what the journal says at that moment.

    :param again: the devices that are sent although an earlier request for them may have been carried out.
    :param when: the time of the plan, in the journal's format.
    """

    def __init__(self, job: Job, journal: Journal, api: SimsecApi, again: t.AbstractSet[str], when: str) -> None:
        self._job, self._journal, self._api = job, journal, api
        self._again, self._when = again, when
        self._named = [one for one in job.instead if one.scope.kind == job.scope.kind]

    def begin_wave(self, devices: t.Sequence[str]) -> dict[str, Decision]:
        """Read the counts again before a wave, if devices lose a license because of another one that must be there.

        :returns: the decisions about those devices of the wave that must not be sent.
        :raises LicensingError: the counts could not be read.
        """
        job = self._job
        if not job.instead:
            return {}
        losing = Losing(job.scope, job.wish.devices)
        stays = kept_now(self._journal, losing, job.instead, self._api.subscriptions())
        return self._decided(devices, {device: stays[device] for device in devices if device in stays})

    def withheld(self, devices: t.Sequence[str]) -> dict[str, Decision]:
        """The decisions about those devices of a request that must not be sent any more.

        What cannot have changed since the plan, or needs all of the account's devices, is not looked at again.
        """
        named = [device for device in devices if any(device in one.devices for one in self._named)]
        instead = [one._replace(devices=one.devices.intersection(named)) for one in self._named]
        stays = kept(Losing(self._job.scope, named), instead, self._statuses_of(named)) if named else {}
        found = self._decided(devices, stays)
        if not self._again.isdisjoint(devices):
            done = self._journal.reported_as_done(self._when)
            for device in self._again.intersection(devices):
                if (self._job.scope.kind, device) in done:
                    found.setdefault(device, Decision("unknown", REPORTED))
        return found

    def _statuses_of(self, devices: t.Sequence[str]) -> t.Callable[[Scope], dict[str, DeviceStatus]]:
        return lambda scope: statuses_of(self._journal.attempts(scope, devices))

    def _decided(self, devices: t.Sequence[str], stays: t.Mapping[str, str]) -> dict[str, Decision]:
        """About those that are not to be sent according to the journal.

        :param stays: those that must keep their license, each with the reason.
        """
        wish = dataclasses.replace(self._job.wish, devices=[*devices])
        statuses = self._statuses_of(devices)(self._job.scope)
        plan = make_simsec_plan(wish, statuses, Pool(None, None), stays)
        return {device: decision for device, decision in plan.decisions.items() if decision is not SEND}
