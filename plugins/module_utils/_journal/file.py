# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The journal as a file: how it is opened, created, upgraded, and locked, and what can go wrong.

It is SQLite with a write-ahead log. Committed data survives a kill, and also a power cut unless a commit says
otherwise. The file belongs on a local disk. Two small files are beside it, see C(_journal/lock.py).
"""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
import urllib.parse
import uuid

from .._errors import LicensingError
from .clock import now
from .errors import damaged, guarded, unusable
from .file_noted import identity_of, last_request, require_not_noted_moved, require_noted, tables_of
from .high_water_mark import note_request, noted_request
from .lock import known_journal, known_move, remember_journal
from .moved import VERSION as MOVED
from .moved import Mark, mark_of, require_not_moved, set_mark
from .name import require_one_name
from .schema import SCHEMA
from .sqlite_connection import patient
from .sqlite_dep import sqlite3
from .sqlite_transaction import SqliteTransaction

if t.TYPE_CHECKING:
    from .._client.stop import Told

APPLICATION_ID = 0x54534A4C
"""Marks the file as a journal of this collection (the letters TSJL)."""

PATIENCE = 30.0
"""Seconds to wait for a lock of another process."""

CHECKED_BELOW = 64 * 1024 * 1024
"""A file up to this size is checked each time it is opened. A larger one is checked after an unfinished run."""


def connect(
    path: str, *, write: bool, told: Told, patience: float = PATIENCE, moving: Mark | None = None
) -> sqlite3.Connection:
    """Open a journal with the newest schema. Create it if it does not exist.

    :param path: with an empty string, the journal is in memory.
    :param told: whether the task must end soon. Then it waits only a few seconds for other processes.
    :param write: if False, nothing is created or changed: an old journal is upgraded in memory, a missing one is empty.
    :param moving: for a move: it may be marked, and has this mark if it is created, see C(_journal/moved.py).
    :raises LicensingError: C(journal_unusable), C(journal_damaged), C(journal_behind), C(journal_newer),
        C(journal_moved), C(journal_locked), C(journal_full), C(missing_library).
    """
    if sqlite3 is None:
        text = "This Python has no sqlite3, which the journal needs. Set 'ansible_python_interpreter' to one that has."
        raise LicensingError(text, code="missing_library")
    if not path:
        return _upgraded(_open(":memory:", patience, told))
    require_directory(path)
    _check_place(path, moving)
    with guarded(path):
        db = (_open_file if write else _open_to_read)(path, patience, told, moving)
        try:
            if os.path.exists(path):
                _check(db, path)
        except BaseException:
            db.close()
            raise
        return db


def require_writable(path: str) -> None:
    """Refuse early if the journal cannot be written.

    :raises LicensingError: C(journal_unusable).
    """
    if path and not may_write(path):
        raise unusable(path, "the file or its directory is read-only")


def may_write(path: str) -> bool:
    """Whether this process may write a journal, and so may create and remove the files of its log."""
    places = (os.path.dirname(os.path.abspath(path)), path)
    return all(os.access(place, os.W_OK) for place in places if os.path.exists(place))


def require_directory(path: str) -> None:
    """Refuse a path at which no file can be.

    :raises LicensingError: C(journal_unusable).
    """
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise unusable(path, "it is a directory")
    if not os.path.isdir(folder):
        raise unusable(path, f"the directory {folder} does not exist")


def _check_place(path: str, moving: Mark | None) -> None:
    require_one_name(path)
    expected, gone = known_journal(path), not os.path.exists(path) or os.path.getsize(path) == 0
    if expected and gone and not (moving and known_move(path)):
        require_not_noted_moved(path)
        raise LicensingError(
            f"The journal {path} is gone or empty, but {path}.id says that there was one ({expected}). What was sent "
            "so far would be forgotten. Restore the file; or if it was given up on purpose, remove the .id file too.",
            code="journal_damaged",
        )


def _open_file(path: str, patience: float, told: Told, moving: Mark | None) -> sqlite3.Connection:
    # Only if it is missing. Closing a file that SQLite has open in this process would release SQLite's locks.
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise unusable(path, error.strerror or "it cannot be opened") from None
    db = _open(f"file:{urllib.parse.quote(os.path.abspath(path))}?mode=rw", patience, told)
    try:
        _identify(db, path, moving)
        _set(db, "journal_mode", "WAL")
        _set(db, "synchronous", "FULL")
        _upgraded(db, moving)
        if not _is_target(moving):
            require_noted(db, path, noted_request(path))
            remember_journal(path, identity_of(db))
            note_request(path, last_request(db))
    except BaseException:
        db.close()
        raise
    return db


def _is_target(moving: Mark | None) -> bool:
    """Whether a move fills it. What is noted beside it changes at the end of the move."""
    return moving is not None and moving.state == "filling"


def _open_to_read(path: str, patience: float, told: Told, moving: Mark | None) -> sqlite3.Connection:
    if not os.path.exists(path):
        return _upgraded(_open(":memory:", patience, told))
    if not os.access(path, os.R_OK):
        raise unusable(path, "it is not readable")
    # Before the journal is read, because others may be sending right now.
    noted = noted_request(path)
    if may_write(path):
        # To change nothing, a log that was left behind is not written to the file.
        mode = "ro" if os.path.exists(path + "-wal") else "rw"
        db = _open(f"file:{urllib.parse.quote(os.path.abspath(path))}?mode={mode}", patience, told)
    else:
        # A module compiles what it imports, each time. Most tasks may write.
        from .file_copy import copied  # pylint: disable=import-outside-toplevel

        db = copied(path, functools.partial(_open, patience=patience, told=told), patience, told)
    try:
        _set(db, "query_only", "ON")
        version = _identify(db, path, moving)
        if not _is_target(moving):
            require_noted(db, path, noted)
        if version < len(SCHEMA):
            copy = _open(":memory:", patience, told)
            db.backup(copy)
            db.close()
            return _upgraded(copy)
    except BaseException:
        db.close()
        raise
    return db


def _open(uri: str, patience: float, told: Told) -> sqlite3.Connection:
    db = patient(uri, patience, told)
    _set(db, "temp_store", "MEMORY")
    return db


def _identify(db: sqlite3.Connection, path: str, moving: Mark | None) -> int:
    """The version of the schema. Refuses what is not a journal, what a newer release wrote, and what was moved."""
    # In one transaction, because another process may be creating it, or may end a move.
    db.execute("BEGIN")
    try:
        mark = db.execute("PRAGMA application_id").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (tables and mark != APPLICATION_ID) or (not tables and mark not in (0, APPLICATION_ID)):
            raise unusable(path, "it is an SQLite file of another program")
        return require_version(db, path, moving=moving)
    finally:
        db.execute("ROLLBACK")


def require_version(db: sqlite3.Connection, path: str, *, moving: Mark | None, opened: bool = False) -> int:
    """The version of the schema, if this release may use it.

    :param opened: whether the journal was opened before, see C(require_not_moved).
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == MOVED and not moving:
        require_not_moved(path, mark_of(SqliteTransaction(db)), opened=opened)
    if version > len(SCHEMA) and version != MOVED:
        raise LicensingError(
            f"The journal {path} was written by a newer release (its schema is {version}, this one knows "
            f"{len(SCHEMA)}). Install the newer thingspace.licensing here, too.",
            code="journal_newer",
        )
    return version


def _upgraded(db: sqlite3.Connection, moving: Mark | None = None) -> sqlite3.Connection:
    """Upgrade the schema to the newest version, all or nothing, even if several processes try at once."""
    if db.execute("PRAGMA user_version").fetchone()[0] >= len(SCHEMA):
        return db
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for script in SCHEMA[version:]:
            for statement in script:
                db.execute(statement)
        if version == 0:
            db.execute("INSERT INTO identity VALUES (?, ?)", (str(uuid.uuid4()), now()))
            _set(db, "application_id", str(APPLICATION_ID))
        if version < len(SCHEMA):
            _set(db, "user_version", str(len(SCHEMA)))
        if version == 0 and moving:
            set_mark(SqliteTransaction(db), moving)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return db


def _check(db: sqlite3.Connection, path: str) -> None:
    """Check for damage: always for a file of usual size, and otherwise if the last run did not finish."""
    unended = "run" in tables_of(db) and db.execute("SELECT 1 FROM run WHERE ended IS NULL LIMIT 1").fetchone()
    if os.path.getsize(path) > CHECKED_BELOW and not unended:
        return
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, str(found))


def _set(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute(f"PRAGMA {name} = {value}").fetchall()
