# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is behind a journal, and places for journals of either kind."""

from __future__ import annotations

import sqlite3
import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.sqlite import SqliteStore

STORES = ("sqlite", "postgresql")
"""For parametrized tests that must hold on both."""


def never() -> bool:
    """For a task that nobody tells to end."""
    return False


def place(store: str, folder: Path) -> str:
    """Where a journal of this kind can be, in which nothing was recorded yet."""
    if store == "sqlite":
        return str(folder / "j.db")
    from ansible_collections.thingspace.licensing.tests.support import postgres

    return postgres.emptied()


def rows(journal: Journal, statement: str, *values: t.Any) -> list[t.Any]:
    """The rows of a query."""
    with journal._store.reading() as db:
        return list(db.execute(statement, values).fetchall())


def write(journal: Journal, statement: str, *values: t.Any) -> None:
    """Change rows behind the back of the journal."""
    with journal._store.writing() as db:
        db.execute(statement, values)


def sqlite_of(journal: Journal) -> sqlite3.Connection:
    """The connection of a journal that is an SQLite file or in memory."""
    store = journal._store
    assert isinstance(store, SqliteStore)
    return store._db
