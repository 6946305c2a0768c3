# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converging SIM-Secure licenses: the flow of C(simsec_license), from options to result."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._client.client import Client
from .._errors import LicensingError, Problem
from .._journal.clock import now
from .._journal.file import PATIENCE, require_writable
from .._journal.journal import Journal, open_journal
from .._journal.lock import PATIENCE as LOCK_PATIENCE
from .._journal.status import BY_COUNT, Attempt, DeviceStatus, fold
from .._module import Context, Result
from .._plan.guards import enforce
from .._plan.plan import Pool
from .api import SimsecApi, SkuSubscription, pool_of
from .count import resolve, settle_seconds, with_counted
from .eligibility import require_eligible
from .job import Job, read_job
from .lifetime import require_journal, require_whole_journal, with_license_types
from .listener import require_listener
from .look import counted, judge_lost, keep, look
from .missing import missing, missing_text
from .moves import Losing, kept_now
from .plan import SimsecPlan, make_simsec_plan, require_consent
from .result import Done, make_result, planned
from .send import JournaledWriter, request_names
from .skus import sku_warnings
from .wait import Waiting, unconfirmed_error
from .watch import Before, Watch
from .waves import send_in_waves

NO_POOL = Pool(None, None)

NO_JOURNAL = (
    "Without 'journal', it is unknown which devices hold a SIM-Secure license. Every listed device is sent each time, "
    "and 'changed' is true even if nothing changes."
)


def run(context: Context) -> Result:
    """Read, plan, guard, send, wait, report."""
    job, problems = read_job(context.params)
    _look_at_journal(context, job, problems)
    client = context.connect(problems)
    for warning in job.wanted.warnings:
        context.warn(warning)
    if not job.journal:
        context.warn(NO_JOURNAL)
    with contextlib.closing(_open(context, job, write=not context.check_mode)) as journal:
        api = SimsecApi(client, job.wish.account)
        if context.check_mode:
            return make_result(context, job, _converge(context, job, journal, client, api, None))
        waiting = Waiting(journal, job.scope, api, job.wait_timeout, stop=context.stop)
        with journal.account_lock(job.wish.account, context.patience(LOCK_PATIENCE)):
            done = _converge(context, job, journal, client, api, waiting)
        if job.wait:
            done = _wait(context, job, journal, api, done, waiting)
        return make_result(context, job, done)


def _open(context: Context, job: Job, *, write: bool) -> Journal:
    return open_journal(job.journal, write=write, patience=context.patience(PATIENCE))


def _look_at_journal(context: Context, job: Job, problems: list[Problem]) -> None:
    """Add problems with the journal to the others. Nothing is created before all problems are known."""
    try:
        _open(context, job, write=False).close()
        if not context.check_mode:
            require_writable(job.journal)
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))


def _converge(
    context: Context, job: Job, journal: Journal, client: Client, api: SimsecApi, waiting: Waiting | None
) -> Done:
    """Plan, check, and send. A plan that is not allowed is not sent.

    :param waiting: None in check mode.
    """
    known = journal.snapshot(job.scope, job.wish.devices)
    # The most devices that could be bound, without asking ThingSpace.
    most = make_simsec_plan(job.wish, _statuses(known.attempts), NO_POOL)
    require_consent(job.wish, most, job.lifetime_consent)
    require_journal(job, most)
    known, subscriptions, when = look(context, job, journal, api, known)
    job = with_license_types(job, subscriptions)
    for warning in sku_warnings(job.wish.sku):
        context.warn(warning)
    pool = pool_of(subscriptions, job.scope.sku) or NO_POOL
    verdicts = judge_lost(job, known, pool)
    lifetime = job.wish.sku.lifetime
    done = counted(job, journal, known, pool)
    if done:
        known = known._replace(attempts=journal.attempts(job.scope, job.wish.devices))
    attempts = resolve(known.attempts, known.lost, verdicts, lifetime=lifetime)
    statuses = _statuses(with_counted(attempts, done, when))
    settle = settle_seconds(job.settle_time, known.latency)
    job = job._replace(wish=dataclasses.replace(job.wish, settle=settle))
    # Read as late as possible, directly before sending.
    kept = kept_now(journal, Losing(job.scope, job.wish.devices), job.instead, subscriptions, foresee=job.foresee)
    plan = make_simsec_plan(job.wish, statuses, pool, kept)
    plan = plan._replace(missing=missing(journal, job.wish.account, job.wish.sku.number, subscriptions))
    if plan.missing:
        context.warn(missing_text(job.wish.sku.number, plan.missing))
    try:
        require_consent(job.wish, plan, job.lifetime_consent)
        require_journal(job, plan)
        _require_subscription(job, plan, subscriptions)
        require_whole_journal(job, plan, journal, subscriptions)
        enforce(plan.plan, pool, job.limits)
        names = request_names(job.request_id, job.waves.requests(len(plan.sent), job.batch_size))
        if job.check_eligibility and job.wish.action == "assign":
            require_eligible(client, job.wish.account, job.wish.kind, plan.sent)
        heard = require_listener(context, client, job, plan, pool)
    except LicensingError as error:
        return planned(plan, pool, stopped=error)
    if waiting is None:
        return planned(plan, pool, confirmed=job.wait, reason="" if heard else BY_COUNT)
    keep(context, journal, known, verdicts, lifetime=lifetime)
    if done:
        journal.keep_counted(done, when, watched=False)
    watched = job.wait and not heard and bool(job.journal)
    sole = watched and _explains(journal, job, pool)
    number = journal.begin_run(job.scope, job.wish.action, pool.assigned, when) if plan.sent else 0
    if watched:
        waiting.watch = Watch(api, journal, job.scope, settle, Before(number, subscriptions, sole))
    if not plan.sent:
        return planned(plan, pool)
    writer = JournaledWriter(api, journal, job.scope, number, names)
    sent = send_in_waves(writer, waiting, job, plan)
    # If the end of a run could not be written, the next run examines that run more closely.
    with contextlib.suppress(LicensingError):
        journal.end_run(number)
    return planned(plan, pool, sent=sent)


def _explains(journal: Journal, job: Job, pool: Pool) -> bool:
    """Whether the journal is certain of as many licenses as the account counts."""
    return sum(journal.holders(job.wish.account, job.wish.sku.number).values()) == pool.assigned


def _statuses(attempts: t.Mapping[str, list[Attempt]]) -> dict[str, DeviceStatus]:
    return {device: fold(tried) for device, tried in attempts.items()}


def _wait(context: Context, job: Job, journal: Journal, api: SimsecApi, done: Done, waiting: Waiting) -> Done:
    """Wait for the missing confirmations of this run and of earlier runs. Then read the pool again."""
    open_devices, overdue = done.accepted, done.overdue
    if done.held_back or (not open_devices and not overdue):
        return done
    left = waiting.wait(open_devices)
    pool = None
    try:
        pool = pool_of(api.subscriptions(), job.scope.sku)
    except LicensingError as error:
        context.warn(f"The pool could not be read after the run, 'licenses' is computed: {error.message}")
    if left and pool is not None and job.journal and not waiting.interrupted:
        left = _counted_late(job, journal, pool, left)
    left = [*overdue, *left]
    done = done.confirmed_by(waiting.statuses(open_devices), job.wish.action)
    if left:
        says = waiting.watch.says if waiting.watch else ""
        unconfirmed = unconfirmed_error(left, len(overdue), job.wait_timeout, says)
        done = done._replace(stopped=done.stopped or waiting.interrupted or unconfirmed)
    return done if pool is None else done._replace(pool=pool)


def _counted_late(job: Job, journal: Journal, pool: Pool, left: list[str]) -> list[str]:
    """Confirm by the count that was read at the end what nobody reported. Returns the devices that are still left."""
    when = now()
    known = journal.snapshot(job.scope, left)
    found = counted(job, journal, known, pool)
    if not found:
        return left
    journal.keep_counted(found, when, watched=False)
    statuses = _statuses(journal.attempts(job.scope, left))
    return [device for device in left if statuses[device].result == "pending"]


def _require_subscription(job: Job, plan: SimsecPlan, subscriptions: list[SkuSubscription]) -> None:
    """Refuse to assign a SKU that the account did not buy."""
    bought = [row["sku"] for row in subscriptions]
    if job.wish.sku.number in bought or not plan.plan.assign:
        return
    has = ", ".join(bought) or "none at all"
    raise LicensingError(
        f"The account {job.wish.account} has no licenses of the SKU '{job.wish.sku.number}'; it has: {has}. Nothing "
        "was sent. Correct 'sku', or buy licenses.",
        code="sku_not_subscribed",
    )
