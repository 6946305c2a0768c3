# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A copy in memory of a journal file that this process may read, but not write.

To read a file that has a log, SQLite creates what is missing of the log. Whoever may not write would own that, and
keep the owner of the journal out. Without the log, SQLite does not notice that others write meanwhile, and takes a
sound file for a damaged one. A lock on the file, as every process has it that opens the file, keeps others from
removing the log.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
import typing as t
import urllib.parse

from .._errors import LicensingError
from .sqlite_dep import sqlite3
from .waiting import Wait

if t.TYPE_CHECKING:
    from .._client.stop import Told

Open = t.Callable[[str], "sqlite3.Connection"]
"""Opens an address of SQLite."""

_START, _LENGTH = 0x40000002, 510
"""The bytes that SQLite locks in a file that it has open."""

_LOOK_EVERY = 0.05

# Closing the file releases all locks that this process has on it.
_ALONE = threading.Lock()


def copied(path: str, open_: Open, patience: float, told: Told) -> sqlite3.Connection:
    """What a journal holds now. Beside it, nothing is created.

    :param patience: seconds to wait for others that write.
    :raises LicensingError: C(journal_locked), others keep it from being read.
    """
    wait = Wait(patience, told)
    with _ALONE, open(path, "rb") as held:
        while True:
            with contextlib.ExitStack() as stack:
                copy = stack.enter_context(contextlib.closing(open_(":memory:")))
                if _locked(held) and _fill(copy, path, held, open_):
                    stack.pop_all()
                    return copy
            if wait.over():
                raise LicensingError(
                    f"The journal {path} could not be read, because others write to it all the time. Nothing was sent. "
                    "Run again later.",
                    code="journal_locked",
                )
            time.sleep(_LOOK_EVERY)


def _locked(held: t.BinaryIO) -> bool:
    """Have the lock that keeps the log where it is. It ends when the file is closed by anybody in this process."""
    try:
        fcntl.lockf(held, fcntl.LOCK_SH | fcntl.LOCK_NB, _LENGTH, _START)
    except OSError:
        return False
    return True


def _fill(copy: sqlite3.Connection, path: str, held: t.BinaryIO, open_: Open) -> bool:
    """Fill the copy. Returns False if somebody has begun to write meanwhile."""
    address = f"file:{urllib.parse.quote(os.path.abspath(path))}?mode=ro"
    log, memory = path + "-wal", path + "-shm"
    if not os.path.exists(log):
        with contextlib.closing(open_(f"{address}&immutable=1")) as source:
            try:
                source.backup(copy)
            except sqlite3.DatabaseError:
                if not os.path.exists(log):
                    raise
            # Before the source is closed, because that ends the lock.
            return not os.path.exists(log)
    if os.path.exists(memory):
        with contextlib.closing(open_(address)) as source:
            source.backup(copy)
        return True
    # Nobody has it open.
    with tempfile.TemporaryDirectory(prefix="thingspace-journal-") as folder:
        own = os.path.join(folder, "journal")
        with open(own, "wb") as target:
            held.seek(0)
            shutil.copyfileobj(held, target)
        shutil.copyfile(log, own + "-wal")
        if os.path.exists(memory):
            return False
        with contextlib.closing(open_(f"file:{urllib.parse.quote(own)}?mode=rw")) as source:
            source.backup(copy)
    return True
