# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where the record of a run is kept: in the directory of the run, and among those of all runs.

It exists before the first write. After that, nothing except a full disk keeps it from being completed.
"""

from __future__ import annotations

import contextlib
import json
import os

from .._errors import LicensingError, OptionsError
from .._text.canonical import pieces
from .._text.files import PRIVATE, write
from .history import leave
from .record import RunRecord, read_record

NAME = "run.json"


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


def begin(record: RunRecord, dest: str, history: str | None) -> str:
    """Write the record of a run that starts. If the run cannot start, no record is left. Returns its path.

    :raises LicensingError: C(report_unwritable).
    """
    record = record.signed()
    kept = write_record(history, f"{record.run}.json", record, new=True) if history else None
    try:
        return write_record(dest, NAME, record)
    except LicensingError:
        if kept:
            os.unlink(kept)
        leave(history, record.run)
        raise


def begun(dest: str, history: str | None, run: str | None) -> RunRecord | None:
    """The record from the start of a run; None if it is gone.

    :param run: the name of the run; without it, the record in C(dest).
    """
    places = [os.path.join(dest, NAME)]
    if run and history:
        places.insert(0, os.path.join(history, f"{run}.json"))
    for path in places:
        with contextlib.suppress(OptionsError):
            record = read_record(path)
            if run in (None, record.run):
                return record
    return None


def complete(record: RunRecord, dest: str, history: str | None) -> tuple[str, LicensingError | None]:
    """Write the record of a finished run to both places. Returns its path, and why one of them could not be written.

    If another run has started in the same directory in the meantime, that run's record stays.
    """
    failure: LicensingError | None = None
    record = record.signed()
    there = _run_of(os.path.join(dest, NAME))
    name = NAME if there in (None, record.run) else f"run-{record.run}.json"
    path = os.path.join(dest, name)
    for folder, file in ((history, f"{record.run}.json"), (dest, name)):
        if folder:
            try:
                path = write_record(folder, file, record)
            except LicensingError as error:
                error.add(" The record from the start of the run contains what it was about to do.")
                failure = failure or error
    leave(history, record.run)
    return path, failure


def _run_of(path: str) -> str | None:
    """The name of the run whose record this is; None if it is none. The rest of it is forgotten while it is read."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream, object_hook=lambda found: found if "checksum" in found else None)
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    run = document.get("run") if isinstance(document, dict) else None
    return run if isinstance(run, str) else None
