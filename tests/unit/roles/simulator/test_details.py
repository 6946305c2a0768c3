# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each license can and cannot do: in the info modules, in the data of a report, and on both candidate lists."""

from __future__ import annotations

import csv

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._report.stored import load
from ansible_collections.thingspace.licensing.plugins.modules import (
    fleet_account_info,
    fota_license,
    fota_license_info,
    swm_removal_candidates_info,
)

VERSIONS = ("v1", "v2", "v3")
UPGRADED_AT = "2020-05-06T07:08:09.000Z"


@pytest.fixture(name="estate")
def fixture_estate(start, imei):
    """Six licensed devices, one of them upgraded, one no longer eligible, and four others."""
    sim = start().login()
    devices = [{"imei": imei(number)} for number in range(10)]
    devices[1].update(upgraded_at=UPGRADED_AT, protocol="OMADM")
    devices[2]["eligible"] = False
    account = {"name": sim.account, "devices": devices, "licenses": 6, "candidates": [imei(1), imei(0)]}
    sim.control("PUT", "state", {"accounts": [account]})
    sim.quirk(page_size=4, fota_device_page=3)
    return sim


@pytest.mark.parametrize("version", VERSIONS)
def test_details_of_licenses(estate, runs, imei, tmp_path, version):
    path = tmp_path / "licenses.csv"
    run = runs(estate, api_version=version, details=True, devices_report=str(path))
    result = run(fota_license_info)
    rows = {row["device_id"]: row for row in result["devices"]}
    assert [*rows] == [imei(number) for number in range(6)]
    assert [row["removable"] for row in rows.values()] == [True, False, True, True, True, True]
    assert (rows[imei(1)]["upgraded_at"], rows[imei(0)]["upgraded_at"]) == (UPGRADED_AT, "")
    assert [number for number in range(6) if not rows[imei(number)]["eligible"]] == [2]
    assert rows[imei(1)]["protocol"] == {"v1": None, "v2": "OMD-DM", "v3": "OMADM"}[version]
    assert result["reclaimable"] == {"removable": 5, "locked": 1, "unknown": 0}
    with path.open(newline="", encoding="utf-8") as stream:
        assert [row["removable"] for row in csv.DictReader(stream)] == ["True", "False", "True", "True", "True", "True"]
    estate.quirk(fota_devices_lack="upgradeTime")
    assert run(fota_license_info, report="none")["reclaimable"] == {"removable": 0, "locked": 0, "unknown": 6}


def test_details_that_cannot_be_read_fail_the_task(estate, runs):
    estate.quirk(fota_devices="none")
    result = runs(estate, details=True)(fota_license_info)
    assert (result["failed"], "devices" in result) == (True, False)
    assert runs(estate, details=True, pool_only=True)(fota_license_info)["failure"]["code"] == "invalid_options"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_forecast_marks_what_no_request_could_remove(estate, runs, imei, version):
    run = runs(estate, api_version=version, shrink_to=3)
    result = run(swm_removal_candidates_info)
    marks = {row["device_id"]: row["upgraded"] for row in result["forecast"]["devices"]}
    assert marks == {imei(1): True, imei(0): False, imei(2): False}
    assert (result["forecast"]["upgraded"], result["forecast"]["upgraded_unknown"]) == (1, 0)
    assert "1 device that would lose a license is upgraded. No request can remove" in str(result["warnings"])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_forecast_that_does_not_know_who_was_upgraded(estate, runs, imei, version):
    """It says of how many, and why if it could not read that at all."""
    run = runs(estate, api_version=version, shrink_to=3)
    estate.fault(
        "status", operation="fota_device_list", after=1, status=400, body={"errorCode": "X", "errorMessage": "no"}
    )
    estate.quirk(fota_device_page=2)
    result = run(swm_removal_candidates_info)
    assert (result["forecast"]["upgraded"], result["forecast"]["upgraded_unknown"]) == (1, 1)
    assert "At least 1 device that would lose a license is upgraded" in str(result["warnings"])
    assert "It is not known whether 1 device that would lose a license is upgraded" in str(result["warnings"])
    estate.control("DELETE", "faults")
    estate.quirk(fota_devices_lack="upgradeTime")
    assert "list of devices does not say it" in str(run(swm_removal_candidates_info)["warnings"])
    estate.quirk(fota_devices="none")
    result = run(swm_removal_candidates_info)
    assert {row["upgraded"] for row in result["forecast"]["devices"]} == {None}
    assert (result["forecast"]["upgraded"], result["forecast"]["upgraded_unknown"]) == (0, 3)
    assert f"no list of devices for {version} here" in str(result["warnings"])


def test_a_report_knows_which_licenses_come_back(estate, runs, imei, tmp_path):
    run = runs(estate, dest=str(tmp_path), report=None)
    assert run(fleet_account_info)["failures"] == []
    data = load(str(tmp_path / f"{estate.account}.json"), estate.account)
    assert data.fota_upgrades == {imei(number): UPGRADED_AT if number == 1 else "" for number in range(6)}
    estate.quirk(fota_devices="none")
    assert run(fleet_account_info)["failures"] == [], "such a server is as good as any before"
    assert load(str(tmp_path / f"{estate.account}.json"), estate.account).fota_upgrades is None
    estate.quirk(fota_devices="all")
    estate.fault("loop_cursor", operation="fota_device_list", times=0)
    assert run(fleet_account_info)["failures"][0]["code"] == "incomplete_list"


def test_v3_devices_are_looked_for_on_both_candidate_lists(estate, runs, imei):
    other = {"count": 2, "hasMoreData": False, "updateTime": "", "deviceList": [imei(0), imei(5)]}
    estate.fault("status", path="/fota/v1/licenses/.*/cancel", status=200, body=other, times=0)
    run = runs(estate, state="exact", devices=[imei(3), imei(4)], max_removals="100%", removal_candidates="keep")
    for check in (True, False):
        result = run(fota_license, check=check)
        assert "differ: 1 device is only on that of v1, and 1 device only on that of v2" in str(result["warnings"])
        kept = {row["device_id"] for row in result["devices"] if "left alone: a removal candidate" in row["reason"]}
        assert kept == {imei(0), imei(1), imei(5)}
    assert set(estate.held()) == {*kept, imei(3), imei(4)}


CANDIDATES = "/fota/{}/licenses/.*/cancel"


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_device_that_changes_is_looked_for_on_one_list(estate, runs, imei, state, version):
    """For v3, that of v2. It is only mentioned, which is not worth the requests of a second one."""
    changing = imei(8) if state == "present" else imei(5)
    listed = {"count": 1, "hasMoreData": False, "updateTime": "", "deviceList": [changing]}
    run = runs(estate, state=state, devices=[changing], api_version=version)
    for other in ("v1", "v2"):
        estate.control("DELETE", "faults")
        estate.fault("status", path=CANDIDATES.format(other), status=200, body=listed, times=0)
        estate.asked()
        result = run(fota_license, check=True)
        asked = estate.control("GET", "requests/summary")["operations"]["candidates_list"]
        counts = other == ("v2" if version == "v3" else version)
        assert ("removal candidate, place 1" in result["devices"][0]["reason"]) == counts
        assert "differ" not in str(result.get("warnings"))
        assert asked == 1


def test_no_list_is_read_if_nothing_changes(estate, runs, imei):
    runs(estate, devices=[imei(0)])(fota_license)
    assert "candidates_list" not in estate.control("GET", "requests/summary")["operations"]


@pytest.mark.parametrize("use", ["keep", "report"])
@pytest.mark.parametrize("missing", [("v1",), ("v2",), ("v1", "v2")])
@pytest.mark.parametrize("status", [404, 405])
def test_a_candidate_list_that_a_server_does_not_have(estate, runs, imei, use, missing, status):
    """The other one counts. Only without any, nothing can be kept."""
    for version in missing:
        estate.fault("status", path=CANDIDATES.format(version), status=status, body="", times=0)
    run = runs(estate, state="exact", devices=[imei(3), imei(4)], max_removals="100%", removal_candidates=use)
    for check in (True, False):
        result = run(fota_license, check=check)
        assert "differ" not in str(result.get("warnings"))
        if use == "keep" and len(missing) == 2:
            assert "failure" in result
            assert estate.asked()[1] == 0
            continue
        noted = {row["device_id"] for row in result["devices"] if "removal candidate" in row["reason"]}
        assert noted == (set() if len(missing) == 2 else {imei(0), imei(1)} - ({imei(1)} if use == "report" else set()))


@pytest.mark.parametrize("broken", ["v1", "v2"])
def test_a_candidate_list_that_cannot_be_read(estate, runs, imei, broken):
    """Nothing is kept then. Otherwise, the task says so, and tells what it knows."""
    refusal = {"errorCode": "INVALID_PARAMETER", "errorMessage": "x"}
    estate.fault("status", path=CANDIDATES.format(broken), status=400, body=refusal, times=0)
    run = runs(estate, devices=[imei(0)], max_removals="100%", state="absent")
    assert run(fota_license, state="exact", removal_candidates="keep")["failure"]["code"] == "api_rejected"
    result = run(fota_license)
    assert ("could not be found out" in str(result.get("warnings"))) == (broken == "v2")
    assert ("place" in result["devices"][0]["reason"]) == (broken == "v1")
