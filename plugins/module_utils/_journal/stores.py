# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Opens the store that the option C(journal) names: a path is an SQLite file, an address a PostgreSQL database."""

from __future__ import annotations

import os
import typing as t

from .._errors import LicensingError
from .._text.addresses import is_database, why_refused, without_passwords
from . import file
from .lock import require_lockable
from .moved import Mark
from .sqlite import SqliteStore, open_sqlite
from .store import Store

if t.TYPE_CHECKING:
    from .._client.stop import Told

# A module compiles what it imports, each time. Most journals are files.
# pylint: disable=import-outside-toplevel


def open_store(
    place: str,
    *,
    write: bool,
    told: Told,
    patience: float = file.PATIENCE,
    moving: Mark | None = None,
    only: t.Sequence[str] = (),
) -> Store:
    """Open a store.

    :param place: with an empty text, it lasts as long as the process.
    :param write: if False, a missing one counts as empty and is not created.
    :param told: whether the task must end soon. Then it waits only a few seconds for a database or other processes.
    :param moving: for a move: it may be marked, and has this mark if it is created, see C(_journal/moved.py).
    :param only: with C(write), the tables that are written; by default all.
    :raises LicensingError: see C(connect) and C(open_postgresql).
    """
    require_place(place)
    if not is_database(place):
        return open_sqlite(place, write=write, told=told, patience=patience, moving=moving)
    from .postgresql import open_postgresql

    store = open_postgresql(place, write=write, told=told, patience=patience, moving=moving, only=only)
    return store or _missing(place, told)


def _missing(place: str, told: Told) -> Store:
    """What counts as a journal if a database has none."""
    return SqliteStore(file.connect("", write=True, told=told), without_passwords(place), None, told=told, missing=True)


def require_place(place: str) -> None:
    """Refuse what is neither a path nor the address of a database.

    :raises LicensingError: C(journal_unusable).
    """
    why = why_refused(place)
    if why:
        raise LicensingError(why, code="journal_unusable")


def require_usable(place: str, *, write: bool, told: Told, patience: float) -> Store | None:
    """Refuse early if it cannot be read, or with C(write), be written. Nothing is created.

    :returns: a database, which is open then, if nothing of it has to be changed before it is used. It is to be closed.
    :raises LicensingError: as for C(open_store).
    """
    require_place(place)
    if is_database(place):
        from .postgresql import open_ready

        return open_ready(place, write=write, told=told, patience=patience)
    open_sqlite(place, write=False, told=told, patience=patience).close()
    if place:
        require_lockable(os.path.realpath(place), write=write)
    if write:
        file.require_writable(place)
    return None
