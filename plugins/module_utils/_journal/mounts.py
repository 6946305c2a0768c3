# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The mount points that this process sees. Source of the format: proc_pid_mountinfo(5)."""

from __future__ import annotations

import os
import re
import typing as t

OWN = "/proc/self/mountinfo"


class Mount(t.NamedTuple):
    """A mounted file system.

    :param point: where it is mounted.
    :param kind: such as C(ext4) or C(overlay).
    """

    point: str
    kind: str


def mounts(table: str = "") -> list[Mount]:
    """All of them, in the order in which they were mounted. Empty if the system does not say."""
    try:
        with open(table or OWN, "rb") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        about, _separator, source = line.partition(b" - ")
        if about.count(b" ") > 4:
            found.append(Mount(_plain(about.split()[4]), os.fsdecode(source.split()[0]) if source else ""))
    return found


def _plain(name: bytes) -> str:
    """The kernel writes blanks and backslashes in a name as octal numbers."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), name))
