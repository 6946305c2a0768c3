# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which journals a later job finds: not a file that ends with the container of a job of AWX."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.lasting import is_lasting

JOB = {"JOB_ID": "7", "AWX_HOST": "https://awx.example.com"}
TABLE = """\
1 0 0:50 / / rw,relatime - overlay overlay rw
2 1 0:51 / /dev/shm rw - tmpfs tmpfs rw
3 1 253:1 /tmp/awx_7_x /runner rw - xfs /dev/sda rw
4 3 253:1 /tmp/awx_7_x/project /runner/project rw - xfs /dev/sda rw
5 3 253:2 /state /runner/state rw - xfs /dev/sdb rw
6 1 253:2 /state /var/lib/fleet\\040state rw shared:7 - ext4 /dev/sdb rw
7 1 0:52 / /mnt rw - ext4 /dev/sdc rw
8 7 0:53 / /mnt rw - tmpfs tmpfs rw
9 1 0:54 / /exposed rw - fuse.fuse-overlayfs fuse-overlayfs rw
"""


@pytest.mark.parametrize(
    ("journal", "lasting"),
    [
        ("/var/lib/fleet state/journal.db", True),
        ("/runner/state/deep/journal.db", True),
        ("/var/lib/fleet state", True),
        ("/var/lib/fleet/journal.db", False),
        ("/runner/project/journal.db", False),
        ("/runner/states/journal.db", False),
        ("/home/runner/journal.db", False),
        ("/tmp/journal.db", False),
        ("/dev/shm/journal.db", False),
        ("/mnt/journal.db", False),
        ("/exposed/journal.db", False),
        ("postgresql://fleet@db.example.com/licensing", True),
        ("service=licensing", True),
    ],
)
def test_what_a_later_job_finds(tmp_path: Path, journal: str, lasting: bool) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE, encoding="utf-8")
    assert is_lasting(journal, JOB, str(table)) is lasting
    assert is_lasting(journal, {"JOB_ID": "7"}, str(table)), "no job of AWX"
    assert is_lasting(journal, JOB, str(tmp_path / "none")) is ("=" in journal or "://" in journal), "nothing is known"
