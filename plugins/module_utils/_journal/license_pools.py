# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What reports counted: the licenses of each account, day by day, whichever node the report was made on."""

from __future__ import annotations

import json
import typing as t

from .store import Store

Counts = dict[str, t.Any]
Pool = tuple[str, str]
"""An account and a license."""

_KEEP = (
    "INSERT INTO license_pool (day, account, license, counts) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (account, license, day) DO UPDATE SET counts = excluded.counts"
)


class LicensePools:
    """The counts in a store. Each call is a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, day: str, pools: t.Mapping[Pool, Counts], oldest: str) -> None:
        """Store the counts of a day, in place of earlier ones of the same day, and forget those before another day.

        :param day: as C(2026-01-31).
        """
        rows = [(day, *pool, json.dumps(counts)) for pool, counts in pools.items()]
        with self._store.writing() as db:
            db.executemany(_KEEP, rows)
            db.execute("DELETE FROM license_pool WHERE day < ?", (oldest,))

    def of(self, account: str) -> list[tuple[str, str, Counts]]:
        """The license, the day, and the counts of each pool of an account, oldest first.

        :raises ValueError: they are damaged.
        """
        query = "SELECT license, day, counts FROM license_pool WHERE account = ? ORDER BY license, day"
        with self._store.reading() as db:
            rows = db.execute(query, (account,)).fetchall()
        return [(license, day, json.loads(counts)) for license, day, counts in rows]
