# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices with their FOTA license: the lists of all versions, the call for named devices, and every switch."""

from __future__ import annotations

import pytest

VERSIONS = ("v1", "v2", "v3")
NEVER = "01/01/1900 0:0:0"
UPGRADED_AT = "2020-05-06T07:08:09.000Z"


def listing(sim, version="v3", cursor: object = "0", **query):
    """Request one page of devices."""
    tail = f"/index/{cursor}" if version == "v1" else ""
    query = query if version == "v1" else {"lastSeenDeviceId": cursor, **query}
    return sim.api("GET", f"/fota/{version}/devices/{sim.account}{tail}", params=query)


def lookup(sim, *ids, **query):
    """Ask about named devices."""
    return sim.api("POST", f"/fota/v3/devices/{sim.account}", json={"deviceList": [*ids]}, params=query)


def rows(answer):
    """Return the rows by device."""
    assert answer.status_code == 200, answer.text
    return {row["deviceId"]: row for row in answer.json()["deviceList"]}


@pytest.fixture(name="mixed")
def fixture_mixed(sim, imei):
    """Four devices: licensed; upgraded and licensed; not eligible, and HTTP; OMA-DM."""
    devices = [
        imei(0),
        {"imei": imei(1), "upgraded_at": UPGRADED_AT},
        {"imei": imei(2), "eligible": False, "protocol": "HTTP"},
        {"imei": imei(3), "protocol": "OMADM"},
    ]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": 2}]})
    return sim


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_list_says_of_each_device(mixed, imei, version):
    found = rows(listing(mixed, version))
    assert [found[imei(number)]["licenseAssigned"] for number in range(4)] == [True, True, False, False]
    assert [found[imei(number)]["fotaEligible"] for number in range(4)] == [True, True, False, True]
    assert [found[imei(number)]["upgradeTime"] for number in range(4)] == [NEVER, UPGRADED_AT, NEVER, NEVER]
    assert found[imei(2)].get({"v1": "none", "v2": "distributionType", "v3": "protocol"}[version], "HTTP") == "HTTP"


@pytest.mark.parametrize(
    ("version", "query", "numbers"),
    [
        ("v1", {"clientType": "OMADM"}, [3]),
        ("v2", {"distributionType": "OMD-DM"}, [3]),
        ("v2", {"distributionType": "HTTP"}, [2]),
        ("v3", {"protocol": "LWM2M"}, [0, 1]),
        ("v3", {}, [0, 1, 2, 3]),
    ],
)
def test_protocols(mixed, imei, version, query, numbers):
    assert [*rows(listing(mixed, version, **query))] == [imei(number) for number in numbers]


@pytest.mark.parametrize("version", VERSIONS)
def test_pages_are_complete_and_in_order(sim, imei, version):
    sim.quirk(fota_device_page=4)
    found: list[str] = []
    cursor: object = "0"
    for _time in range(9):
        answer = listing(sim, version, cursor)
        found += rows(answer)
        cursor = answer.json()["lastSeenDeviceId"]
        if not answer.json()["hasMoreData"]:
            break
    assert found == [imei(number) for number in range(10)]
    assert isinstance(cursor, int if version == "v1" else str)
    assert listing(sim, version, "900000000000999").json()["errorMessage"] == "LastSeenDeviceId Not Valid"


def test_named_devices(mixed, imei):
    stranger = "900000000000999"
    answer = lookup(mixed, imei(3), imei(1), stranger, imei(1), imei(2))
    found = rows(answer)
    assert answer.json()["deviceCount"] == len(found) == 4
    assert found[stranger] == {
        "deviceId": stranger,
        "requestStatus": "Failure",
        "resultReason": "Device does not exist.",
    }
    assert {device: row.get("licenseAssigned") for device, row in found.items()} == {
        imei(1): True,
        imei(2): False,
        imei(3): False,
        stranger: None,
    }
    assert found[imei(2)]["fotaEligible"] is False
    assert "upgradeTime" not in found[imei(1)], "not documented for this call"
    mixed.quirk(v3_lookup_upgrade_time=True, v3_lookup_unknown="missing", v3_protocol="LWM2M")
    found = rows(lookup(mixed, imei(3), imei(1), stranger))
    assert {device: row["upgradeTime"] for device, row in found.items()} == {imei(1): UPGRADED_AT}
    assert [*rows(lookup(mixed, imei(3), imei(1), protocol="OMADM"))] == [imei(3)]
    mixed.quirk(v3_lookup_protocol="failure")
    assert rows(lookup(mixed, imei(2), protocol="HTTP"))[imei(2)]["requestStatus"] == "Success"
    assert rows(lookup(mixed, imei(2)))[imei(2)]["resultReason"] == "Device does not exist."
    assert mixed.control("GET", "requests?write=true") == []


def test_more_ids_than_a_page_has(sim, imei):
    sim.quirk(fota_device_page=3)
    ids = [imei(number) for number in range(5)]
    first = lookup(sim, *ids).json()
    assert (first["hasMoreData"], first["lastSeenDeviceId"], first["deviceCount"]) == (True, imei(2), 3)
    assert [*rows(lookup(sim, *ids, lastSeenDeviceId=imei(2)))] == ids[3:]
    many = [imei(number) for number in range(1001)]
    assert lookup(sim, *many).status_code == 200
    sim.quirk(v3_lookup_more="reject")
    assert lookup(sim, *many).status_code == 400


def test_bad_ids(sim, imei):
    assert rows(lookup(sim, "12"))["12"]["resultReason"] == "Invalid Device IMEI."
    assert lookup(sim).json()["errorMessage"] == "Device list is empty"
    sim.quirk(bad_device="reject")
    assert lookup(sim, imei(0), "12").status_code == 400


def test_what_a_list_may_lack_and_how_late_it_may_be(sim, imei):
    for name in ("licenseAssigned", "fotaEligible", "upgradeTime"):
        sim.quirk(fota_devices_lack=name)
        assert all(name not in row for row in [*rows(listing(sim)).values(), *rows(lookup(sim, imei(0))).values()])
    sim.quirk(fota_devices_lack="nothing", license_flag_delay=60)
    sim.change("assign", imei(9))
    sim.change("remove", imei(0))
    flags = [rows(lookup(sim, imei(0), imei(9)))[imei(number)]["licenseAssigned"] for number in (0, 9)]
    assert flags == [True, False]
    sim.advance(61)
    flags = [rows(lookup(sim, imei(0), imei(9)))[imei(number)]["licenseAssigned"] for number in (0, 9)]
    assert flags == [False, True]


@pytest.mark.parametrize("status", ["404", "405", "400"])
def test_a_server_of_a_time_before_these_calls(sim, imei, status):
    sim.quirk(fota_devices="lists", missing_call=status)
    assert listing(sim).status_code == 200
    refused = lookup(sim, imei(0))
    assert (refused.status_code, refused.json()["fault"]["code"]) == (int(status), "900906")
    sim.quirk(fota_devices="none")
    assert [listing(sim, version).status_code for version in VERSIONS] == [int(status)] * 3


def test_a_device_that_is_not_eligible_gets_no_license(mixed, imei):
    for version, word in (("v1", "Reason"), ("v2", "resultReason"), ("v3", "Reason")):
        (row,) = mixed.change("assign", imei(2), version=version).json()["deviceList"]
        assert row[word] == "Device not eligible for service."
        assert "Fail" in row["status"]
    assert mixed.held() == [imei(0), imei(1)]


def test_a_number_of_licenses_means_the_first_of_the_listed_devices(sim, imei):
    devices = [imei(7), imei(3), imei(5)]
    account = {"name": sim.account, "devices": devices, "licenses": 2}
    sim.control("PUT", "state", {"accounts": [account]})
    assert sim.held() == devices[:2]
    problems = sim.control("PUT", "state", {"accounts": [{**account, "licenses": 4}]}, status=400)["problems"]
    assert "3 devices only, not 4" in problems[0]


def test_a_state_that_is_read_back_is_the_same(mixed):
    before = mixed.control("GET", "state")
    mixed.control("PUT", "state", before)
    assert mixed.control("GET", "state") == before
    assert before["accounts"][0]["devices"][1]["upgraded_at"] == UPGRADED_AT
