# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Moves a journal to another place, from a file to a database or back, so that it is never in use at both.

Both ends are marked first, which keeps everybody else out. The rows are copied in one transaction, and compared by
count and digest on both sides. Only then, the new one is let go. If that is interrupted, the same call finishes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import typing as t

from .._errors import LicensingError
from .moved import MARK, Mark, Role, clear_mark, mark_of, set_mark
from .schema import SCHEMA
from .store import Store, Transaction, Values
from .stores import open_store

_TABLE = re.compile(r"CREATE TABLE (\w+)")
TABLES = tuple(found.group(1) for script in SCHEMA for found in map(_TABLE.match, script) if found)
"""All tables of the journal. A table comes after those that it refers to."""

_ROWS, _EMPTY = "SELECT * FROM ", "DELETE FROM "

_DIGEST = 2**256


class Count(t.NamedTuple):
    """What a table holds.

    :param digest: the sum of the digests of all rows, so that their order does not matter.
    """

    rows: int
    digest: int


class Moved(t.NamedTuple):
    """What was moved, or with C(check) would be.

    :param rows: of each table.
    """

    changed: bool
    identity: str
    rows: dict[str, int]


def move(source: str, target: str, *, patience: float, check: bool) -> Moved:
    """Move a journal.

    :param check: only find out whether it can be done.
    :raises LicensingError: it cannot be used, a job uses it, or there is another journal at the target.
    """
    with contextlib.ExitStack() as stack:
        old = _opened(stack, source, "source", write=not check, patience=patience)
        if old.missing:
            raise LicensingError(f"There is no journal at {old.name} that could be moved.", code="journal_unusable")
        new = _opened(stack, target, "target", write=not check, patience=patience)
        identity, marks = _identity(old), (_mark(old), _mark(new))
        done = _require_possible(old, new, identity, marks)
        rows = {table: count.rows for table, count in _counts(old).items()}
        if check or done:
            return Moved(not done, identity, rows)
        for account in _accounts(old):
            stack.enter_context(old.account_lock(account, patience))
        with old.writing() as db:
            set_mark(db, Mark("source", new.name, identity))
        with new.writing() as db:
            set_mark(db, Mark("target", old.name, identity))
        _copy(old, new)
    # Beside a file, its new identity is noted when it is opened.
    open_store(target, write=True, patience=patience, moving="target").close()
    return Moved(True, identity, rows)


def _opened(stack: contextlib.ExitStack, place: str, role: Role, *, write: bool, patience: float) -> Store:
    store = open_store(place, write=write, patience=patience, moving=role)
    stack.callback(store.close)
    return store


def _require_possible(old: Store, new: Store, identity: str, marks: tuple[Mark | None, Mark | None]) -> bool:
    """Refuse what would overwrite or double a journal. Returns whether everything was done before."""
    mine, theirs = marks
    if mine is not None and (mine.role, mine.other) != ("source", new.name):
        raise LicensingError(
            f"The journal {old.name} is already being moved, or was moved: {mine.role} of {mine.other}. Nothing was "
            "changed. Finish that, or start from the other one.",
            code="journal_moved",
        )
    if theirs is not None and (theirs.role, theirs.identity) != ("target", identity):
        raise LicensingError(
            f"The journal {new.name} takes part in another move, as the {theirs.role} for {theirs.other}. Nothing was "
            "changed. Name another place.",
            code="journal_moved",
        )
    if theirs is not None or new.missing:
        return False
    if _identity(new) == identity:
        if mine is not None:
            return True
        raise LicensingError(f"{old.name} and {new.name} are the same journal.", code="journal_unusable")
    used = [table for table, count in _counts(new).items() if count.rows and table != "identity"]
    if used:
        raise LicensingError(
            f"There is already a journal at {new.name}, with rows in {', '.join(used)}. Two journals cannot be merged. "
            "Nothing was changed. Name a place without a journal.",
            code="journal_unusable",
        )
    return False


def _copy(old: Store, new: Store) -> None:
    """Copy all rows and let the new journal be used, all or nothing."""
    with old.reading() as source, new.writing() as db:
        for table in reversed(TABLES):
            db.execute(_EMPTY + table)
        for table in TABLES:
            db.load(table, source.stream(_ROWS + table, ()))
        for table in TABLES:
            expected, found = _count(source, table), _count(db, table)
            if expected != found:
                raise LicensingError(
                    f"The copy of the table {table} differs: {found.rows} of {expected.rows} rows, or other values. "
                    f"{new.name} was not filled, and {old.name} is as it was. Please report this.",
                    code="journal_damaged",
                )
        clear_mark(db, len(SCHEMA))


def _counts(store: Store) -> dict[str, Count]:
    with store.reading() as db:
        return {table: _count(db, table) for table in TABLES}


def _count(db: Transaction, table: str) -> Count:
    rows, digest = 0, 0
    for row in db.stream(_ROWS + table, ()):
        rows, digest = rows + 1, digest + _digest(row)
    return Count(rows, digest % _DIGEST)


def _digest(row: Values) -> int:
    text = json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _identity(store: Store) -> str:
    with store.reading() as db:
        return str(db.execute("SELECT uuid FROM identity").fetchone()[0])


def _mark(store: Store) -> Mark | None:
    with store.reading() as db:
        return mark_of(db.execute(MARK).fetchone()) if db.version() > len(SCHEMA) else None


def _accounts(store: Store) -> list[str]:
    """All accounts for which a job may be sending."""
    with store.reading() as db:
        return [account for (account,) in db.execute("SELECT DISTINCT account FROM run ORDER BY account")]
