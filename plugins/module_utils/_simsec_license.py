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
from ._journal import Journal, Lost, open_journal
from ._journal_file import PATIENCE
from ._journal_lock import account_lock
from ._journal_time import age
from ._module import Context, Result
from ._plan import Pool
from ._simsec_api import SimsecApi, Subscription, pool_of
from ._simsec_eligibility import require_eligible
from ._simsec_job import Job, never_removed, read_job
from ._simsec_plan import Judgement, SimsecPlan, judge, make_simsec_plan, require_consent
from ._simsec_result import Done, make_result, planned
from ._simsec_send import JournaledWriter, request_names, send
from ._simsec_skus import says_lifetime, sku_warnings
from ._simsec_wait import Waiting, unconfirmed_error
from ._standing import Standing, fold
from ._verdict import Action

SETTLE = 5.0
"""Seconds that a lost request gets to show in the account's count before the count is read."""

NO_JOURNAL = (
    "Without 'journal' nobody knows which devices hold a SIM-Secure licence: every named device is sent, each time, "
    "and 'changed' is true even if ThingSpace had nothing to do."
)


def run(context: Context) -> Result:
    """Read, plan, guard, send, wait, report."""
    job, problems = read_job(context.params)
    journal = _open(context, problems)
    client = context.connect(problems)
    for warning in (*job.wanted.warnings, *sku_warnings(job.wish.sku)):
        context.warn(warning)
    if not context.params["journal"]:
        context.warn(NO_JOURNAL)
    with contextlib.closing(journal):
        api = SimsecApi(client, job.wish.account)
        if context.check_mode:
            return make_result(context, job, _converge(context, job, journal, client, api))
        with account_lock(journal.path, job.wish.account, _patience(context)):
            done = _converge(context, job, journal, client, api)
        if context.params["wait"]:
            done = _wait(context, job, journal, api, done)
        return make_result(context, job, done)


def _patience(context: Context) -> float:
    return min(PATIENCE, float(context.params["deadline"]))


def _open(context: Context, problems: list[Problem]) -> Journal:
    """Open the journal; what is wrong with it joins the other problems, and then it is not made either."""
    write = not context.check_mode and not problems
    try:
        return open_journal(context.params["journal"] or "", write=write, patience=_patience(context))
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))
        return open_journal("", write=True)


def _converge(context: Context, job: Job, journal: Journal, client: Client, api: SimsecApi) -> Done:
    """Everything up to the answers; a plan that is not allowed is held back."""
    standings = {device: fold(found) for device, found in journal.attempts(job.scope, job.wish.devices).items()}
    # The most that could be bound: without asking ThingSpace anything.
    require_consent(job.wish, make_simsec_plan(job.wish, standings, None, Pool(None, None)), job.consent)
    lost = journal.lost(job.wish.account, job.wish.sku.number)
    if lost and not context.check_mode:
        _let_settle(standings)
    subscription = _subscription(api, job.wish.sku.number)
    job = _with_license_type(job, subscription)
    pool = pool_of(subscription) if subscription else Pool(None, None)
    judgement = _judge(journal, job, lost, pool)
    plan = make_simsec_plan(job.wish, standings, judgement, pool)
    try:
        require_consent(job.wish, plan, job.consent)
        _require_subscription(job, plan, subscription, api)
        enforce(plan.plan, pool, job.limits)
        if context.params["check_eligibility"] and job.wish.action == "assign":
            require_eligible(client, job.wish.account, job.wish.kind, plan.sent)
    except LicensingError as error:
        return planned(plan, pool, stopped=error)
    if context.check_mode:
        return planned(plan, pool, confirmed=context.params["wait"])
    _write_judgement(journal, lost, judgement, lifetime=job.wish.sku.lifetime)
    return _send(context, job, journal, api, plan, pool)


def _send(context: Context, job: Job, journal: Journal, api: SimsecApi, plan: SimsecPlan, pool: Pool) -> Done:
    if not plan.sent:
        return planned(plan, pool)
    action, size = job.wish.action, context.params["batch_size"]
    names = request_names(context.params["request_id"], -(-len(plan.sent) // size))
    number = journal.begin_run(job.scope, action, pool.assigned)
    writer = JournaledWriter(api, journal, job.scope, number, names)
    sent = send(writer, action, plan.sent, size)
    # A run that could not write its end is looked at more closely by the next one.
    with contextlib.suppress(LicensingError):
        journal.end_run(number)
    return planned(plan, pool, sent=sent)


def _wait(context: Context, job: Job, journal: Journal, api: SimsecApi, done: Done) -> Done:
    """Wait for what is not confirmed yet, of this run and of earlier ones; then read the pool again."""
    open_devices = done.accepted
    if not open_devices:
        return done
    seconds = context.params["wait_timeout"]
    waiting = Waiting(journal, job.scope, api).wait(open_devices, seconds)
    standings = {device: fold(found) for device, found in journal.attempts(job.scope, open_devices).items()}
    done = done.confirmed_by(standings, job.wish.action)
    if waiting:
        done = done.with_failure(unconfirmed_error(waiting, len(open_devices), seconds))
    try:
        subscription = _subscription(api, job.wish.sku.number)
    except LicensingError as error:
        context.warn(f"The pool could not be read after the run, 'licenses' is computed: {error.message}")
        return done
    return done if subscription is None else done.with_pool(pool_of(subscription))


def _subscription(api: SimsecApi, sku: str) -> Subscription | None:
    return next((row for row in api.subscriptions() if row["sku"] == sku), None)


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


def _require_subscription(job: Job, plan: SimsecPlan, subscription: Subscription | None, api: SimsecApi) -> None:
    """Nothing can be assigned of a SKU that the account did not buy."""
    if subscription is not None or not plan.plan.assign:
        return
    has = ", ".join(row["sku"] for row in api.subscriptions()) or "none at all"
    raise LicensingError(
        f"The account {job.wish.account} has no licences of the SKU '{job.wish.sku.number}'; it has: {has}. Nothing "
        "was sent. Correct 'sku', or buy licences.",
        code="sku_not_subscribed",
    )


def _let_settle(standings: t.Mapping[str, Standing]) -> None:
    """Give a request that was lost a moment ago the time to show in the count."""
    sent = [standing.last.sent for standing in standings.values() if standing.status == "unknown" and standing.last]
    if not sent:
        return
    time.sleep(min(SETTLE, max(0.0, SETTLE - age(max(sent)))))


def _judge(journal: Journal, job: Job, lost: list[Lost], pool: Pool) -> Judgement | None:
    """What the account's count says about the lost requests."""
    if not lost:
        return None
    before, moved = journal.moved_since(lost[0].run, job.wish.account, job.wish.sku.number)
    devices: dict[Action, int] = {}
    for request in lost:
        devices[request.action] = devices.get(request.action, 0) + len(request.devices)
    return judge(before, pool.assigned, moved, devices)


def _write_judgement(journal: Journal, lost: list[Lost], judgement: Judgement | None, *, lifetime: bool) -> None:
    """Keep a clear judgement. Of a lifetime SKU, only that it took effect: what is doubtful stays visible."""
    requests = [request.request for request in lost]
    if judgement == "took_effect":
        journal.settle(requests, "accepted", "the answer was lost; the account's count shows that it took effect")
    elif judgement == "no_effect" and not lifetime:
        journal.settle(requests, "no_effect", "the answer was lost; the account's count shows no effect")
