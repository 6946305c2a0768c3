# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A connection to an SQLite file that waits for other processes, but not for long once the task must end.

SQLite itself waits without a look at anything else. So it waits briefly, and is asked again.
"""

from __future__ import annotations

import time
import typing as t

from .sqlite_dep import sqlite3
from .waiting import Wait

if t.TYPE_CHECKING:
    from .._client.stop import Told

_BRIEFLY = 0.25
_PAUSE = 0.02
"""Seconds before SQLite is asked again. For some locks it does not wait at all."""


def patient(uri: str, patience: float, told: Told) -> sqlite3.Connection:
    """Connect to a file.

    :param patience: seconds that each statement waits for a lock of another process.
    """

    class Patient(sqlite3.Connection):
        """See the file."""

        def execute(self, *arguments: t.Any) -> sqlite3.Cursor:
            """Run a statement. One that met a lock did nothing, so it is safe to repeat it."""
            wait: Wait | None = None
            while True:
                try:
                    return super().execute(*arguments)
                except sqlite3.OperationalError as error:
                    wait = wait or Wait(patience, told)
                    if "locked" not in str(error) or wait.over():
                        raise
                time.sleep(_PAUSE)

    options: dict[str, t.Any] = {"isolation_level": None, "check_same_thread": False}
    return sqlite3.connect(uri, uri=True, timeout=min(patience, _BRIEFLY), factory=Patient, **options)
