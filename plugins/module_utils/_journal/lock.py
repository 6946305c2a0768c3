# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The files beside the journal: C(.lock) separates jobs of one account. C(.id) shows that there is a journal, or
that it was moved, and remembers its last request, see C(_journal/high_water_mark.py).

The operating system releases its locks when the process ends, even after kill -9. It would also release them if the
process closed the same file elsewhere. That is why there are two files.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import typing as t
import zlib

from .._errors import LicensingError
from .high_water_mark import noted_request
from .waiting import in_place, sending, take_lock

if t.TYPE_CHECKING:
    from .._client.stop import Told
    from .store import Licenses

PLACE = "place"
"""The name of the lock that keeps a journal where it is. No account has it."""

_MOVED = " moved"
"""After the identity in the first line of C(.id). The third line says where the journal is. No older release accepts
that line."""

PATIENCE = 120.0
"""Seconds to wait for another job: twice as long as a job itself may wait for a lost request to show."""


@contextlib.contextmanager
def account_lock(
    path: str, account: str, patience: float, told: Told, licenses: Licenses = "SIM-Secure"
) -> t.Iterator[None]:
    """Keep other jobs from sending for this account while the block runs.

    :param path: the journal; if it is empty, nothing is locked.
    :param told: whether the task must end soon. Then it does not wait any more.
    :raises LicensingError: C(journal_locked), C(interrupted), C(journal_unusable).
    """
    does = sending(account, licenses, path)
    with _locked(path, name_of_lock(account, licenses), fcntl.LOCK_EX, does, patience, told):
        yield


@contextlib.contextmanager
def place_lock(path: str, patience: float, told: Told, *, moving: bool) -> t.Iterator[None]:
    """Keep a journal where it is, or with C(moving), wait for those who do and keep them out.

    :raises LicensingError: as for C(account_lock).
    """
    how = fcntl.LOCK_EX if moving else fcntl.LOCK_SH
    with _locked(path, PLACE, how, in_place(path, moving=moving), patience, told):
        yield


@contextlib.contextmanager
def _locked(path: str, name: str, how: int, does: str, patience: float, told: Told) -> t.Iterator[None]:
    if not path:
        yield
        return
    try:
        handle = _opened(path)
    except OSError as error:
        raise _not_opened(path, error.strerror) from None
    try:
        take_lock(lambda: _take(handle, name, how), does, patience, told)
        yield
    finally:
        os.close(handle)


def _opened(path: str) -> int:
    """Open the file of locks. Whoever creates it, all who use the journal may lock."""
    try:
        return os.open(path + ".lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    handle = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(OSError):
        there = os.path.exists(path)
        like = os.stat(path if there else os.path.dirname(path))
        group = like.st_mode & (stat.S_IRGRP if there else stat.S_IWGRP)
        everyone = like.st_mode & (stat.S_IROTH if there else stat.S_IWOTH)
        if everyone:
            os.fchmod(handle, 0o666)
        elif group:
            # The group first, because it gets the rights.
            os.fchown(handle, -1, like.st_gid)
            os.fchmod(handle, 0o660)
    return handle


def require_lockable(path: str, *, write: bool = True) -> None:
    """Refuse early if the file of locks cannot be opened, for the reason that it will have then.

    It is not tried, because that may create it, and closing it would release the locks of this process.

    :param write: if False, only for reasons that are no lack of rights. Who may only read the journal may plan.
    :raises LicensingError: C(journal_unusable).
    """
    lock = os.path.realpath(path + ".lock")
    folder, why = os.path.dirname(lock), 0
    if os.path.islink(lock):
        why = errno.ELOOP
    elif os.path.isdir(lock):
        why = errno.EISDIR
    elif not os.path.isdir(folder):
        why = errno.ENOENT
    elif write and not os.access(lock if os.path.exists(lock) else folder, os.W_OK):
        why = errno.EACCES
    if why:
        raise _not_opened(path, os.strerror(why))


def _not_opened(path: str, why: str | None) -> LicensingError:
    text = f"The file {path}.lock cannot be opened: {why}. Nothing was sent. Make it writable."
    return LicensingError(text, code="journal_unusable")


def _take(handle: int, name: str, how: int) -> bool:
    # One byte for each lock. The file itself stays empty.
    try:
        fcntl.lockf(handle, how | fcntl.LOCK_NB, 1, zlib.crc32(name.encode()))
    except OSError:
        return False
    return True


def name_of_lock(account: str, licenses: Licenses) -> str:
    """The name of the lock of an account. Earlier releases have one for SIM-Secure only."""
    return account if licenses == "SIM-Secure" else f"{licenses} {account}"


def known_journal(path: str) -> str:
    """The identity of the journal that was last opened here; empty if there never was one."""
    try:
        with open(path + ".id", encoding="ascii", errors="replace") as stream:
            return stream.readline().partition(" ")[0].strip()[:40]
    except OSError:
        return ""


def remember_journal(path: str, identity: str) -> None:
    """Record that there is a journal, so that its loss is noticed."""
    if known_journal(path) == identity:
        return
    _write(path, f"{identity}\n", whole=False)


def known_move(path: str) -> str:
    """Where the journal was moved to from here, without a password; empty if it was not."""
    try:
        with open(path + ".id", encoding="utf-8", errors="replace") as stream:
            first, _number, other = (stream.readline().strip() for _line in range(3))
    except OSError:
        return ""
    return (other or "another place") if first.endswith(_MOVED) else ""


def remember_place(path: str, identity: str, moved_to: str = "") -> None:
    """Record which journal is here now, or with C(moved_to), that it was moved from here.

    The last request stays, see C(_journal/high_water_mark.py), unless it is another journal's.
    """
    last = noted_request(path) if known_journal(path) == identity else 0
    first, third = (identity + _MOVED, moved_to + "\n") if moved_to else (identity, "")
    _write(path, f"{first}\n{last:020d}\n{third}", whole=True)


def _write(path: str, text: str, *, whole: bool) -> None:
    """Write the start of C(.id), or all of it."""
    try:
        handle = os.open(path + ".id", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            written = os.pwrite(handle, os.fsencode(text), 0)
            if whole:
                os.ftruncate(handle, written)
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        text = f"The file {path}.id cannot be written: {error.strerror}. Make it writable."
        raise LicensingError(text, code="journal_unusable") from None
