# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where a journal is: a file, or a database."""

from __future__ import annotations

SCHEMES = ("postgresql://", "postgres://")


def is_database(journal: str) -> bool:
    """Whether a journal is in a database that other machines may use, too, and not in a file."""
    return journal.startswith(SCHEMES)
