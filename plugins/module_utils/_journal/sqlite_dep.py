# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""SQLite from the standard library. Some builds of Python lack it."""

from __future__ import annotations

try:
    import sqlite3
except ImportError:
    # mypy knows the name from the import above. connect() stops before it is used.
    sqlite3 = None  # type: ignore[assignment]

__all__ = ["sqlite3"]
