# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Requires that the journal is not moved while it is used, because its locks and its log are beside its name."""

from __future__ import annotations

import os

from .._errors import LicensingError

FileIdentity = tuple[int, int]
"""The device and the inode of a file."""


def place_of(path: str) -> FileIdentity | None:
    """What is at a path; None if nothing is there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def require_place(path: str, held: FileIdentity | None) -> None:
    """Stop if another file, or none, is at the journal's path. Other jobs then do not see this one.

    :param held: the file that is open.
    :raises LicensingError: C(journal_damaged).
    """
    if path and place_of(path) != held:
        raise LicensingError(
            f"The journal {path} was moved, removed or replaced while this task uses it, so other jobs do not see what "
            f"it sends. Nothing more is sent. Let all jobs end, put the file back together with {path}-wal if there is "
            "one, and run again.",
            code="journal_damaged",
        )
