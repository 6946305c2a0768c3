# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The end of a run: wait for the missing confirmations, and read the pool again."""

from __future__ import annotations

from .._errors import LicensingError
from .._journal.clock import now
from .._journal.journal import Journal
from .._module import Context
from .api import SimsecApi, pool_of, proof_of
from .job import Job
from .look import counted
from .result import Done
from .wait import Waiting, unconfirmed_error


def finish(context: Context, job: Job, journal: Journal, api: SimsecApi, done: Done, waiting: Waiting) -> Done:
    """Wait for the missing confirmations of this run and of earlier runs. Then read the pool again."""
    open_devices, overdue = done.accepted, done.overdue
    if done.held_back or (not open_devices and not overdue):
        return done
    left = waiting.wait(open_devices)
    pool = count = None
    try:
        subscriptions = api.subscriptions()
        pool, count = pool_of(subscriptions, job.scope.sku), proof_of(subscriptions, job.scope.sku)
    except LicensingError as error:
        context.warn(f"The pool could not be read after the run, 'licenses' is computed: {error.message}")
    if left and count is not None and job.journal and not waiting.interrupted:
        left = _counted_late(job, journal, count, left, waiting)
    left = [*overdue, *left]
    done = done.confirmed_by(waiting.statuses(open_devices), job.wish.action)
    if job.only_planned:
        sent = frozenset(done.plan.sent)
        left = [device for device in left if device in sent]
    if left:
        unconfirmed = unconfirmed_error(left, len(overdue), waiting.waited, waiting.says, journal=bool(job.journal))
        done = done._replace(stopped=done.stopped or waiting.interrupted or unconfirmed)
    return done if pool is None else done._replace(pool=pool)


def _counted_late(job: Job, journal: Journal, count: int, left: list[str], waiting: Waiting) -> list[str]:
    """Confirm by the count that was read at the end what nobody reported. Returns the devices that are still left."""
    when = now()
    known = journal.snapshot(job.scope, left)
    found = counted(job, known, count, journal.windows(job.wish.account, job.wish.sku.number))
    if not found:
        return left
    journal.keep_counted(found, when, watched=False)
    statuses = waiting.statuses(left)
    return [device for device in left if statuses[device].result == "pending"]
