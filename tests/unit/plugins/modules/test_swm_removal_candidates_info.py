# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module swm_removal_candidates_info."""

from __future__ import annotations

import csv
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates import info
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
from ansible_collections.thingspace.licensing.plugins.module_utils._text.former_names import FORMER_NAMES
from ansible_collections.thingspace.licensing.plugins.modules import swm_removal_candidates_info
from ansible_collections.thingspace.licensing.tests.support.fake_candidates import (
    THEN,
    FakeCandidates,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

STRANGER = imei(77)
LISTED = [imei(3), STRANGER, imei(1)]


@pytest.fixture
def space() -> FakeCandidates:
    """Five licenses: 1 to 4 of the same moment, and 5 of an earlier one."""
    space = FakeCandidates(LISTED, imeis(5, 1))
    space.held[imei(5)] = "2019-01-01T00:00:00Z"
    return space


@pytest.fixture
def run(space: FakeCandidates, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(info, "CandidatesApi", space.api)
    monkeypatch.setattr(info, "FotaApi", space.licenses)
    return runner(swm_removal_candidates_info.main, None, monkeypatch, capsys, account=ACCOUNT)


def warnings(result: dict[str, t.Any]) -> str:
    return "\n".join(str(text) for text in result.get("warnings", []))


def test_the_forecast(run: Run) -> None:
    result = run(shrink_to=1)
    assert result["licenses"] == {"total": 100, "assigned": 5, "available": 95}
    seen = result["forecast"]
    assert [(row["device_id"], row["reason"], row["certain"]) for row in seen.pop("devices")] == [
        (imei(3), "listed", True),
        (imei(1), "listed", True),
        (imei(5), "oldest", True),
        (imei(2), "oldest", False),
    ]
    assert seen == {
        "shrink_to": 1,
        "assigned": 5,
        "evicted": 4,
        "from_list": 2,
        "beyond_list": 2,
        "upgraded": 0,
        "upgraded_unknown": 4,
        "certain": False,
        "unnamed": 0,
        "tied": [imei(4)],
        "tied_count": 1,
        "without_license": [STRANGER],
        FORMER_NAMES["without_license"]: [STRANGER],
    }
    assert "only 2 of them are on the removal candidate list" in warnings(result)
    assert "The last 1 device to lose a license is unknown: 2 devices got their license at the same time" in warnings(
        result
    )
    ignored = f"The removal candidate list contains 1 device without a license, which has no effect: {STRANGER}."
    assert ignored in warnings(result)


def test_no_device_is_named_on_request(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    result = run(shrink_to=1, report="none", devices_report=str(path))
    assert (result["candidates"], result["candidate_count"]) == ([], 3)
    named = {name: result["forecast"][name] for name in ("devices", "tied", "without_license")}
    assert named == {"devices": [], "tied": [], "without_license": []}
    assert (result["forecast"]["evicted"], result["forecast"]["tied_count"]) == (4, 1)
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["place", "device_id", "reason", "assigned_at", "certain", "upgraded"]
    # This server does not say who is upgraded.
    assert rows[-1] == ["4", imei(2), "oldest", THEN, "no", ""]
    assert len(rows) == 5


def test_an_interrupted_rewrite_is_told_of(run: Run, tmp_path: Path) -> None:
    kept = KeptList(FileStore(str(tmp_path)), ACCOUNT)
    kept.keep([*LISTED, imei(9)], [])
    result = run(runtime_dir=str(tmp_path))
    assert "3 of them are left of the 4 before" in warnings(result)
    assert kept.recover(LISTED, put_aside=False).whole == [*LISTED, imei(9)]
