# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The session of a connection: the only one that has its locks and settings, and finds tables without their schema.

A connection pooler may run anything in another session. So each transaction first says which session runs it, and what
runs outside of transactions names the schema. A table that is missing then is really missing.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .postgresql_errors import failure

NAME = "thingspace_licensing"
"""The schema in the database."""

WHICH = "SELECT pg_backend_pid()"
"""Says which session runs it."""


def last_row(results: t.Any) -> t.Any:
    """The row of the last of several statements; None if there is none."""
    while results.nextset():
        pass
    return results.fetchone()


def require_session(db: t.Any, address: str, pid: int) -> None:
    """Refuse to go on in another session than that of the connection.

    :raises LicensingError: C(journal_unusable).
    """
    if pid != db.info.backend_pid:
        raise pooled(address)


def pooled(address: str) -> LicensingError:
    """The error for a session that is not that of the connection, or not only."""
    what = "a connection pooler shares or changes the session, and with it, no lock is safe"
    return failure(address, "journal_unusable", what, "Name the server itself, not the pooler")
