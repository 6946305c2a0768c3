# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether a journal outlives the task. The container of a job in AWX ends with the job, and so does each file in it."""

from __future__ import annotations

import os
import re
import typing as t

from .._client.runtime_dir import ends_with_job
from .._text.addresses import is_database
from .mounts import mounts

PASSING = re.compile(r"/|/tmp|/runner(/(artifacts|env|inventory|project))?")
"""Where the container of a job has what AWX removes when the job has ended."""

PASSING_KINDS = re.compile("overlay|tmpfs|ramfs|aufs")
"""What is in the names of file systems that end with the container, wherever they are mounted."""


def is_lasting(journal: str, environ: t.Mapping[str, str] | None = None, table: str = "") -> bool:
    """Whether a later job finds the journal. In doubt, it does not.

    :param environ: instead of the environment.
    :param table: instead of the table of mounts.
    """
    if is_database(journal) or not ends_with_job(environ):
        return True
    place = os.path.realpath(journal)
    above = [mount for mount in mounts(table) if os.path.commonpath([mount.point, place]) == mount.point]
    if not above:
        return False
    # Of two mounts at one point, only the last one can be seen.
    nearest = max(enumerate(above), key=lambda found: (len(found[1].point), found[0]))[1]
    return not PASSING_KINDS.search(nearest.kind) and not PASSING.fullmatch(nearest.point)
