# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Group commit: confirmations that arrive on many connections at once are written to the journal in one transaction.

A commit waits for the disk, and takes as long for five hundred confirmations as for one. So one thread owns the
journal and records everything that is waiting, while the event loop collects what arrives in the meantime. No caller
continues before its commit.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import typing as t

from .._errors import LicensingError
from .._journal.confirmation import Confirmation
from .._text.addresses import without_passwords

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
    outcome: asyncio.Future[Recorded | None]


class GroupCommit:
    """The journal and the thread that owns it. It belongs to the running event loop.

    :param open_it: opens the journal; called again if it failed or its file was replaced.
    :param place: the file or the database behind it.
    """

    def __init__(self, open_it: t.Callable[[], ConfirmationJournal], place: str) -> None:
        self._open_it, self._path = open_it, place
        self._name = without_passwords(place)
        self._journal: ConfirmationJournal | None = None
        self._file: tuple[int, int] | None = None
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "journal")

    async def record(self, confirmation: Confirmation) -> Recorded:
        """Record a confirmation; it is durable when this returns.

        :raises LicensingError: it was not recorded, and why.
        """
        return t.cast("Recorded", await self._ask(confirmation))

    async def check(self) -> None:
        """Check that the journal works.

        :raises LicensingError: it does not work.
        """
        await self._ask(None)

    async def close(self) -> None:
        """Finish what is waiting, then close the journal."""
        if self._writing is not None:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._shut)
        self._thread.shutdown()

    async def _ask(self, confirmation: Confirmation | None) -> Recorded | None:
        waiting = _Waiting(confirmation, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        try:
            return await asyncio.wait_for(waiting.outcome, PATIENCE)
        except asyncio.TimeoutError:
            text = f"The journal {self._name} did not take a confirmation within {PATIENCE:.0f} s."
            raise LicensingError(text, code="journal_locked") from None

    async def _write(self) -> None:
        """Record everything that is waiting, and what arrives in the meantime."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            given = [one.confirmation for one in batch]
            outcomes = await loop.run_in_executor(self._thread, self._settle, given)
            for one, outcome in zip(batch, outcomes, strict=True):
                if one.outcome.done():  # its caller has given up
                    continue
                if isinstance(outcome, LicensingError):
                    one.outcome.set_exception(outcome)
                else:
                    one.outcome.set_result(outcome)
        self._writing = None

    # What follows runs in the thread.
    def _settle(self, batch: list[Confirmation | None]) -> list[Recorded | LicensingError | None]:
        try:
            recorded = iter(self._confirm([one for one in batch if one is not None]))
            return [None if one is None else next(recorded) for one in batch]
        except LicensingError as error:
            return [error] * len(batch)
        except Exception as error:  # pylint: disable=broad-exception-caught
            if len(batch) > 1:  # a confirmation that cannot be recorded must not affect the others
                return [outcome for one in batch for outcome in self._settle([one])]
            text = f"A confirmation could not be recorded: {type(error).__name__}. This is a defect; please report it."
            return [LicensingError(text, code="internal_error")]

    def _confirm(self, confirmations: list[Confirmation]) -> list[Recorded]:
        try:
            journal = self._opened()
            recorded = journal.confirm(confirmations)
            if self._identity() != self._file:
                text = f"The journal {self._name} was replaced while a confirmation was being written to it."
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
