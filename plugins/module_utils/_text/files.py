# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writing a file in one step: a reader sees the old one or the whole new one, also when the writer is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import typing as t

PRIVATE = 0o600
READABLE = 0o644

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@contextlib.contextmanager
def replacing(
    path: str, mode: int | None = None, *, new: bool = False, encoding: str = "utf-8", errors: str = "strict"
) -> t.Iterator[t.TextIO]:
    """A stream for the text of a file, which takes its name when all is written. The end of a line stays as it is.

    :param mode: the permissions. Without them, the file stays what it is but for its text: a link leads to it, and it
        keeps its owner and permissions. What is no plain file, or cannot be replaced where it is (a directory without
        write permission, a mount of a single file), is written in place.
    :param new: whether there must be no file of this name, so that none is replaced.
    :raises OSError: it cannot be written; the old file is whole. C(FileExistsError) if there is one and may be none.
    """
    known = None
    if mode is None:
        known = _known(path)
        if known is None or stat.S_ISREG(known.st_mode):
            path = os.path.realpath(path)
    beside = _open_beside(path, known, mode)
    if beside is None:
        with open(path, "w", encoding=encoding, errors=errors, newline="") as stream:
            yield stream
        return
    handle, temporary = beside
    try:
        with open(handle, "w", encoding=encoding, errors=errors, newline="") as stream:
            yield stream
            if known is not None:
                _keep_owner(handle, known)
                os.fchmod(handle, stat.S_IMODE(known.st_mode))
            elif mode is not None:
                os.fchmod(handle, mode)
        (_put if new else os.replace if known is None else _replace_or_fill)(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _known(path: str) -> os.stat_result | None:
    """What is there already and may be written to.

    :raises PermissionError: it is protected, though its directory may allow to replace it.
    """
    with contextlib.suppress(FileNotFoundError):
        known = os.stat(path)
        if stat.S_ISREG(known.st_mode) and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return known
    return None


def _open_beside(path: str, known: os.stat_result | None, mode: int | None) -> tuple[int, str] | None:
    """A new file in the same directory, and its name; None if what is there has to be written in place."""
    if known is not None and not stat.S_ISREG(known.st_mode):
        return None
    temporary = os.path.join(os.path.dirname(os.path.abspath(path)), f".writing.{os.urandom(8).hex()}")
    try:
        return os.open(temporary, _FLAGS, PRIVATE if known is not None or mode is not None else 0o666), temporary
    except PermissionError:
        if known is None:
            raise
        return None


def _keep_owner(handle: int, known: os.stat_result) -> None:
    """Give a file the owner and the group of another one, or at least the group."""
    for owner in (known.st_uid, -1):
        with contextlib.suppress(PermissionError):
            os.fchown(handle, owner, known.st_gid)
            return


def _replace_or_fill(temporary: str, path: str) -> None:
    """Put a file in the place of another one. If only its text can be changed, change that."""
    try:
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EPERM, errno.EACCES):
            raise
        shutil.copyfile(temporary, path)
        os.unlink(temporary)


def write(path: str, text: str, mode: int | None = None) -> None:
    """Write a whole text; see C(replacing).

    :raises OSError: it cannot be written; the old file is whole.
    """
    with replacing(path, mode) as stream:
        stream.write(text)


def _put(temporary: str, path: str) -> None:
    """Give a file its name if no other one has it.

    :raises FileExistsError: one has.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links.
        os.close(os.open(path, _FLAGS, PRIVATE))
        try:
            os.replace(temporary, path)
        except OSError:
            os.unlink(path)
            raise
    else:
        os.unlink(temporary)
