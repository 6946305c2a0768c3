# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and records in files keep their form, byte for byte: an approver has seen it, and a later release compares it.

Modules wrote the files before plans and records had types, on a simulator. C(stopped) has what a simulator does not
bring about.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.approval import difference, read_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan import texts_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_read import read_record
from ansible_collections.thingspace.licensing.plugins.module_utils._text.canonical import pieces

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", ["fleet", "stopped", "survey", "undo"])
def test_a_plan_is_written_as_it_was_read(name: str) -> None:
    path = GOLDEN / f"{name}-plan.json"
    document = read_plan(str(path))
    assert "".join(texts_of(document, {})["json"]) == path.read_text(encoding="utf-8")
    assert difference(document, document) is None
    assert document.sealed() == document


@pytest.mark.parametrize("name", ["fleet-started", "fleet-ended", "undo-ended"])
def test_a_record_is_written_as_it_was_read(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    record = read_record(str(path))
    assert "".join(pieces(record.to_json())) == path.read_text(encoding="utf-8")
    assert record.signed() == record
