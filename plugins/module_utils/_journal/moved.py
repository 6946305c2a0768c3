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
    from .store import Transaction

VERSION = 1_000_000
"""The version of a marked journal. It is higher than any release's, so that older ones refuse it, too."""

Role = t.Literal["source", "target"]


class Mark(t.NamedTuple):
    """Why a journal is refused.

    :param other: the other end, without a password.
    :param identity: of the journal that is moved.
    """

    role: Role
    other: str
    identity: str
    since: str = ""


def set_mark(db: Transaction, mark: Mark) -> None:
    """Mark a journal, which nobody uses any more from then on."""
    db.execute("CREATE TABLE IF NOT EXISTS moved (role TEXT, other TEXT, identity TEXT, since TEXT)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved VALUES (?, ?, ?, ?)", (mark.role, mark.other, mark.identity, now()))
    db.set_version(VERSION)


def clear_mark(db: Transaction, version: int) -> None:
    """Let the journal be used."""
    db.execute("DROP TABLE moved")
    db.set_version(version)


def mark_of(row: t.Any) -> Mark:
    """The mark, from the only row of its table."""
    return Mark(*row)


MARK = "SELECT role, other, identity, since FROM moved"


def refusal(name: str, mark: Mark) -> LicensingError:
    """The error for tasks that would use a marked journal."""
    since = for_people(mark.since)
    if mark.role == "source":
        what = f"was moved to {mark.other} ({since}). Nothing was sent. Set 'journal' to that one"
    else:
        what = f"is being filled from {mark.other} (since {since}). Nothing was sent. Let simsec_journal finish that"
    return LicensingError(f"The journal {name} {what}.", code="journal_moved")
