# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal's tables in PostgreSQL: in a schema of their own, with a version, and the rights that a role needs."""

from __future__ import annotations

import typing as t
import uuid

from .._errors import LicensingError
from .._text.addresses import without_passwords
from .clock import now
from .dialect import definition
from .moved import VERSION as MOVED
from .moved import Mark, MarkGone, mark_of, require_not_moved, set_mark
from .postgresql_errors import MayNotWrite, failure
from .postgresql_home import COLUMN, homes_of, require_home, take_home
from .postgresql_session import NAME, WHICH, last_row, require_session
from .postgresql_transaction import PostgresTransaction
from .schema import SCHEMA

_LOCK = (0x54534A4E, 0)
"""The advisory lock of a process that creates or upgrades the schema."""

_FOUND = (
    "SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE'), false), "
    "EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm')), "
    "EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid "
    "WHERE c.relnamespace = n.oid AND c.relname = 'journal_schema' AND c.relkind = 'r' AND a.attname = 'version' "
    "AND a.atttypid = 'int8'::regtype), "
    "has_database_privilege(current_database(), 'CREATE'), "
    "coalesce(has_schema_privilege(n.oid, 'CREATE'), false) "
    "FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = %s"
)

_MISSING_RIGHTS = (
    "SELECT DISTINCT needed FROM pg_catalog.pg_class AS c CROSS JOIN unnest(%s::text[]) AS needed "
    "WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') "
    "AND NOT has_table_privilege(c.oid, needed) AND (%s OR c.relname = ANY(%s))"
)

_ROWS = "SELECT {column} FROM {schema}.{table} LIMIT 2"

READER = ("SELECT",)
UPDATER = ("SELECT", "INSERT", "UPDATE")
WRITER = ("SELECT", "INSERT", "UPDATE", "DELETE")


class _State(t.NamedTuple):
    """What is in the database."""

    there: bool
    usable: bool
    has_tables: bool
    ours: bool
    may_make: bool
    may_create: bool


def prepare(
    db: t.Any,
    address: str,
    *,
    write: bool,
    change: bool = True,
    moving: Mark | None = None,
    only: t.Sequence[str] = (),
    settling: bool = False,
) -> str:
    """Create or upgrade the schema. An upgrade changes no row, so a task that only reads may do it, too.

    :param write: whether to create it if it is missing.
    :param change: if False, only find out whether it could be done.
    :param moving: for a move: it may be marked, and has this mark if it is created, see C(_journal/moved.py).
    :param only: with C(write), the tables that are written; by default all.
    :param settling: whether the journal belongs to this database from now on, if it is a copy.
    :returns: the identity of the journal; empty if there is none and none was created, or if something had to change.
    :raises LicensingError: C(journal_unusable), C(journal_newer), C(journal_moved), C(journal_copied),
        C(journal_damaged).
    """
    version = _version(db, address, moving)
    if version == 0 and not write:
        return ""
    if version and not settling:
        require_home(address, homes_of(db))
    if version < len(SCHEMA):
        _require_owner(db, address, version)
        if not change:
            return ""
        _upgrade(db, address, moving)
    _require_rights(db, address, (UPDATER if only else WRITER) if write else READER, only if write else ())
    if write and not only and (settling or homes_of(db).home is None):
        if not change:
            return ""
        take_home(db)
    return str(_the_row(db, address, "uuid", "identity"))


def _version(db: t.Any, address: str, moving: Mark | None) -> int:
    """The version of the schema; 0 if there is none."""
    state = _State(*db.execute(_FOUND, (NAME,)).fetchone())
    if not state.there or not state.has_tables:
        return 0
    if not state.usable:
        raise _lacking(db, address, f"USAGE ON SCHEMA {NAME}")
    if not state.ours:
        what = f"its schema {NAME} belongs to another program"
        raise failure(address, "journal_unusable", what, "Use another database")
    version = _written(db, address)
    try:
        require_version(db, address, version, moving=moving)
    except MarkGone:
        # A move that ends between the two statements takes its mark along.
        before, version = version, _written(db, address)
        if version == before:
            raise
        require_version(db, address, version, moving=moving)
    return version


def _written(db: t.Any, address: str) -> int:
    """The version that is written there."""
    return int(_the_row(db, address, "version", "journal_schema"))


def _the_row(db: t.Any, address: str, column: str, table: str) -> t.Any:
    rows = db.execute(_ROWS.format(column=column, schema=NAME, table=table)).fetchall()
    if not rows:
        raise emptied(address, table)
    if len(rows) > 1:
        what = f"its table {table} has more than one row, so another journal was restored into it"
        raise failure(address, "journal_damaged", what, "Restore one journal into an empty database")
    return rows[0][0]


def emptied(address: str, table: str) -> LicensingError:
    """The error for a table that always has a row, and lost it."""
    return failure(address, "journal_damaged", f"its table {table} is empty", "Restore it from a backup")


def settle(db: t.Any, address: str, *, check: bool) -> bool:
    """Let a journal belong to this database from now on. Returns whether it was a copy.

    :raises LicensingError: as for C(prepare), or there is no journal.
    """
    if not _version(db, address, None):
        raise failure(address, "journal_unusable", "there is none", "Name the copy that was restored")
    copied = homes_of(db).elsewhere
    prepare(db, address, write=True, change=not check, settling=True)
    return copied


def require_version(db: t.Any, address: str, version: int, *, moving: Mark | None, opened: bool = False) -> None:
    """Refuse a version of the schema that this release may not use.

    :param opened: whether the journal was opened before, see C(require_not_moved).
    """
    if version == MOVED and not moving:
        require_not_moved(without_passwords(address), mark_of(PostgresTransaction(db)), opened=opened)
    if version > len(SCHEMA) and version != MOVED:
        what = f"a newer release wrote it (its schema is {version}, this one knows {len(SCHEMA)})"
        raise failure(address, "journal_newer", what, "Install the newer thingspace.licensing here, too")


def _upgrade(db: t.Any, address: str, moving: Mark | None) -> None:
    """Upgrade to the newest version, all or nothing, even if several processes try at once."""
    try:
        require_session(db, address, *last_row(db.execute(f"BEGIN; {WHICH}")))
        db.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
        version = _version(db, address, moving)
        if version < len(SCHEMA):
            _run_scripts(db, version, moving)
        db.execute("COMMIT")
    except BaseException:
        if not db.closed:
            db.execute("ROLLBACK")
        raise


def _run_scripts(db: t.Any, version: int, moving: Mark | None) -> None:
    if version == 0:
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {NAME}")
        db.execute("CREATE TABLE journal_schema (version BIGINT NOT NULL)")
        db.execute("INSERT INTO journal_schema VALUES (0)")
    db.execute(COLUMN)
    for script in SCHEMA[version:]:
        for statement in script:
            for part in definition(statement):
                db.execute(part)
    if version == 0:
        db.execute("INSERT INTO identity VALUES (%s, %s)", (str(uuid.uuid4()), now()))
        take_home(db)
    db.execute("UPDATE journal_schema SET version = %s", (len(SCHEMA),))
    if version == 0 and moving:
        set_mark(PostgresTransaction(db), moving)


def _require_owner(db: t.Any, address: str, version: int) -> None:
    """Refuse to start what this role cannot finish."""
    state = _State(*db.execute(_FOUND, (NAME,)).fetchone())
    if state.may_create if state.there else state.may_make:
        return
    made = f"upgraded from schema {version} to {len(SCHEMA)}" if version else "created"
    what = f"its schema {NAME} must be {made} first, which its role may not do"
    advice = "Let the owner of the schema run one task with it, see docs/simsec.md"
    # One that is missing counts as empty to those who read; an old one can be read by nobody.
    raise failure(address, "journal_unusable", what, advice, kind=LicensingError if version else MayNotWrite)


def _require_rights(db: t.Any, address: str, needed: t.Sequence[str], only: t.Sequence[str]) -> None:
    found = {right for (right,) in db.execute(_MISSING_RIGHTS, (list(needed), NAME, not only, list(only)))}
    missing = [right for right in needed if right in found]
    if missing:
        tables = ", ".join(f"{NAME}.{table}" for table in only) or f"ALL TABLES IN SCHEMA {NAME}"
        kind = LicensingError if set(READER) & set(missing) else MayNotWrite
        raise _lacking(db, address, f"{', '.join(missing)} ON {tables}", kind)


def _lacking(db: t.Any, address: str, right: str, kind: type[LicensingError] = LicensingError) -> LicensingError:
    (role,) = db.execute("SELECT quote_ident(current_user)").fetchone()
    advice = f"Let the owner run: GRANT {right} TO {role}; docs/simsec.md has all the rights that a role needs"
    return failure(address, "journal_unusable", "its role lacks rights", advice, kind=kind)
