# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a record says of a planned device that the task which carried the part out did not speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.run_results import (
    _part,
    _Reports,
    _unlicensed,
    _with_each,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES, RequestRow, write_csv
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis
from ansible_collections.thingspace.licensing.tests.support.harness import Json
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


NOT_SENT = {"changed": False, "failure": {"code": "api_unreachable", "message": "Nobody answers."}}
NO_REPORT: dict[str, tuple[Json | None, str, str]] = {
    "not begun": (None, "unknown", "not started; ThingSpace may have taken it off the list with its FOTA license"),
    "not sent": (
        NOT_SENT,
        "unknown",
        "not sent: Nobody answers; ThingSpace may have taken it off the list with its FOTA license",
    ),
    "not there any more": (
        {"changed": False, "summary": dict.fromkeys(OUTCOMES, 0)},
        "removed",
        "ThingSpace took it off the list when it lost its FOTA license",
    ),
}


@pytest.mark.parametrize("result", NO_REPORT)
def test_a_device_that_lost_its_license_in_the_same_run(tmp_path: Path, result: str) -> None:
    """It may have left the removal candidate list with it. Of any other one, that is not said."""
    lost, kept, other, added = imeis(4)
    rows = [
        {"device_id": device, "planned": planned, "outcome": "unknown", "reason": "", "request_id": ""}
        for device, planned in ((lost, "removed"), (kept, ""), (other, "removed"), (added, "added"))
    ]
    part = {"kind": "removal_candidates", "action": "exact", "list": "removal_candidates", "devices": rows}
    write_csv(str(tmp_path / "apply-removal_candidates.csv"), RequestRow._fields, [])
    told, outcome, reason = NO_REPORT[result]
    fota = run_part({"kind": "fota", "action": "exact", "devices": [{**rows[0], "outcome": "removed"}]})
    reports, gone = _Reports(str(tmp_path), str(tmp_path)), _unlicensed([fota])
    not_begun = {"outcome": "skipped", "reason": "not started"}
    done = _part(run_part(part), told, reports, gone) if told else _with_each(run_part(part), not_begun, gone)
    found = done.devices
    assert (found[0]["outcome"], found[0]["reason"]) == (outcome, reason)
    assert {row["outcome"] for row in found[1:]} == {"skipped"}
    assert not any("FOTA license" in row["reason"] for row in found[1:])
