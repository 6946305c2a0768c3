# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Matches confirmations with the entries of the journal, by request id and device."""

from __future__ import annotations

import datetime
import json
import typing as t

from .._plan.answer import Action
from .by_count import revoke
from .clock import after, ago, now
from .confirmation import Confirmation
from .queries import COUNTED, SENT_LAST
from .status import BY_COUNT

if t.TYPE_CHECKING:
    from .store import Transaction

ADOPTED_WITHIN = datetime.timedelta(hours=1)
"""A confirmation under an unknown request id can belong only to a lost request that was sent at most this long ago.
ThingSpace sends a callback four times within 15 minutes. The listener also receives callbacks for requests of others.
"""

MOST_BEHIND = 10.0
"""Seconds by which this machine's clock may be behind those of the senders. Each may be five off the database's."""

MOMENT = 0.000001
"""Seconds: the least by which timestamps of the journal differ."""

_DOUBT = "the answer was lost, and a report contradicts the account's count"


class Recorded(t.NamedTuple):
    """What happened to a confirmation.

    :param outcome: C(unmatched) ones are kept and applied when their request becomes known.
    """

    outcome: t.Literal["recorded", "duplicate", "unmatched"]
    account: str | None = None
    sku: str | None = None
    device_id: str | None = None
    kind: str | None = None
    action: Action | None = None


class _Entry(t.NamedTuple):
    scope: int
    device_id: str
    request: int
    outcome: str | None
    account: str
    sku: str
    kind: str
    action: Action
    reason: str
    confirmed: str
    state: str
    reported: str

    @property
    def counted(self) -> bool:
        """Whether only the account's count confirms it."""
        return self.outcome == "success" and self.reason == BY_COUNT

    def contradicts(self, status: str) -> bool:
        """Whether a report under an unknown id says the opposite of what the account's count showed."""
        undecided = self.outcome is None or self.counted
        return undecided and (status == "failed") is not (self.state == "no_effect")


# CROSS JOIN keeps the order of the tables, because the planner does not know their sizes.
_COLUMNS = (
    "SELECT entry.scope, entry.device_id, entry.request, entry.outcome, scope.account, scope.sku, scope.kind, "
    "request.action, entry.reason, coalesce(entry.confirmed, ''), request.state, "
    "(SELECT coalesce(max(other.confirmed), '') FROM entry AS other "
    "WHERE other.scope = entry.scope AND other.device_id = entry.device_id) FROM "
)
_OF_REQUEST = (
    _COLUMNS + "request CROSS JOIN scope ON scope.id = request.scope "
    "CROSS JOIN entry ON entry.scope = request.scope AND entry.request = request.id "
    "WHERE request.request_id = ? AND scope.kind = ? AND entry.device_id = ? ORDER BY request.id DESC LIMIT 1"
)
_OF_COUNTED_REQUEST = (
    _COLUMNS + "scope CROSS JOIN entry ON entry.scope = scope.id CROSS JOIN request ON request.id = entry.request "
    "WHERE scope.kind = ? AND entry.device_id = ? AND request.request_id IS NULL "
    "AND (request.state = 'accepted' OR (request.state = 'no_effect' AND ? = 'success')) AND request.sent > ? "
    f"AND (entry.outcome IS NULL OR entry.request_id = ? OR ({COUNTED})) ORDER BY request.id DESC"
)


def record(db: Transaction, confirmation: Confirmation, when: str) -> Recorded:
    """Record one confirmation, inside the caller's transaction.

    :param when: it arrived; see C(arrival).
    """
    entry, own_id = _of_request(db, confirmation), None
    if entry is None:
        entry, own_id = _of_counted_request(db, confirmation), confirmation.request_id
        if entry is not None and entry.contradicts(confirmation.status):
            _put_in_doubt(db, entry)
            entry = None
    if entry is None or confirmation.status == "other":
        return _keep(db, confirmation, entry, when)
    when = _after(entry.reported, when)
    recorded = Recorded("recorded", entry.account, entry.sku, entry.device_id, entry.kind, entry.action)
    if entry.counted:
        # What ThingSpace itself reports counts more. A failure shows that others changed the count.
        if confirmation.status == "failed":
            revoke(db, entry.account, entry.sku, entry.confirmed)
        entry = entry._replace(outcome=None)
    if entry.outcome == confirmation.status:
        return recorded._replace(outcome="duplicate")
    if entry.outcome == "success":
        # A later contradiction is kept. A reported success still counts as done, but no longer proves anything.
        return _keep(db, confirmation, entry, when)
    if entry.outcome == "failed" and own_id is None:
        _keep(db, confirmation._replace(status="failed", reason=""), entry, when)
    db.execute(
        "UPDATE entry SET outcome = ?, reason = ?, confirmed = ?, request_id = ? "
        "WHERE scope = ? AND device_id = ? AND request = ?",
        (confirmation.status, confirmation.reason, when, own_id, entry.scope, entry.device_id, entry.request),
    )
    if own_id is not None:
        # It may be about another license of the device. So it stays a hint for other requests.
        _keep(db, confirmation, None, when)
    return recorded


def arrival(db: Transaction) -> str:
    """The time of reports that arrive now. It is after that of the last requests, although a clock that is ahead may
    have written theirs.
    """
    at = now()
    (before,) = db.execute(SENT_LAST, (after(at, MOST_BEHIND),)).fetchone()
    return _after(before or "", at)


def _after(before: str, at: str) -> str:
    """A time, or a moment after an earlier event if its clock was ahead by no more than usual."""
    return after(before, MOMENT) if at <= before <= after(at, MOST_BEHIND) else at


def adopt(db: Transaction, request_id: str) -> None:
    """Apply the kept confirmations of a request that became known."""
    kept = db.execute(
        "SELECT id, devices, status, reason, received FROM callback WHERE request_id = ? AND matched = 0 ORDER BY id",
        (request_id,),
    ).fetchall()
    for key, devices, status, reason, received in kept:
        confirmation = Confirmation(request_id, tuple((kind, id_) for kind, id_ in json.loads(devices)), status, reason)
        if _of_request(db, confirmation) is not None:
            db.execute("UPDATE callback SET matched = 1 WHERE id = ?", (key,))
            record(db, confirmation, received)


def _of_request(db: Transaction, confirmation: Confirmation) -> _Entry | None:
    """The entry of the request with this id, for any of the device's ids."""
    for kind, device in confirmation.devices:
        row = db.execute(_OF_REQUEST, (confirmation.request_id, kind, device)).fetchone()
        if row:
            return _Entry(*row)
    return None


def _of_counted_request(db: Transaction, confirmation: Confirmation) -> _Entry | None:
    """The entry of a request whose answer and id were lost, and about which the count decided; one that the report fits
    comes first.

    Otherwise, a report under an unknown id is kept only as a hint: see C(rows.Hint).
    """
    since = ago(ADOPTED_WITHIN)
    for kind, device in confirmation.devices:
        rows = db.execute(
            _OF_COUNTED_REQUEST, (kind, device, confirmation.status, since, confirmation.request_id)
        ).fetchall()
        found = [_Entry(*row) for row in rows]
        if found:
            return next((entry for entry in found if not entry.contradicts(confirmation.status)), found[0])
    return None


def _put_in_doubt(db: Transaction, entry: _Entry) -> None:
    """Take back what the count showed, because a report contradicts it.

    Others may have changed the count, or the report may be about what others did. Both are seen by the next count.
    """
    if entry.counted:
        revoke(db, entry.account, entry.sku, entry.confirmed)
    db.execute("UPDATE request SET state = 'unknown', answer = ? WHERE id = ?", (_DOUBT, entry.request))


def _keep(db: Transaction, confirmation: Confirmation, entry: _Entry | None, when: str) -> Recorded:
    """Keep a confirmation that changes no entry. The same one again is a duplicate."""
    values = (
        confirmation.request_id,
        json.dumps(sorted(confirmation.devices)),
        confirmation.status,
        confirmation.reason,
        when,
        int(entry is not None),
    )
    added = db.execute(
        "INSERT INTO callback (request_id, devices, status, reason, received, matched) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        values,
    ).rowcount
    if entry is None:
        return Recorded("unmatched" if added else "duplicate")
    outcome: t.Literal["recorded", "duplicate"] = "recorded" if added else "duplicate"
    return Recorded(outcome, entry.account, entry.sku, entry.device_id, entry.kind, entry.action)
