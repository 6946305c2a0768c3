# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the tasks of all nodes share about logins and the pace of requests: see C(_client/runtime_dir.py) for the files
that take this place on one machine.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import threading
import time
import typing as t

from .._client.runtime_dir import Damaged, StoredState, busy
from .._errors import LicensingError
from .clock import now
from .file import PATIENCE
from .postgresql_errors import MayNotWrite
from .store import Store
from .stores import open_store

if t.TYPE_CHECKING:
    from .._client.stop import Told

_SURE = 0.1
"""Clocks that differ by less than this many seconds count as equal. Some databases tell the time without fractions."""

_READ = "SELECT state FROM shared_state WHERE name = ?"
_WRITE = (
    "INSERT INTO shared_state (name, state, changed) VALUES (?, ?, ?) "
    "ON CONFLICT (name) DO UPDATE SET state = excluded.state, changed = excluded.changed"
)


class _State:
    """A place of which all tasks that use the database know."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ahead = _ahead(store)
        self.location: str | None = store.name

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def place(self, name: str) -> str:
        """See C(runtime_dir.Store)."""
        return f"the row '{name}' of the table shared_state in {self.location}"

    def now(self) -> float:
        """See C(runtime_dir.Store). It is the clock of the database."""
        return time.time() + self._ahead


class SharedState(_State):
    """See C(runtime_dir.Store). A transaction keeps all writers of the database waiting, so it must be short."""

    lasting = True

    @contextlib.contextmanager
    def transaction(
        self,
        name: str,
        *,
        patience: float = 30.0,  # noqa: ARG002 - callers of any store may name it
    ) -> t.Iterator[StoredState]:
        """See C(runtime_dir.Store). How long it waits was said when the store was opened."""
        failure: BaseException | None = None
        with self._store.writing(flush=False) as db:
            found = db.execute(_READ, (name,)).fetchone()
            state = _loaded(found[0]) if found else {}
            before = json.dumps(state)
            try:
                yield state
            except BaseException as error:  # pylint: disable=broad-exception-caught
                # Saved even after an error: a refused login must still be counted when its exception is raised.
                failure = error
            text = json.dumps(state)
            if text != before:
                db.execute(_WRITE, (name, text, now()))
        if failure is not None:
            raise failure

    @contextlib.contextmanager
    def turn(self, name: str, patience: float) -> t.Iterator[None]:
        """See C(runtime_dir.Store). The lock ends with the connection."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._store.account_lock(name, patience))
            except LicensingError as error:
                if error.code == "interrupted":
                    text = f"The task was told to end while another task kept '{name}' locked. Run again."
                    raise LicensingError(text, code="interrupted") from None
                if error.code != "journal_locked":
                    raise
                raise busy(name, patience) from None
            yield


class SeenState(_State):
    """The same for a task that may read the state, but not write it. What it counts itself is in memory.

    So it heeds the logins of others, but they do not know of its own.
    """

    lasting = False

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._states: dict[str, StoredState] = {}
        self._state, self._turn = threading.RLock(), threading.Lock()

    @contextlib.contextmanager
    def transaction(
        self,
        name: str,
        *,
        patience: float = 30.0,  # noqa: ARG002 - callers of any store may name it
    ) -> t.Iterator[StoredState]:
        """See C(runtime_dir.Store)."""
        with self._state:
            if name not in self._states:
                with self._store.reading() as db:
                    found = db.execute(_READ, (name,)).fetchone()
                self._states[name] = _loaded(found[0]) if found else {}
            state = self._states[name]
            try:
                yield state
            finally:
                self._states[name] = dict(state)

    @contextlib.contextmanager
    def turn(self, name: str, patience: float) -> t.Iterator[None]:
        """See C(runtime_dir.Store)."""
        if not self._turn.acquire(timeout=max(0.0, patience)):
            raise busy(name, patience)
        try:
            yield
        finally:
            self._turn.release()


def open_shared(journal: str, *, told: Told, patience: float = PATIENCE) -> SharedState:
    """The state that is shared through a journal.

    :param told: whether the task must end soon, see C(open_store).
    :param patience: seconds to wait for other processes.
    :raises LicensingError: the journal cannot be used.
    """
    return SharedState(open_store(journal, write=True, told=told, patience=patience, only=["shared_state"]))


def share(
    journal: str, warn: t.Callable[[str], None], *, told: Told, patience: float = PATIENCE
) -> SharedState | SeenState:
    """The state that is shared through a journal. This task may be one that may read there, but not write.

    Because others do not know what such a task counts, it does not send a refused password again.

    :param told: as C(patience), see C(open_shared).
    :raises LicensingError: the journal cannot be used at all. To go on would leave the login guard to each node alone.
    """
    try:
        return open_shared(journal, told=told, patience=patience)
    except MayNotWrite as error:
        warn(f"Logins and requests are not counted together with those of other machines. {error.message}")
        return SeenState(open_store(journal, write=False, told=told, patience=patience))


def _ahead(store: Store) -> float:
    """How many seconds the clock of the database is ahead of the clock of this machine."""
    before = time.time()
    with store.reading() as db:
        (there,) = db.execute("SELECT CAST(CURRENT_TIMESTAMP AS TEXT)").fetchone()
    ahead = _seconds(str(there)) - (before + time.time()) / 2
    return 0.0 if abs(ahead) < (_SURE if "." in str(there) else _SURE + 1.0) else ahead


def _loaded(text: str) -> StoredState:
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return Damaged()
    return state if isinstance(state, dict) else Damaged()


def _seconds(timestamp: str) -> float:
    """Seconds since the epoch, from a database's timestamp: UTC if it names no zone.

    :raises LicensingError: it is something else.
    """
    found = re.fullmatch(r"(\d+-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?(?:([+-])(\d\d)(?::?(\d\d))?(?::?\d\d)?)?", timestamp)
    if found is None:
        raise LicensingError(f"The clock of the journal shows '{timestamp[:40]}'.", code="journal_unusable")
    time_, fraction, sign, hours, minutes = found.groups()
    moment = datetime.datetime.strptime(time_, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    east = (int(hours or 0) * 3600 + int(minutes or 0) * 60) * (-1 if sign == "-" else 1)
    return moment.timestamp() + float(fraction or 0) - east
