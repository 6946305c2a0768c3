# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By how much one device can have changed the account's count since a run read it."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.changes import Since, Step, change_of
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Range

SINCE = Since(run=9, started="05", oldest="00")
OPEN = Step(9, "assign", False, "06", "")


def done(run: int, action: str, confirmed: str) -> Step:
    return Step(run, "assign" if action == "assign" else "remove", True, "01", confirmed)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ([done(1, "remove", "02"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "remove", "04"), done(2, "assign", "03")], Range(0, 1)),
        ([done(1, "remove", "03"), done(2, "assign", "03")], Range(0, 1)),
        ([done(1, "assign", "04"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "assign", "06"), done(2, "assign", "03")], Range(0, 0)),
        ([done(1, "assign", "04"), done(2, "remove", "03")], Range(0, 1)),
    ],
    ids=["in order", "overtaken", "together", "the same twice", "the same, reported since", "removed, overtaken"],
)
def test_what_a_device_held_when_the_count_was_read(before: list[Step], change: Range) -> None:
    """If the journal explains the count, a device held a license then only if that was certain."""
    assert change_of([*before, OPEN], SINCE, explained=True) == change
