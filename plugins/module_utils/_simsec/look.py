# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Compare the account's counts with the journal, and record what that shows about requests."""

from __future__ import annotations

import typing as t

from .._journal.clock import age, now
from .._journal.journal import Journal
from .._journal.rows import Snapshot, Window
from .._journal.status import Attempt, DeviceStatus, fold
from .._module import Context
from .._text.lists import many
from .api import SimsecApi, SkuSubscription, proof_of
from .count import Judgment, beyond, carried_out, fits, judge, resolve, settle_seconds, with_counted
from .job import Job

PATIENT = 60.0
"""Seconds that a run waits at most until a lost request is old enough. A younger request stays unknown."""

FIRST_PAUSE = 1.0
"""Seconds before a count that does not fit is read again. Each further pause is twice as long."""

LOOKS = 5
"""How often the counts are read at most, until no report arrives during a reading."""


class Look(t.NamedTuple):
    """The account's counts, and what the journal knew when they were read.

    :param when: the time right before the counts were read.
    """

    known: Snapshot
    subscriptions: list[SkuSubscription]
    when: str


def look(context: Context, job: Job, journal: Journal, api: SimsecApi, known: Snapshot) -> Look:
    """Read the account's counts.

    :param known: read just now.
    """
    if context.check_mode:
        return _read(job, journal, api, known)
    seen = _read(job, journal, api, _wait(context, job, journal, known))
    return until_it_fits(context, job, journal, api, seen) if seen.known.lost else seen


def until_it_fits(context: Context, job: Job, journal: Journal, api: SimsecApi, seen: Look) -> Look:
    """Read a count again that the journal does not explain, until it is old enough to be true.

    Others may have changed it. But a count that is not up to date would decide about lost requests, and later confirm
    what never happened. So this is done before either of that can happen.
    """
    patience, pause = min(PATIENT, settle_seconds(job.settle_time, seen.known.latency)), FIRST_PAUSE
    while patience > 0 and not _fits(job, journal, seen):
        context.stop.sleep(min(pause, patience))
        patience, pause = patience - pause, pause * 2
        seen = _read(job, journal, api, journal.snapshot(job.scope, job.wish.devices))
    return seen


def _fits(job: Job, journal: Journal, seen: Look) -> bool:
    """Whether the journal explains the count of the SKU."""
    count = proof_of(seen.subscriptions, job.scope.sku)
    account, sku = job.scope.account, job.scope.sku
    return any(fits(count, journal.moved_since_last_count(account, sku, trusting=one)) for one in (True, False))


def _read(job: Job, journal: Journal, api: SimsecApi, known: Snapshot) -> Look:
    for left in reversed(range(LOOKS)):
        when = now()
        subscriptions = api.subscriptions()
        # A report that arrived in between explains part of the count that was read after it. If reports never stop, the
        # earlier view is the safe one: it leaves more unexplained, so nothing is sent again.
        later = journal.snapshot(job.scope, job.wish.devices) if known.lost and left else known
        if later == known:
            break
        known = later
    return Look(known, subscriptions, when)


def _wait(context: Context, job: Job, journal: Journal, known: Snapshot) -> Snapshot:
    """Give a request that was lost just now the time to take effect.

    A report that arrives in the meantime may show that ThingSpace takes longer than before.
    """
    patience = PATIENT
    while known.lost and 0 < (left := settle_seconds(job.settle_time, known.latency) - _youngest(known)) <= patience:
        context.stop.sleep(left)
        patience -= left
        known = journal.snapshot(job.scope, job.wish.devices)
    return known


class Judged(t.NamedTuple):
    """What the journal and the account's count show together.

    :param statuses: of the task's devices.
    :param lost: the judgment about each lost request.
    :param counted: the requests that the count confirms.
    :param exceeded: the runs before which the count was read, and since which others changed it.
    """

    statuses: dict[str, DeviceStatus]
    lost: dict[int, Judgment]
    counted: frozenset[int]
    exceeded: list[int]


def judge_all(job: Job, journal: Journal, seen: Look) -> Judged:
    """Judge everything that is in flight."""
    known, count = seen.known, proof_of(seen.subscriptions, job.scope.sku)
    # Read after the count, so that everything is known that can have changed it.
    windows = journal.windows(job.wish.account, job.wish.sku.number) if count is not None else []
    lost, done = judge_lost(job, known, count), counted(job, known, count, windows)
    attempts = journal.attempts(job.scope, job.wish.devices) if done else known.attempts
    attempts = resolve(attempts, known.lost, lost, lifetime=job.wish.sku.lifetime)
    return Judged(statuses_of(with_counted(attempts, done, seen.when)), lost, done, beyond(count, windows))


def statuses_of(attempts: t.Mapping[str, list[Attempt]]) -> dict[str, DeviceStatus]:
    """The status of each device."""
    return {device: fold(tried) for device, tried in attempts.items()}


def judge_lost(job: Job, known: Snapshot, count: int | None) -> dict[int, Judgment]:
    """What the account's count shows about the lost requests."""
    if known.lost and _youngest(known) < settle_seconds(job.settle_time, known.latency):
        return {lost.request: "too_early" for lost in known.lost}
    return judge(count, known.moved, known.lost)


def counted(job: Job, known: Snapshot, count: int | None, windows: t.Sequence[Window]) -> frozenset[int]:
    """The requests that the account's count confirms."""
    settle = settle_seconds(job.settle_time, known.latency)
    return carried_out(count, windows, lambda sent: age(sent) >= settle)


def _youngest(known: Snapshot) -> float:
    """Seconds since the last of the lost requests was sent."""
    return age(max(lost.sent for lost in known.lost))


def keep(context: Context, journal: Journal, seen: Look, judged: Judged, *, lifetime: bool) -> None:
    """Record clear judgments. For a lifetime SKU, record only that a request took effect; other requests stay open.

    What was reported since on one lost request puts the judgment of all in doubt. Then none is recorded, and the next
    run judges again.
    """
    lost, verdicts = seen.known.lost, judged.lost
    _last, reported = journal.reported_since(seen.known.last_report)
    if any((one.kind, device) in reported for one in lost for device in one.devices):
        lost = []
    took_effect = [one for one in lost if verdicts[one.request] == "took_effect"]
    no_effect = [one for one in lost if verdicts[one.request] == "no_effect" and not lifetime]
    if took_effect or no_effect:
        journal.keep(took_effect, no_effect)
        counts = [sum(len(one.devices) for one in group) for group in (took_effect, no_effect)]
        context.warn(
            f"The account's count decided about requests without an answer: those for {many(counts[0], 'device')} "
            f"took effect, those for {counts[1]:,} did not. Changes by others in the account in the meantime "
            "could make this wrong."
        )
    if judged.exceeded:
        journal.forget_counts(judged.exceeded)
    if judged.counted:
        journal.keep_counted(judged.counted, seen.when, watched=False)
