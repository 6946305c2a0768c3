# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Subscriptions, license lists, assign and remove: in every version, with every switch."""

from __future__ import annotations

import pytest

VERSIONS = ("v1", "v2", "v3")


@pytest.mark.parametrize("version", VERSIONS)
def test_subscription(sim, version):
    reply = sim.api("GET", f"/fota/{version}/subscriptions/{sim.account}").json()
    assert reply == {
        "accountName": sim.account,
        "purchaseType": "TS-HFOTA-MRC",
        "licenseCount": 10,
        "licenseUsedCount": 4,
        "updateTime": "2017-11-29T16:03:42.000Z",
    }


def test_event_only_account(sim):
    accounts = [{"name": sim.account, "subscription": {"purchase_type": "TS-HFOTA-EVNT", "license_count": 9}}]
    sim.control("PUT", "state", {"accounts": accounts})
    assert sim.api("GET", f"/fota/v3/subscriptions/{sim.account}").json()["licenseCount"] == 0
    assert sim.list().status_code == 400
    sim.quirk(event_only="empty")
    assert sim.list().json()["deviceList"] == []


def test_list_fields_of_each_version(sim):
    rows = {"assignedLicenses": 4, "hasMoreData": False, "accountName": sim.account}
    v1, v2, v3 = (sim.list(version).json() for version in VERSIONS)
    for reply in (v1, v2, v3):
        assert rows.items() <= reply.items()
        assert reply["deviceList"][0] == {"deviceId": "990000000000000", "assignmentTime": "2017-11-29T16:03:42.000Z"}
    assert (v1["totalLicenses"], v2["totalLicense"], v3["totalLicenses"]) == (10, 10, 10)
    assert (v1["lastSeenDeviceId"], v2["lastSeenDeviceId"]) == (990000000000003, "990000000000003")
    assert "maxPageSize" not in v1
    assert (v2["maxPageSize"], v3["maxPageSize"]) == (1000, 1000)


def test_list_switches(sim):
    sim.quirk(v1_cursor="string", time_format="go", v3_total="totalLicense", page_size=3)
    assert sim.list("v1").json()["lastSeenDeviceId"] == "990000000000002"
    reply = sim.list("v3").json()
    assert reply["deviceList"][0]["assignmentTime"] == "2017-11-29 16:03:42.000 +0000 UTC"
    assert (reply["totalLicense"], reply["maxPageSize"], reply["hasMoreData"]) == (10, 3, True)
    sim.quirk(v3_total="absent")
    assert not {"totalLicense", "totalLicenses"} & sim.list("v3").json().keys()


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(("offered", "index", "query"), [("both", 200, 200), ("index", 200, 404), ("query", 404, 200)])
def test_list_forms(sim, version, offered, index, query):
    sim.quirk(**{f"{version}_list": offered})
    assert sim.list(version).status_code == index
    answer = sim.api("GET", f"/fota/{version}/licenses/{sim.account}?lastSeenDeviceId=0")
    assert answer.status_code == query
    refused = answer if query == 404 else sim.list(version)
    if offered != "both":
        assert refused.json()["fault"]["code"] == "900906"


def test_lists_of_some_protocols(sim, imei):
    """v2 counts HTTP devices, v1 the others, and v3 all; the subscription is the account's."""
    protocols = ("LWM2M", "HTTP", "OMADM", "HTTP")
    devices = [{"imei": imei(number), "protocol": protocol} for number, protocol in enumerate(protocols)]
    held = [imei(number) for number in range(3)]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": held}]})
    assert [sim.list(version).json()["assignedLicenses"] for version in VERSIONS] == [3, 3, 3]
    sim.quirk(license_lists="protocols", page_size=1)
    assert [sim.list(version).json()["assignedLicenses"] for version in VERSIONS] == [2, 1, 3]
    first = sim.list("v1").json()
    assert first["hasMoreData"]
    rows = [first, sim.list("v1", imei(0)).json(), sim.list("v2").json()]
    assert [row["deviceList"][0]["deviceId"] for row in rows] == [imei(0), imei(2), imei(1)]
    assert [row["hasMoreData"] for row in rows] == [True, False, False]
    assert sim.api("GET", f"/fota/v2/subscriptions/{sim.account}").json()["licenseUsedCount"] == 3


def test_list_without_cursor(sim):
    path = f"/fota/v3/licenses/{sim.account}"
    assert len(sim.api("GET", path).json()["deviceList"]) == 4
    sim.quirk(list_cursor="required")
    assert sim.api("GET", path).json()["errorMessage"] == "LastSeenDeviceId Not Valid"


def test_cursor_must_be_zero_or_of_the_account(sim, imei):
    assert [row["deviceId"] for row in sim.list(cursor=imei(1)).json()["deviceList"]] == [imei(2), imei(3)]
    assert sim.list(cursor=imei(9)).json()["deviceList"] == []  # a device without a license will do
    assert sim.list(cursor="900000000000999").json()["errorMessage"] == "LastSeenDeviceId Not Valid"
    assert sim.list(cursor="abc").json()["errorMessage"] == "Invalid device id format"


@pytest.mark.parametrize("version", VERSIONS)
def test_pages_are_complete_and_in_order(start, imei, version):
    sim = start(2500, 2500).login()
    found: list[str] = []
    cursor: object = "0"
    for _time in range(10):
        reply = sim.list(version, cursor).json()
        found += [row["deviceId"] for row in reply["deviceList"]]
        cursor = reply["lastSeenDeviceId"]
        if not reply["hasMoreData"]:
            break
    assert found == [imei(number) for number in range(2500)]


def test_v1_number_cursor_of_an_imei_with_leading_zeros(sim):
    ids = ["000000000000001", "010000000000002", "010000000000003"]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "licenses": ids}]})
    sim.quirk(page_size=1)
    cursor, found = 0, []
    for _time in ids:
        reply = sim.list("v1", cursor).json()
        found += [row["deviceId"] for row in reply["deviceList"]]
        cursor = reply["lastSeenDeviceId"]
    assert (found, reply["hasMoreData"]) == (ids, False)


def test_list_follows_changes(sim, imei):
    sim.change("remove", imei(0), imei(2))
    sim.change("assign", imei(9), imei(5), imei(0))
    sim.change("remove", imei(5))
    assert [row["deviceId"] for row in sim.list().json()["deviceList"]] == [imei(0), imei(1), imei(3), imei(9)]


@pytest.mark.parametrize(
    ("version", "count", "reason", "good", "bad"),
    [
        ("v1", {"licCount": 10}, "Reason", "LicenseAssignSuccess", "LicenseAssignFailed"),
        ("v2", {"licTotalCount": 10}, "resultReason", "Success", "Failure"),
        ("v3", {"licCount": 10}, "Reason", "LicenseAssignSuccess", "LicenseAssignFailed"),
    ],
)
def test_assign_answer_of_each_version(sim, imei, version, count, reason, good, bad):
    reply = sim.change("assign", imei(0), imei(7), "900000000000999", version=version).json()
    rows = reply.pop("deviceList")
    assert reply == {"accountName": sim.account, "licUsedCount": 5, **count}
    if version == "v3":
        assert [row.pop("resultReason") for row in rows] == [row["Reason"] for row in rows]
    assert rows == [
        {"deviceId": imei(0), "status": good, reason: "Device license preexisting"},
        {"deviceId": imei(7), "status": good, reason: "Success"},
        {"deviceId": "900000000000999", "status": bad, reason: "Device does not exist."},
    ]


def test_remove_answers(sim, imei):
    state = {"accounts": [{"name": sim.account, "licenses": [imei(0), imei(1)], "devices": [
        imei(0), {"imei": imei(1), "upgraded": True}, imei(2)]}]}  # fmt: skip
    sim.control("PUT", "state", state)
    rows = sim.change("remove", imei(0), imei(1), imei(2), version="v2").json()["deviceList"]
    assert [(row["status"], row["resultReason"]) for row in rows] == [
        ("Success", "Success"),
        ("Failure", "License removal not allowed for devices that have ever upgraded firmware."),
        ("Failure", "No license attached to device"),
    ]
    assert sim.held() == [imei(1)]
    assert sim.change("remove", imei(1), version="v1").json()["deviceList"][0]["status"] == "LicenseRemoveFailed"


def test_v3_word_switches(sim, imei):
    sim.quirk(v3_count="licCount", v3_reason="mixed", success_status="short", v3_device_times=True)
    reply = sim.change("assign", imei(7)).json()
    assert "licTotalCount" not in reply
    assert reply["licCount"] == 10
    sim.quirk(v3_count="both")
    both = sim.change("assign", imei(7)).json()
    assert (both["licCount"], both["licTotalCount"]) == (1, 10)
    row = reply["deviceList"][0]
    assert (row["status"], row["Reason"]) == ("Success", "Success")
    assert row["updatedTime"]
    assert "resultReason" in sim.change("remove", imei(7)).json()["deviceList"][0]
    sim.quirk(success_status="long", v3_count="licTotalCount", v3_reason="resultReason")
    reply = sim.change("remove", imei(7), version="v2").json()
    assert reply["deviceList"][0]["status"] == "LicenseRemoveFailed"
    assert "licCount" not in sim.change("remove", imei(7)).json()


def test_pool_runs_dry(start, imei):
    sim = start(10, 4, 6).login()
    sim.quirk(exhausted="reject")
    answer = sim.change("assign", imei(0), imei(4), imei(5), imei(6))
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")
    assert len(sim.held()) == 4
    sim.quirk(exhausted="per_device")
    rows = sim.change("assign", imei(0), imei(4), imei(5), imei(6)).json()["deviceList"]
    assert [row["status"][-4:] for row in rows] == ["cess", "cess", "cess", "iled"]
    assert len(sim.held()) == 6


def test_bad_and_unknown_devices(sim, imei):
    reason = sim.change("assign", "12").json()["deviceList"][0]["Reason"]
    assert reason == "Invalid Device IMEI."
    sim.quirk(unknown_device_reason="not_found")
    assert sim.change("assign", "900000000000999").json()["deviceList"][0]["Reason"] == "Device Not Found."
    sim.quirk(bad_device="reject")
    assert sim.change("assign", imei(5), "12").json()["errorMessage"] == "Invalid device id format"
    sim.quirk(unknown_device="reject")
    assert sim.change("assign", imei(5), "900000000000999").status_code == 400
    assert imei(5) not in sim.held()
    sim.quirk(unknown_device="accept")
    assert sim.change("assign", "900000000000999").json()["deviceList"][0]["Reason"] == "Success"
    assert "900000000000999" in sim.held()


def test_too_many_devices(sim, imei):
    sim.quirk(max_devices_per_request=2)
    assert sim.change("assign", imei(4), imei(5), imei(6)).status_code == 400
    assert sim.change("assign", imei(4), imei(5)).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Input binding error"),
        (b"{", "Input binding error"),
        (b"[" * 100_000, "Input binding error"),
        (b"[]", "Input binding error"),
        (b'{"deviceList": "x"}', "Input binding error"),
        (b'{"deviceList": [990000000000001]}', "Input binding error"),
        (b'{"deviceList": []}', "Device list is empty"),
        (b"{}", "Device list is empty"),
    ],
)
def test_malformed_body(sim, body, message):
    for what in ("assign", "remove"):
        answer = sim.api("POST", f"/fota/v3/licenses/{sim.account}/{what}", data=body)
        assert (answer.status_code, answer.json()["errorMessage"]) == (400, message)


def test_body_is_json_whatever_its_content_type(sim, imei):
    assert sim.change("assign", imei(5), headers={"Content-Type": "text/plain"}).status_code == 200


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "Invalid account name format"),
        ("9999999999-00001", "UWS verification failure (Could not find account 9999999999-00001)"),
    ],
)
def test_wrong_account(sim, name, message):
    sim.account = name
    for answer in (
        sim.list(),
        sim.change("assign", "990000000000001"),
        sim.api("GET", f"/fota/v1/subscriptions/{name}"),
    ):
        assert (answer.status_code, answer.json()["errorMessage"]) == (400, message)


def test_inactive_account(sim):
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "active": False}]})
    assert sim.list().json() == {"errorCode": "INVALID_PARAMETER", "errorMessage": "Inactive account"}


def test_account_name_out_of_format_works_when_it_exists(sim):
    sim.control("PUT", "state", {"accounts": [{"name": "Test Account-1"}]})
    assert sim.api("GET", "/fota/v3/subscriptions/Test%20Account-1").json()["accountName"] == "Test Account-1"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/fota/v3/nothing", 404), ("GET", "/m2m/v1/nothing", 404), ("GET", "/other/v1/x", 400),
     ("DELETE", "/fota/v3/licenses/0000123456-00001/assign", 404), ("GET", "/fota/v1/licenses/0000123456-00001", 404),
     ("POST", "/fota/v3/firmware/licenses/0000123456-00001/assign", 404)],
)  # fmt: skip
def test_unknown_resource(sim, method, path, status):
    answer = sim.api(method, path)
    assert (answer.status_code, answer.json()["fault"]["code"]) == (status, "900906")


def test_firmware_path_switch(sim, imei):
    sim.quirk(firmware_path=True)
    path = f"/fota/v3/firmware/licenses/{sim.account}/assign"
    assert sim.api("POST", path, json={"deviceList": [imei(5)]}).status_code == 200
    assert imei(5) in sim.held()
