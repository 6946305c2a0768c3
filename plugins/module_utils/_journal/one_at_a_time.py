# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One task at a time changes the licenses of an account that ThingSpace lists, wherever tasks share a journal.

Otherwise, two tasks that read the same state send the same changes, and both say that they made them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
import typing as t

from .._client.stop import Stop, Told
from .._errors import LicensingError
from .._text.addresses import is_database
from .file import PATIENCE
from .lock import PATIENCE as LOCK_PATIENCE
from .lock import account_lock, place_lock, require_lockable
from .moved import read_now, require_here
from .store import Licenses, Store
from .stores import open_store, require_usable


@contextlib.contextmanager
def one_at_a_time(
    journal: str, account: str, licenses: Licenses, *, stop: Stop, patience: t.Callable[[float], float]
) -> t.Iterator[None]:
    """Wait for the tasks of this account, and keep the journal from moving to a place where others would begin.

    If a lock is lost while the block runs, the task sends nothing more.

    :param journal: a file or the address of a database. A role that may only read a database may lock, too.
    :param patience: the seconds that the task can wait at most, from those that it would.
    :raises LicensingError: C(journal_locked), another task did not end in time; or the journal cannot be used.
    """
    end = time.monotonic() + patience(LOCK_PATIENCE)

    def told() -> bool:
        return stop.told

    with contextlib.ExitStack() as stack:
        if is_database(journal):
            store = open_store(journal, write=False, patience=patience(PATIENCE), told=told)
            stack.callback(store.close)
            _require_seen(store)
            stack.enter_context(store.account_lock(account, end - time.monotonic(), licenses))
            stack.enter_context(store.place_lock(end - time.monotonic(), moving=False))
            stack.enter_context(stop.when(store.lock_lost))
            read_now(store, functools.partial(require_here, store.name))
        else:
            path = os.path.realpath(journal)
            stack.enter_context(account_lock(path, account, end - time.monotonic(), told, licenses))
            stack.enter_context(place_lock(path, end - time.monotonic(), told, moving=False))
            # Only now, because what opens a file to read may not see what others do with it afterward.
            # By the name that is locked: a symbolic link may lead elsewhere by now.
            open_store(path, write=False, patience=patience(PATIENCE), told=told).close()
        yield


def require_usable_file(path: str, *, told: Told, patience: t.Callable[[float], float]) -> None:
    """Refuse early what C(one_at_a_time) would refuse. Nothing is created.

    :raises LicensingError: see there.
    """
    require_usable(path, write=False, told=told, patience=patience(PATIENCE))
    require_lockable(os.path.realpath(path))


def _require_seen(store: Store) -> None:
    """Refuse a lock that no other node would see.

    :raises LicensingError: C(journal_unusable); nothing was sent.
    """
    if store.missing:
        why, then = "there is none yet, and this role may not create it", "Let its owner run a task first"
    else:
        with store.reading() as db:
            (replica,) = db.execute("SELECT pg_is_in_recovery()").fetchone()
        if not replica:
            return
        why, then = "it is a read-only replica", "Name the primary server"
    raise LicensingError(
        f"The journal {store.name} cannot show other machines that this task changes licenses: {why}. Nothing was "
        f"sent. {then}.",
        code="journal_unusable",
    )
