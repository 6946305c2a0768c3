# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Confirmations that come from the account's count: what the count may show, and how a confirmation is recorded.

The reason of the entry says so. If the run that sent the request did not watch the count, the entry also has a request
id of its own, so that it proves nothing about other licenses, like a report that was matched by device.
"""

from __future__ import annotations

import datetime
import typing as t

from .clock import after, ago, hour_before
from .queries import COUNTED_RUNS, COUNTED_UNWATCHED, MAY_HAVE_CHANGED, UNREPORTED
from .rows import Window
from .status import BY_COUNT

if t.TYPE_CHECKING:
    from .store import Transaction

READ_AGAIN = datetime.timedelta(days=7)
"""Older requests are not confirmed by the count, because too much has changed it since. Nor do they explain it."""

CLOCKS_APART = 5.0
"""By how many seconds the clock of a receiver may be behind."""

FAILED_SINCE = "SELECT 1 FROM entry WHERE request = ? AND outcome = 'failed' AND confirmed > ? LIMIT 1"
"""Whether a device of a request is reported as failed since a timestamp."""


def windows_of(db: Transaction, account: str, sku: str) -> list[Window]:
    """What can have changed the count of a SKU, for each run with devices on which nothing was reported."""
    found, week = [], ago(READ_AGAIN)
    for run, before, started in db.execute(COUNTED_RUNS, (week, account, sku)).fetchall():
        since = (run, hour_before(started), week, started, account, sku)
        window = Window(run, before, {}, {}, {})
        runs = {run}
        for action, count, newest, *senders in db.execute(MAY_HAVE_CHANGED, (*since, run, started)):
            window.most[action], window.newest[action] = count, newest
            runs.update(senders)
        for action, request in db.execute(UNREPORTED, since):
            window.waiting.setdefault(action, []).append(request)
        earlier = min(runs) < run
        found.append(window._replace(alone=len(runs) == 1, earlier=earlier))
    if any(window.alone for window in found) and db.execute(COUNTED_UNWATCHED, (week, account, sku)).fetchone():
        return [window._replace(alone=False) for window in found]
    return found


def keep_counted(db: Transaction, requests: t.Iterable[int], when: str, *, watched: bool) -> None:
    """Record that requests were carried out for every device on which ThingSpace has not reported.

    A failure that was reported after the count, or shortly before by the clock of another machine, shows that something
    else changed the count. Then nothing is recorded.

    :param when: the time of the count.
    """
    requests, shortly_before = list(requests), after(when, -CLOCKS_APART)
    if any(db.execute(FAILED_SINCE, (request, shortly_before)).fetchone() for request in requests):
        return
    db.executemany(
        "UPDATE entry SET outcome = 'success', reason = ?, confirmed = ?, "
        "request_id = (SELECT request_id FROM request WHERE request.id = entry.request AND ? = 0) "
        "WHERE request = ? AND outcome IS NULL AND request IN (SELECT id FROM request WHERE state = 'accepted')",
        [(BY_COUNT, when, int(watched), request) for request in requests],
    )


def revoke(db: Transaction, account: str, sku: str, when: str) -> None:
    """Forget what one count confirmed, because a report shows that something else changed the count."""
    db.execute(
        "UPDATE entry SET outcome = NULL, reason = '', confirmed = NULL, request_id = NULL "
        "WHERE reason = ? AND confirmed = ? AND request IN (SELECT request.id FROM request "
        "JOIN scope ON scope.id = request.scope WHERE scope.account = ? AND scope.sku = ?)",
        (BY_COUNT, when, account, sku),
    )
