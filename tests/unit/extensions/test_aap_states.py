# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each state of the table in docs/aap.md names a test, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
GUIDE = (CHECKOUT / "docs" / "aap.md").read_text(encoding="utf-8")
HEAD = "| what | where it lives | what a job on another node sees | tested by |"
FILES = {
    path.name: path for folder in ("aap", "functional") for path in (CHECKOUT / "tests" / folder).glob("test_*.py")
}


def rows() -> list[list[str]]:
    """The cells of each row of the table."""
    lines = GUIDE[GUIDE.index(HEAD) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_table_tells_of_what_is_kept() -> None:
    states = [cells[0].lower() for cells in rows()]
    for word in ("plan", "journal", "records", "confirmations", "credentials", "approvals"):
        assert any(word in state for state in states), word


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0])
def test_each_state_has_a_test(cells: list[str]) -> None:
    assert len(cells) == 4
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", cells[3])
    assert named
    for file, test in named:
        assert f"\ndef {test}(" in FILES[file].read_text(encoding="utf-8")
