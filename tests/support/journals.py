# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is behind a journal."""

from __future__ import annotations

import sqlite3

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.sqlite import SqliteStore


def sqlite_of(journal: Journal) -> sqlite3.Connection:
    """The connection of a journal that is an SQLite file or in memory."""
    store = journal._store
    assert isinstance(store, SqliteStore)
    return store._db
