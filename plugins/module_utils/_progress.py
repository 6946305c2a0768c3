# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How far a long task is: one small file that is kept up to date for those who watch it.

A module cannot print before it ends. The action plugin of the same name reads the file meanwhile. Nothing depends on
it: that it cannot be written is no reason to fail, or to say anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import typing as t

EVERY = 0.5
"""Seconds between two writings within one step, so that a fast task is not slowed down by telling about it."""


class ProgressFile:
    """The file, with one line of JSON, which is replaced as a whole."""

    def __init__(self, path: str, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._state: dict[str, t.Any] = {"text": ""}
        # What an earlier task left would be taken for news of this one.
        self._write()

    def put(self, state: dict[str, t.Any]) -> None:
        """Write this, at once if it is about another step, and otherwise when it is time."""
        steps = [(one.get("subject"), one.get("what")) for one in (self._state, state)]
        self._state = state
        if steps[0] != steps[1] or self._clock() - self._written >= EVERY:
            self._write()

    def close(self) -> None:
        """Write what has been put last, and that the task has ended."""
        self._write(ended=True)

    def _write(self, *, ended: bool = False) -> None:
        self._written = self._clock()
        state = {**self._state, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "ended": ended}
        # Readable for others, because who watches may be another user than the one the module becomes.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.suppress(OSError, ValueError):
            new = self._path + ".new"
            with os.fdopen(os.open(new, flags, 0o644), "w", encoding="utf-8") as stream:
                stream.write(json.dumps(state) + "\n")
            os.replace(new, self._path)


class Step:
    """Counts through one step of a task; who adds from several threads, does so in turn."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._what = what
        self._of = self._done = self._failed = 0

    def begin(self, of: int) -> None:
        """Begin, or begin again, with so many."""
        self._of, self._done, self._failed = of, 0, 0
        self.add(0)

    def add(self, done: int, failed: int = 0) -> None:
        """So many more are done.

        :param failed: how many of them have failed.
        """
        self._done += done
        self._failed += failed
        self._progress.tell(self._what, self._done, self._of, self._failed)


class Progress:
    """Tells how far a task is with one subject.

    :param file: where to; without it nobody is told.
    :param subject: what the numbers are about.
    """

    def __init__(self, file: ProgressFile | None = None, subject: str = "") -> None:
        self._file = file
        self._subject = subject

    def about(self, subject: str) -> Progress:
        """The same for another subject."""
        return Progress(self._file, subject)

    def step(self, what: str) -> Step:
        """A step that gets counted; for what, see C(tell)."""
        return Step(self, what)

    def tell(self, what: str, done: int, of: int | None = None, failed: int = 0) -> None:
        """How far it is.

        :param what: what is counted, and what was done to it, like "devices read".
        :param of: how many there are in all, if that is known.
        :param failed: how many of them have failed.
        """
        if self._file is None:
            return
        text = f"{self._subject}: {done:,}" + (f" of {of:,}" if of is not None else "") + f" {what}"
        text += f", {failed:,} failed" if failed else ""
        numbers = {"done": done, "of": of, "failed": failed}
        self._file.put({"text": text, "subject": self._subject, "what": what, **numbers})
