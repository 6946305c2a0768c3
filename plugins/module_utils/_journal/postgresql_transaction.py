# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A transaction in a PostgreSQL database. Its statements are written for SQLite, see C(_journal/dialect.py)."""

from __future__ import annotations

import itertools
import typing as t

from .dialect import query, unnested
from .moved import MARK, MarkGone
from .moved import VERSION as MOVED
from .postgresql_session import NAME
from .psycopg_dep import psycopg
from .store import Rows, Values

_SIZE = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_catalog.pg_class "
    "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
)

_NUMBERED = (
    "SELECT column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name = %s AND is_identity = 'YES'"
)
_MARK = MARK.replace("FROM moved", f"FROM {NAME}.moved")

_CONTINUED = "SELECT setval(pg_get_serial_sequence(%s, %s), max({column})) FROM {table}"

_IN_ONE = 10_000
"""Rows or texts in one statement. They are arrays, so the statement stays short."""

_ARRAYS: dict[type, str] = {int: "bigint", str: "text"}

_AT_ONCE = 2000
"""Rows of a long result that are in memory."""


class PostgresTransaction:
    """See C(Transaction)."""

    def __init__(self, db: t.Any) -> None:
        self._db = db
        self._names = itertools.count()

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """See C(Transaction)."""
        return t.cast(Rows, self._db.execute(query(statement), _plain(values)))

    def executemany(self, statement: str, rows: t.Sequence[Values]) -> None:
        """See C(Transaction). Many rows in one statement are several times as fast as many statements."""
        types = [_ARRAYS.get(type(value), "") for value in rows[0]] if rows else []
        many = unnested(statement, tuple(types)) if all(types) else None
        if many is None:
            with self._db.cursor() as cursor:
                cursor.executemany(query(statement), [_plain(row) for row in rows])
            return
        for start in range(0, len(rows), _IN_ONE):
            self._db.execute(many, [list(column) for column in zip(*rows[start : start + _IN_ONE], strict=True)])

    def among(self, statement: str, values: Values, texts: t.Sequence[str]) -> t.Iterator[t.Any]:
        """See C(Transaction)."""
        asked = query(statement.replace("{among}", "= ANY(?)"))
        for start in range(0, len(texts), _IN_ONE):
            yield from self._db.execute(asked, [*_plain(values), list(texts[start : start + _IN_ONE])])

    def insert(self, statement: str, values: Values) -> int:
        """See C(Transaction)."""
        return int(self._db.execute(f"{query(statement)} RETURNING id", _plain(values)).fetchone()[0])

    def stream(self, statement: str, values: Values) -> t.Iterable[t.Any]:
        """See C(Transaction)."""
        with self._db.cursor(name=f"stream{next(self._names)}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(query(statement), _plain(values))
            yield from cursor

    def load(self, table: str, rows: t.Iterable[Values]) -> None:
        """See C(Transaction)."""
        self._db.execute("SET LOCAL statement_timeout = 0")
        with self._db.cursor() as cursor:
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for values in rows:
                    copy.write_row(values)
            cursor.execute(_NUMBERED, (table,))
            for (column,) in cursor.fetchall():
                cursor.execute(_CONTINUED.format(column=column, table=table), (table, column))

    def version(self) -> int:
        """See C(Transaction)."""
        return int(self._db.execute("SELECT version FROM journal_schema").fetchone()[0])

    def size(self) -> int:
        """See C(Transaction)."""
        return int(self._db.execute(_SIZE).fetchone()[0])

    def mark(self) -> t.Any:
        """See C(Transaction). A table that is dropped is gone for all, whatever state a transaction sees."""
        try:
            return self._db.execute(_MARK).fetchone()
        except psycopg().errors.UndefinedTable:
            raise MarkGone from None

    def set_version(self, version: int) -> None:
        """See C(Transaction). Every role shall see why a marked journal is refused."""
        if version == MOVED:
            self._db.execute("GRANT SELECT ON moved TO PUBLIC")
        self._db.execute("UPDATE journal_schema SET version = %s", (version,))


def _plain(values: Values) -> Values:
    """SQLite has no booleans, and the columns are integers."""
    return [int(value) if isinstance(value, bool) else value for value in values]
