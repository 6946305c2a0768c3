# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal in a PostgreSQL database, for jobs on any number of machines.

One connection does everything: the lock of an account belongs to it, so whoever writes has the lock. If the connection
is lost under a lock, nothing more is sent. Without a lock, the next transaction connects again, once.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t

from .._errors import LicensingError
from .._text.addresses import without_passwords
from .lock import PLACE, name_of_lock
from .moved import Mark
from .postgresql_connection import connect
from .postgresql_errors import failure, guarded
from .postgresql_lock import key_of, release, still_held, try_lock
from .postgresql_schema import emptied, prepare, require_version
from .postgresql_session import NAME, WHICH, last_row, pooled, require_session
from .postgresql_transaction import PostgresTransaction
from .postgresql_watch import SLOW, Watch
from .psycopg_dep import psycopg
from .store import Licenses
from .waiting import GRACE, in_place, sending, take_lock

if t.TYPE_CHECKING:
    from .._client.stop import Told

_WRITER = 0x54534A4D
"""The advisory lock of each transaction that writes."""

# In one round trip. The last statement sees what was committed while the second one waited.
_BEGIN_WRITING = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
    "SELECT pg_advisory_xact_lock({writer}, 0), set_config('synchronous_commit', '{durable}', true); "
    "SELECT pg_backend_pid(), version FROM {schema}.journal_schema"
)

_FILLING = 3600.0
"""Seconds for one statement of a move."""


class _Opened(t.NamedTuple):
    """A connection, who watches it, and the identity of the journal there."""

    db: t.Any
    watch: Watch
    identity: str


class PostgresStore:
    """See C(Store).

    :param address: of the database, with its password if it has one.
    :param reopen: connects again.
    :param patience: seconds to wait for a writer, and little more for an answer under the lock of an account.
    :param told: whether the task must end soon.
    :param brief: whether no statement takes long, so that this also holds without a lock.
    """

    kind = "postgresql"
    missing = False

    def __init__(
        self,
        address: str,
        opened: _Opened,
        reopen: t.Callable[[], _Opened],
        *,
        patience: float,
        told: Told,
        moving: Mark | None = None,
        brief: bool = False,
    ) -> None:
        self._address, self._reopen, self._moving = address, reopen, moving
        self._db, self._watch, self._identity = opened
        self._patience, self._told, self._brief = patience, told, brief
        self._locked: list[int] = []
        self._limit()
        # A thread may ask whether the lock is lost while it reads.
        self._lock = threading.RLock()
        self.name = without_passwords(address)

    def close(self) -> None:
        """See C(Store)."""
        with contextlib.suppress(psycopg().Error):
            self._watch.close()

    @contextlib.contextmanager
    def reading(self) -> t.Iterator[PostgresTransaction]:
        """See C(Store)."""
        with self._lock, guarded(self._address):
            begun = self._first(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {WHICH}")
            try:
                self._require_session(*last_row(begun))
                yield PostgresTransaction(self._db)
            finally:
                self._roll_back()

    @contextlib.contextmanager
    def writing(self, *, flush: bool = True) -> t.Iterator[PostgresTransaction]:
        """See C(Store). Each statement sees what the last writer wrote, because the lock comes before it."""
        with self._lock, guarded(self._address):
            try:
                durable = "on" if flush else "off"
                row = last_row(self._first(_BEGIN_WRITING.format(writer=_WRITER, durable=durable, schema=NAME)))
                if row is None:
                    raise emptied(self._address, "journal_schema")
                pid, version = row
                self._require_session(pid)
                # Another process may have moved or upgraded it since it was opened.
                require_version(self._db, self._address, version, moving=self._moving, opened=True)
                yield PostgresTransaction(self._db)
                if self._db.execute("COMMIT").statusmessage != "COMMIT":
                    raise failure(self._address, "journal_unusable", "it did not commit", "Run again")
            except BaseException:
                self._roll_back()
                raise

    @contextlib.contextmanager
    def account_lock(self, account: str, patience: float, licenses: Licenses = "SIM-Secure") -> t.Iterator[None]:
        """See C(Store)."""
        does = sending(account, licenses, self.name)
        with self._holding(name_of_lock(account, licenses), does, patience, shared=False):
            yield

    @contextlib.contextmanager
    def place_lock(self, patience: float, *, moving: bool) -> t.Iterator[None]:
        """See C(Store)."""
        with self._holding(PLACE, in_place(self.name, moving=moving), patience, shared=not moving):
            yield

    def lock_lost(self) -> str:
        """See C(Store)."""
        try:
            with self._lock, guarded(self._address):
                pid, held = still_held(self._db.execute, set(self._locked))
                self._require_session(pid)
                if not held:
                    raise pooled(self._address)
        except LicensingError as error:
            return f"the lock of the account in the journal may be lost. {error.message.rstrip('.')}"
        return ""

    def require_alone(self, db: t.Any, account: str) -> None:
        """See C(Store). The lock is the truth: an unfinished run without it has ended."""

    def run_begun(self) -> None:
        """See C(Store). Others see what was committed."""

    def require_intact(self) -> None:
        """See C(Store). A database has one name for all, and a lost connection cannot commit."""

    def request_begun(self, request: int, run: int) -> None:
        """See C(Store). There is no copy beside the database to compare with."""

    def note_place(self, identity: str, moved_to: str = "") -> None:
        """See C(Store). Nothing is beside a database."""

    @contextlib.contextmanager
    def _holding(self, name: str, does: str, patience: float, *, shared: bool) -> t.Iterator[None]:
        """Have a lock, which belongs to the connection and dies with it.

        :param does: what the job does that may have it.
        """
        key = key_of(name)
        take_lock(lambda: self._try_lock(key, shared=shared), does, patience, self._told)
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(psycopg().Error, LicensingError):
                self._locked.remove(key)
                release(self._db.execute, key, shared=shared)
                self._limit()

    def _try_lock(self, key: int, *, shared: bool) -> bool:
        with self._lock, guarded(self._address):
            pid, got = try_lock(self._first, key, again=key in self._locked, shared=shared)
            self._require_session(pid)
            if got is None:
                raise pooled(self._address)
            if got:
                self._locked.append(key)
                self._limit()
            return got

    def _limit(self) -> None:
        """Others wait for a lock. A table that is filled may take long."""
        limit = self._patience + GRACE
        self._watch.limit = _FILLING if self._moving else limit if self._brief or self._locked else max(limit, SLOW)

    def _first(self, statement: str, values: dict[str, t.Any] | None = None) -> t.Any:
        """The first statement of a piece of work: on a lost connection, it is safe to connect again and repeat it."""
        try:
            return self._db.execute(statement, values)
        except psycopg().OperationalError:
            if self._locked or not self._db.closed:
                raise
        self._watch.close()
        self._db, self._watch, identity = self._reopen()
        self._limit()
        if identity != self._identity:
            what = f"it is not the one ({self._identity}) that this task began with"
            raise failure(self._address, "journal_damaged", what, "Restore the right database")
        return self._db.execute(statement, values)

    def _require_session(self, pid: int) -> None:
        """Refuse to go on in another session of the server, which has no lock."""
        require_session(self._db, self._address, pid)

    def _roll_back(self) -> None:
        with contextlib.suppress(psycopg().Error, LicensingError):
            if not self._db.closed:
                self._db.execute("ROLLBACK")


def open_postgresql(
    address: str,
    *,
    write: bool,
    told: Told,
    patience: float,
    moving: Mark | None = None,
    only: t.Sequence[str] = (),
) -> PostgresStore | None:
    """Open the journal in a database. With C(write), create it there if there is none; else the result is None then.

    :param only: with C(write), the tables that are written; by default all.
    :param told: whether the task must end soon. Then it waits only a few seconds for an answer.
    :raises LicensingError: C(journal_unreachable), C(journal_unusable), C(journal_newer), C(journal_moved),
        C(journal_copied), C(journal_locked), C(missing_library).
    """
    reopen = functools.partial(_opened, address, write=write, told=told, patience=patience, moving=moving, only=only)
    opened = reopen()
    if not opened.identity:
        opened.watch.close()
        return None
    return PostgresStore(address, opened, reopen, patience=patience, told=told, moving=moving, brief=bool(only))


def open_ready(address: str, *, write: bool, told: Told, patience: float) -> PostgresStore | None:
    """Refuse early what C(open_postgresql) would refuse. Nothing is created.

    :returns: the journal, if nothing of it has to be changed before it is used.
    :raises LicensingError: see there.
    """
    reopen = functools.partial(_opened, address, write=write, told=told, patience=patience)
    opened = reopen(change=False)
    if not opened.identity:
        opened.watch.close()
        return None
    return PostgresStore(address, opened, reopen, patience=patience, told=told)


def _opened(
    address: str,
    *,
    write: bool,
    told: Told,
    patience: float,
    moving: Mark | None = None,
    only: t.Sequence[str] = (),
    change: bool = True,
) -> _Opened:
    db, watch = connect(address, write=write, patience=patience, told=told)
    try:
        with guarded(address):
            identity = prepare(db, address, write=write, change=change, moving=moving, only=only)
            return _Opened(db, watch, identity)
    except BaseException:
        watch.close()
        raise
