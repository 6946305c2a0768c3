# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A transaction in an SQLite file."""

from __future__ import annotations

import typing as t

from .moved import MARK
from .store import Rows, Values

if t.TYPE_CHECKING:
    import sqlite3

_CHUNK = 900
"""Texts in one query. SQLite accepts at least 999 parameters."""

_ADD = "INSERT INTO {table} VALUES ({marks})"


class SqliteTransaction:
    """See C(Transaction)."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.execute: t.Callable[..., Rows] = db.execute
        self.stream: t.Callable[..., t.Iterable[t.Any]] = db.execute

    def executemany(self, statement: str, rows: t.Sequence[Values]) -> None:
        """See C(Transaction)."""
        self._db.executemany(statement, rows)

    def among(self, statement: str, values: Values, texts: t.Sequence[str]) -> t.Iterator[t.Any]:
        """See C(Transaction)."""
        for start in range(0, len(texts), _CHUNK):
            part = texts[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            yield from self._db.execute(statement.replace("{among}", f"IN ({marks})"), (*values, *part))

    def insert(self, statement: str, values: Values) -> int:
        """See C(Transaction)."""
        return int(self._db.execute(statement, values).lastrowid or 0)

    def load(self, table: str, rows: t.Iterable[Values]) -> None:
        """See C(Transaction)."""
        statement = ""
        for values in rows:
            statement = statement or _ADD.format(table=table, marks=", ".join("?" * len(values)))
            self._db.execute(statement, values)

    def version(self) -> int:
        """See C(Transaction)."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def size(self) -> int:
        """See C(Transaction)."""
        count, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(count * size)

    def mark(self) -> t.Any:
        """See C(Transaction). A transaction sees one state of all tables."""
        return self._db.execute(MARK).fetchone()

    def set_version(self, version: int) -> None:
        """See C(Transaction)."""
        self._db.execute(f"PRAGMA user_version = {version}")
