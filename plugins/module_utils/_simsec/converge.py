# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converging SIM-Secure licenses: the flow of C(simsec_license), from options to result."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from types import MappingProxyType

from .._client.client import Client
from .._errors import LicensingError, Problem
from .._journal.file import PATIENCE
from .._journal.journal import Journal, open_journal
from .._journal.lock import PATIENCE as LOCK_PATIENCE
from .._journal.status import BY_COUNT, DeviceStatus
from .._journal.store import Store
from .._journal.stores import require_usable
from .._module import Context, Result
from .._plan.guards import enforce
from .._plan.plan import Pool
from .api import SimsecApi, SkuSubscription, pool_of, proof_of
from .count import settle_seconds
from .finish import finish
from .job import Job, read_job
from .lifetime import (
    new_journal_text,
    require_filled_journal,
    require_journal,
    require_whole_journal,
    with_license_types,
)
from .listener import require_listener
from .look import judge_all, keep, look, statuses_of, until_it_fits
from .missing import missing, missing_text
from .moves import Losing, kept_now
from .plan import SimsecPlan, make_simsec_plan, require_consent
from .result import Done, make_result, planned
from .right_before import RightBefore
from .same_sim import lifetime_reasons, twice_text
from .send import JournaledWriter, request_names
from .skus import sku_warnings
from .wait import Waiting
from .watch import Before, Watch, explains
from .waves import send_plan

NO_POOL = Pool(None, None)

NO_JOURNAL = (
    "Without 'journal', it is unknown which devices hold a SIM-Secure license. Every listed device is sent each time, "
    "and 'changed' is true even if nothing changes."
)


def run(context: Context) -> Result:
    """Read, plan, guard, send, wait, report."""
    job, problems = read_job(context.params)
    with contextlib.ExitStack() as stack:
        ready = _look_at_journal(context, job, problems)
        if ready is not None:
            stack.callback(ready.close)
        client = context.connect(problems)
        for warning in job.wanted.warnings:
            context.warn(warning)
        if not job.journal:
            context.warn(NO_JOURNAL)
        patience = context.patience(PATIENCE)
        write = not context.check_mode
        journal = open_journal(job.journal, write=write, told=context.told, patience=patience, ready=ready)
        stack.callback(journal.close)
        return _run(context, job, journal, client)


def _run(context: Context, job: Job, journal: Journal, client: Client) -> Result:
    api = SimsecApi(client, job.wish.account)
    if context.check_mode:
        return make_result(context, job, _converge(context, job, journal, client, api, None))
    waiting = Waiting(journal, job.scope, api, job.wait_timeout, stop=context.stop)
    lock = journal.account_lock(job.wish.account, context.patience(LOCK_PATIENCE))
    with lock, context.stop.when(journal.lock_lost):
        done = _converge(context, job, journal, client, api, waiting)
    if job.wait:
        done = finish(context, job, journal, api, done, waiting)
    return make_result(context, job, done)


def _look_at_journal(context: Context, job: Job, problems: list[Problem]) -> Store | None:
    """Add problems with the journal to the others. Nothing is created before all problems are known.

    :returns: what is open already, see C(require_usable).
    """
    try:
        write, patience = not context.check_mode, context.patience(PATIENCE)
        return require_usable(job.journal, write=write, told=context.told, patience=patience)
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))
    return None


def _converge(
    context: Context, job: Job, journal: Journal, client: Client, api: SimsecApi, waiting: Waiting | None
) -> Done:
    """Plan, check, and send. A plan that is not allowed is not sent.

    :param waiting: None in check mode.
    """
    known = journal.snapshot(job.scope, job.wish.devices)
    # The most devices that could be bound, without asking ThingSpace.
    most = _plan(job, journal, statuses_of(known.attempts), NO_POOL)
    require_consent(job.wish, most, job.lifetime_consent)
    require_journal(job, most)
    seen = look(context, job, journal, api, known)
    subscriptions = seen.subscriptions
    job = with_license_types(job, subscriptions)
    for warning in sku_warnings(job.wish.sku):
        context.warn(warning)
    pool = pool_of(subscriptions, job.scope.sku) or NO_POOL
    judged, sku = judge_all(job, journal, seen), job.scope.sku
    settle = settle_seconds(job.settle_time, seen.known.latency)
    explained = _asks_for_others(job, judged.statuses) and explains(journal, job.scope, proof_of(subscriptions, sku))
    job = job._replace(wish=dataclasses.replace(job.wish, settle=settle, explained=explained))
    # Read as late as possible, directly before sending.
    kept = kept_now(journal, Losing(job.scope, job.wish.devices), job.instead, subscriptions, foresee=job.foresee)
    plan = _plan(job, journal, judged.statuses, pool, kept)
    plan = plan._replace(missing=missing(journal, job.wish.account, job.wish.sku.number, subscriptions))
    _warn(context, job, journal, plan)
    try:
        require_consent(job.wish, plan, job.lifetime_consent)
        require_journal(job, plan)
        _require_subscription(job, plan, subscriptions)
        require_whole_journal(job, plan, journal, subscriptions)
        require_filled_journal(job, plan, journal, subscriptions)
        if warning := new_journal_text(job, plan, journal, pool):
            context.warn(warning)
        enforce(plan.plan, pool, job.limits)
        names = request_names(job.request_id, job.waves.requests(len(plan.sent), job.batch_size))
        if job.check_eligibility and job.wish.action == "assign":
            # A module compiles what it imports, each time. Most tasks do not request this.
            from .eligibility import require_eligible  # pylint: disable=import-outside-toplevel

            require_eligible(client, job.wish.account, job.wish.kind, plan.sent)
        heard = require_listener(context, client, job, plan, pool)
    except LicensingError as error:
        return planned(plan, pool, stopped=error)
    if waiting is None:
        return planned(plan, pool, confirmed=job.wait, reason="" if heard else BY_COUNT)
    keep(context, journal, seen, judged, lifetime=job.wish.sku.lifetime)
    watches = job.wait and not heard and bool(job.journal)
    before = until_it_fits(context, job, journal, api, seen) if plan.sent else seen
    count = proof_of(before.subscriptions, job.scope.sku)
    sole = watches and explains(journal, job.scope, count)
    number = 0
    if plan.sent:
        number = journal.begin_run(job.scope, job.wish.action, count, before.when, planned_after=seen.known.last_run)
    if watches:
        waiting.watch = Watch(api, journal, job.scope, settle, Before(number, before.subscriptions, sole))
    right_before = RightBefore(job, journal, api, plan, seen.known, before.subscriptions)
    writer = JournaledWriter(api, journal, job.scope, number, names, right_before.withheld, seen.known.newest)
    sent = send_plan(writer, waiting, job, plan, right_before) if plan.sent else None
    _end(journal, number, waiting, writer)
    return planned(plan, pool, sent=sent)


def _end(journal: Journal, number: int, waiting: Waiting, writer: JournaledWriter) -> None:
    """Nothing more is sent. From now on, other tasks may send for the same devices."""
    waiting.newest = writer.newest
    if number:
        # If the end of a run could not be written, the next run examines that run more closely.
        with contextlib.suppress(LicensingError):
            journal.end_run(number)


def _asks_for_others(job: Job, statuses: t.Mapping[str, DeviceStatus]) -> bool:
    """Whether the plan depends on whether others assigned licenses of the SKU, which is not found out for nothing."""
    return job.wish.action == "remove" and any(
        status.result == "failed" and not status.may_hold for status in statuses.values()
    )


def _warn(context: Context, job: Job, journal: Journal, plan: SimsecPlan) -> None:
    if plan.missing:
        context.warn(missing_text(job.wish.sku.number, plan.missing))
    if not job.wish.sku.lifetime and (warning := twice_text(journal, job.scope, plan.plan.assign)):
        context.warn(warning)


def _plan(
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


def _require_subscription(job: Job, plan: SimsecPlan, subscriptions: list[SkuSubscription]) -> None:
    """Refuse to assign a SKU that the account did not buy."""
    bought = [row["sku"] for row in subscriptions]
    if job.wish.sku.number in bought or not plan.plan.assign:
        return
    has = f"only of: {', '.join(bought)}" if bought else "of no other SKU, either"
    raise LicensingError(
        f"The account {job.wish.account} has no licenses of the SKU '{job.wish.sku.number}', {has}. Nothing "
        "was sent. Correct 'sku', or buy licenses.",
        code="sku_not_subscribed",
    )
