# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans by their digest, so that every node knows what was approved."""

from __future__ import annotations

import datetime
import typing as t

from .clock import ago, now
from .packed import document_text, forget_document, keep_document, pack
from .store import Store

KEPT = datetime.timedelta(days=90)
"""How long a plan is kept after it was made or applied the last time."""


class FleetPlans:
    """The plans of a store. Each call is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, digest: str, plan: t.Iterable[str]) -> None:
        """Store a plan, unless there is one with this digest. Forget plans that nobody used for a long time.

        :param plan: its text, in parts of any size.
        """
        with self._store.writing(flush=False) as db:
            known = db.execute("UPDATE fleet_plan SET used = ? WHERE digest = ?", (now(), digest)).rowcount
        if known:
            return
        pieces = pack(plan)
        with self._store.writing() as db:
            if db.execute("SELECT 1 FROM fleet_plan WHERE digest = ?", (digest,)).fetchone():
                return
            document = keep_document(db, pieces)
            db.execute("INSERT INTO fleet_plan (digest, used, document) VALUES (?, ?, ?)", (digest, now(), document))
            old = db.execute("SELECT document FROM fleet_plan WHERE used < ?", (ago(KEPT),)).fetchall()
            db.execute("DELETE FROM fleet_plan WHERE used < ?", (ago(KEPT),))
            for (key,) in old:
                forget_document(db, key)

    def plan(self, digest: str, most: int) -> str | None:
        """The text of a plan; None if it is not known.

        :param most: its size in bytes at most.
        :raises ValueError: it is damaged, or larger.
        """
        with self._store.reading() as db:
            found = db.execute("SELECT document FROM fleet_plan WHERE digest = ?", (digest,)).fetchone()
            return document_text(db, found[0], most) if found else None
