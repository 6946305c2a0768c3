# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where tokens are if all nodes share them.

A login takes as long as its requests, and a transaction of a database keeps everyone else waiting. So a task takes its
turn for the login, and has two short transactions in it.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import typing as t

from .runtime_dir import Store, StoredState, busy


class TokenStore:
    """See C(runtime_dir.Store). A transaction may take long: only those wait that are about the same state.

    :param store: whose transactions must be short.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.location, self.lasting = store.location, store.lasting
        self.place, self.now, self.turn = store.place, store.now, store.turn
        # A turn is a process's. Its threads would all have it.
        self._threads = threading.Lock()

    @contextlib.contextmanager
    def transaction(self, name: str, *, patience: float = 30.0) -> t.Iterator[StoredState]:
        """See C(runtime_dir.Store)."""
        if not self._threads.acquire(timeout=patience):
            raise busy(name, patience)
        try:
            with self._store.turn(name + "-turn", patience):
                with self._store.transaction(name) as state:
                    mine = copy.deepcopy(state)
                before = copy.deepcopy(mine)
                try:
                    yield mine
                finally:
                    if mine != before:
                        with self._store.transaction(name) as state:
                            state.clear()
                            state.update(mine)
        finally:
            self._threads.release()
