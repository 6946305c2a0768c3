# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Gives every error of SQLite a name and advice."""

from __future__ import annotations

import contextlib
import shlex
import typing as t

from .._errors import LicensingError
from .lock import known_journal
from .sqlite_dep import sqlite3


@contextlib.contextmanager
def guarded(path: str | None) -> t.Iterator[None]:
    """Give every error of SQLite a name and advice."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(error, path or "in memory") from None


def _named(error: sqlite3.Error, path: str) -> LicensingError:
    text = str(error)
    words = text.lower()
    if "locked" in words or "busy" in words:
        return LicensingError(
            f"The journal {path} is locked by another process for longer than this task can wait. Run again when that "
            "one is done.",
            code="journal_locked",
        )
    if "full" in words:
        return LicensingError(
            f"The journal {path} cannot be written: the disk is full. Requests that cannot be recorded are not sent. "
            "Make room and run again.",
            code="journal_full",
        )
    if "not a database" in words and not known_journal(path):
        return unusable(path, "it is not a journal")
    if "malformed" in words or "not a database" in words or "corrupt" in words:
        return damaged(path, text)
    if "readonly" in words or "read-only" in words or "unable to open" in words:
        return unusable(path, "the file or its directory is read-only or cannot be opened")
    return unusable(path, text)


def damaged(path: str, what: str) -> LicensingError:
    """The file cannot be trusted."""
    what = " ".join(what.split())[:200]
    return LicensingError(
        f"The journal {path} is damaged ({what}). It is left as it is. Restore it from a backup, or save what "
        f"can be saved: sqlite3 {shlex.quote(path)} .recover | sqlite3 recovered.db",
        code="journal_damaged",
    )


def unusable(path: str, why: str) -> LicensingError:
    """The file cannot be a journal, or cannot be used as one."""
    return LicensingError(
        f"The journal {path} cannot be used: {why}. Point 'journal' to a file of your own on a local disk.",
        code="journal_unusable",
    )
