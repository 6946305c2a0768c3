# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What later runs did to the same devices, according to the records of all runs."""

from __future__ import annotations

import datetime
import os
import re
import typing as t

from .._client.stop import Told
from .._errors import OptionsError, Problem
from .._fleet.all_runs import OneRecord, every_record
from .._fleet.history import Place, by_number, is_earlier, place_of
from .._fleet.record import RunPart, RunRecord, timestamp
from .changes import OPPOSITE, Change, LicensePool, change_of, changes_of, parts_of, pool_of

_AHEAD = (
    "The run {} is of {}, which is in the future: a clock was set back, or is wrong. There are records of runs before "
    "that time, and it is unknown whether these are later ones, whose changes an undo must leave alone. If the clock "
    "of this machine is right, use a fleet file to change what the run did."
)
_LOST = (
    "The record of the run {} replaces one that was gone when the run ended, so nobody knows what that run changed. "
    "Nothing is undone. A plan of the fleet files shows what is not as wanted."
)
_WORDS = {
    "assigned": ("assigned it", "to assign it"),
    "removed": ("removed it", "to remove it"),
    "added": ("put it on the list", "to put it on the list"),
    "moved": ("moved it", "to move it"),
}


class Later:
    """The changes of each device after a run."""

    def __init__(
        self,
        found: t.Iterable[tuple[tuple[str, LicensePool, str], tuple[str, Change]]] = (),
        undone_by: t.Sequence[str] = (),
        at_once: t.Iterable[str] = (),
        undos: t.Sequence[RunRecord] = (),
    ) -> None:
        self.undone_by = list(undone_by)
        self._undos = list(undos)
        self._at_once = frozenset(at_once)
        self._found: dict[tuple[str, LicensePool, str], list[tuple[str, Change]]] = {}
        for key, change in found:
            self._found.setdefault(key, []).append(change)

    def changed_by(self, account: str, pool: LicensePool, undone: Change) -> str:
        """Which later run changed the device and how, in words; empty if none did.

        A run that may have reversed the same change, such as a killed undo, is ignored, so that this is done.
        """
        changes = [
            (run, change)
            for run, change in self._found.get((account, pool, undone.device_id), ())
            if change.certain or change.done != OPPOSITE.get(undone.done)
        ]
        if not changes:
            return ""
        run, change = changes[-1]
        done, planned = _WORDS[change.done]
        # Each of two such runs counts as later than the other. Neither is undone where both changed a device.
        what = "a run at the same time" if run in self._at_once else "a later run"
        unsaid = ", and which of them came last is unknown" if run in self._at_once else ""
        if change.certain:
            return f"{what}, {run}, {done}{unsaid}"
        return f"{what}, {run}, was about {planned}, and does not know what became of that"

    def undid(self, account: str, pool: LicensePool, undone: Change) -> bool:
        """Whether an undo of the run was the last to change the device, and reversed this change."""
        run, change = self._found.get((account, pool, undone.device_id), [("", undone)])[-1]
        reversed_ = change.certain and change.done == OPPOSITE.get(undone.done)
        return reversed_ and run in self.undone_by and run not in self._at_once

    def runs(self, account: str, pool: LicensePool) -> list[str]:
        """The later runs that changed anything about these licenses, but no undos of the run, nor undos of those."""
        return sorted({run for run, _device, _change in self._by_others(account, pool)})

    def took_over(self, account: str, pool: LicensePool, undone: t.Mapping[str, Change]) -> list[str]:
        """Those of them that changed one of these devices, too, or the place of any, if the run changed places.

        If the licenses look as the run left them, one of these may have led back to that.

        :param undone: what the run changed, by device.
        """
        moved = any(change.done == "moved" for change in undone.values())
        return sorted(
            {
                run
                for run, device, change in self._by_others(account, pool)
                if device in undone or (moved and change.done == "moved")
            }
        )

    def _by_others(self, account: str, pool: LicensePool) -> t.Iterator[tuple[str, str, Change]]:
        """The run, the device, and the change, for all but undos."""
        undos = {one.run for one in self._undos}
        for (name, one, device), changes in self._found.items():
            if (name, one) == (account, pool):
                yield from ((run, device, change) for run, change in changes if run not in undos)

    def last_undo(self, account: str, pool: LicensePool) -> list[RunPart]:
        """What the last undo of the run, or of such an undo, did to these licenses; empty if nothing is known of any.

        A killed one may have done nothing.
        """
        for record in reversed(self._undos):
            parts = [part for one in record.accounts if one.account == account for part in parts_of(one, pool)]
            if any(change.certain for change in changes_of(parts).values()):
                return parts
        return []


def later_than(
    record: RunRecord, directory: str | None, journal: str | None, told: Told, own: str | None = None
) -> Later:
    """Read the records of later runs: of all runs that are not proven to be earlier.

    :param directory: records of all runs; None if there is none.
    :param journal: keeps the records of all nodes.
    :param told: whether the task must end soon.
    :param own: mark of the run that is carried out now, which is none of them.
    :raises OptionsError: C(run_file_invalid), because of the directory or of a record in it; C(run_order_unknown),
        because only times show the order of two runs, and the time of the record lies in the future.
    """
    this, earlier, beside = _place(record), list[Place](), set(record.beside or ())
    problems: list[Problem] = []
    others: list[RunRecord] = []
    with every_record(directory, journal, told) as found:
        for other in _read_later(found, this, earlier, beside, problems):
            if other.run != record.run and not (own and other.mark == own):
                place = _place(other)
                # Runs that were in progress beside it, and have ended since, may have done the same later.
                overlaps = other.run in beside and other.status != "running"
                if is_earlier(place, this) and not overlaps:
                    earlier.append(place)
                    continue
                others.append(other)
                problems += lost_problems(other)
    if lies_ahead(record) and not all(by_number(place, this) for place in earlier):
        problems.append(Problem(_AHEAD.format(record.run, record.started), "run_order_unknown"))
    if problems:
        raise OptionsError(problems)
    others.sort(key=lambda other: (other.started, other.run))
    undone_by = [other.run for other in others if other.undoes == record.run]
    # A killed run ended before the one that found it unfinished.
    ended = record.status != "running"
    at_once = [one.run for one in others if one.run in beside or (ended and record.run in (one.beside or ()))]
    changed = (one for other in others for one in _changes(other))
    return Later(changed, undone_by, at_once, _undos_of(record, others))


def _undos_of(record: RunRecord, others: t.Iterable[RunRecord]) -> list[RunRecord]:
    """The undos of a run, the undos of those, and so on.

    :param others: later runs, the oldest first.
    """
    undos: list[RunRecord] = []
    for other in others:
        if other.undoes in {record.run, *(one.run for one in undos)}:
            undos.append(other)
    return undos


def lost_problems(record: RunRecord) -> list[Problem]:
    """Refuse a record that does not know what its run changed."""
    if not record.lost:
        return []
    return [Problem(_LOST.format(record.run), "run_file_invalid")]


def _read_later(
    found: t.Iterable[OneRecord],
    this: Place,
    earlier: list[Place],
    beside: t.Container[str],
    problems: list[Problem],
) -> t.Iterator[RunRecord]:
    """The records that must be read. Those whose names show that they are earlier are added to C(earlier)."""
    for one in found:
        place = place_of(one.run)
        if place and is_earlier(place, this) and one.run not in beside:
            earlier.append(place)
            continue
        try:
            yield one.read()
        except OptionsError as error:
            problems += [Problem(text, error.code) for text in error.details["problems"]]


def history_of(record: RunRecord, given: str | None, file: str = "") -> str | None:
    """The directory with the records of all runs: the given one, or else the one that still keeps this record.

    Beside the file of a record is the default directory in which apply keeps those of all runs. A record with the name
    of its run is already there.

    :param file: the file of the record, or the name of a run, which is in no directory.
    """
    if given:
        return given
    if os.sep in file:
        folder = os.path.dirname(file)
        beside = os.path.join(folder, "history")
        if os.path.isdir(beside):
            return beside
        if os.path.basename(file) == f"{record.run}.json":
            return folder
    kept = record.history
    return kept if kept and os.path.isfile(os.path.join(kept, f"{record.run}.json")) else None


def lies_ahead(record: RunRecord) -> bool:
    """Whether a run started at a time in the future, so that a clock was set back or is wrong."""
    return record.started > timestamp(datetime.datetime.now(datetime.timezone.utc))


def _place(record: RunRecord) -> Place:
    named = place_of(record.run)
    began = re.sub(r"[-:]", "", record.started)
    seen = tuple(sorted((record.seen or {}).items()))
    return named._replace(began=began, seen=seen) if named else Place(began)


def place_problems(dest: str | None, run: str, history: str | None) -> t.Iterator[Problem]:
    """Why the plan and the record of an undo must not be written to a directory: they would replace a record, or make
    the history unreadable.

    :param run: the file of the record, or the name of a run, which is in no directory.
    """
    place = dest and os.path.realpath(dest)
    if place and os.path.exists(run) and place == os.path.dirname(os.path.realpath(run)):
        yield Problem(
            f"The undo would write to {dest}, where the record is that it undoes, and replace it by its own. "
            "Name another directory."
        )
    elif place and history and place == os.path.realpath(history):
        yield Problem(f"The undo would write to {dest}, which keeps the records of all runs. Name another directory.")


def _changes(record: RunRecord) -> t.Iterator[tuple[tuple[str, LicensePool, str], tuple[str, Change]]]:
    for account in record.accounts:
        for part in account.parts:
            pool = pool_of(part)
            for row in part.devices:
                change = change_of(part, row)
                if change is not None:
                    yield (account.account, pool, change.device_id), (record.run, change)
