# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One task at a time changes the licenses of an account that ThingSpace lists, wherever tasks share a journal.

Otherwise, two tasks that read the same state send the same changes, and both say that they made them.
"""

from __future__ import annotations

import contextlib
import typing as t

from .._client.stop import Stop
from .._errors import LicensingError
from .._text.addresses import is_database
from .file import PATIENCE
from .lock import PATIENCE as LOCK_PATIENCE
from .moved import require_here
from .store import Licenses, Store
from .stores import open_store


@contextlib.contextmanager
def one_at_a_time(
    journal: str, account: str, licenses: Licenses, *, stop: Stop, patience: t.Callable[[float], float]
) -> t.Iterator[None]:
    """Wait for the tasks of this account, and keep the journal from moving to a place where others would begin.

    If a lock is lost while the block runs, the task sends nothing more.

    :param journal: a file or the address of a database. A role that may only read a database may lock, too. Beside a
        file that does not exist, there is no lock.
    :param patience: the seconds that the task can wait at most, from those that it would.
    :raises LicensingError: C(journal_locked), another task did not end in time; or the journal cannot be used.
    """
    with contextlib.ExitStack() as stack:
        store = open_store(journal, write=False, patience=patience(PATIENCE), told=lambda: stop.told)
        stack.callback(store.close)
        if is_database(journal):
            _require_seen(store)
        stack.enter_context(store.account_lock(account, patience(LOCK_PATIENCE), licenses))
        stack.enter_context(store.place_lock(patience(LOCK_PATIENCE), moving=False))
        stack.enter_context(stop.when(store.lock_lost))
        with store.reading() as db:
            require_here(store.name, db)
        yield


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
