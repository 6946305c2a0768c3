# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writing a file in one step: a reader sees the old one or the whole new one, also when the writer is killed."""

from __future__ import annotations

import contextlib
import os
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
        keeps its owner and permissions; what is no plain file is written in place.
    :param new: whether there must be no file of this name, so that none is replaced.
    :raises OSError: it cannot be written; the old file is whole. C(FileExistsError) if there is one and may be none.
    """
    known = None
    if mode is None:
        path = os.path.realpath(path)
        with contextlib.suppress(FileNotFoundError):
            known = os.stat(path)
        if known is not None and not stat.S_ISREG(known.st_mode):
            with open(path, "w", encoding=encoding, errors=errors, newline="") as stream:
                yield stream
            return
    temporary = os.path.join(os.path.dirname(os.path.abspath(path)), f".writing.{os.urandom(8).hex()}")
    handle = os.open(temporary, _FLAGS, PRIVATE if known is not None or mode is not None else 0o666)
    try:
        with open(handle, "w", encoding=encoding, errors=errors, newline="") as stream:
            yield stream
            if known is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, known.st_uid, known.st_gid)
                os.fchmod(handle, stat.S_IMODE(known.st_mode))
            elif mode is not None:
                os.fchmod(handle, mode)
        (_put if new else os.replace)(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


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
