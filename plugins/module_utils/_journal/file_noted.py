# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Compares a journal in a file with what is noted beside it: which one it is, where it is, and how far it was."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .lock import known_journal, known_move
from .moved import VERSION as MOVED
from .moved import was_moved

if t.TYPE_CHECKING:
    import sqlite3


def require_not_noted_moved(path: str) -> None:
    """Refuse a journal that was moved away, whatever is there now."""
    if other := known_move(path):
        raise was_moved(path, other, f"The file {path}.id says so. ")


def identity_of(db: sqlite3.Connection) -> str:
    """The identity of a journal; empty if it is not a journal yet."""
    return str(db.execute("SELECT uuid FROM identity").fetchone()[0]) if "identity" in tables_of(db) else ""


def require_noted(db: sqlite3.Connection, path: str, noted: int) -> None:
    """Refuse a journal that is not the one used here before, or that is an older copy of it.

    :param noted: the last request beside it, from before the journal was read.
    """
    if int(db.execute("PRAGMA user_version").fetchone()[0]) != MOVED:
        require_not_noted_moved(path)
    expected, found = known_journal(path), identity_of(db)
    if expected and found != expected:
        raise LicensingError(
            f"The journal {path} is not the one ({found or 'empty'}) that {path}.id names ({expected}). With the wrong "
            "journal, everything would be sent again. Restore the right journal. If you replaced it on purpose, "
            "remove the .id file.",
            code="journal_damaged",
        )
    last = last_request(db)
    if last < noted:
        raise LicensingError(
            f"The journal {path} is an older copy: it ends with request {last}, but {path}.id names {noted}. "
            "What was sent since would be sent again. Nothing was sent. Restore the newest journal, "
            f"together with {path}-wal if there is one. If there is no newer one, remove the .id file, but then it is "
            "unknown what was sent since.",
            code="journal_behind",
        )


def last_request(db: sqlite3.Connection) -> int:
    """The number of the last request; 0 if there is none."""
    return (
        int(db.execute("SELECT coalesce(max(id), 0) FROM request").fetchone()[0]) if "request" in tables_of(db) else 0
    )


def tables_of(db: sqlite3.Connection) -> set[str]:
    """The names of the tables."""
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
