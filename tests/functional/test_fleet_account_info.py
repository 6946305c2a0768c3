# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an account for a report: with the requests of the info modules and no others, and each part by itself."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.data import AccountData, Device, Entry
from ansible_collections.thingspace.licensing.plugins.module_utils._report.stored import load
from ansible_collections.thingspace.licensing.tests.support.fleets import FLEX, imeis
from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Json, Module, Outcome, Simulator

LOGIN = ("oauth_token", "session_login")


@pytest.fixture
def seeded(simulator: Simulator) -> Simulator:
    """Three pages of devices."""
    skus = [{"sku": FLEX, "license_type": "Flexible", "purchased": 20}]
    account = {"name": ACCOUNT, "devices": 30, "licenses": 25, "skus": skus, "candidates": imeis(1, 5)}
    simulator.state(accounts=[account])
    simulator.quirks(page_size=10, simsec_delay=600)
    return simulator


def read(module: Module, **options: object) -> tuple[Outcome, AccountData]:
    outcome = module("fleet_account_info", dest=str(module.folder / "report" / "lists"), **options)
    assert not outcome.failed, outcome.message
    assert not outcome.changed
    return outcome, load(outcome.result["data_file"], ACCOUNT)


def fleet_file(module: Module, **more: Json) -> list[str]:
    devices = [{"name": "all", "select": {"state": "active"}, "fota": True}]
    path = module.folder / "fleet.yml"
    path.write_text(json.dumps({"account": ACCOUNT, "devices": devices, **more}), encoding="utf-8")
    return [str(path)]


def asked(simulator: Simulator) -> Counter[str]:
    found = Counter(request["path"] for request in simulator.requests())
    simulator.forget_requests()
    return found


def test_the_requests_are_those_of_the_info_modules(seeded: Simulator, module: Module) -> None:
    journal = str(module.folder / "journal.db")
    module("session")
    src = fleet_file(module)
    sent = module("simsec_license", sku=FLEX, devices=imeis(1, 2), journal=journal, require_listener=False)
    assert sent.result["summary"]["accepted"] == 2, sent.message
    seeded.forget_requests()
    module("fleet_files", src=src, accounts=[ACCOUNT], account=None)
    for name in ("fota_license_info", "swm_removal_candidates_info", "device_info"):
        module(name, report="none", details=True if name == "fota_license_info" else None)
    module("simsec_license_info", journal=journal, report="none")
    before = asked(seeded)
    outcome, data = read(module, src=src, journal=journal, check=True)
    assert asked(seeded) == before
    assert outcome.result["requests"]["sent"] == before.total()
    assert data.failures == outcome.result["failures"] == []
    assert (data.fota or {}).keys() == set(imeis(1, 25))
    assert (data.fota_pool or {})["assigned"] == 25
    assert data.candidates == imeis(1, 5)
    assert data.journal == {FLEX: {"imei": dict.fromkeys(imeis(1, 2), Entry("unknown", ""))}}
    assert [device.imei for device in data.devices or []] == imeis(1, 30)
    assert data.wanted is not None
    assert (data.wanted.fota or {}).keys() == set(imeis(1, 30))


@pytest.mark.parametrize("state", ["'=a", "=a", "''-1", "a|'=b"])
def test_a_text_is_in_the_report_as_thingspace_wrote_it(seeded: Simulator, module: Module, state: str) -> None:
    """No spreadsheet is meant, and nothing is made harmless for one."""
    line = {"deviceIds": [{"id": imeis(1, 1)[0], "kind": "imei"}], "carrierInformations": [{"state": state}]}
    answer = {"action": "status", "status": 200, "body": {"hasMoreData": False, "devices": [line]}}
    seeded.faults({**answer, "operation": "device_list"})
    outcome, data = read(module, parts=["devices"])
    assert data.devices == [Device(imeis(1, 1)[0], "", state, "")]
    report = module("fleet_report", account=None, accounts=[outcome.result], dest=str(module.folder / "report"))
    document = json.loads(Path(report.result["files"]["json"]).read_text(encoding="utf-8"))
    assert document["accounts"][0]["devices"]["states"] == {state: 1}


def test_a_part_that_fails_does_not_stop_the_others(seeded: Simulator, module: Module) -> None:
    (module.folder / "journal.db").write_text("no journal", encoding="utf-8")
    seeded.faults({"action": "status", "status": 403, "operation": "fota_list", "times": 0})
    outcome, data = read(module, src=fleet_file(module), journal=str(module.folder / "journal.db"), retries=0)
    failed = {failure["what"]: failure["code"] for failure in outcome.result["failures"]}
    assert failed.keys() == {"FOTA licenses", "SIM-Secure licenses"}
    assert {failure.what: failure.code for failure in data.failures} == failed
    assert (data.fota, data.journal, data.subscriptions) == (None, None, None)
    assert data.fota_pool is not None, "licenses bought are known even if the list is not"
    assert (len(data.devices or []), data.candidates) == (30, imeis(1, 5))
    assert data.wanted is not None
    wrong = module("fleet_account_info", dest=str(module.folder), client_id="", src=[str(module.folder / "none.yml")])
    codes = {failure["what"]: failure["code"] for failure in wrong.result["failures"]}
    assert codes.pop("the fleet files") == "fleet_file_invalid"
    assert (len(codes), set(codes.values())) == (4, {"missing_credentials"})


@pytest.mark.parametrize(
    ("quirks", "status", "failed", "why"),
    [
        ({}, 0, [], None),
        ({"fota_devices_lack": "upgradeTime"}, 0, [], "list of devices does not say"),
        ({"fota_devices": "none"}, 0, [], "does not have the list"),
        ({}, 400, ["upgrades of the firmware"], "HTTP 400"),
    ],
)
def test_the_report_says_why_it_is_unknown_which_licenses_can_be_removed(
    seeded: Simulator, module: Module, quirks: dict[str, str], status: int, failed: list[str], why: str | None
) -> None:
    """It does not count them as licenses that can be removed. A server that has no such list is no failure."""
    seeded.quirks(**quirks)
    if status:
        seeded.faults({"action": "status", "status": status, "operation": "fota_device_list", "times": 0})
    outcome, data = read(module, src=fleet_file(module, fota={"state": "exact"}), parts=["devices", "fota"])
    assert [failure["what"] for failure in outcome.result["failures"]] == failed
    assert (data.fota or {}).keys() == set(imeis(1, 25)), "the licenses are known all the same"
    states = {"account": None, "reclaim_states": ["active"], "dest": str(module.folder / "report")}
    report = module("fleet_report", accounts=[outcome.result], **states)
    unknown = 25 if why else 0
    wanted = {"now": 0, "wanted": 25, "locked": 0, "unknown": 0}
    assert report.result["totals"]["reclaimable"] == wanted, "they are wanted, whatever the firmware"
    outcome, _data = read(module, parts=["devices", "fota"])
    report = module("fleet_report", accounts=[outcome.result], **states)
    found = {"now": 25 - unknown, "wanted": 0, "locked": 0, "unknown": unknown}
    assert report.result["totals"]["reclaimable"] == found
    with open(report.result["files"]["csv"], encoding="utf-8") as stream:
        kinds = Counter(row["reclaimable"] for row in csv.DictReader(stream) if row["license"] == "FOTA")
    assert (kinds["now"], kinds["unknown"]) == (25 - unknown, unknown)
    for name in ("html", "markdown"):
        text = Path(report.result["files"][name]).read_text(encoding="utf-8")
        assert ("It is unknown whether 25 FOTA licenses can be removed" in text) is bool(why)
        assert why is None or why in text


@pytest.mark.parametrize(("settings", "used"), [({}, "v1"), ({"api_version": "v2"}, "v2")])
def test_the_version_of_the_fleet_file_has_priority(
    seeded: Simulator, module: Module, settings: Json, used: str
) -> None:
    src = fleet_file(module, fota=settings, removal_candidates=settings)
    read(module, src=src, fota_version="v1", removal_candidates_version="v1", parts=["fota", "removal_candidates"])
    paths = {path for path in asked(seeded) if "/fota/" in path}
    assert paths
    assert {path.split("/fota/")[1][:2] for path in paths} == {used}


def test_the_file_is_for_its_owner_only(seeded: Simulator, module: Module, tmp_path: Path) -> None:
    del seeded
    outcome, data = read(module, parts=[], shrink_to=0)
    assert data == AccountData(ACCOUNT, shrink_to=0)
    path = Path(outcome.result["data_file"])
    modes = [os.stat(place).st_mode & 0o777 for place in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused = module("fleet_account_info", dest=str(tmp_path / "file"), parts=[])
    assert (refused.code, refused.result["account"]) == ("report_unwritable", ACCOUNT)
