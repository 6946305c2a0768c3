# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Facts about a journal itself: where it is, how large and how old it is, and what in it is no longer needed."""

from __future__ import annotations

import typing as t

from .fleet_runs import prune_runs
from .store import Store, Transaction


class JournalFacts(t.NamedTuple):
    """What is known about a journal.

    :param store: C(sqlite) or C(postgresql).
    :param schema: the version of its tables.
    :param size: bytes on the disk of the machine or the server.
    :param oldest_unconfirmed: when the oldest request of the account was sent that ThingSpace accepted and did not
        report on for each of its devices; empty if there is none.
    :param last_run: when the last run of the account that sent something started; empty if there is none.
    """

    place: str
    store: str
    identity: str
    schema: int
    size: int
    oldest_unconfirmed: str
    last_run: str


_OLDEST = (
    "SELECT coalesce(min(request.sent), '') FROM request CROSS JOIN scope ON scope.id = request.scope "
    "WHERE scope.account = ? AND request.state IN ('accepted', 'sending', 'unknown') AND EXISTS (SELECT 1 FROM entry "
    "WHERE entry.request = request.id AND entry.outcome IS NULL)"
)
_LAST = "SELECT coalesce(max(started), '') FROM run WHERE account = ?"

_FOREIGN = (
    "FROM callback WHERE received < ? AND received < (SELECT coalesce(min(sent), '9999') FROM request "
    "WHERE state IN ('sending', 'unknown')) "
    "AND NOT EXISTS (SELECT 1 FROM request WHERE request.request_id = callback.request_id)"
)
"""Reports about requests of others. Those since the oldest request without an answer may be about that one, and reports
under the id of a request of the journal may contradict what was recorded.
"""
_IDLE = "FROM run WHERE ended < ? AND NOT EXISTS (SELECT 1 FROM request WHERE request.run = run.id)"
"""Runs that sent nothing."""


def facts(store: Store, account: str) -> JournalFacts:
    """Facts about a journal, and about an account in it."""
    with store.reading() as db:
        # What stands for a missing journal is made anew each time.
        identity = "" if store.missing else str(db.execute("SELECT uuid FROM identity").fetchone()[0])
        oldest, last = (str(db.execute(query, (account,)).fetchone()[0]) for query in (_OLDEST, _LAST))
        return JournalFacts(store.name, store.kind, identity, db.version(), db.size(), oldest, last)


def prune(store: Store, before: str, *, check: bool) -> dict[str, int]:
    """Delete what no plan, status, or export needs any more, if it is older than a timestamp.

    :param check: only count it.
    """
    with store.reading() if check else store.writing() as db:
        return {
            "callbacks": _pruned(db, _FOREIGN, before, check),
            "runs": _pruned(db, _IDLE, before, check),
            "fleet_runs": prune_runs(db, before, check=check),
        }


def _pruned(db: Transaction, which: str, before: str, check: bool) -> int:
    if check:
        return int(db.execute(_COUNT + which, (before,)).fetchone()[0])
    return db.execute(_DELETE + which, (before,)).rowcount


_COUNT, _DELETE = "SELECT count(*) ", "DELETE "
