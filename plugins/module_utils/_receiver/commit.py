# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Group commit: confirmations that arrive on many connections at once are written to the journal in one transaction.

A commit waits for the disk, and takes as long for five hundred confirmations as for one. So one thread owns the
journal, records everything that is waiting, and then releases the waiting threads. None is released before the commit.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import threading
import typing as t

from .._errors import LicensingError
from .._journal.confirmation import Confirmation

if t.TYPE_CHECKING:
    from .._journal.journal import Recorded

AT_ONCE = 500
"""Confirmations in one transaction."""

PATIENCE = 60.0
"""Seconds that a caller waits for the commit. The journal itself gives up on a lock earlier."""


class ConfirmationJournal(t.Protocol):
    """The part of the journal that is used here, by one thread only."""

    def confirm(self, confirmations: list[Confirmation], /) -> list[Recorded]:
        """Record all of them durably, or none."""

    def close(self) -> None:
        """Close the file."""


class _Waiting(t.NamedTuple):
    """A confirmation, or None to check whether the journal works; and the future for the outcome."""

    confirmation: Confirmation | None
    outcome: concurrent.futures.Future[Recorded | None]


class GroupCommit:
    """The journal and the thread that owns it.

    :param open_it: opens the journal; called again if it failed or its file was replaced.
    :param path: the file behind it.
    :raises LicensingError: the journal cannot be opened.
    """

    def __init__(self, open_it: t.Callable[[], ConfirmationJournal], path: str) -> None:
        self._open_it, self._path = open_it, path
        self._journal: ConfirmationJournal | None = None
        self._file: tuple[int, int] | None = None
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        try:
            self.check()
        except BaseException:
            self.close()
            raise

    def record(self, confirmation: Confirmation) -> Recorded:
        """Record a confirmation; it is durable when this returns.

        :raises LicensingError: it was not recorded, and why.
        """
        return t.cast("Recorded", self._ask(confirmation))

    def check(self) -> None:
        """Check that the journal works.

        :raises LicensingError: it does not work.
        """
        self._ask(None)

    def close(self) -> None:
        """Finish what is waiting, then close the journal."""
        self._queue.put(None)
        self._thread.join(PATIENCE)

    def _ask(self, confirmation: Confirmation | None) -> Recorded | None:
        waiting = _Waiting(confirmation, concurrent.futures.Future())
        self._queue.put(waiting)
        try:
            return waiting.outcome.result(PATIENCE)
        except concurrent.futures.TimeoutError:
            text = f"The journal {self._path} did not take a confirmation within {PATIENCE:.0f} s."
            raise LicensingError(text, code="journal_locked") from None

    def _run(self) -> None:
        going = True
        while going:
            batch: list[_Waiting] = []
            going = self._collect(batch)
            self._settle(batch)
        self._shut()

    def _collect(self, batch: list[_Waiting]) -> bool:
        """Wait for the first confirmation and take all others that are there; returns whether more may come."""
        waiting = self._queue.get()
        with contextlib.suppress(queue.Empty):
            while waiting is not None:
                batch.append(waiting)
                if len(batch) == AT_ONCE:
                    return True
                waiting = self._queue.get_nowait()
            return False
        return True

    def _settle(self, batch: list[_Waiting]) -> None:
        """Record a batch and release the threads that wait for it."""
        try:
            recorded = iter(self._confirm([one.confirmation for one in batch if one.confirmation is not None]))
            for one in batch:
                one.outcome.set_result(None if one.confirmation is None else next(recorded))
        except LicensingError as error:
            for one in batch:
                one.outcome.set_exception(error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            if len(batch) > 1:  # a confirmation that cannot be recorded must not affect the others
                for one in batch:
                    self._settle([one])
                return
            text = f"A confirmation could not be recorded: {type(error).__name__}. This is a defect; please report it."
            batch[0].outcome.set_exception(LicensingError(text, code="internal_error"))

    def _confirm(self, confirmations: list[Confirmation]) -> list[Recorded]:
        try:
            journal = self._opened()
            recorded = journal.confirm(confirmations)
            if self._identity() != self._file:
                text = f"The journal {self._path} was replaced while a confirmation was being written to it."
                raise LicensingError(text, code="journal_unusable")
            return recorded
        except LicensingError as error:
            if error.code != "journal_locked":  # a lock ends by itself; after any other error, open the file again
                self._shut()
            raise
        except BaseException:
            self._shut()
            raise

    def _opened(self) -> ConfirmationJournal:
        """The journal. It is opened again if another file replaced it, because writes to the old one would be lost."""
        if self._journal is not None and self._identity() != self._file:
            self._shut()
        if self._journal is None:
            self._journal = self._open_it()
            self._file = self._identity()
        return self._journal

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _shut(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            with contextlib.suppress(Exception):
                journal.close()
