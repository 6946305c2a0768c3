# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Send a SIM-Secure plan in waves. Each wave except the last is confirmed and judged before the next one is sent.

All waves are one run of the journal, under the account's lock, so no other task sends in between.
"""

from __future__ import annotations

import typing as t
from types import MappingProxyType

from .._errors import LicensingError
from .._plan.outcomes import RequestRow
from .._plan.waves import AS_WANTED, cut, judge, why_left_out
from .job import Job
from .plan import Decision, SimsecPlan, row_of
from .result import confirmed_row
from .right_before import RightBefore
from .send import JournaledWriter, Sent, send
from .wait import Waiting

NOTHING: t.Mapping[str, Decision] = MappingProxyType({})


def send_plan(writer: JournaledWriter, waiting: Waiting, job: Job, plan: SimsecPlan, right_before: RightBefore) -> Sent:
    """Send the devices of a plan, in waves if the task requests them."""
    action = job.wish.action
    try:
        right_before.begin_wave()
        if not job.waves.sizes:
            return send(writer, action, plan.sent, job.batch_size)
        # Without those that are not sent any more, because each wave shows something of the next one.
        going = frozenset(writer.going(plan.sent))
    except LicensingError as error:
        return Sent({device: _left_out(device, error) for device in plan.sent}, error, {})
    # Requests of an earlier run without a confirmation are a wave that was not judged.
    results = {
        device: RequestRow(device, "accepted", decision.reason, decision.request_id)
        for device, decision in plan.decisions.items()
        if decision.outcome == "accepted" and not decision.overdue
    }
    left = len(going)
    stopped: LicensingError | None = _judged(waiting, job, results, left) if results else None
    assign, remove = (tuple(filter(going.__contains__, ids)) for ids in (plan.plan.assign, plan.plan.remove))
    parts = cut(plan.plan._replace(assign=assign, remove=remove), job.waves) if going else []
    for number, part in enumerate(parts):
        if stopped is not None:
            break
        if number:
            try:
                right_before.begin_wave(later=True)
            except LicensingError as error:
                stopped = error
                break
        sent = send(writer, action, part.assign or part.remove, job.batch_size)
        results.update(sent.results)
        left -= part.changes
        stopped = sent.stopped or (_judged(waiting, job, results, left, writer.withheld) if left else None)
    results.update({device: row_of(device, decision) for device, decision in writer.withheld.items()})
    if stopped is not None:
        for device in plan.sent:
            results.setdefault(device, _left_out(device, stopped))
    return Sent(results, stopped, writer.withheld)


def _left_out(device: str, why: LicensingError) -> RequestRow:
    return RequestRow(device, "skipped", why_left_out(why), "")


def _judged(
    waiting: Waiting, job: Job, results: dict[str, RequestRow], left: int, withheld: t.Mapping[str, Decision] = NOTHING
) -> LicensingError | None:
    """Wait for the confirmations of everything sent so far, note them, and judge the wave.

    Devices that keep a license until another one is confirmed are not amiss, because the task requests that.
    """
    judged = [device for device in results if device not in withheld or not withheld[device].waits]
    accepted = [device for device in judged if results[device].outcome == "accepted"]
    amiss = sum(results[device].outcome not in AS_WANTED for device in judged) - len(accepted)
    waiting.wait(accepted, job.waves.allowed(len(judged)) - amiss)
    for device, status in waiting.statuses(accepted).items():
        results[device] = confirmed_row(results[device], status, job.wish.action)
    return waiting.interrupted or judge(job.waves, [results[device] for device in judged], left)
