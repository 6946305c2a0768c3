# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writes the record of a run."""

from __future__ import annotations

import datetime
import os

from .._errors import LicensingError
from .._text.canonical import pieces
from .._text.files import PRIVATE, write
from .record import Document


def timestamp(when: datetime.datetime) -> str:
    """A timestamp in the format of records."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_record(folder: str, name: str, document: Document, *, new: bool = False) -> str:
    """Write a record in one step: a reader sees the old one or the whole new one. Returns its path.

    :param document: with its checksum.
    :param new: whether there must be no file of this name, so that no other run's record is replaced.
    :raises LicensingError: C(report_unwritable).
    """
    path = os.path.join(folder, name)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write(path, pieces(document), PRIVATE, new=new)
    except OSError as error:
        raise LicensingError(
            f"The record of the run could not be written to {path}: {error.strerror or error}.",
            code="report_unwritable",
        ) from None
    return path
