# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns is bounded, whatever came of it, and says what is left out."""

from __future__ import annotations

import csv
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates import converge
from ansible_collections.thingspace.licensing.plugins.module_utils._text.bounds import (
    MAX_LINES,
    MAX_LISTED,
    MAX_ROWS,
    bound_result,
    shorten,
)
from ansible_collections.thingspace.licensing.plugins.modules import fota_license, swm_removal_candidates
from ansible_collections.thingspace.licensing.tests.support.fake_candidates import FakeCandidates
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, FakeThingSpace, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import runner

MANY = 4_000
BYTES = 260_000
"""What Ansible prints of a failed task, with room for a thousand rows and a thousand problems."""

Json = dict[str, t.Any]

ENDS: dict[str, Json] = {
    "as planned": {},
    "check mode with a diff": {"_ansible_check_mode": True, "_ansible_diff": True},
    "a tripped guard": {"max_changes": 5},
    "ids that are none": {"devices": [f"x{number}" for number in range(MANY)]},
    "the same id again and again": {"devices": ["990000000000001"] * MANY},
    "an option that Ansible refuses": {"state": "gone"},
    "an option that the module refuses": {"batch_size": 0},
    "a pasted text": {"devices": None, "devices_text": "\n".join(imeis(MANY))},
    "licenses for none of them": {"devices": imeis(MANY), "unlicensed": "refuse"},
    "a report that cannot be written": {"devices_report": "/nowhere/rows.csv"},
}


@pytest.mark.parametrize("report", ["failed", "none", None])
@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("name", ["fota_license", "swm_removal_candidates"])
def test_no_task_returns_more(
    name: str, end: str, report: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fota = name == "fota_license"
    if fota:
        run = runner(fota_license.main, FakeThingSpace([], total=MANY), monkeypatch, capsys)
    else:
        space = FakeCandidates()
        monkeypatch.setattr(converge, "CandidatesApi", space.api)
        monkeypatch.setattr(converge, "FotaApi", space.licenses)
        run = runner(swm_removal_candidates.main, None, monkeypatch, capsys)
    extra = {"report": report} if report else {}
    options = {"account": ACCOUNT, "devices": imeis(MANY), **extra, "unlicensed": "ignore", **ENDS[end]}
    if fota:
        del options["unlicensed"]
    result = run(**{key: value for key, value in options.items() if value is not None})
    assert len(json.dumps(result)) < BYTES
    assert len(result["invocation"]["module_args"].get("devices") or []) <= MAX_LISTED + 1
    rows = result.get("devices", [])
    counts = result.get("summary", {})
    if (report is None and counts) or (report == "failed" and counts.get("skipped")):
        assert (len(rows), result["devices_left_out"]) == (MAX_ROWS, MANY - MAX_ROWS)
        assert sum(counts.values()) == MANY, "all are counted"
        assert any("1,000 of 4,000 devices" in str(warning) for warning in result["warnings"])
    else:
        assert "devices_left_out" not in result


def test_who_asks_for_all_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(fota_license.main, FakeThingSpace([], total=MANY), monkeypatch, capsys)
    path = tmp_path / "rows.csv"
    result = run(account=ACCOUNT, devices=imeis(MANY), report="all", devices_report=str(path), max_changes=5)
    assert len(result["devices"]) == MANY
    assert not any("1,000 of 4,000 devices" in str(warning) for warning in result.get("warnings", []))
    bounded = run(account=ACCOUNT, devices=imeis(MANY), devices_report=str(path), max_changes=5)
    assert any(f"All devices are in {path}" in str(warning) for warning in bounded["warnings"])
    with path.open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == MANY


@pytest.mark.parametrize(("field", "amiss"), [("outcome", "failed"), ("outcome", "unknown"), ("state", "failed")])
def test_what_is_amiss_is_left_out_last(field: str, amiss: str) -> None:
    rows = [{"device_id": str(number), field: amiss if number % 100 == 99 else "skipped"} for number in range(MANY)]
    values: Json = {"devices": list(rows)}
    assert bound_result(values, {"report": "changed"})
    kept = values["devices"]
    assert [row for row in kept if row[field] == amiss] == rows[99::100]
    assert kept == sorted(kept, key=lambda row: int(row["device_id"])), "in their order"
    assert len(kept) + values["devices_left_out"] == MANY


def test_what_is_short_stays_as_it_is() -> None:
    values: Json = {"devices": [{"outcome": "failed"}] * MAX_ROWS, "diff": {"before": "a\n" * MAX_LINES, "after": ""}}
    before = json.dumps(values)
    assert bound_result(values, {"report": "changed"}) is None
    assert json.dumps(values) == before


@pytest.mark.parametrize("several", [True, False])
def test_a_long_diff(several: bool) -> None:
    side = {"before": "", "after": "a\n" * (MAX_LINES + 5)}
    values: Json = {"diff": [dict(side), dict(side)] if several else dict(side)}
    assert bound_result(values, {}) is None
    for one in values["diff"] if several else [values["diff"]]:
        assert one["after"].endswith("a\n... and 5 more lines\n")


def test_lists_within_lists_of_an_invocation() -> None:
    secret = "s" * 5_000
    accounts = [{"account": str(number), "results": [{"devices": list(range(500))}]} for number in range(30)]
    params: Json = {"accounts": accounts, "password": secret, "devices": ["1"] * MAX_LISTED}
    params["how_to_apply"] = {"variables": {"license_devices": "1" * 5_000, "fleet": secret}}
    shorten(params)
    assert params["how_to_apply"]["variables"]["license_devices"].endswith("1... (5000 characters)")
    assert params["how_to_apply"]["variables"]["fleet"] == secret
    assert params["password"] == secret, "half a secret would not be masked"
    assert params["devices"] == ["1"] * MAX_LISTED
    assert params["accounts"][-1] == "... and 10 more"
    assert params["accounts"][0]["results"][0]["devices"][-1] == "... and 480 more"
    assert len(accounts) == 30, "what others hold is not changed"
