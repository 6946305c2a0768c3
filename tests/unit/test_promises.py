# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page of promises names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROWS = [
    line
    for line in (CHECKOUT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| promise ")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].strip("| "))
def test_a_promise_names_what_there_is(row: str) -> None:
    _promise, _rule, places, tests = (cell.strip() for cell in row.strip("|").split(" | "))
    named = re.findall(r"`([^`]+)`", places)
    assert named
    for place in named:
        assert any(CHECKOUT.glob(f"plugins/**/{place}")) or any(CHECKOUT.glob(f"**/{place}")), place
    proofs = re.findall(r"`([^`]+)`", tests)
    assert proofs
    for proof in proofs:
        file, _colons, name = proof.partition("::")
        text = (CHECKOUT / file).read_text(encoding="utf-8")
        assert f"def {name}(" in text if name else "def test_" in text, proof
