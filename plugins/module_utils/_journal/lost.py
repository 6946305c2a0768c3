# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Lost requests in the journal: which there are, what is known for and against each, and how a result is recorded."""

from __future__ import annotations

import json
import typing as t

from .._plan.answer import Action
from .by_count import READ_AGAIN
from .clock import ago, hour_after, hour_before, now, seconds_between
from .queries import HELD_BEFORE, LATENCY, LOST, MOVED_SINCE, UNMATCHED
from .rows import Hint, Lost, Moved

if t.TYPE_CHECKING:
    from .store import Transaction

TOOK_EFFECT = "the answer was lost; the account's count shows that the request took effect"
NO_EFFECT = "the answer was lost; the account's count shows no effect"


def lost_requests(db: Transaction, account: str, sku: str) -> list[Lost]:
    """The lost requests of an account and SKU, oldest first, with what has been reported since."""
    found: dict[int, Lost] = {}
    kinds: dict[int, str] = {}
    for request, run, action, sent, kind, device in db.execute(LOST, (account, sku)):
        found.setdefault(request, Lost(request, run, action, sent, [], {})).devices.append(device)
        kinds[request] = kind
    _add_hints(db, [(kinds[lost.request], lost) for lost in found.values()])
    return list(found.values())


def moved_since(db: Transaction, run: int, account: str, sku: str, *, trusting: bool = False) -> Moved:
    """What has been sent and answered since a run.

    :param trusting: whether every assignment that was reported as done counts as a change of the count, which is found
        out faster.
    """
    before, started = db.execute("SELECT assigned_before, started FROM run WHERE id = ?", (run,)).fetchone()
    values = (
        run,
        run,
        int(trusting or _explained(db, run, account, sku)),
        run,
        hour_before(started),
        ago(READ_AGAIN),
        started,
        account,
        sku,
        run,
        started,
    )
    devices: dict[tuple[Action, bool], int] = {}
    for action, certain, count in db.execute(MOVED_SINCE, values):
        devices[action, bool(certain)] = count
    return Moved(before, devices)


def _explained(db: Transaction, run: int, account: str, sku: str) -> bool:
    """Whether the journal explains every license that the account counted before a run.

    Ids of two kinds may be those of one SIM, so only one kind counts.
    """
    before, started = db.execute("SELECT assigned_before, started FROM run WHERE id = ?", (run,)).fetchone()
    if not before:
        return before is not None
    kinds = db.execute("SELECT kind FROM scope WHERE account = ? AND sku = ?", (account, sku)).fetchall()
    held = (db.execute(HELD_BEFORE, (account, sku, kind, run, started)).fetchone()[0] for (kind,) in kinds)
    return any(count >= before for count in held)


def usual_latency(db: Transaction, account: str) -> float | None:
    """The longest of the recent times between sending and report."""
    took = [seconds_between(sent, confirmed) for sent, confirmed in db.execute(LATENCY, (account,))]
    return max(took) if took else None


def keep_took_effect(db: Transaction, lost: Lost) -> None:
    """Record that a request took effect, and what its hints say about its devices."""
    _settle(db, lost, "accepted", TOOK_EFFECT)
    for device, hint in lost.hints.items():
        db.execute("UPDATE callback SET matched = 1 WHERE id = ?", (hint.callback,))
        db.execute(
            "UPDATE entry SET outcome = ?, reason = ?, confirmed = ?, request_id = ? "
            "WHERE request = ? AND device_id = ? AND outcome IS NULL",
            (hint.status, hint.reason, now(), hint.request_id, lost.request, device),
        )


def keep_no_effect(db: Transaction, lost: Lost) -> None:
    """Record that a request had no effect."""
    _settle(db, lost, "no_effect", NO_EFFECT)


def _settle(db: Transaction, lost: Lost, state: str, answer: str) -> None:
    db.execute(
        "UPDATE request SET state = ?, answer = ?, answered = ? WHERE id = ? AND state IN ('sending', 'unknown')",
        (state, answer, now(), lost.request),
    )


def _add_hints(db: Transaction, found: t.Collection[tuple[str, Lost]]) -> None:
    """Search the reports under unknown ids once, for all lost requests."""
    if not found:
        return
    by_device: dict[tuple[str, str], list[Lost]] = {}
    for kind, lost in found:
        for device in lost.devices:
            by_device.setdefault((kind, device), []).append(lost)
    times = [lost.sent for _kind, lost in found]
    rows = db.execute(UNMATCHED, (min(times), hour_after(max(times))))
    for key, request_id, devices, status, reason, received in rows:
        for kind, device in json.loads(devices):
            for lost in by_device.get((kind, device), ()):
                if lost.sent <= received <= hour_after(lost.sent):
                    hint = Hint(key, status, reason, request_id)
                    # A failure casts doubt on any success.
                    lost.hints[device] = hint if status == "failed" else lost.hints.get(device, hint)
