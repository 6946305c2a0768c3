# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Moves a journal to another place, from a file to a database or back, so that it is never in use at both.

1. The target is marked. If it is created, it has the mark from the beginning.
2. The source is marked as leaving: nobody opens it any more.
3. It waits for the jobs that are sending, which still record what they have to. Then, nobody records anything.
4. The rows are copied in one transaction, and compared by count and digest. The target keeps a mark.
5. The source is marked as moved for good, also beside a file.
6. The mark of the target is cleared. From now on, it is used.

Each step looks at what is there in the transaction that changes it. If that is interrupted, the same call goes on.
Until the source has moved for good, the move can be given up instead: the target was never used, and keeps its mark.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
import uuid

from .._errors import LicensingError
from .move_copy import EMPTY, copy_rows
from .move_end import LEAVING, TABLES, End, crossed, end_of, opened_end, other_move, require_empty, seen_end
from .moved import GIVE_UP, MEANWHILE, Mark, clear_mark, set_mark
from .schema import SCHEMA
from .store import Store, Transaction
from .stores import open_store

if t.TYPE_CHECKING:
    from .._client.stop import Told


class Moved(t.NamedTuple):
    """What was moved, or with C(check) would be.

    :param rows: of each table.
    """

    changed: bool
    identity: str
    rows: dict[str, int]


def move(source: str, target: str, *, told: Told, patience: float, check: bool) -> Moved:
    """Move a journal.

    :param told: whether the task must end soon.
    :param check: only find out whether it can be done.
    :raises LicensingError: C(interrupted), or it cannot be used, a job uses it, or another journal is at the target.
    """
    with contextlib.ExitStack() as stack:
        opened = functools.partial(opened_end, stack, told=told, patience=patience)
        old = opened(source, LEAVING, write=False)
        if old.missing:
            raise LicensingError(f"There is no journal at {old.name} that could be moved.", code="journal_unusable")
        here = seen_end(old)
        filling = Mark("filling", old.name, here.identity, str(uuid.uuid4()))
        new = opened(target, filling, write=False)
        there = seen_end(new)
        mutual = crossed(here, there)
        step = _step(there, here._replace(mark=Mark("")) if mutual else here, old.name, new.name)
        if check or step == "done":
            return Moved(step != "done", here.identity, here.rows)
        # Only now, because a refused move creates nothing.
        old = opened(source, LEAVING, write=True)
        if mutual:
            _withdraw(old, here.mark)
        filled = there.mark
        if step != "filled":
            filled = _fill(stack, old, opened(target, filling, write=True), filling, patience, told)
        _finish(old, filled)
        _release(opened(target, filling, write=True), filled)
        rows = seen_end(old).rows
    # Beside a file, its last request is noted when it is opened.
    open_store(target, write=True, told=told, patience=patience).close()
    return Moved(True, here.identity, rows)


def _step(there: End, here: End, source: str, target: str) -> t.Literal["", "filled", "done"]:
    """How far the move is: whether the target has all rows, and whether everything was done before.

    :raises LicensingError: it would overwrite or double a journal.
    """
    mine, theirs, same = here.mark, there.mark, there.identity == here.identity
    if mine.state in ("filling", "filled"):
        raise other_move(source, mine, "Finish that first: run the same command again")
    this = same and theirs.target == mine.target
    if this and theirs.state == "filled" and mine.state in ("copying", "moved"):
        return "filled"
    if mine.state == "moved" and same and mine.other == target and theirs.state not in ("filling", "filled"):
        return "done"
    # Two calls that began together: one marked the target, the other one the source. Neither has copied anything.
    twofold = theirs.state == "filling" and theirs.identity == here.identity and mine.other == target
    if mine.state == "moved" or (mine.state == "copying" and theirs.target != mine.target and not twofold):
        lost = "" if mine.state == "moved" else f". If that is lost, {GIVE_UP}"
        raise other_move(source, mine, f"At {target}, there is something else now{lost}")
    if same and not theirs.state:
        raise LicensingError(
            f"{source} and {target} hold the same journal. Nothing was moved. If {target} is a copy, such as a "
            "restored backup, remove that copy, but not the .id file beside it, and run the command again.",
            code="journal_unusable",
        )
    # A journal may come back to a place that it left. What it left there is a part of what it has now. So is what was
    # copied there by a move that was given up.
    back = theirs.state in ("moved", "filled") and there.request <= here.request
    if theirs.state and not (theirs.identity == here.identity and (back or theirs.state == "filling")):
        raise other_move(target, theirs, "Finish that, or name another place")
    if not back:
        require_empty(there, target)
    return ""


def _fill(stack: contextlib.ExitStack, old: Store, new: Store, filling: Mark, patience: float, told: Told) -> Mark:
    """Everything until the target has all rows. Returns its mark."""
    # At a place without a journal, jobs that record nothing may be sending.
    stack.enter_context(new.place_lock(patience, moving=True))
    here = seen_end(old)
    with new.writing() as db:
        filling, alone = _claim(db, here, filling, new.name)
    leaving = Mark("leaving", new.name, filling.identity, filling.target)
    with old.writing() as db:
        mine = end_of(db).mark
        gone = mine.state in ("filling", "filled", "moved")
        if not gone and (mine.state, mine.target) != ("copying", leaving.target):
            # What another call marked is not filled, because the target has this call's mark.
            set_mark(db, leaving)
    if gone:
        if alone:
            _withdraw(new, filling)
        raise other_move(old.name, mine, MEANWHILE)
    _let_jobs_end(stack, old, leaving, patience)
    copy_rows(old, new, filling, told)
    return filling


def _claim(db: Transaction, here: End, filling: Mark, target: str) -> tuple[Mark, bool]:
    """Mark the target, so that nobody else uses it. Returns its mark, which may be an earlier call's, and whether there
    was none before this call.
    """
    there = end_of(db)
    step = _step(there, here, filling.other, target)
    if step == "done":
        raise other_move(filling.other, here.mark, MEANWHILE)
    # An earlier call's mark stands as long as the source is on its way there. If it was given up, that call must stop.
    if step == "filled" or (there.mark.state == "filling" and there.mark.target == here.mark.target):
        return there.mark, False
    alone = there.mark.target in ("", filling.target)
    if there.mark.state:
        for table in reversed(TABLES[1:]):
            db.execute(EMPTY + table)
    set_mark(db, filling)
    return filling, alone


def _withdraw(place: Store, filling: Mark) -> None:
    """Let an empty journal be used again, whose mark is of a move that cannot go on: its source is a target itself."""
    with place.writing() as db:
        mark = end_of(db).mark
        if (mark.state, mark.target) == ("filling", filling.target):
            clear_mark(db, len(SCHEMA))


def _let_jobs_end(stack: contextlib.ExitStack, old: Store, leaving: Mark, patience: float) -> None:
    """Wait until no job is sending, and keep everybody from recording."""
    stack.enter_context(old.place_lock(patience, moving=True))
    locked: set[str] = set()
    while True:
        with old.writing() as db:
            mine = end_of(db).mark
            if mine.state not in ("leaving", "copying") or mine.target != leaving.target:
                raise other_move(old.name, mine, MEANWHILE)
            accounts = {account for (account,) in db.execute("SELECT DISTINCT account FROM run").fetchall()}
            if accounts <= locked:
                set_mark(db, leaving._replace(state="copying"))
                return
        # A job that had opened it before it was marked may have been the first of its account.
        for account in sorted(accounts - locked):
            stack.enter_context(old.account_lock(account, patience))
        locked |= accounts


def _finish(old: Store, filled: Mark) -> None:
    """Mark the source for good, also beside a file, where a backup of it may be restored."""
    with old.writing() as db:
        mine = end_of(db).mark
        if mine.state not in ("copying", "moved") or mine.target != filled.target:
            raise other_move(old.name, mine, MEANWHILE)
        if mine.state == "copying":
            set_mark(db, mine._replace(state="moved"))
    # Only now, because until then, the move can be given up.
    old.note_place(mine.identity, mine.other)


def _release(new: Store, filled: Mark) -> None:
    """Let the target be used."""
    with new.writing() as db:
        mark = end_of(db).mark
        if mark.state and (mark.state, mark.target) != ("filled", filled.target):
            raise other_move(new.name, mark, MEANWHILE)
        if mark.state:
            # Before the end of the transaction, because it is refused until then, whatever is noted beside it.
            new.note_place(mark.identity)
            clear_mark(db, len(SCHEMA))
