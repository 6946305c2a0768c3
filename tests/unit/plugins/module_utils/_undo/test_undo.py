# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists that reverse a run, as the module writes them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.modules import fleet_undo
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner

Json = dict[str, t.Any]


def part(kind: str, *rows: tuple[int, str], **more: t.Any) -> Json:
    """A part of a run; rows are device and outcome."""
    devices = [
        {"device_id": imei(number), "outcome": outcome, "planned": outcome, "reason": "", "request_id": ""}
        for number, outcome in rows
    ]
    fixed = {"kind": kind, "sku": "", "id_kind": "imei", "lifetime": False, "action": "exact", "summary": {}}
    return {**fixed, "api_version": "v2", "devices": devices, **more}


RECORD: Json = {
    "format": 1,
    "run": "20261121T215143Z-1a2b3c4d",
    "kind": "apply",
    "started": "2026-11-21T21:51:43Z",
    "ended": "2026-11-21T21:59:00Z",
    "plan": "",
    "status": "done",
    "accounts": [
        {
            "account": ACCOUNT,
            "parts": [
                part("fota", (1, "assigned"), (2, "removed")),
                part(
                    "removal_candidates",
                    (2, "removed"),
                    (3, "removed"),
                    before=[imei(1), imei(2), imei(3), imei(4)],
                    after=[imei(1), imei(4)],
                ),
                part("simsec", (1, "assigned"), sku="SIMSec-IoT"),
            ],
        },
        {"account": "another", "parts": []},
    ],
}
LICENSED = "device_id,outcome,reason\n" + "".join(
    f"{imei(number)},{outcome},\n" for number, outcome in ((2, "assigned"), (3, "skipped"), (4, "unchanged"))
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    (tmp_path / "run.json").write_text(json.dumps({**RECORD, "checksum": checksum(RECORD)}), encoding="utf-8")
    (tmp_path / "licensed.csv").write_text(LICENSED, encoding="utf-8")
    options = {"run": str(tmp_path / "run.json"), "dest": str(tmp_path), "licensed": str(tmp_path / "licensed.csv")}
    return runner(fleet_undo.main, None, monkeypatch, capsys, candidates=[imei(1), imei(4)], **options)


def listed(folder: Path, name: str) -> list[str]:
    return (folder / ACCOUNT / f"{name}.txt").read_text(encoding="ascii").split()


def test_all_lists_and_what_stays(run: Run, tmp_path: Path) -> None:
    """A device that gets its license back can be a candidate again, and one without a license cannot."""
    made = run(accounts=[ACCOUNT])
    assert (made["changed"], made["run"], made["check_mode"]) == (False, RECORD["run"], False)
    (account,) = made["accounts"]
    assert [(one["list"], one["state"], one["count"]) for one in account["parts"]] == [
        ("undo-fota-take", "absent", 1),
        ("undo-fota-give", "present", 1),
        ("undo-candidates", "exact", 3),
    ]
    assert account["removal_candidates"] == {"api_version": "v2", "returning": 2}
    assert listed(tmp_path, "undo-fota-take") == [imei(1)]
    assert listed(tmp_path, "undo-fota-give") == [imei(2)]
    assert listed(tmp_path, "undo-candidates-returning") == [imei(2), imei(3)]
    assert listed(tmp_path, "undo-candidates") == [imei(1), imei(2), imei(4)]
    stays = (tmp_path / ACCOUNT / "cannot.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:5] for line in stays[1:]] == [
        ["simsec", "SIMSec-IoT", imei(1), "assigned", "no_journal"],
        ["removal_candidates", "", imei(3), "removed", "not_licensed"],
    ]


def test_the_middle_of_an_undo(run: Run, tmp_path: Path) -> None:
    """By then a license that was not given back is missing, and nothing is listed that was not before."""
    run(accounts=[ACCOUNT])
    stays = (tmp_path / ACCOUNT / "cannot.csv").read_bytes()
    made = run(accounts=[ACCOUNT], stage="apply")
    assert listed(tmp_path, "undo-candidates") == [imei(1), imei(4)]
    assert [(one["list"], one["count"]) for one in made["accounts"][0]["parts"]] == [("undo-candidates", 2)]
    (tmp_path / "licensed.csv").write_text("device_id,outcome\n", encoding="utf-8")
    run(accounts=[ACCOUNT], stage="apply")
    assert listed(tmp_path, "undo-candidates") == [imei(1), imei(4)]
    assert (tmp_path / ACCOUNT / "cannot.csv").read_bytes() == stays
    (tmp_path / ACCOUNT / "undo-candidates.txt").unlink()
    assert "follows 'stage: plan'" in run(accounts=[ACCOUNT], stage="apply")["msg"]


def test_reading_alone(run: Run, tmp_path: Path) -> None:
    made = run(dest=OMIT, candidates=OMIT, _ansible_check_mode=True)
    assert [account["account"] for account in made["accounts"]] == [ACCOUNT, "another"]
    assert made["check_mode"] is True
    assert run(accounts=["none"])["accounts"] == []
    assert not (tmp_path / ACCOUNT).exists()


def test_bad_input(run: Run, tmp_path: Path) -> None:
    """All of it at once."""
    failure = run(run=str(tmp_path), dest=str(tmp_path / "none"))["failure"]
    assert failure["problem_count"] == 2
    (tmp_path / "licensed.csv").write_bytes(b"\xff\xfe\n")
    assert run()["failure"]["code"] == "run_file_invalid"
