# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal in an SQLite file, for the jobs of one machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import typing as t

from .._errors import LicensingError
from .errors import guarded
from .file import PATIENCE, connect, require_version
from .high_water_mark import note_request
from .lock import account_lock, place_lock, remember_place
from .moved import Mark
from .place import FileIdentity, place_of, require_place
from .runs import going, require_alone
from .sqlite_transaction import SqliteTransaction
from .store import Licenses, Transaction
from .waiting import Wait

if t.TYPE_CHECKING:
    import sqlite3

    from .._client.stop import Told


class SqliteStore:
    """See C(Store)."""

    kind = "sqlite"

    def __init__(
        self,
        db: sqlite3.Connection,
        name: str,
        held: FileIdentity | None,
        *,
        told: Told,
        missing: bool = False,
        moving: Mark | None = None,
    ) -> None:
        self._db, self._told = db, told
        self._held = held
        self._noted = 0
        self._lock = threading.Lock()
        self.name, self.missing, self._moving = name, missing, moving
        with guarded(name):
            self._opened = going(SqliteTransaction(db))

    def close(self) -> None:
        """Close the file. If it was moved, first write the log, which is beside its old name, to the file."""
        with contextlib.suppress(LicensingError):
            if self.name and place_of(self.name) != self._held:
                self._bring_in("TRUNCATE")
        self._db.close()

    @contextlib.contextmanager
    def reading(self) -> t.Iterator[Transaction]:
        """See C(Store)."""
        with self._lock, guarded(self.name):
            self._db.execute("BEGIN")
            try:
                yield SqliteTransaction(self._db)
            finally:
                self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self, *, flush: bool = True) -> t.Iterator[Transaction]:
        """See C(Store)."""
        with self._lock, guarded(self.name):
            self._db.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                # Another process may have moved or upgraded it since it was opened.
                require_version(self._db, self.name or "in memory", moving=self._moving, opened=True)
                yield SqliteTransaction(self._db)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def account_lock(self, account: str, patience: float, licenses: Licenses = "SIM-Secure") -> t.ContextManager[None]:
        """See C(Store). Where there is nothing, there is nothing to lock."""
        return account_lock("" if self.missing else self.name, account, patience, self._told, licenses)

    def place_lock(self, patience: float, *, moving: bool) -> t.ContextManager[None]:
        """See C(Store)."""
        return place_lock("" if self.missing else self.name, patience, self._told, moving=moving)

    def lock_lost(self) -> str:
        """See C(Store). The operating system keeps the lock as long as this process."""
        return ""

    def require_alone(self, db: Transaction, account: str) -> None:
        """See C(Store). A run that the lock does not show uses the file under another name."""
        require_alone(db, self.name, account, self._opened)

    def run_begun(self) -> None:
        """Write the log to the file, so that a process that opens it by another name knows about the run."""
        self._bring_in("PASSIVE")

    def require_intact(self) -> None:
        """See C(Store)."""
        require_place(self.name, self._held)

    def request_begun(self, request: int, run: int) -> None:
        """Note the request beside the file, so that an older copy of the file is noticed."""
        if self.name:
            # To the disk once for each run, because that takes as long as the commit.
            note_request(self.name, request, flush=run != self._noted)
            self._noted = run

    def note_place(self, identity: str, moved_to: str = "") -> None:
        """See C(Store). Without it, a copy of the file from before a move would be accepted."""
        remember_place(self.name, identity, moved_to)

    def _bring_in(self, mode: str) -> None:
        """Write the log to the file, as far as other processes allow it. C(TRUNCATE) waits for them."""
        if self.name:
            wait = Wait(PATIENCE if mode == "TRUNCATE" else 0.0, self._told)
            with self._lock, guarded(self.name):
                while self._db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0] and not wait.over():
                    time.sleep(0.02)


def open_sqlite(
    path: str, *, write: bool, told: Told, patience: float = PATIENCE, moving: Mark | None = None
) -> SqliteStore:
    """Open a file, see C(connect). With an empty path, it lasts as long as the process."""
    # One name for one file, whatever path leads to it, because the locks are beside it.
    path = os.path.realpath(path) if path else ""
    before = place_of(path)
    db = connect(path, write=write, told=told, patience=patience, moving=moving)
    held = place_of(path)
    try:
        require_place(path, before or held)
    except LicensingError:
        db.close()
        raise
    return SqliteStore(db, path, held, told=told, missing=bool(path) and held is None, moving=moving)
