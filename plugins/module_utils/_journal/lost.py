# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Lost requests in the journal: which there are, what is known for and against each, and how a result is recorded."""

from __future__ import annotations

import json
import typing as t

from .changes import changes_since
from .clock import hour_after, hour_before, now, seconds_between
from .queries import BASELINES, LATENCY, LOST, UNMATCHED
from .rows import Hint, Lost, Moved

if t.TYPE_CHECKING:
    from .store import Transaction

MANY = 100_000
"""If so many devices may have changed the count or not, only one earlier count is compared."""

TOOK_EFFECT = "the answer was lost; the account's count shows that the request took effect"
NO_EFFECT = "the answer was lost; the account's count shows no effect"


def lost_requests(db: Transaction, account: str, sku: str) -> list[Lost]:
    """The lost requests of an account and SKU, oldest first, with what has been reported since."""
    found: dict[int, Lost] = {}
    for request, run, action, sent, kind, device, tried in db.execute(LOST, (account, sku)):
        lost = found.setdefault(request, Lost(request, run, action, sent, [], {}, kind, frozenset()))
        lost.devices.append(device)
        if tried:
            found[request] = lost._replace(tried=lost.tried | {device})
    _add_hints(db, found.values())
    return list(found.values())


def moved_by(db: Transaction, account: str, sku: str, lost: t.Sequence[Lost]) -> list[Moved]:
    """What can have changed the count since the run that sent the first lost request, and since earlier ones.

    What was under way when a run began may be in the count that it read or not. A count of the hour before that was
    read before all of it tells more. A count to which nothing can be compared any more ends that, because others
    changed it since.
    """
    first, found = lost[0].run, []
    devices = frozenset((one.kind, device) for one in lost for device in one.devices)
    (started,) = db.execute("SELECT started FROM run WHERE id = ?", (first,)).fetchone()
    for run, before in db.execute(BASELINES, (account, sku, first, first, hour_before(started))).fetchall():
        if before is None:
            break
        found.append(changes_since(db, run, account, sku, devices))
        unclear = found[-1].others.most - found[-1].others.least
        # Each reading takes long if many devices are under way.
        if not found[-1].earlier or (unclear > MANY and len(found) > 1):
            break
    return found


def usual_latency(db: Transaction, account: str) -> float | None:
    """The longest of the recent times between sending and report."""
    took = [seconds_between(sent, confirmed) for sent, confirmed in db.execute(LATENCY, (account,))]
    return max(took) if took else None


def keep_took_effect(db: Transaction, lost: Lost) -> None:
    """Record that a request took effect, and what its hints say about its devices."""
    _settle(db, lost, "accepted", TOOK_EFFECT)
    for device, hint in lost.hints.items():
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


def _add_hints(db: Transaction, found: t.Collection[Lost]) -> None:
    """Search the reports under unknown ids once, for all lost requests."""
    if not found:
        return
    by_device: dict[tuple[str, str], list[Lost]] = {}
    for lost in found:
        for device in lost.devices:
            by_device.setdefault((lost.kind, device), []).append(lost)
    times = [lost.sent for lost in found]
    rows = db.execute(UNMATCHED, (min(times), hour_after(max(times))))
    for request_id, devices, status, reason, received in rows:
        for kind, device in json.loads(devices):
            for lost in by_device.get((kind, device), ()):
                if lost.sent <= received <= hour_after(lost.sent):
                    hint = Hint(status, reason, request_id)
                    # A failure casts doubt on any success.
                    lost.hints[device] = hint if status == "failed" else lost.hints.get(device, hint)
