# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One end of a move: what is there, and how it is opened although others are refused."""

from __future__ import annotations

import contextlib
import re
import typing as t

from .._errors import LicensingError
from .moved import Mark, mark_of, read_now
from .schema import SCHEMA
from .store import Store, Transaction
from .stores import open_store

if t.TYPE_CHECKING:
    from .._client.stop import Told

_TABLE = re.compile(r"CREATE TABLE (\w+)")
TABLES = tuple(found.group(1) for script in SCHEMA for found in map(_TABLE.match, script) if found)
"""All tables of the journal. A table comes after those that it refers to."""

SHARED = "shared_state"
"""What tasks share about logins and the pace of requests. It is no reason to refuse a target."""

KEPT_PLANS = ("document", "document_piece", "fleet_plan")
"""What a plan leaves in a database: itself, for whoever approves it. If there is nothing else, nothing was ever sent or
recorded, and whoever needs the plan makes it again.
"""

_NUMBER = "SELECT count(*) FROM "

_UNMARKED, LEAVING = Mark(""), Mark("leaving")


class End(t.NamedTuple):
    """What is at one end of a move.

    :param request: the number of the last one.
    """

    mark: Mark
    identity: str
    request: int
    rows: dict[str, int]


def opened_end(
    stack: contextlib.ExitStack, place: str, mark: Mark, *, write: bool, told: Told, patience: float
) -> Store:
    """Open an end, which may be marked. It is closed with the stack."""
    store = open_store(place, write=write, told=told, patience=patience, moving=mark)
    stack.callback(store.close)
    return store


def end_of(db: Transaction) -> End:
    """What is there, in the transaction that changes it."""
    mark = mark_of(db) if db.version() > len(SCHEMA) else _UNMARKED
    identity = str(db.execute("SELECT uuid FROM identity").fetchone()[0])
    request = int(db.execute("SELECT coalesce(max(id), 0) FROM request").fetchone()[0])
    rows = {table: int(db.execute(_NUMBER + table).fetchone()[0]) for table in TABLES}
    return End(mark, identity, request, rows)


def seen_end(store: Store) -> End:
    """What is there now."""
    return read_now(store, end_of)


def _used(there: End) -> list[str]:
    """The tables with rows that no other journal may have."""
    used = [table for table, rows in there.rows.items() if rows and table not in ("identity", SHARED)]
    return used if set(used) - set(KEPT_PLANS) else []


def require_empty(there: End, target: str) -> None:
    """Refuse a target with rows, unless they are only plans.

    :raises LicensingError: C(journal_unusable).
    """
    if used := _used(there):
        raise LicensingError(
            f"There is already a journal at {target}, with rows in {', '.join(used)}. Two journals cannot be merged. "
            "Nothing was changed there. Name a place without a journal: another file, or another database.",
            code="journal_unusable",
        )


def crossed(one: End, other: End) -> bool:
    """Whether two moves in opposite directions began together: each is marked as the target of the other one.

    Neither can go on, because the source of each is not used. Both were empty, so nothing was ever sent with them.
    """
    each = ((one, other), (other, one))
    return all(end.mark.state == "filling" and end.mark.identity == source.identity for end, source in each) and not (
        _used(one) or _used(other)
    )


def other_move(name: str, mark: Mark, advice: str) -> LicensingError:
    """The error for a journal whose mark is of another move, or which has none any more."""
    ways = {"filling": "is being filled from", "filled": "is being filled from", "moved": "was moved to"}
    way = ways.get(mark.state, "is being moved to")
    what = f"{way} {mark.other}" if mark.state else "is not being moved any more"
    return LicensingError(f"The journal {name} {what}. {advice}.", code="journal_moved")
