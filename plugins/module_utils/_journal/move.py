# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Moves a journal to another place, from a file to a database or back, so that it is never in use at both.

1. The target is marked. If it is created, it has the mark from the beginning.
2. The source is marked as leaving: nobody opens it any more.
3. It waits for the jobs that are sending, which still record their results. Then, nobody records anything.
4. The rows are copied in one transaction, and compared by count and digest. As it ends, the target can be used.
5. The source is marked as moved for good.

Each step looks at what is there in the transaction that changes it. If that is interrupted, the same call goes on.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
import typing as t
import uuid

from .._errors import LicensingError
from .moved import MARK, Mark, clear_mark, mark_of, set_mark
from .schema import SCHEMA
from .store import Store, Transaction, Values
from .stores import open_store

if t.TYPE_CHECKING:
    from .._client.stop import Told

_TABLE = re.compile(r"CREATE TABLE (\w+)")
TABLES = tuple(found.group(1) for script in SCHEMA for found in map(_TABLE.match, script) if found)
"""All tables of the journal. A table comes after those that it refers to."""

_ROWS, _EMPTY, _NUMBER = "SELECT * FROM ", "DELETE FROM ", "SELECT count(*) FROM "

_DIGEST = 2**256

_LOOK_EVERY = 1000
"""Rows after which a move looks whether the task must end."""

_UNMARKED, _LEAVING = Mark(""), Mark("leaving")
_MEANWHILE = "Another task did that at the same time. Run again"


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


class _End(t.NamedTuple):
    """What is at one end of a move.

    :param request: the number of the last one.
    """

    mark: Mark
    identity: str
    request: int
    rows: dict[str, int]


def move(source: str, target: str, *, told: Told, patience: float, check: bool) -> Moved:
    """Move a journal.

    :param told: whether the task must end soon.
    :param check: only find out whether it can be done.
    :raises LicensingError: C(interrupted), or it cannot be used, a job uses it, or another journal is at the target.
    """
    with contextlib.ExitStack() as stack:
        opened = functools.partial(_opened, stack, told=told, patience=patience)
        old = opened(source, _LEAVING, write=False)
        if old.missing:
            raise LicensingError(f"There is no journal at {old.name} that could be moved.", code="journal_unusable")
        with old.reading() as db:
            here = _end(db)
        filling = Mark("filling", old.name, here.identity, str(uuid.uuid4()))
        new = opened(target, filling, write=False)
        with new.reading() as db:
            filled = _is_filled(_end(db), here, old.name, new.name)
        changed = not filled or here.mark.state != "moved"
        if check or not changed:
            return Moved(changed, here.identity, here.rows)
        # Only now, because a refused move creates nothing.
        old = opened(source, _LEAVING, write=True)
        if not filled:
            new = opened(target, filling, write=True)
            _fill(stack, old, new, filling, patience, told)
        _finish(old)
        with old.reading() as db:
            rows = _end(db).rows
    if not filled:
        # Beside a file, its last request is noted when it is opened.
        open_store(target, write=True, told=told, patience=patience).close()
    return Moved(True, here.identity, rows)


def _opened(stack: contextlib.ExitStack, place: str, mark: Mark, *, write: bool, told: Told, patience: float) -> Store:
    store = open_store(place, write=write, told=told, patience=patience, moving=mark)
    stack.callback(store.close)
    return store


def _is_filled(there: _End, here: _End, source: str, target: str) -> bool:
    """Whether the target got the journal already. Refuses what would overwrite or double a journal."""
    mine, theirs, same = here.mark, there.mark, there.identity == here.identity
    if mine.state in ("copying", "moved"):
        if same and mine.other == target and theirs.state != "filling":
            return True
        if mine.state == "moved" or theirs.target != mine.target:
            raise _other_move(source, mine, f"At {target}, there is something else now")
    elif mine.state == "filling":
        raise _other_move(source, mine, "Finish that first: run the same command again")
    if same and not theirs.state:
        raise LicensingError(f"{source} and {target} are the same journal.", code="journal_unusable")
    # A journal may come back to a place that it left. What it left there is a part of what it has now.
    back = theirs.state == "moved" and there.request <= here.request
    if theirs.state and not (theirs.identity == here.identity and (back or theirs.state == "filling")):
        raise _other_move(target, theirs, "Finish that, or name another place")
    if not back:
        _require_empty(there, target)
    return False


def _require_empty(there: _End, target: str) -> None:
    used = [table for table, rows in there.rows.items() if rows and table != "identity"]
    if used:
        raise LicensingError(
            f"There is already a journal at {target}, with rows in {', '.join(used)}. Two journals cannot be merged. "
            "Nothing was changed there. Name a place without a journal.",
            code="journal_unusable",
        )


def _other_move(name: str, mark: Mark, advice: str) -> LicensingError:
    ways = {"filling": "is being filled from", "moved": "was moved to"}
    way = ways.get(mark.state, "is being moved to")
    return LicensingError(f"The journal {name} {way} {mark.other}. {advice}.", code="journal_moved")


def _fill(stack: contextlib.ExitStack, old: Store, new: Store, filling: Mark, patience: float, told: Told) -> None:
    """Everything up to the moment from which on the target is used."""
    with old.reading() as db:
        here = _end(db)
    with new.writing() as db:
        filling = _claim(db, here, filling, new.name)
    leaving = Mark("leaving", new.name, filling.identity, filling.target)
    with old.writing() as db:
        mine = _end(db).mark
        if mine.state in ("filling", "moved") or (mine.state == "copying" and mine.target != leaving.target):
            raise _other_move(old.name, mine, _MEANWHILE)
        if mine.state != "copying":
            set_mark(db, leaving)
    _let_jobs_end(stack, old, leaving, patience)
    _copy(old, new, filling, told)


def _claim(db: Transaction, here: _End, filling: Mark, target: str) -> Mark:
    """Mark the target, so that nobody else uses it. Returns its mark, which may be an earlier call's."""
    there = _end(db)
    if _is_filled(there, here, filling.other, target):
        raise _other_move(filling.other, here.mark, _MEANWHILE)
    if there.mark.state == "filling":
        return there.mark
    if there.mark.state == "moved":
        for table in reversed(TABLES[1:]):
            db.execute(_EMPTY + table)
    set_mark(db, filling)
    return filling


def _let_jobs_end(stack: contextlib.ExitStack, old: Store, leaving: Mark, patience: float) -> None:
    """Wait until no job is sending, and keep everybody from recording."""
    locked: set[str] = set()
    while True:
        with old.writing() as db:
            mine = _end(db).mark
            if mine.state not in ("leaving", "copying") or mine.target != leaving.target:
                raise _other_move(old.name, mine, _MEANWHILE)
            accounts = {account for (account,) in db.execute("SELECT DISTINCT account FROM run").fetchall()}
            if accounts <= locked:
                set_mark(db, leaving._replace(state="copying"))
                return
        # A job that had opened it before it was marked may have been the first of its account.
        for account in sorted(accounts - locked):
            stack.enter_context(old.account_lock(account, patience))
        locked |= accounts


def _copy(old: Store, new: Store, filling: Mark, told: Told) -> None:
    """Copy all rows and let the new journal be used, all or nothing."""
    with old.reading() as source, new.writing() as db:
        there = _end(db)
        if (there.mark.state, there.mark.target) != ("filling", filling.target):
            raise _other_move(old.name, filling, _MEANWHILE)
        _require_empty(there, new.name)
        db.execute(_EMPTY + "identity")
        for table in TABLES:
            db.load(table, _unless(told, source.stream(_ROWS + table, ())))
        for table in TABLES:
            expected, found = _count(source, table, told), _count(db, table, told)
            if expected != found:
                raise LicensingError(
                    f"The copy of the table {table} differs: {found.rows} of {expected.rows} rows, or other values. "
                    f"{new.name} was not filled, and {old.name} is as it was. Please report this.",
                    code="journal_damaged",
                )
        # Before the end of the transaction, because it is refused until then, whatever is noted beside it.
        new.note_place(filling.identity)
        clear_mark(db, len(SCHEMA))


def _finish(old: Store) -> None:
    """Mark the source for good, also beside a file, where a backup of it may be restored."""
    with old.writing() as db:
        mine = _end(db).mark
        if mine.state == "copying":
            old.note_place(mine.identity, mine.other)
            set_mark(db, mine._replace(state="moved"))


def _end(db: Transaction) -> _End:
    mark = mark_of(db.execute(MARK).fetchone()) if db.version() > len(SCHEMA) else _UNMARKED
    identity = str(db.execute("SELECT uuid FROM identity").fetchone()[0])
    request = int(db.execute("SELECT coalesce(max(id), 0) FROM request").fetchone()[0])
    rows = {table: int(db.execute(_NUMBER + table).fetchone()[0]) for table in TABLES}
    return _End(mark, identity, request, rows)


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
