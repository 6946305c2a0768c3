# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports by the playbook, of accounts that can be read and others that cannot. Nothing is written at ThingSpace."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    FLEX,
    Fleet,
    Ran,
    imeis,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Simulator

FILES = ("report.html", "report.md", "report.csv", "report.json")


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator) -> Fleet:
    simulator.quirks(simsec_delay=600)
    return Fleet(tmp_path, simulator)


def document(ran: Ran) -> Json:
    return t.cast(Json, json.loads((ran.dest / "report.json").read_text(encoding="utf-8")))


def rows(ran: Ran) -> list[dict[str, str]]:
    with (ran.dest / "report.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def remember_runs(folder: Path) -> None:
    """Leave two run records, as roles/fleet_licensing does, and one that was edited."""
    folder.mkdir()
    for day, status, summary in (
        (19, "done", {"assigned": 3, "unchanged": 7}),
        (20, "failed", {"assigned": 1, "failed": 2}),
        (21, "done", {"assigned": 9}),
    ):
        part = {"kind": "fota", "sku": "", "summary": summary, "devices": []}
        record: Json = {
            "format": 1,
            "run": f"202611{day}T000000Z-00000000",
            "kind": "apply",
            "started": f"2026-11-{day}T00:00:00Z",
            "ended": f"2026-11-{day}T00:01:00Z",
            "plan": "0" * 64,
            "status": status,
            "accounts": [{"account": named(1), "parts": [part]}],
        }
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        record["checksum"] = hashlib.sha256(text.encode()).hexdigest() if day < 21 else "0" * 64
        (folder / f"{record['run']}.json").write_text(json.dumps(record), encoding="utf-8")


def test_the_report_and_the_plan_agree_on_what_licenses_cost(fleet: Fleet, simulator: Simulator) -> None:
    """Bought licenses cost the same, assigned or free. A plan only moves cost from free to assigned licenses."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})

    def prices(role: str) -> tuple[str, str]:
        return "-e", json.dumps({f"{role}_prices": {"FOTA": "1.20"}, f"{role}_currency": "EUR"})

    before = fleet("report", "before", *prices("license_report"))
    fleet.plan()
    applied = fleet.apply(*prices("fleet_licensing"))
    after = fleet("report", "report", *prices("license_report"))
    said = (applied.dest / "run.md").read_text(encoding="utf-8")
    assert "**Assigned licenses cost 2.40 EUR more a month.**" in said
    assert "the bill does not change" in said
    costs = [document(ran)["totals"]["cost"] for ran in (before, after)]
    assert [(cost["bought"], cost["assigned"]) for cost in costs] == [("24.00", "12.00"), ("24.00", "14.40")]
    text = (after.dest / "report.md").read_text(encoding="utf-8")
    assert "24.00 EUR a month in total: 14.40 assigned, 9.60 free, 0.00 reclaimable." in text


def test_an_account_that_cannot_be_read(fleet: Fleet, simulator: Simulator, module: Module) -> None:
    """Stands in the report with the reason; all that is known of the others is there, in check mode, too."""
    one = imeis(1, 20)
    devices: list[t.Any] = [{"imei": one[0], "state": "deactive"}, {"imei": one[1], "state": "suspend"}, *one[2:]]
    licenses = [{"device_id": device, "assigned_at": "2026-01-31T12:00:00.000Z"} for device in one[:8]]
    changes = {"devices": devices, "licenses": licenses, "candidates": [one[3], one[0], one[19]]}
    simulator.state(accounts=seeded(3, a1={**changes, "subscription": {"license_count": 12}}, a3={"active": False}))
    sent = module("simsec_license", sku=FLEX, devices=one[4:6], journal=str(fleet.journal))
    assert sent.result["summary"]["accepted"] == 2, sent.message
    fleet.write(
        1,
        {"ids": [*one[:7], *one[10:13]], "fota": True},
        {"ids": one[4:5], "simsec": FLEX},
        {"ids": [one[3], one[2]], "removal_candidate": True},
    )
    fleet.write(2, {"ids": imeis(2, 10), "fota": True})
    fleet.write(3, {"ids": imeis(3, 2), "fota": True})
    history = fleet.folder / "history"
    remember_runs(history)
    simulator.forget_requests()
    more = ("-e", json.dumps({"license_report_prices": {"FOTA": "2.50"}, "license_report_currency": "EUR"}))
    shrink = ("-e", json.dumps({"license_report_shrink_to": 6}))
    made = [fleet("report", "report", *more, *shrink, *check, fleet_history="history") for check in (["--check"], [])]
    for ran in made:
        assert ran.returncode == 2
        assert ran.recap == {named(1): "ok", named(2): "ok", named(3): "failed"}, ran.text
        assert "Inactive account" in ran.text
    assert simulator.writes() == []
    report = document(made[0])
    assert [(one["account"], one["status"]) for one in report["accounts"]] == [
        (named(1), "complete"),
        (named(2), "complete"),
        (named(3), "incomplete"),
    ]
    first, second, third = report["accounts"]
    fota, flex = first["pools"][0], first["pools"][1]
    assert (fota["total"], fota["assigned"], fota["available"]) == (12, 8, 4)
    assert fota["drift"] == {"wanted": 10, "as_wanted": 7, "missing": 3, "extra": 1, "kept": 0, "unknown": 0}
    assert fota["reclaimable"] == {"now": 1, "wanted": 1, "locked": 0, "unknown": 0}
    assert fota["cost"] == {"bought": "30.00", "assigned": "20.00", "free": "10.00", "reclaimable": "2.50"}
    assert fota["runway"]["verdict"] == "no_assignment"
    assert flex["drift"] == {"wanted": 1, "as_wanted": 0, "missing": 0, "extra": 0, "kept": 0, "unknown": 2}
    listed = first["candidates"]
    assert (listed["listed"], listed["without_license"], listed["missing"], listed["extra"]) == (3, 1, 1, 2)
    assert (listed["forecast"]["evicted"], listed["forecast"]["from_list"]) == (2, 2)
    assert first["devices"] == {
        "count": 20,
        "without_license": 20 - 8,
        "states": {"active": 18, "deactive": 1, "suspend": 1},
    }
    assert second["pools"][0]["drift"]["as_wanted"] == 10
    assert any("Inactive account" in failure["message"] for failure in third["failures"])
    assert [(run["started"][:10], run["summary"]) for run in report["runs"]] == [
        ("2026-11-20", {"assigned": 1, "failed": 2}),
        ("2026-11-19", {"assigned": 3}),
    ]
    assert [one["file"] for one in report["unreadable"]] == ["20261121T000000Z-00000000.json"]
    by = {(row["account"], row["license"], row["device_id"]): row for row in rows(made[0])}
    deactive = by[named(1), "FOTA", one[0]]
    assert deactive["reason"] == "the device is deactive; but the fleet files want it"
    assert (deactive["state"], deactive["candidate_place"], deactive["since"]) == (
        "deactive",
        "2",
        "2026-01-31T12:00:00Z",
    )
    assert (by[named(1), "FOTA", one[7]]["drift"], by[named(1), "FOTA", one[7]]["reclaimable"]) == ("extra", "now")
    assert {row["device_id"] for row in rows(made[0]) if row["account"] == named(1)} == {*one}
    for name in ("report.html", "report.md"):
        text = (made[0].dest / name).read_text(encoding="utf-8")
        for told in (
            "Inactive account",
            "no current license was assigned in 90 days",
            "10 devices wanted: 3 missing, 1 extra",
            "30.00",
        ):
            assert told in text
        assert "18 active, 1 deactive, 1 suspend" in text
    again = [document(ran) for ran in made[1:]]
    for other in again:
        assert {**other, "created": ""} == {**report, "created": ""}
    pools = (history / "license-pools.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(pools) == 2 * 4, "one line for each pool of the day, and none for what could not be counted"


def test_accounts_of_an_inventory_without_fleet_files(fleet: Fleet, simulator: Simulator) -> None:
    """Nothing is claimed about what is wanted; each host has its own credentials, and no secret is told."""
    secret = "s3cr3t-%/+&-word"
    simulator.state(accounts=seeded(2), credentials={"client_secret": secret, "password": secret + "2"})
    own = {"thingspace_client_secret": secret, "thingspace_password": secret + "2"}
    hosts: Json = {"first": {**own, "license_report_account": named(1)}, named(2): own}
    (fleet.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    ran = fleet("report", "report", "-i", "hosts.json", "-vvv", fleet="", fleet_journal="")
    assert ran.recap == {"first": "ok", named(2): "ok"}, ran.text
    assert ran.returncode == 0
    report = document(ran)
    assert report["totals"]["drift"] is None
    assert report["totals"]["licenses"]["assigned"] == 20
    assert report["totals"]["cost"] is None
    for section in report["accounts"]:
        assert [pool["read_from"] for pool in section["pools"]] == ["ThingSpace", "", "", ""]
    told = [ran.text, *(path.read_text(encoding="utf-8") for path in ran.dest.rglob("*") if path.is_file())]
    assert not any(secret in text for text in told)
    assert simulator.writes() == []
    assert sorted(path.name for path in ran.dest.iterdir()) == sorted([*FILES, "lists"])
    assert (ran.dest / "lists").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (ran.dest / "lists").iterdir()) == [f"{named(1)}.json", f"{named(2)}.json"]
    tasks = re.findall(r"^TASK \[thingspace\.licensing\.license_report : (?!Validating)(.+)\]", ran.text, re.M)
    assert len(tasks) == 5, tasks
    assert "skipping: [first]" not in ran.text.partition(tasks[0])[2]


def test_a_job_that_fails_when_something_drifts(fleet: Fleet, simulator: Simulator) -> None:
    """Only where that is asked for, and the report is written in any case."""
    simulator.state(accounts=seeded(2))
    fleet.write(1, {"ids": imeis(1, 9), "fota": True})
    drift = ("-e", json.dumps({"license_report_fail_on": ["drift"], "license_report_formats": ["markdown", "json"]}))
    failed = fleet("report", "report", *drift)
    assert (failed.returncode, "drift" in failed.text.partition("FAILED!")[2]) == (2, True), failed.text
    assert document(failed)["totals"]["drift"]["extra"] == 1
    assert not (failed.dest / "report.html").exists()
    fleet.write(1, {"ids": imeis(1, 10), "fota": True})
    assert fleet("report", "report", *drift).returncode == 0
    runway = ("-e", json.dumps({"license_report_fail_on": ["runway"]}))
    simulator.state(accounts=seeded(1, a1={"subscription": {"license_count": 10}}))
    assert fleet("report", "report", *runway).returncode == 0, "full, and nobody needs more"
    fleet.write(1, {"ids": imeis(1, 11), "fota": True})
    dry = fleet("report", "report", *runway)
    assert (dry.returncode, "runway" in dry.text.partition("FAILED!")[2]) == (2, True), dry.text


def test_fleet_files_that_are_wrong_and_an_event_based_account(fleet: Fleet, simulator: Simulator) -> None:
    """The report says so, and tells what it can."""
    event = {"subscription": {"purchase_type": "TS-HFOTA-EVNT"}, "licenses": []}
    simulator.state(accounts=seeded(2, a2=event))
    hosts: Json = {named(1): {}, named(2): {}}
    (fleet.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    fleet.write(1, {"ids": ["12"], "fota": True})
    wrong = fleet("report", "report", "-i", "hosts.json")
    assert set(wrong.recap.values()) == {"failed"}, wrong.text
    for section in document(wrong)["accounts"]:
        assert [failure["what"] for failure in section["failures"]] == ["the fleet files"]
        assert section["pools"][0]["drift"] is None
    fleet.write(1, {"ids": imeis(1, 10), "fota": True})
    right = fleet("report", "report", "-i", "hosts.json")
    assert right.returncode == 0, right.text
    one, two = document(right)["accounts"]
    assert (one["unnamed"], two["unnamed"], two["event_based"], two["candidates"]) == (False, True, True, None)
    assert f"No fleet file names {named(2)}" in (right.dest / "report.html").read_text(encoding="utf-8")
    fleet.write(2, {"ids": imeis(1, 10), "fota": True})
    both = fleet("report", "report", "-i", "hosts.json")
    for section in document(both)["accounts"]:
        assert [failure["code"] for failure in section["failures"]] == ["invalid_devices"], "each by itself is right"
        assert section["pools"][0]["drift"] is None
    (fleet.folder / "file").write_text("", encoding="utf-8")
    nowhere = fleet("report", "file/report", "-i", "hosts.json")
    assert nowhere.returncode == 2
    assert simulator.writes() == []
