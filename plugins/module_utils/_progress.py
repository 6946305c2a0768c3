# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The progress of a long task, in one small file that is kept up to date.

A module cannot print before it ends. In the meantime, the action plugin of the same name reads the file. Nothing
depends on the file. If it cannot be written, the task does not fail and does not warn.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import typing as t

LENGTH = 1000
"""Each line is padded to this many characters and written in place. A rename would cost as much as a request."""

# Do not follow a link, and do not wait for the reader of a pipe.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ProgressFile:
    """The file, with one line of JSON."""

    def __init__(self, path: str) -> None:
        self._handle: int | None = None
        self._state: dict[str, t.Any] = {"text": ""}
        with contextlib.suppress(OSError, ValueError):
            # Readable for others, because the reader may be a different user than the module's.
            self._handle = os.open(path, _FLAGS, 0o644)
        self._write(ended=False)

    def put(self, state: dict[str, t.Any]) -> None:
        """Write this state. Only one thread at a time may call it."""
        self._state = state
        self._write(ended=False)

    def close(self) -> None:
        """Write that the task has ended."""
        self._write(ended=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write(self, *, ended: bool) -> None:
        if self._handle is None:
            return
        line = json.dumps({**self._state, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "ended": ended})
        with contextlib.suppress(OSError):
            os.pwrite(self._handle, f"{line:{LENGTH - 1}}\n".encode(), 0)


class Step:
    """Counts one step of a task. Only one thread at a time may call it."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._what = what
        self._of = self._done = self._failed = 0

    def begin(self, of: int) -> None:
        """Begin, or begin again, with this many items."""
        self._of, self._done, self._failed = of, 0, 0
        self.add(0)

    def add(self, done: int, failed: int = 0) -> None:
        """Add items that are done.

        :param failed: how many more have failed.
        """
        self._done += done
        self._failed += failed
        self._progress.tell(self._what, self._done, self._of, self._failed)


class Progress:
    """Reports the progress of a task with one subject.

    :param file: the progress file; without it, nothing is reported.
    :param subject: the subject of the numbers.
    """

    def __init__(self, file: ProgressFile | None = None, subject: str = "") -> None:
        self._file = file
        self._subject = subject

    def about(self, subject: str) -> Progress:
        """The progress of another subject."""
        return Progress(self._file, subject)

    def step(self, what: str) -> Step:
        """A step with a count; for C(what), see C(tell)."""
        return Step(self, what)

    def tell(self, what: str, done: int, of: int | None = None, failed: int = 0) -> None:
        """Report the progress.

        :param what: the counted items and what was done to them, such as "devices read".
        :param of: the total number, if it is known.
        :param failed: how many of them have failed.
        """
        if self._file is None:
            return
        text = f"{self._subject}: {done:,}" + (f" of {of:,}" if of is not None else "") + f" {what}"
        text += f", {failed:,} failed" if failed else ""
        numbers = {"done": done, "of": of, "failed": failed}
        self._file.put({"text": text, "subject": self._subject, "what": what, **numbers})
