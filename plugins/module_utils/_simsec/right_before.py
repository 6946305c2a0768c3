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
from .._plan.outcomes import RequestRow
from .._plan.plan import Pool
from .api import SimsecApi, SkuSubscription
from .job import Job
from .look import statuses_of
from .moves import Instead, Losing, kept_now
from .plan import make_simsec_plan


class RightBefore:
    """Decides again about planned devices, by what the journal says at that moment.

    :param subscriptions: the counts of the account, read after the plan.
    """

    def __init__(self, job: Job, journal: Journal, api: SimsecApi, subscriptions: t.Sequence[SkuSubscription]) -> None:
        self._job, self._journal, self._api = job, journal, api
        self._subscriptions = subscriptions
        # By the kind of the task's own ids, the devices of one request can be told from all others.
        self._named = [one for one in job.instead if one.scope.kind == job.scope.kind]
        self._strangers = [one for one in job.instead if one.scope.kind != job.scope.kind]

    def begin_wave(self, devices: t.Sequence[str]) -> dict[str, RequestRow]:
        """Read the counts again before a wave, if devices lose a license because of another one that must be there.

        :returns: the rows of those devices of the wave that must not be sent. Of those that the task does not name,
            any may be one that is named by another kind of id. So all of these are looked at, once for a wave.
        :raises LicensingError: the counts could not be read.
        """
        if not self._job.instead:
            return {}
        self._subscriptions = self._api.subscriptions()
        return self._rows(devices, self._kept([one for one in devices if not self._is_named(one)], self._strangers))

    def withheld(self, devices: t.Sequence[str]) -> dict[str, RequestRow]:
        """The rows of those devices of a request that must not be sent any more."""
        named = [device for device in devices if self._is_named(device)]
        among = frozenset(named)
        return self._rows(
            devices, self._kept(named, [one._replace(devices=one.devices & among) for one in self._named])
        )

    def _is_named(self, device: str) -> bool:
        return any(device in one.devices for one in self._named)

    def _kept(self, devices: t.Sequence[str], instead: t.Sequence[Instead]) -> dict[str, str]:
        if not devices:
            return {}
        return kept_now(self._journal, Losing(self._job.scope, devices), instead, self._subscriptions)

    def _rows(self, devices: t.Sequence[str], kept: t.Mapping[str, str]) -> dict[str, RequestRow]:
        """The rows of those that are not to be sent according to the journal, or that must keep their license."""
        wish = dataclasses.replace(self._job.wish, devices=[*devices])
        attempts = self._journal.attempts(self._job.scope, devices)
        plan = make_simsec_plan(wish, statuses_of(attempts), Pool(None, None), kept)
        return {
            device: RequestRow(device, decision.outcome, decision.reason, decision.request_id)
            for device, decision in plan.decisions.items()
            if decision.outcome != "send"
        }
