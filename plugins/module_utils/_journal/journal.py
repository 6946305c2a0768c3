# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal of SIM-Secure requests: what was sent, answered, and confirmed. Each call is one commit."""

from __future__ import annotations

import contextlib
import itertools
import operator
import os
import platform
import threading
import typing as t

from .._errors import LicensingError
from .._plan.answer import Action
from .clock import now
from .confirmation import Confirmation
from .errors import guarded
from .file import PATIENCE, connect
from .high_water_mark import note_request
from .lost import keep_no_effect, keep_took_effect, lost_requests, moved_since, usual_latency
from .match import Recorded, adopt, record
from .place import FileIdentity, place_of, require_place
from .queries import (
    ATTEMPTS,
    ATTEMPTS_ORDER,
    DEVICES_OF,
    HOLDERS,
    IDS,
    IN_SEVERAL,
    NAMED_BY,
    REMOVED_BY_ANOTHER_KIND,
)
from .rows import Lost, Moved, Removed, Scope, Snapshot
from .runs import going, require_alone
from .status import Attempt, RequestState

if t.TYPE_CHECKING:
    import sqlite3

_CHUNK = 900
"""Devices in one query. SQLite accepts at least 999 parameters."""


class Journal:
    """An open journal. Several threads may call its methods."""

    def __init__(self, db: sqlite3.Connection, path: str, held: FileIdentity | None) -> None:
        self._db = db
        self._held = held
        self._noted = 0
        with guarded(path):
            self._opened = going(db)
        self._lock = threading.Lock()
        self.path = path

    def close(self) -> None:
        """Close the file. If it was moved, first write the log, which is beside its old name, to the file."""
        with contextlib.suppress(LicensingError):
            if self.path and place_of(self.path) != self._held:
                self._bring_in("TRUNCATE")
        self._db.close()

    def attempts(self, scope: Scope, devices: t.Sequence[str]) -> dict[str, list[Attempt]]:
        """The attempts for each of these devices, oldest first. Devices without any are left out."""
        with self._reading() as db:
            return _attempts(db, scope, devices)

    def snapshot(self, scope: Scope, devices: t.Sequence[str]) -> Snapshot:
        """Everything that a plan needs to know, read in one transaction."""
        with self._reading() as db:
            lost = lost_requests(db, scope.account, scope.sku)
            moved = moved_since(db, lost[0].run, scope.account, scope.sku) if lost else Moved(None, {})
            return Snapshot(_attempts(db, scope, devices), lost, moved, usual_latency(db, scope.account))

    def walk(self, account: str, sku: str | None) -> t.Iterator[tuple[Scope, str, list[Attempt]]]:
        """Every device of an account, of one SKU or of all, with its attempts; sorted, and never all in memory."""
        with self._reading() as db:
            for key, scope in _scopes(db, account).items():
                if sku is None or scope.sku == sku:
                    for device, attempts in _devices(db, key):
                        yield scope, device, attempts

    def scopes(self, account: str) -> list[Scope]:
        """Every scope for which something was sent for this account, sorted."""
        with self._reading() as db:
            return list(_scopes(db, account).values())

    def ids(self, scope: Scope) -> list[str]:
        """Every device of a scope, sorted."""
        with self._reading() as db:
            return [str(device) for (device,) in db.execute(IDS, (_scope(db, scope),))]

    def holders(self, account: str, sku: str) -> dict[str, int]:
        """How many devices certainly hold a SKU, by the kind of their ids."""
        with self._reading() as db:
            keys = {scope.kind: key for key, scope in _scopes(db, account).items() if scope.sku == sku}
            return {kind: int(db.execute(HOLDERS, (key,)).fetchone()[0]) for kind, key in keys.items()}

    def shared(self, account: str) -> dict[Scope, list[str]]:
        """The devices of each scope for which another SKU of the account was also sent, by the same kind of id."""
        with self._reading() as db:
            scopes = _scopes(db, account)
            found: dict[Scope, list[str]] = {}
            for kind in sorted({scope.kind for scope in scopes.values()}):
                keys = [key for key, scope in scopes.items() if scope.kind == kind]
                devices = _in_several(db, keys) if len(keys) > 1 else []
                found.update((scopes[key], devices) for key in keys if devices)
            return found

    def named_by(self, request_id: str) -> int:
        """How many devices were sent under a request id."""
        with self._reading() as db:
            return int(db.execute(NAMED_BY, (request_id,)).fetchone()[0])

    def removed_by_another_kind(self, scope: Scope) -> Removed:
        """The removals of this SKU by the other kind of id that may have taken it from a device."""
        with self._reading() as db:
            number, until = db.execute(REMOVED_BY_ANOTHER_KIND, scope).fetchone()
            return Removed(number or 0, until or "")

    def begin_run(self, scope: Scope, action: Action, assigned_before: int | None) -> int:
        """Record that a job starts to send. An earlier job of this account was killed, because this one has the lock.

        The file itself then shows the job, so that a process that opens it by another name knows about it.

        :raises LicensingError: C(journal_locked): a job of the account is sending with the file under another name.
        """
        values = (scope.account, scope.sku, action, assigned_before, platform.node(), os.getpid(), now())
        with self._writing() as db:
            require_alone(db, self.path, scope.account, self._opened)
            db.execute("UPDATE run SET ended = ? WHERE ended IS NULL AND account = ?", (now(), scope.account))
            db.execute("INSERT OR IGNORE INTO scope (account, sku, kind) VALUES (?, ?, ?)", scope)
            run = _inserted(
                db.execute(
                    "INSERT INTO run (account, sku, action, assigned_before, host, pid, started) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
            )
        self._bring_in("PASSIVE")
        return run

    def end_run(self, run: int) -> None:
        """Record that the job finished."""
        with self._writing() as db:
            db.execute("UPDATE run SET ended = ? WHERE id = ?", (now(), run))

    def intend(self, run: int, scope: Scope, action: Action, devices: t.Sequence[str], x_request_id: str) -> int:
        """Record a request before it is sent.

        :raises LicensingError: it could not be written, or the file no longer has its name.
        """
        with self._writing() as db:
            key = _scope(db, scope)
            values = (run, key, action, len(devices), x_request_id, now())
            request = _inserted(
                db.execute(
                    "INSERT INTO request (run, scope, action, devices, x_request_id, state, sent) "
                    "VALUES (?, ?, ?, ?, ?, 'sending', ?)",
                    values,
                )
            )
            db.executemany(
                "INSERT INTO entry (scope, device_id, request) VALUES (?, ?, ?)",
                [(key, device, request) for device in devices],
            )
            require_place(self.path, self._held)
        if self.path:
            # Once for each run, because it takes as long as the commit.
            note_request(self.path, request, flush=run != self._noted)
            self._noted = run
        return request

    def accepted(self, request: int, request_id: str) -> bool:
        """Record ThingSpace's answer, and apply a confirmation that arrived before it.

        :returns: False if another request has this id. Then the answer is not about this request and was not recorded.

        The record survives a kill at once, and a power cut after the next write. Until then, the request counts as
        lost.
        """
        with self._writing(flush=False) as db:
            if db.execute("SELECT 1 FROM request WHERE request_id = ? AND id <> ?", (request_id, request)).fetchone():
                return False
            db.execute(
                "UPDATE request SET state = 'accepted', request_id = ?, answered = ? WHERE id = ?",
                (request_id, now(), request),
            )
            adopt(db, request_id)
        return True

    def settle(self, request: int, state: RequestState, answer: str) -> None:
        """Record any other result of a request."""
        with self._writing() as db:
            db.execute(
                "UPDATE request SET state = ?, answer = ?, answered = ? WHERE id = ?", (state, answer, now(), request)
            )

    def refused(self, request: int, answer: str, reason: str) -> None:
        """Record that ThingSpace refused the only device of a request at once. This counts like a reported failure."""
        with self._writing() as db:
            db.execute(
                "UPDATE request SET state = 'rejected', answer = ?, answered = ? WHERE id = ?", (answer, now(), request)
            )
            db.execute(
                "UPDATE entry SET outcome = 'failed', reason = ?, confirmed = ? WHERE request = ?",
                (reason, now(), request),
            )

    def confirm(self, confirmations: t.Sequence[Confirmation]) -> list[Recorded]:
        """Record confirmations, all or none. They are on disk when this returns."""
        with self._writing() as db:
            return [record(db, confirmation) for confirmation in confirmations]

    def keep(self, took_effect: t.Iterable[Lost], no_effect: t.Iterable[Lost]) -> None:
        """Record the results of lost requests."""
        with self._writing() as db:
            for lost in took_effect:
                keep_took_effect(db, lost)
            for lost in no_effect:
                keep_no_effect(db, lost)

    def _bring_in(self, mode: str) -> None:
        """Write the log to the file, as far as other processes allow it."""
        if self.path:
            with self._lock, guarded(self.path):
                self._db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    @contextlib.contextmanager
    def _writing(self, *, flush: bool = True) -> t.Iterator[sqlite3.Connection]:
        with self._lock, guarded(self.path):
            self._db.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _reading(self) -> t.Iterator[sqlite3.Connection]:
        with self._lock, guarded(self.path):
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                self._db.execute("ROLLBACK")


def open_journal(path: str, *, write: bool, patience: float = PATIENCE) -> Journal:
    """Open a journal, see C(connect). With an empty path, the journal lasts as long as the process."""
    # One name for one file, whatever path leads to it, because the locks are beside it.
    path = os.path.realpath(path) if path else ""
    before = place_of(path)
    db = connect(path, write=write, patience=patience)
    held = place_of(path)
    try:
        require_place(path, before or held)
    except LicensingError:
        db.close()
        raise
    return Journal(db, path, held)


def _scopes(db: sqlite3.Connection, account: str) -> dict[int, Scope]:
    rows = db.execute("SELECT id, account, sku, kind FROM scope WHERE account = ? ORDER BY sku, kind", (account,))
    return {key: Scope(*scope) for key, *scope in rows.fetchall()}


def _devices(db: sqlite3.Connection, key: int) -> t.Iterator[tuple[str, list[Attempt]]]:
    rows = db.execute(f"{ATTEMPTS} {ATTEMPTS_ORDER}", (key,))
    for device, group in itertools.groupby(rows, key=operator.itemgetter(0)):
        yield device, [Attempt(*row[1:]) for row in group]


def _attempts(db: sqlite3.Connection, scope: Scope, devices: t.Sequence[str]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    key = _scope(db, scope)
    for start in range(0, len(devices), _CHUNK):
        part = devices[start : start + _CHUNK]
        marks = ",".join("?" * len(part))
        rows = db.execute(f"{ATTEMPTS} AND entry.device_id IN ({marks}) {ATTEMPTS_ORDER}", (key, *part))
        for device, *attempt in rows:
            found.setdefault(device, []).append(Attempt(*attempt))
    return found


def _in_several(db: sqlite3.Connection, scopes: t.Sequence[int]) -> list[str]:
    marks = ",".join("?" * len(scopes))
    rows = db.execute(f"{DEVICES_OF} ({marks}) {IN_SEVERAL}", tuple(scopes))
    return [str(device) for (device,) in rows]


def _scope(db: sqlite3.Connection, scope: Scope) -> int:
    row = db.execute("SELECT id FROM scope WHERE account = ? AND sku = ? AND kind = ?", scope).fetchone()
    return int(row[0]) if row else -1


def _inserted(cursor: sqlite3.Cursor) -> int:
    return int(cursor.lastrowid or 0)
