# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One failure stops all accounts of a run, if the user wants that.

Each account is a process. It locks a file in a directory of the run, and removes the file when it has succeeded. So a
file that nobody locks belongs to an account that failed, or whose process was killed. The end of the run removes the
directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import types
import typing as t

from .._errors import LicensingError

_STARTING = ".starting"


class Halt:
    """Tells the other accounts of a run about a failure.

    :param folder: directory of this run only, for all its accounts; None if failures stop nobody else.
    """

    def __init__(self, folder: str | None, account: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder or "", account)
        self._handle: int | None = None
        self._failed = False

    def __enter__(self) -> Halt:
        """
        :raises LicensingError: C(report_unwritable), the directory cannot be used.
        """
        if self._folder is not None:
            try:
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
                # It appears under its name only after it is locked.
                self._handle = os.open(self._path + _STARTING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rename(self._path + _STARTING, self._path)
            except OSError as error:
                text = f"Nothing was sent, because {self._folder} cannot be used: {error.strerror or error}."
                raise LicensingError(text, code="report_unwritable") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: types.TracebackType | None
    ) -> None:
        if self._handle is not None:
            if kind is None and not self._failed:
                with contextlib.suppress(OSError):
                    os.unlink(self._path)
            os.close(self._handle)
            self._handle = None

    def tell(self) -> None:
        """This account failed."""
        self._failed = True
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def told(self) -> bool:
        """Whether this account must not begin anything more: some account of the run failed."""
        try:
            return self._folder is not None and (self._failed or any(map(_failed, self._others(self._folder))))
        except OSError:
            # In doubt, somebody failed.
            return True

    def _others(self, folder: str) -> t.Iterator[str]:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if path != self._path and not name.endswith(_STARTING):
                yield path


def _failed(path: str) -> bool:
    """Whether nobody locks this file of another account."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        # It has succeeded.
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
