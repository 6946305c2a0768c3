# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converging SIM-Secure licences: the flow of C(simsec_license), from options to result."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ._client import Client
from ._errors import LicensingError, OptionsError, Problem
from ._guards import enforce
from ._journal import Journal, open_journal
from ._journal_file import PATIENCE, require_writable
from ._journal_lock import PATIENCE as LOCK_PATIENCE
from ._journal_lock import account_lock
from ._journal_rows import Snapshot
from ._journal_time import age
from ._module import Context, Result
from ._plan import Pool
from ._simsec_api import SimsecApi, Subscription, pool_of
from ._simsec_eligibility import require_eligible
from ._simsec_job import Job, never_removed, read_job
from ._simsec_lost import Judgement, judge, resolve, settle_seconds
from ._simsec_plan import SimsecPlan, make_simsec_plan, require_consent
from ._simsec_result import Done, make_result, planned
from ._simsec_send import JournaledWriter, request_names, send
from ._simsec_skus import says_lifetime, sku_warnings
from ._simsec_wait import Waiting, unconfirmed_error
from ._standing import Attempt, Standing, fold

PATIENT = 60.0
"""Seconds that a run waits at most for a lost request to become old enough; what is younger than that stays unknown."""

LOOKS = 5
"""How often the counts are read at most until nothing is reported meanwhile."""

NO_POOL = Pool(None, None)

NO_JOURNAL = (
    "Without 'journal' nobody knows which devices hold a SIM-Secure licence: every named device is sent, each time, "
    "and 'changed' is true even if ThingSpace had nothing to do."
)


def run(context: Context) -> Result:
    """Read, plan, guard, send, wait, report."""
    job, problems = read_job(context.params)
    _look_at_journal(context, problems)
    client = context.connect(problems)
    for warning in (*job.wanted.warnings, *sku_warnings(job.wish.sku)):
        context.warn(warning)
    if not context.params["journal"]:
        context.warn(NO_JOURNAL)
    with contextlib.closing(_open(context, write=not context.check_mode)) as journal:
        api = SimsecApi(client, job.wish.account)
        if context.check_mode:
            return make_result(context, job, _converge(context, job, journal, client, api))
        patience = min(LOCK_PATIENCE, float(context.params["deadline"]))
        with account_lock(journal.path, job.wish.account, patience):
            done = _converge(context, job, journal, client, api)
        if context.params["wait"]:
            done = _wait(context, job, journal, api, done)
        return make_result(context, job, done)


def _patience(context: Context) -> float:
    return min(PATIENCE, float(context.params["deadline"]))


def _open(context: Context, *, write: bool) -> Journal:
    return open_journal(context.params["journal"] or "", write=write, patience=_patience(context))


def _look_at_journal(context: Context, problems: list[Problem]) -> None:
    """What is wrong with the journal joins the other problems; nothing is made before all of them are known."""
    try:
        _open(context, write=False).close()
        if not context.check_mode:
            require_writable(context.params["journal"] or "")
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))


def _converge(context: Context, job: Job, journal: Journal, client: Client, api: SimsecApi) -> Done:
    """Everything up to the answers; a plan that is not allowed is held back."""
    known = journal.snapshot(job.scope, job.wish.devices)
    # The most that could be bound: without asking ThingSpace anything.
    require_consent(job.wish, make_simsec_plan(job.wish, _standings(known.attempts), NO_POOL), job.consent)
    known, subscriptions = _look(context, job, journal, api, known)
    subscription = next((row for row in subscriptions if row["sku"] == job.wish.sku.number), None)
    job = _with_license_type(job, subscription)
    pool = pool_of(subscription) if subscription else NO_POOL
    verdicts = _judge(context, known, pool)
    lifetime = job.wish.sku.lifetime
    standings = _standings(resolve(known.attempts, known.lost, verdicts, lifetime=lifetime))
    plan = make_simsec_plan(job.wish, standings, pool)
    try:
        require_consent(job.wish, plan, job.consent)
        _require_subscription(job, plan, subscriptions)
        enforce(plan.plan, pool, job.limits)
        names = request_names(context.params["request_id"], -(-len(plan.sent) // context.params["batch_size"]))
        if context.params["check_eligibility"] and job.wish.action == "assign":
            require_eligible(client, job.wish.account, job.wish.kind, plan.sent)
    except LicensingError as error:
        return planned(plan, pool, stopped=error)
    if context.check_mode:
        return planned(plan, pool, confirmed=context.params["wait"])
    _keep(context, journal, known, verdicts, lifetime=lifetime)
    return _send(context, job, journal, api, plan, pool, names)


def _standings(attempts: t.Mapping[str, list[Attempt]]) -> dict[str, Standing]:
    return {device: fold(tried) for device, tried in attempts.items()}


def _look(
    context: Context, job: Job, journal: Journal, api: SimsecApi, known: Snapshot
) -> tuple[Snapshot, list[Subscription]]:
    """The account's counts, and what the journal knew when they were read."""
    if known.lost and not context.check_mode:
        # Give what was lost a moment ago the time to show.
        left = _settle_seconds(context, known) - _youngest(known)
        if 0 < left <= PATIENT:
            time.sleep(left)
    for _attempt in range(LOOKS):
        known = journal.snapshot(job.scope, job.wish.devices)
        subscriptions = api.subscriptions()
        # A report that came in between would be counted twice, or not at all.
        if not known.lost or journal.snapshot(job.scope, job.wish.devices) == known:
            break
    return known, subscriptions


def _judge(context: Context, known: Snapshot, pool: Pool) -> dict[int, Judgement]:
    """What the account's count says about the lost requests."""
    if known.lost and _youngest(known) < _settle_seconds(context, known):
        return {lost.request: "too_early" for lost in known.lost}
    return judge(pool.assigned, known.moved, known.lost)


def _settle_seconds(context: Context, known: Snapshot) -> float:
    return settle_seconds(context.params["settle_time"], known.latency)


def _youngest(known: Snapshot) -> float:
    """Seconds since the last of the lost requests was sent."""
    return age(max(lost.sent for lost in known.lost))


def _keep(
    context: Context, journal: Journal, known: Snapshot, verdicts: t.Mapping[int, Judgement], *, lifetime: bool
) -> None:
    """Write a clear judgement down; of a lifetime SKU only that a request took effect: the rest stays visible."""
    took_effect = [lost for lost in known.lost if verdicts[lost.request] == "took_effect"]
    no_effect = [lost for lost in known.lost if verdicts[lost.request] == "no_effect" and not lifetime]
    if took_effect or no_effect:
        journal.keep(took_effect, no_effect)
        counts = [sum(len(lost.devices) for lost in group) for group in (took_effect, no_effect)]
        context.warn(
            f"Requests without an answer were judged by the account's count: those for {counts[0]} devices took "
            f"effect, those for {counts[1]} did not. Changes that others made in the account meanwhile could mislead "
            "this."
        )


def _send(
    context: Context,
    job: Job,
    journal: Journal,
    api: SimsecApi,
    plan: SimsecPlan,
    pool: Pool,
    names: t.Iterator[str],
) -> Done:
    if not plan.sent:
        return planned(plan, pool)
    action = job.wish.action
    number = journal.begin_run(job.scope, action, pool.assigned)
    writer = JournaledWriter(api, journal, job.scope, number, names)
    sent = send(writer, action, plan.sent, context.params["batch_size"])
    # A run that could not write its end is looked at more closely by the next one.
    with contextlib.suppress(LicensingError):
        journal.end_run(number)
    return planned(plan, pool, sent=sent)


def _wait(context: Context, job: Job, journal: Journal, api: SimsecApi, done: Done) -> Done:
    """Wait for what is not confirmed yet, of this run and of earlier ones; then read the pool again."""
    open_devices, overdue = done.accepted, done.overdue
    if not open_devices and not overdue:
        return done
    seconds = context.params["wait_timeout"]
    waiting = [*overdue, *Waiting(journal, job.scope, api).wait(open_devices, seconds)]
    standings = _standings(journal.attempts(job.scope, open_devices))
    done = done.confirmed_by(standings, job.wish.action)
    if waiting:
        done = done.with_failure(unconfirmed_error(waiting, len(overdue), seconds))
    try:
        subscription = next((row for row in api.subscriptions() if row["sku"] == job.wish.sku.number), None)
    except LicensingError as error:
        context.warn(f"The pool could not be read after the run, 'licenses' is computed: {error.message}")
        return done
    return done if subscription is None else done.with_pool(pool_of(subscription))


def _with_license_type(job: Job, subscription: Subscription | None) -> Job:
    """The account itself may say that an undocumented SKU is for life."""
    if job.wish.sku.lifetime or not subscription or job.wish.sku.name != "unknown":
        return job
    if not says_lifetime(subscription["license_type"]):
        return job
    sku = job.wish.sku._replace(lifetime=True)
    if job.wish.action == "remove":
        raise OptionsError([never_removed(sku.number)])
    return job._replace(wish=job.wish.with_sku(sku))


def _require_subscription(job: Job, plan: SimsecPlan, subscriptions: list[Subscription]) -> None:
    """Nothing can be assigned of a SKU that the account did not buy."""
    bought = [row["sku"] for row in subscriptions]
    if job.wish.sku.number in bought or not plan.plan.assign:
        return
    has = ", ".join(bought) or "none at all"
    raise LicensingError(
        f"The account {job.wish.account} has no licences of the SKU '{job.wish.sku.number}'; it has: {has}. Nothing "
        "was sent. Correct 'sku', or buy licences.",
        code="sku_not_subscribed",
    )
