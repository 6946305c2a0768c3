# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a record says of a planned device that the task which carried the part out did not speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_results import _part, _Reports
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES, RequestRow, write_csv
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis
from ansible_collections.thingspace.licensing.tests.support.records import run_part


@pytest.mark.parametrize(("kind", "outcome"), [("fota", "unchanged"), ("removal_candidates", "skipped")])
def test_somebody_else_did_it_before(tmp_path: Path, kind: str, outcome: str) -> None:
    """An exact run does not name whom it takes a license from: who has lost it already is not in its report."""
    named, gone = imeis(2)
    report = tmp_path / "apply-fota.csv"
    write_csv(str(report), RequestRow._fields, [(named, "unchanged", "already licensed", "")])
    row = {"device_id": gone, "planned": "removed", "outcome": "unknown", "reason": "", "request_id": ""}
    part = {"kind": kind, "action": "exact", "list": "fota", "devices": [row]}
    result = {"changed": False, "summary": {**dict.fromkeys(OUTCOMES, 0), "unchanged": 1}}
    rows = _part(run_part(part), result, _Reports(str(tmp_path), str(tmp_path))).devices
    assert [(one["device_id"], one["outcome"], one["reason"]) for one in rows] == [
        (gone, outcome, "someone else has already done it")
    ]
