# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the journal needs from a database. SQLite is the default; PostgreSQL is shared by jobs on several machines.

The queries are written once, in the form that SQLite takes: question marks stand for values, and CROSS JOIN with ON
keeps the order of the tables. C(_journal/dialect.py) says them in PostgreSQL's way.
"""

from __future__ import annotations

import typing as t

Values = t.Sequence[t.Any]

Licenses = t.Literal["SIM-Secure", "FOTA"]
"""Kinds of licenses. Each has a lock of its own for an account."""


class Rows(t.Protocol):
    """The rows that a statement returned."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement changed."""

    def fetchone(self) -> t.Any:
        """The next row; None if there is no other."""

    def fetchall(self) -> list[t.Any]:
        """All rows that are left."""

    def __iter__(self) -> t.Iterator[t.Any]:
        """Every row that is left."""


class Transaction(t.Protocol):
    """A transaction that has begun."""

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """Run a statement."""

    def executemany(self, statement: str, rows: t.Sequence[Values]) -> None:
        """Run a statement for each of these rows."""

    def among(self, statement: str, values: Values, texts: t.Sequence[str]) -> t.Iterator[t.Any]:
        """The rows of a query about any number of texts, whose condition on them is C({among}).

        :param values: those before the condition. There is none after it.
        :param texts: without doubles. The rows of those that come later may come later, whatever order the query names.
        """

    def insert(self, statement: str, values: Values) -> int:
        """Insert a row into a table whose rows have numbers; returns the row's number."""

    def stream(self, statement: str, values: Values) -> t.Iterable[t.Any]:
        """The rows of a long result, which are never all in memory."""

    def load(self, table: str, rows: t.Iterable[Values]) -> None:
        """Fill a table with rows of another journal, which keep their numbers."""

    def version(self) -> int:
        """The version of the schema."""

    def size(self) -> int:
        """Bytes that the journal takes up."""

    def mark(self) -> t.Any:
        """The only row of the mark of a move, see C(_journal/moved.py); None if it has none.

        :raises MarkGone: there is no mark. A move may have ended after the version was read.
        """

    def set_version(self, version: int) -> None:
        """Set the version of the schema."""


class Store(t.Protocol):
    """An open database with the newest schema. Several threads may call its methods.

    :ivar name: how messages and users call it, without a password; empty if it is in memory.
    :ivar kind: C(sqlite) or C(postgresql).
    :ivar missing: whether nothing was there when it was opened to be read. Then it counts as empty.
    """

    name: str
    kind: str
    missing: bool

    def reading(self) -> t.ContextManager[Transaction]:
        """A transaction that sees one state of the database."""

    def writing(self, *, flush: bool = True) -> t.ContextManager[Transaction]:
        """A transaction that is the only one that writes.

        :param flush: whether it must survive a power cut once it has ended. Otherwise, the next one that must survive
            brings it along.
        """

    def account_lock(self, account: str, patience: float, licenses: Licenses = "SIM-Secure") -> t.ContextManager[None]:
        """Keep other jobs from sending for an account while the block runs.

        :param patience: seconds to wait for another job, unless the task must end.
        :raises LicensingError: C(journal_locked), C(interrupted).
        """

    def place_lock(self, patience: float, *, moving: bool) -> t.ContextManager[None]:
        """Keep the journal where it is while the block runs. Several jobs may do that at once.

        :param moving: whether to keep all those jobs out instead, because it is about to move.
        :param patience: as for C(account_lock).
        :raises LicensingError: see there.
        """

    def lock_lost(self) -> str:
        """Why a lock may be lost, so that nothing more may be sent; empty if it is held."""

    def require_alone(self, db: Transaction, account: str) -> None:
        """Refuse to start while a run of the account is in progress that the lock did not keep out.

        :raises LicensingError: C(journal_locked).
        """

    def run_begun(self) -> None:
        """A run begins to send."""

    def require_intact(self) -> None:
        """Refuse to record a request where other jobs would not see it.

        :raises LicensingError: C(journal_damaged).
        """

    def request_begun(self, request: int, run: int) -> None:
        """A request was recorded, and is about to be sent."""

    def note_place(self, identity: str, moved_to: str = "") -> None:
        """Note beside a file which journal is there, or with C(moved_to), that this journal is there no more."""

    def close(self) -> None:
        """Close it."""
