# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The mark of a journal that was moved, or that is being moved. Every release refuses its version of the schema."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .clock import for_people, now

if t.TYPE_CHECKING:
    from .store import Store, Transaction

Read = t.TypeVar("Read")

VERSION = 1_000_000
"""The version of a marked journal. It is higher than any release's, so that older ones refuse it, too."""

State = t.Literal["", "filling", "filled", "leaving", "copying", "moved"]
"""Empty without a mark. A target is C(filling), then C(filled). A source is C(leaving), C(copying), then C(moved).

- From C(leaving) on, nobody opens it. Who has it open still records, because a job may be sending.
- From C(copying) on, nobody records anything in it.
- A target that is C(filled) has all rows. It is not used before the source is C(moved), so until then, the move can be
  given up.
"""


class Mark(t.NamedTuple):
    """Why a journal is refused.

    :param other: the other end, without a password.
    :param identity: of the journal that is moved.
    :param target: an id that the target gets when it is marked. A place with the same address may be another one.
    """

    state: State
    other: str = ""
    identity: str = ""
    target: str = ""
    since: str = ""


GIVE_UP = "give the move up: run simsec_journal with 'give_up_move: true' and the journal that was to be moved"
"""What to do if the target is lost."""


MEANWHILE = "Another task did that at the same time. Run again"


def set_mark(db: Transaction, mark: Mark) -> None:
    """Mark a journal, in the same transaction that looks at what is there."""
    db.execute("CREATE TABLE IF NOT EXISTS moved (state TEXT, other TEXT, identity TEXT, target TEXT, since TEXT)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved VALUES (?, ?, ?, ?, ?)", mark._replace(since=now()))
    db.set_version(VERSION)


def clear_mark(db: Transaction, version: int) -> None:
    """Let the journal be used."""
    db.execute("DROP TABLE moved")
    db.set_version(version)


class MarkGone(LicensingError):
    """The version says that there is a mark, and there is none: a move has just ended, or the mark is lost."""

    def __init__(self) -> None:
        super().__init__(
            "The journal is marked as moved, and its mark is gone. If a move ended at this moment, run again. "
            "Otherwise, restore the journal from a backup.",
            code="journal_damaged",
        )


def mark_of(db: Transaction) -> Mark:
    """The mark of a journal whose version says that it has one. Without it, nobody knows where the journal is now.

    :raises MarkGone: see there.
    """
    row = db.mark()
    return Mark(*row) if row else Mark("moved", "another place", since=now())


def read_now(store: Store, read: t.Callable[[Transaction], Read]) -> Read:
    """What is there, read in a transaction of its own, and once more if a mark vanishes meanwhile.

    :raises MarkGone: it is lost.
    """
    try:
        with store.reading() as db:
            return read(db)
    except MarkGone:
        with store.reading() as db:
            return read(db)


MARK = "SELECT state, other, identity, target, since FROM moved"


def require_not_moved(name: str, mark: Mark, *, opened: bool) -> None:
    """Refuse a marked journal for tasks that would use it.

    :param opened: whether the task opened it before it was marked.
    :raises LicensingError: C(journal_moved).
    """
    if opened and mark.state == "leaving":
        return
    since = for_people(mark.since)
    if mark.state == "moved":
        raise was_moved(name, f"{mark.other} ({since})")
    way, lost = "moved to", f" If {mark.other} is lost, {GIVE_UP}."
    if mark.state in ("filling", "filled"):
        way, lost = "filled from", ""
    raise LicensingError(
        f"The journal {name} is being {way} {mark.other} (since {since}). Nothing was sent. Let simsec_journal finish "
        f"that. If it failed or was interrupted, run the same command again.{lost}",
        code="journal_moved",
    )


def require_here(name: str, db: Transaction) -> None:
    """Refuse to begin anything with a journal that was marked since it was opened.

    :raises LicensingError: C(journal_moved).
    :raises MarkGone: see C(read_now).
    """
    if db.version() == VERSION:
        require_not_moved(name, mark_of(db), opened=False)


def was_moved(name: str, other: str, why: str = "") -> LicensingError:
    """The error for tasks that would use a journal after it was moved. Before, a task may have sent something."""
    text = f"The journal {name} was moved to {other}. {why}Nothing is sent with it any more. Set 'journal' to that one."
    return LicensingError(text, code="journal_moved")
