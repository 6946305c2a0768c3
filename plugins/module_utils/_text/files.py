# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Write a file in one step: a reader sees either the old file or the whole new one, even if the writer is killed."""

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
    """A stream for the text of a file, which gets its name after everything is written. Line endings are not changed.

    :param mode: the permissions. Without them, only the text of the file changes: links to it stay valid, and it keeps
        its owner and permissions. A file that is not a regular file, or that cannot be replaced (a directory without
        write permission, a mount of a single file), is written in place.
    :param new: whether a file of this name must not exist, so that none is replaced.
    :raises OSError: it cannot be written; the old file is whole. C(FileExistsError) if it exists but must not.
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
    """The status of an existing file that may be written.

    :raises PermissionError: it is protected, even if its directory allows replacing it.
    """
    with contextlib.suppress(FileNotFoundError):
        known = os.stat(path)
        if stat.S_ISREG(known.st_mode) and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return known
    return None


def _open_beside(path: str, known: os.stat_result | None, mode: int | None) -> tuple[int, str] | None:
    """A new file in the same directory, and its name; None if the existing file must be written in place."""
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
    """Give a file the owner and group of another file, or at least the group."""
    for owner in (known.st_uid, -1):
        with contextlib.suppress(PermissionError):
            os.fchown(handle, owner, known.st_gid)
            return


def _replace_or_fill(temporary: str, path: str) -> None:
    """Replace one file by another. If only its text can be changed, change the text."""
    try:
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EPERM, errno.EACCES):
            raise
        shutil.copyfile(temporary, path)
        os.unlink(temporary)


def write(path: str, text: str | t.Iterable[str], mode: int | None = None, *, new: bool = False) -> None:
    """Write a whole text, which may come in pieces; see C(replacing).

    :raises OSError: it cannot be written; the old file is whole.
    """
    with replacing(path, mode, new=new) as stream:
        stream.writelines([text] if isinstance(text, str) else text)


def _put(temporary: str, path: str) -> None:
    """Give a file its name if no other file has it.

    :raises FileExistsError: another file has it.
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
