# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where the record of a run is kept: in the directory of the run, among those of all runs, and in the journal.

It exists before the first write. After that, nothing except a full disk keeps it from being completed.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import typing as t

from .._client.stop import Told
from .._errors import LicensingError, OptionsError
from .._text.canonical import pieces
from .._text.files import PRIVATE, write
from .all_runs import keep_record, record_of, runs_of
from .history import Begun, enter, leave
from .record import RunRecord
from .record_read import read_record, why_unreadable

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

NAME = "run.json"


class NotInJournal(LicensingError):
    """The record of a run that has ended is whole in its files, and only the journal does not have it."""

    def __init__(self, error: LicensingError, path: str) -> None:
        # Before the run, that would be true of the same error.
        text = error.message.replace(" Nothing was sent.", "")
        super().__init__(
            f"{text} The record of the run is whole in {path}. The journal has only the one from its start.",
            code=error.code,
            **error.details,
        )


class Places(t.NamedTuple):
    """Where the record of a run is kept.

    :param dest: the directory of the run.
    :param history: the directory with the records of all runs.
    :param runs: the records of all runs on all nodes.
    :param unopened: why a journal that keeps them cannot be used.
    """

    dest: str
    history: str | None
    runs: FleetRuns | None
    unopened: LicensingError | None = None

    def enter(self, now: datetime.datetime, digest: str) -> Begun:
        """Give a name to a run that starts now, see C(history)."""
        return enter(self.history, self.runs, now, digest)

    def leave(self, run: str) -> None:
        """Forget a run that could not start."""
        leave(self.history, run)
        if self.runs is not None:
            self.runs.drop(run)

    def begin(self, record: RunRecord) -> str:
        """Write the record of a run that starts. If the run cannot start, no record is left. Returns its path.

        :raises LicensingError: C(report_unwritable), or the journal cannot be written.
        """
        record = record.signed()
        kept = None
        try:
            for wrong in why_unreadable(record):
                text = f"The record of the run could not be read again: {wrong}. Nothing was sent."
                raise LicensingError(text, code="report_unwritable")
            if self.runs is not None:
                keep_record(self.runs, record)
            kept = write_record(self.history, f"{record.run}.json", record, new=True) if self.history else None
            return write_record(self.dest, NAME, record)
        except LicensingError:
            if kept:
                os.unlink(kept)
            self.leave(record.run)
            raise

    def lasting(self, run: str, path: str) -> str:
        """What names the run from now on. A later run in the same directory replaces the record in C(dest).

        :param path: the record, if nothing else keeps it.
        """
        if self.runs is not None:
            # On another node, there is only the journal.
            return run
        kept = os.path.join(self.history, f"{run}.json") if self.history else ""
        return kept if os.path.exists(kept) else path

    def begun(self, run: str | None) -> RunRecord | None:
        """The record from the start of a run; None if it is gone.

        :param run: the name of the run; without it, the record in C(dest).
        """
        sources: list[t.Callable[[], RunRecord | None]] = [lambda: read_record(os.path.join(self.dest, NAME))]
        if run and self.runs is not None:
            runs = self.runs
            sources.insert(0, lambda: record_of(runs, run))
        if run and self.history:
            path = os.path.join(self.history, f"{run}.json")
            sources.insert(0, lambda: read_record(path))
        for source in sources:
            with contextlib.suppress(OptionsError):
                record = source()
                if record is not None and run in (None, record.run):
                    return record
        return None

    def complete(self, record: RunRecord) -> tuple[str, LicensingError | None]:
        """Write the record of a finished run to all places. Returns its path, and why one could not be written; of the
        journal only if the files could.

        If another run has started in the same directory in the meantime, that run's record stays.
        """
        record = record.signed()
        there = _run_of(os.path.join(self.dest, NAME))
        name = NAME if there in (None, record.run) else f"run-{record.run}.json"
        path = os.path.join(self.dest, name)
        failures: list[LicensingError] = []
        for folder, file in ((self.history, f"{record.run}.json"), (self.dest, name)):
            if folder:
                try:
                    path = write_record(folder, file, record)
                except LicensingError as error:
                    failures.append(error)
        for failure in failures:
            failure.add(" The record from the start of the run contains what it was about to do.")
        missing = self.unopened
        if self.runs is not None:
            try:
                keep_record(self.runs, record)
            except LicensingError as error:
                missing = error
        if missing is not None:
            failures.append(NotInJournal(missing, path))
        leave(self.history, record.run)
        return path, failures[0] if failures else None


@contextlib.contextmanager
def places_of(dest: str, history: str | None, journal: str | None, *, starting: bool, told: Told) -> t.Iterator[Places]:
    """The places of a task's run. A run that has ended gets its record in files even if the journal cannot be used.

    :param starting: whether the run starts.
    :param told: whether the task must end soon.
    :raises LicensingError: the journal cannot be used, and the run has not started.
    """
    runs, unopened = None, None
    with contextlib.ExitStack() as stack:
        try:
            runs = stack.enter_context(runs_of(journal, write=True, told=told))
        except LicensingError as error:
            if starting:
                raise
            unopened = error
        yield Places(dest, history, runs, unopened)


def write_record(folder: str, name: str, record: RunRecord, *, new: bool = False) -> str:
    """Write a record in one step: a reader sees the old one or the whole new one. Returns its path.

    :param record: with its checksum.
    :param new: whether there must be no file of this name, so that no other run's record is replaced.
    :raises LicensingError: C(report_unwritable).
    """
    path = os.path.join(folder, name)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write(path, pieces(record.to_json()), PRIVATE, new=new)
    except OSError as error:
        text = f"The record of the run could not be written to {path}: {error.strerror or error}."
        raise LicensingError(text, code="report_unwritable") from None
    return path


def _run_of(path: str) -> str | None:
    """The name of the run whose record this is; None if it is none. The rest of it is forgotten while it is read."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream, object_hook=lambda found: found if "checksum" in found else None)
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    run = document.get("run") if isinstance(document, dict) else None
    return run if isinstance(run, str) else None
