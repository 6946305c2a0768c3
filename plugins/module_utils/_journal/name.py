# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Requires that a journal has only one name. Symbolic links and relative names are resolved before that."""

from __future__ import annotations

import os

from .errors import unusable
from .mounts import mounts


def require_one_name(path: str) -> None:
    """Refuse a file with two real names, because its locks and its log are beside only one of them.

    :raises LicensingError: C(journal_unusable).
    """
    if os.path.exists(path) and os.stat(path).st_nlink > 1:
        raise unusable(
            path,
            f"the file has {os.stat(path).st_nlink} names (hard links), and jobs that use different ones would not "
            f"know of each other. Find the names with find -samefile, and remove all but one",
        )
    if mounted_alone(path):
        raise unusable(path, "the file is mounted by itself, without its log and its locks. Mount its directory")


def mounted_alone(path: str, table: str = "") -> bool:
    """Whether a file is itself a mount point, as containers mount single files. False if the system does not say."""
    return os.path.realpath(path) in {mount.point for mount in mounts(table)}
