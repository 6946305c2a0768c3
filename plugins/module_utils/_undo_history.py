# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What later runs did to the same devices, by the records that a directory keeps of all runs."""

from __future__ import annotations

import os
import re
import typing as t

from ._errors import OptionsError, Problem
from ._fleet_record import CODE, Document, read_record
from ._undo_changes import OPPOSITE, Change, Pool, change_of, pool_of

_NAME = re.compile(r"(\d{8}T\d{6}Z)-.*\.json")
_WORDS = {
    "assigned": ("assigned it", "to assign it"),
    "removed": ("removed it", "to remove it"),
    "added": ("put it on the list", "to put it on the list"),
    "moved": ("moved it", "to move it"),
}


class Later:
    """The last change of each device after a run."""

    def __init__(self, found: t.Mapping[tuple[str, Pool, str], tuple[str, Change]] | None = None) -> None:
        self._found = found or {}

    def told(self, account: str, pool: Pool, undone: Change) -> str:
        """Which later run changed the device and how, in words; empty when none did.

        One that may have reversed the same change, as an undo that was killed, leaves that to be done.
        """
        run, change = self._found.get((account, pool, undone.device_id), ("", None))
        if change is None or (not change.certain and change.done == OPPOSITE.get(undone.done)):
            return ""
        done, planned = _WORDS[change.done]
        if change.certain:
            return f"a later run, {run}, {done}"
        return f"a later run, {run}, was about {planned}, and does not know what became of that"

    def runs(self, account: str, pool: Pool) -> list[str]:
        """The later runs that changed anything about these licences."""
        return sorted(
            {run for (name, one, _device), (run, _change) in self._found.items() if (name, one) == (account, pool)}
        )


def later_than(record: Document, directory: str | None) -> Later:
    """Read the records of later runs.

    :param directory: where all runs leave their records; None when nobody keeps them.
    :raises OptionsError: C(run_file_invalid), because of the directory or of a record in it.
    """
    if not directory:
        return Later()
    problems: list[Problem] = []
    others: list[Document] = []
    for path in _files(record, directory):
        try:
            other = read_record(path)
        except OptionsError as error:
            problems += [Problem(text, error.code) for text in error.details["problems"]]
            continue
        # Of two that began in the same second nobody knows which was first.
        if other["run"] != record["run"] and other["started"] >= record["started"]:
            others.append(other)
    if problems:
        raise OptionsError(problems)
    others.sort(key=lambda other: (other["started"], other["run"]))
    return Later({key: found for other in others for key, found in _changes(other)})


def place_problems(dest: str | None, run: str, history: str | None) -> t.Iterator[Problem]:
    """Why the plan and the record of an undo must not be written to a directory: they would replace a record, or make
    the history unreadable.
    """
    place = dest and os.path.realpath(dest)
    if place and place == os.path.dirname(os.path.realpath(run)):
        yield Problem(
            f"The undo would write to {dest}, where the record is that it undoes, and replace it by its own. "
            "Name another directory."
        )
    elif place and history and place == os.path.realpath(history):
        yield Problem(f"The undo would write to {dest}, which keeps the records of all runs. Name another directory.")


def _files(record: Document, directory: str) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".json") and name[0] != ".")
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise OptionsError(
            [Problem(f"The directory {directory} of earlier runs cannot be read: {why}.", CODE)]
        ) from None
    started = re.sub(r"[-:]", "", record["started"])
    return [os.path.join(directory, name) for name in names if not _before(name, started)]


def _before(name: str, started: str) -> bool:
    """Whether a file's name says that its run began earlier, so that it need not be read."""
    match = _NAME.fullmatch(name)
    return bool(match) and match.group(1) < started if match else False


def _changes(record: Document) -> t.Iterator[tuple[tuple[str, Pool, str], tuple[str, Change]]]:
    for account in record["accounts"]:
        for part in account["parts"]:
            pool = pool_of(part)
            for row in part["devices"]:
                change = change_of(part, row)
                if change is not None:
                    yield (account["account"], pool, change.device_id), (record["run"], change)
