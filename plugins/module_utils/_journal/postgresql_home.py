# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The home of a journal: the only database in which it is used.

A copy of a database, or a dump that was restored elsewhere, is another database and is refused. Otherwise, two journals
would take themselves for the same one, and each would send what the other has sent already. A standby that was promoted
has the same home, so a failover needs nothing.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._text.addresses import without_passwords
from .postgresql_session import NAME

COLUMN = "ALTER TABLE journal_schema ADD COLUMN IF NOT EXISTS home TEXT"
"""What the journals of older releases lack."""

# In this form, it may lack the column. Every role may call the function, unless that was revoked.
_HOMES = (
    "SELECT to_jsonb(journal_schema) ->> 'home', this_system.system_identifier || '/' || this_database.oid "
    "FROM {schema}.journal_schema, "
    "pg_catalog.pg_control_system() AS this_system, pg_catalog.pg_database AS this_database "
    "WHERE this_database.datname = current_database()"
)
_TAKEN = "UPDATE {schema}.journal_schema SET home = %s"


class Homes(t.NamedTuple):
    """Where a journal belongs, and where it is: the identifier of a server, and the number of a database.

    :param home: None if it does not know yet.
    """

    home: str | None
    here: str

    @property
    def elsewhere(self) -> bool:
        """Whether it belongs to another database."""
        return self.home is not None and self.home != self.here


def homes_of(db: t.Any) -> Homes:
    """Where the journal of a connection belongs, and where it is."""
    return Homes(*(db.execute(_HOMES.format(schema=NAME)).fetchone() or (None, "")))


def take_home(db: t.Any) -> None:
    """Let the journal belong to this database."""
    db.execute(_TAKEN.format(schema=NAME), (homes_of(db).here,))


def require_home(address: str, homes: Homes) -> None:
    """Refuse a copy.

    :raises LicensingError: C(journal_copied).
    """
    if homes.elsewhere:
        raise LicensingError(
            f"The journal {without_passwords(address)} is a copy: it was used as {homes.home}, and this is "
            f"{homes.here} (server/database). With two journals, licenses would be assigned twice. Nothing was sent. "
            "Set 'journal' to the one that is in use. If that one is gone or is never used again, run simsec_journal "
            "with 'new_home: true' once: then this is the journal from now on.",
            code="journal_copied",
        )
