# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The runs of a fleet, as every node sees them: their order, and their records.

The number of a run is its place among all runs of the store, whatever the clocks of the nodes say.
"""

from __future__ import annotations

import typing as t

from .clock import ago
from .fleet_plans import KEPT
from .packed import document_text, forget_document, keep_document, pack
from .store import Store, Transaction

MAX_OPEN = 100
"""How many unfinished runs a new run is told about. Killed runs never finish."""

_NEWEST = "SELECT name, kind, plan, started, ended, status, approved FROM fleet_run WHERE document IS NOT NULL"
_OF_ACCOUNTS = "AND id IN (SELECT run FROM fleet_run_account WHERE account IN"
_NEW = "INSERT INTO fleet_run (name, kind, plan, started, ended, status, approved) VALUES (?, ?, ?, ?, ?, ?, ?)"


class KeptRun(t.NamedTuple):
    """A run, as the store lists it.

    :param ended: None while it is in progress, or if it was killed.
    :param approved: the digest of the approved plan, if its own is only the rest of that; otherwise empty.
    """

    name: str
    kind: str
    plan: str
    started: str
    ended: str | None
    status: str
    approved: str = ""


class FleetRuns:
    """The runs of a store. Each call is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def place(self) -> str:
        """Where they are kept, for messages."""
        return self._store.name

    def enter(self, started: str, name_of: t.Callable[[str, int], str]) -> tuple[str, list[str]]:
        """Give a run its number and name. Returns the name, and the unfinished runs that had started before, oldest
        first.

        :param started: a timestamp, as in its record.
        :param name_of: the name of the run with this number, in the store with this identity.
        """
        with self._store.writing() as db:
            # Also those that do not have a record yet.
            unended = "SELECT name FROM fleet_run WHERE ended IS NULL ORDER BY id DESC LIMIT ?"
            beside = [str(name) for (name,) in db.execute(unended, (MAX_OPEN,)).fetchall()]
            number = db.insert(
                "INSERT INTO fleet_run (kind, plan, started, status) VALUES (?, ?, ?, ?)", ("", "", started, "running")
            )
            (identity,) = db.execute("SELECT uuid FROM identity").fetchone()
            name = name_of(str(identity), number)
            db.execute("UPDATE fleet_run SET name = ? WHERE id = ?", (name, number))
        return name, beside[::-1]

    def keep(self, run: KeptRun, accounts: t.Iterable[str], record: t.Iterable[str]) -> None:
        """Store the record of a run, in place of an earlier one.

        :param record: its text, in parts of any size.
        """
        pieces = pack(record)
        with self._store.writing() as db:
            found = db.execute("SELECT id, document FROM fleet_run WHERE name = ?", (run.name,)).fetchone()
            # A run that began without the store may end with it.
            key = found[0] if found else db.insert(_NEW, run)
            document = keep_document(db, pieces)
            db.execute(
                "UPDATE fleet_run SET kind = ?, plan = ?, started = ?, ended = ?, status = ?, approved = ?, "
                "document = ? WHERE id = ?",
                (*run[1:], document, key),
            )
            db.executemany(
                "INSERT INTO fleet_run_account (run, account) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(key, account) for account in accounts],
            )
            if found and found[1] is not None:
                forget_document(db, found[1])

    def drop(self, name: str) -> None:
        """Forget a run that could not start."""
        with self._store.writing() as db:
            found = db.execute("SELECT id, document FROM fleet_run WHERE name = ?", (name,)).fetchone()
            if found:
                _forget(db, *found)

    def newest(
        self,
        most: int,
        *,
        kind: str | None = None,
        plan: str | None = None,
        accounts: t.Sequence[str] | None = None,
    ) -> list[KeptRun]:
        """The newest runs, newest first.

        :param plan: only runs of the plan with this digest, or of the rest of it.
        :param accounts: only runs of one of these.
        """
        query, values = _NEWEST, list[t.Any]()
        if kind is not None:
            query, values = f"{query} AND kind = ?", [*values, kind]
        if plan is not None:
            query, values = f"{query} AND (plan = ? OR approved = ?)", [*values, plan, plan]
        if accounts is not None:
            marks = ",".join("?" * len(accounts)) or "NULL"
            query, values = f"{query} {_OF_ACCOUNTS} ({marks}))", [*values, *accounts]
        with self._store.reading() as db:
            rows = db.execute(f"{query} ORDER BY id DESC LIMIT ?", (*values, most)).fetchall()
            return [KeptRun(*row) for row in rows]

    def knows(self, name: str) -> bool:
        """Whether there is a record of this run."""
        query = "SELECT 1 FROM fleet_run WHERE name = ? AND document IS NOT NULL"
        with self._store.reading() as db:
            return db.execute(query, (name,)).fetchone() is not None

    def accounts(self, name: str) -> list[str]:
        """The accounts of a run, sorted."""
        query = (
            "SELECT account FROM fleet_run_account JOIN fleet_run ON fleet_run.id = fleet_run_account.run "
            "WHERE fleet_run.name = ? ORDER BY account"
        )
        with self._store.reading() as db:
            return [str(account) for (account,) in db.execute(query, (name,)).fetchall()]

    def record(self, name: str, most: int) -> str | None:
        """The text of a run's record; None if there is no such run.

        :param most: its size in bytes at most.
        :raises ValueError: it is damaged, or larger.
        """
        with self._store.reading() as db:
            found = db.execute("SELECT document FROM fleet_run WHERE name = ?", (name,)).fetchone()
            return document_text(db, found[0], most) if found and found[0] is not None else None


def prune_runs(db: Transaction, before: str, *, check: bool) -> int:
    """Forget runs that started before a timestamp. Returns how many these are, or would be.

    A run is known as long as its plan is kept, or would be if it is not in the store: if the run was undone, the
    approval of the plan must not do the same again.

    Only the first ones are forgotten, so that all later runs of each remaining one are known, and never the last one,
    whose number must not be given again.

    :param check: only count them.
    """
    first = (
        "SELECT id, document FROM fleet_run WHERE id < (SELECT coalesce(max(id), 0) FROM fleet_run) "
        "AND id < (SELECT coalesce(min(id), 9000000000000000000) FROM fleet_run WHERE started >= ? "
        "OR plan IN (SELECT digest FROM fleet_plan) OR approved IN (SELECT digest FROM fleet_plan)) ORDER BY id"
    )
    rows = db.execute(first, (min(before, ago(KEPT)),)).fetchall()
    for key, document in rows if not check else ():
        _forget(db, key, document)
    return len(rows)


def _forget(db: Transaction, key: int, document: int | None) -> None:
    db.execute("DELETE FROM fleet_run_account WHERE run = ?", (key,))
    db.execute("DELETE FROM fleet_run WHERE id = ?", (key,))
    if document is not None:
        forget_document(db, document)
