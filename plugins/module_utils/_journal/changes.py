# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""By how much the requests in the journal can have changed the account's count since a run read it, device by device.

A device holds one license of a SKU or none. So it changes the count by one at most, however often it was sent, and not
at all if it was as wanted before: ThingSpace may report a request as done that changed nothing.
"""

from __future__ import annotations

import collections
import itertools
import operator
import typing as t

from .._plan.answer import Action
from .by_count import READ_AGAIN
from .clock import ago
from .queries import CHANGES, HELD_BEFORE
from .rows import Moved, Range

if t.TYPE_CHECKING:
    from .store import Transaction

NO_CHANGE = Range(0, 0)
KINDS = "SELECT count(*) FROM scope WHERE account = ? AND sku = ?"
LATER = "9999"
"""A time after all others."""

Devices = t.AbstractSet[tuple[str, str]]
"""Devices with the kind of their ids."""


class Step(t.NamedTuple):
    """A request for a device that was carried out or may have been.

    :param done: whether ThingSpace reported that it was carried out, or the count showed it.
    :param confirmed: when; empty if it is open.
    """

    run: int
    action: Action
    done: bool
    sent: str
    confirmed: str

    @property
    def after(self) -> int:
        """How many licenses the device holds when it was carried out."""
        return int(self.action == "assign")


class Since(t.NamedTuple):
    """The time from which on changes are counted.

    :param run: the run that read the count at C(started).
    :param oldest: nothing that is open and was sent before this time is carried out any more.
    """

    run: int
    started: str
    oldest: str


def change_of(steps: t.Sequence[Step], since: Since, *, explained: bool) -> Range:
    """By how much a device changed the count since then. Open requests may be carried out at any time, or never.

    :param steps: of the device, in the order in which they were sent.
    :param explained: whether the journal knew every license that the account counted then. Otherwise, others changed
        the account before, and nothing is known of what the device held.
    """
    at_first = {0, 1}
    if explained:
        at_first = {int(_held([step for step in steps if step.run < since.run], since.started))}
    moving = [step for step in steps if _moves(step, since)]
    settled = [step for step in steps if not _moves(step, since)]
    # Two requests that were under way at the same time may have been carried out in any order.
    slow = {
        step.after
        for number, step in enumerate(moving, start=1)
        if not step.done or any(later.sent < step.confirmed for later in moving[number:])
    }
    changes: set[int] = set()
    for first in at_first:
        at_last = {first}
        for step in moving:
            # What was reported since then may have been carried out before what was reported before then.
            before = not step.done or any(not other.done or step.sent < other.confirmed for other in settled)
            at_last = at_last | {step.after} if before else {step.after}
        changes.update(last - first for last in at_last | slow)
    return Range(min(changes), max(changes))


def _held(steps: t.Sequence[Step], when: str) -> bool:
    """Whether a device certainly held a license at a time, as C(HELD_BEFORE) decides it."""
    last, assigned, removed = "", "", ""
    for step in steps:
        if step.action == "remove":
            last, removed = step.action, max(removed, step.confirmed)
        elif step.done and step.confirmed <= when:
            last, assigned = step.action, max(assigned, step.confirmed)
    # A slow removal that was reported later may have been carried out later.
    return last == "assign" and assigned > removed


def changes_since(
    db: Transaction, run: int, account: str, sku: str, lost: Devices = frozenset(), *, trusting: bool = False
) -> Moved:
    """By how much the devices of a SKU can have changed its count since a run read it.

    :param lost: the devices of lost requests, which are counted apart.
    :param trusting: whether to take for granted that the journal explains the count then, which is found out faster.
    """
    before, started = db.execute("SELECT assigned_before, started FROM run WHERE id = ?", (run,)).fetchone()
    since = Since(run, started, ago(READ_AGAIN))
    rows = db.execute(CHANGES, (account, sku, run, since.oldest, started))
    alike: collections.Counter[tuple[str, bool, tuple[Step, ...]]] = collections.Counter()
    sums: dict[tuple[str, bool], tuple[Range, Range]] = {}
    earlier = False

    def add(kind: str, is_lost: bool, steps: tuple[Step, ...], count: int) -> None:
        nonlocal earlier
        earlier = earlier or any(step.run < run and _moves(step, since) for step in steps)
        if_explained, otherwise = sums.get((kind, is_lost), (NO_CHANGE, NO_CHANGE))
        if_explained += change_of(steps, since, explained=True).times(count)
        sums[kind, is_lost] = (if_explained, otherwise + change_of(steps, since, explained=False).times(count))

    for (kind, device), found in itertools.groupby(rows, operator.itemgetter(0, 1)):
        steps = tuple(Step(number, action, bool(done), *times) for _kind, _id, number, action, done, *times in found)
        if len(steps) == 1:
            # Most devices were sent once, and of those, most are alike.
            alike[kind, (kind, device) in lost, (_outline(steps[0], since),)] += 1
        else:
            add(kind, (kind, device) in lost, steps, 1)
    for (kind, is_lost, steps), count in alike.items():
        add(kind, is_lost, steps, count)
    kinds = {kind for kind, _lost in sums}
    if not trusting and db.execute(KINDS, (account, sku)).fetchone()[0] > 1:
        # What was ever sent by both kinds of ids may have been for the same SIMs, so that one of two changed nothing.
        kinds = set()
    elif not trusting and any(if_explained != otherwise for if_explained, otherwise in sums.values()):
        kinds = _explaining(db, since, account, sku, before, kinds)
    others, own = (
        sum((both[kind not in kinds] for (kind, is_lost), both in sums.items() if is_lost is one), NO_CHANGE)
        for one in (False, True)
    )
    return Moved(before, others, own, earlier)


def _outline(step: Step, since: Since) -> Step:
    """The step without what does not matter if it is a device's only one."""
    confirmed = since.started if step.confirmed <= since.started else LATER
    return Step(
        since.run if step.run >= since.run else since.run - 1,
        step.action,
        step.done,
        since.oldest if step.sent >= since.oldest else "",
        confirmed if step.done else "",
    )


def _moves(step: Step, since: Since) -> bool:
    """Whether a request may have been carried out since then."""
    if step.run >= since.run:
        return True
    return step.confirmed > since.started if step.done else step.sent >= since.oldest


def _explaining(
    db: Transaction, since: Since, account: str, sku: str, before: int | None, kinds: t.AbstractSet[str]
) -> set[str]:
    """The kinds of ids whose devices explain every license that the account counted then.

    Ids of two kinds may be those of one SIM, so devices of the other kind may have held one, too.
    """
    times = (since.started, since.started)
    values = {kind: (account, sku, kind, since.run, *times) for kind in kinds if before is not None}
    return {kind for kind, one in values.items() if db.execute(HELD_BEFORE, one).fetchone()[0] == before}
