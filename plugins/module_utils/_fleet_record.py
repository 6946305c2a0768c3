# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The file that a run leaves behind: what was to be done to which device, and what came of it."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
import typing as t

from ._errors import LicensingError, OptionsError, Problem
from ._fleet_plan_document import Document, checksum

FORMAT = 1
"""Version of the file."""


def moment(when: datetime.datetime) -> str:
    """A moment as records have it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_record(path: str) -> Document:
    """A record.

    :raises OptionsError: C(run_file_invalid).
    """
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
        if document.get("format") != FORMAT:
            why = f"it is of format {document.get('format')}, this release reads {FORMAT}"
        elif document["checksum"] != checksum(document):
            why = "it was changed after it was made"
        else:
            return t.cast(Document, document)
    except OSError as error:
        why = f"{error.strerror or error}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = "it is no record of a run"
    raise OptionsError([Problem(f"The record {path[:200]} cannot be used: {why}.", "run_file_invalid")])


def write_record(folder: str, name: str, document: Document) -> str:
    """Write a record in one step: a reader sees the old one or the whole new one. Returns its path.

    :raises LicensingError: C(report_unwritable).
    """
    path = os.path.join(folder, name)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".run.")
        try:
            with open(handle, "w", encoding="utf-8") as stream:
                json.dump({**document, "checksum": checksum(document)}, stream, indent=1, sort_keys=True)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise LicensingError(
            f"The record of the run could not be written to {path}: {error.strerror or error}.",
            code="report_unwritable",
        ) from None
    return path
