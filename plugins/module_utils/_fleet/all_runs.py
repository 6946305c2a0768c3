# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The records of all runs: those in a directory, and those in the journal, which the runs of all nodes share."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t

from .._client.stop import Told
from .._errors import OptionsError, Problem
from .._text.canonical import pieces
from .._text.lists import few
from .record import RunRecord
from .record_read import CODE, MAX_BYTES, read_record, record_in

if t.TYPE_CHECKING:
    from .._journal.fleet_runs import FleetRuns

LATEST = "latest"
_LISTED = 10
_ALL = 1_000_000


class OneRecord(t.NamedTuple):
    """A record among all.

    :param run: the name of the run, as far as the place of the record tells it.
    :param read: reads it. Raises C(OptionsError), C(run_file_invalid).
    """

    run: str
    read: t.Callable[[], RunRecord]


@contextlib.contextmanager
def runs_of(journal: str | None, *, write: bool, told: Told) -> t.Iterator[FleetRuns | None]:
    """The runs of a journal; None if there is no journal.

    :param told: whether the task must end soon.
    :raises LicensingError: the journal cannot be used.
    """
    if not journal:
        yield None
        return
    with _opened(journal, write=write, told=told) as runs:
        yield runs


@contextlib.contextmanager
def _opened(journal: str, *, told: Told, write: bool = False) -> t.Iterator[FleetRuns]:
    # A module compiles what it imports, each time. Many fleets have no journal.
    # pylint: disable=import-outside-toplevel
    from .._journal.fleet_runs import FleetRuns
    from .._journal.stores import open_store

    with contextlib.closing(open_store(journal, write=write, told=told)) as store:
        yield FleetRuns(store)


def keep_record(runs: FleetRuns, record: RunRecord) -> None:
    """Store a record in the journal.

    :param record: with its checksum.
    :raises LicensingError: it cannot be written.
    """
    from .._journal.fleet_runs import KeptRun  # pylint: disable=import-outside-toplevel

    about = KeptRun(
        record.run, record.kind, record.plan, record.started, record.ended, record.status, record.approved or ""
    )
    runs.keep(about, [account.account for account in record.accounts], pieces(record.to_json()))


def record_of(runs: FleetRuns, run: str) -> RunRecord | None:
    """The record of a run in the journal; None if it is not there.

    :raises OptionsError: C(run_file_invalid).
    """

    try:
        text = runs.record(run, MAX_BYTES)
    except ValueError:
        text = ""
    return None if text is None else record_in(lambda: text, f"{run} in {runs.place}")


def find_run(given: str, journal: str | None, told: Told) -> RunRecord:
    """The record of the run that someone named: by its file, or with a journal by the name of the run.

    :raises OptionsError: C(run_file_invalid); C(run_unknown), and the newest runs are named.
    """
    if not is_name(given, journal):
        if os.sep not in given and not os.path.exists(given):
            text = (
                f"There is no file {given[:200]!r}. To name a run, set the journal that keeps its record: 'journal' of "
                "the module, 'fleet_journal' of the playbooks."
            )
            raise OptionsError([Problem(text, "run_unknown")])
        return read_record(given)
    with _opened(t.cast(str, journal), told=told) as runs:
        record = record_of(runs, given)
        if record is None:
            raise _unknown(runs, given, None)
    return record


def is_name(given: str, journal: str | None) -> bool:
    """Whether a run is named, and not the file of its record."""
    return bool(journal) and os.sep not in given and not os.path.exists(given)


def in_journal(record: RunRecord, journal: str | None, told: Told) -> bool:
    """Whether the journal keeps the record of this run, and so of those after it, on whatever node."""
    with runs_of(journal, write=False, told=told) as runs:
        return runs is not None and runs.knows(record.run)


def latest_run(given: str, journal: str | None, accounts: t.Sequence[str] | None, told: Told) -> str:
    """The name of the newest run that applied a plan, if that is asked for; otherwise what was given.

    An undo is not one of these, so that asking for the same again does not do again what was just undone.

    :param accounts: only runs of one of these.
    :raises OptionsError: C(run_unknown).
    """
    if given != LATEST or not is_name(given, journal):
        return given
    with _opened(t.cast(str, journal), told=told) as runs:
        found = runs.newest(1, kind="apply", accounts=accounts)
        if not found:
            raise _unknown(runs, given, accounts)
    return found[0].name


def _unknown(runs: FleetRuns, given: str, accounts: t.Sequence[str] | None) -> OptionsError:
    newest = runs.newest(_LISTED, accounts=accounts)
    named = "; ".join(f"{run.name} ({run.kind}, {run.status}, {few(runs.accounts(run.name), 3)})" for run in newest)
    there = f"The newest are: {named}." if named else "It has no runs of these accounts."
    text = f"There is no run {given[:200]!r} in {runs.place}, and no file of this name. {there}"
    return OptionsError([Problem(text, "run_unknown")])


@contextlib.contextmanager
def every_record(directory: str | None, journal: str | None, told: Told) -> t.Iterator[list[OneRecord]]:
    """The records of all runs. Of a run that both have, the directory's is left out if the journal's has ended.

    :raises OptionsError: C(run_file_invalid): the directory cannot be read.
    :raises LicensingError: the journal cannot be used.
    """
    files = _files(directory) if directory else {}
    with contextlib.ExitStack() as stack:
        runs = stack.enter_context(runs_of(journal, write=False, told=told))
        found: list[OneRecord] = []
        for kept in runs.newest(_ALL) if runs is not None else ():
            if kept.ended is not None or kept.name not in files:
                files.pop(kept.name, None)
                found.append(OneRecord(kept.name, _reader(t.cast("FleetRuns", runs), kept.name)))
        found += [OneRecord(name, functools.partial(read_record, path)) for name, path in files.items()]
        yield found


def _reader(runs: FleetRuns, name: str) -> t.Callable[[], RunRecord]:
    def read() -> RunRecord:
        record = record_of(runs, name)
        if record is None:
            raise OptionsError([Problem(f"The run {name} was removed from {runs.place} meanwhile. Try again.", CODE)])
        return record

    return read


def _files(directory: str) -> dict[str, str]:
    """The files of a directory with records, by their names without the extension, in their order."""
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".json") and name[0] != ".")
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise OptionsError(
            [Problem(f"The directory {directory} of earlier runs cannot be read: {why}.", CODE)]
        ) from None
    return {name.removesuffix(".json"): os.path.join(directory, name) for name in names}
