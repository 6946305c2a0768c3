# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Copies the rows of a journal that is moved, all or nothing, and compares them by count and digest."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._errors import LicensingError
from .move_end import KEPT_PLANS, SHARED, TABLES, end_of, other_move, require_empty
from .moved import MEANWHILE, Mark, set_mark
from .store import Store, Transaction, Values

if t.TYPE_CHECKING:
    from .._client.stop import Told

_ROWS = "SELECT * FROM "

EMPTY = "DELETE FROM "

_DIGEST = 2**256

_LOOK_EVERY = 1000
"""Rows after which a move looks whether the task must end."""


class Count(t.NamedTuple):
    """What a table holds.

    :param digest: the sum of the digests of all rows, so that their order does not matter.
    """

    rows: int
    digest: int


def copy_rows(old: Store, new: Store, filling: Mark, told: Told) -> None:
    """Copy all rows, all or nothing."""
    with old.reading() as source, new.writing() as db:
        there, mine = end_of(db), end_of(source).mark
        if there.mark.target != filling.target or there.mark.state not in ("filling", "filled"):
            raise other_move(new.name, there.mark, MEANWHILE)
        if (mine.state, mine.target) != ("copying", filling.target):
            # It was given up, and is in use again. What others recorded since would be missing.
            raise other_move(old.name, mine, MEANWHILE)
        if there.mark.state == "filled":
            return
        require_empty(there, new.name)
        db.execute(EMPTY + "identity")
        shared = _of_both(db, source)
        for table in (SHARED, *reversed(KEPT_PLANS)):
            db.execute(EMPTY + table)
        for table in TABLES:
            rows = _unless(told, source.stream(_ROWS + table, ()))
            db.load(table, shared if table == SHARED else rows)
        for table in TABLES:
            if table == SHARED:
                continue
            expected, found = _count(source, table, told), _count(db, table, told)
            if expected != found:
                raise LicensingError(
                    f"The copy of the table {table} differs: {found.rows} of {expected.rows} rows, or other values. "
                    f"{new.name} was not filled, and {old.name} is as it was. Please report this.",
                    code="journal_damaged",
                )
        set_mark(db, filling._replace(state="filled"))


def _of_both(*places: Transaction) -> list[Values]:
    """What tasks share about logins and the pace of requests. Of two, the longer one knows of more refused logins."""
    found: dict[str, Values] = {}
    for db in places:
        for row in db.execute(_ROWS + SHARED).fetchall():
            name, state, *_changed = row
            if name not in found or len(state) > len(found[name][1]):
                found[name] = row
    return list(found.values())


def _count(db: Transaction, table: str, told: Told) -> Count:
    rows, digest = 0, 0
    for row in _unless(told, db.stream(_ROWS + table, ())):
        rows, digest = rows + 1, digest + _digest(row)
    return Count(rows, digest % _DIGEST)


def _unless(told: Told, rows: t.Iterable[t.Any]) -> t.Iterator[t.Any]:
    """The rows, until the task must end.

    :raises LicensingError: C(interrupted).
    """
    for number, row in enumerate(rows):
        if number % _LOOK_EVERY == 0 and told():
            raise LicensingError(
                "The move was interrupted, and nothing was copied. Until it is done, nobody can use the journal. Run "
                "the same command again.",
                code="interrupted",
            )
        yield row


def _digest(row: Values) -> int:
    text = json.dumps([value.hex() if isinstance(value, bytes) else value for value in row])
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
