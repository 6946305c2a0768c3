# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where the record of a run is kept: in the directory of the run, and among those of all runs.

It exists before the first write. After that, nothing except a full disk keeps it from being completed.
"""

from __future__ import annotations

import json
import os

from .._errors import LicensingError
from .history import leave
from .record import Document, checksum, with_checksum
from .record_write import write_record

NAME = "run.json"


def begin(document: Document, dest: str, history: str | None) -> str:
    """Write the record of a run that starts. If the run cannot start, no record is left. Returns its path.

    :raises LicensingError: C(report_unwritable).
    """
    document = with_checksum(document)
    kept = write_record(history, f"{document['run']}.json", document, new=True) if history else None
    try:
        return write_record(dest, NAME, document)
    except LicensingError:
        if kept:
            os.unlink(kept)
        leave(history, document["run"])
        raise


def begun(dest: str, history: str | None, run: str | None) -> Document | None:
    """The record from the start of a run, as written, whatever it contains; None if it is gone.

    :param run: the name of the run; without it, the record in C(dest).
    """
    places = [os.path.join(dest, NAME)]
    if run and history:
        places.insert(0, os.path.join(history, f"{run}.json"))
    for path in places:
        document = _read(path)
        if document is not None and run in (None, document["run"]):
            return document
    return None


def complete(document: Document, dest: str, history: str | None) -> tuple[str, LicensingError | None]:
    """Write the record of a finished run to both places. Returns its path, and why one of them could not be written.

    If another run has started in the same directory in the meantime, that run's record stays.
    """
    failure: LicensingError | None = None
    document = with_checksum(document)
    there = _run_of(os.path.join(dest, NAME))
    name = NAME if there in (None, document["run"]) else f"run-{document['run']}.json"
    path = os.path.join(dest, name)
    for folder, file in ((history, f"{document['run']}.json"), (dest, name)):
        if folder:
            try:
                path = write_record(folder, file, document)
            except LicensingError as error:
                error.add(" The record from the start of the run contains what it was about to do.")
                failure = failure or error
    leave(history, document["run"])
    return path, failure


def _read(path: str) -> Document | None:
    """A record that matches its checksum. Its content is not checked."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
        fits = isinstance(document, dict) and isinstance(document.get("run"), str)
        return document if fits and document.get("checksum") == checksum(document) else None
    except (OSError, ValueError, RecursionError, MemoryError):
        return None


def _run_of(path: str) -> str | None:
    """The name of the run whose record this is; None if it is none. The rest of it is forgotten while it is read."""
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream, object_hook=lambda found: found if "checksum" in found else None)
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    run = document.get("run") if isinstance(document, dict) else None
    return run if isinstance(run, str) else None
