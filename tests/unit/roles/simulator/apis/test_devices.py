# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device list: pages, filters, attributes; and the devices of a state."""

from __future__ import annotations

import pytest


def imeis(answer):
    rows = answer.json()["devices"]
    return [one["id"] for row in rows for one in row["deviceIds"] if one["kind"] == "imei"]


def attributes(row):
    return {one["key"]: one.get("value") for one in row["extendedAttributes"]}


def test_row(sim, imei):
    sim.control("PUT", "devices", [{"imei": imei(0), "custom_fields": {"CustomField1": "x"}, "groups": ["a"]}])
    row = sim.devices().json()["devices"][0]
    assert row["accountName"] == sim.account
    assert row["carrierInformations"][0]["state"] == "active"
    assert (row["customFields"], row["groupNames"]) == ([{"key": "CustomField1", "value": "x"}], ["a"])
    assert {one["kind"]: one["id"] for one in row["deviceIds"]}["iccId"] == "89148000000000000000"
    known = attributes(row)
    assert known["PrimaryPlaceOfUseEmailAddress"].endswith("@example.com")
    assert known["SkuNumber"].startswith("VZW")
    assert any("value" not in one for one in row["extendedAttributes"])


def test_paging_by_device_id(sim, imei):
    sim.quirk(device_page=4)
    seen, cursor, statuses = [], 0, []
    while True:
        answer = sim.devices(largestDeviceIdSeen=cursor)
        seen += imeis(answer)
        statuses.append((answer.status_code, answer.json()["hasMoreData"]))
        if answer.status_code == 200:
            break
        cursor = attributes(answer.json()["devices"][-1])["DeviceId"]
    assert seen == [imei(number) for number in range(10)]
    assert statuses == [(202, True), (202, True), (200, False)]


def test_page_that_ends_exactly(sim):
    answer = sim.devices(maxNumberOfDevices=10, largestDeviceIdSeen=0)
    assert (answer.status_code, len(imeis(answer))) == (200, 10)
    assert len(imeis(sim.devices(maxNumberOfDevices=5000))) == 10
    sim.quirk(device_page=3)
    assert len(imeis(sim.devices(maxNumberOfDevices=5))) == 3


def test_paging_by_the_time_added(sim, imei):
    sim.quirk(device_page=4, device_attributes="single")
    sim.control("PUT", "devices", [{"imei": imei(0), "created_at": "2020-01-01T00:00:00Z"}])
    first = sim.devices()
    assert imeis(first) == [imei(number) for number in (1, 2, 3, 4)]
    assert all(row["extendedAttributes"] == [] for row in first.json()["devices"])
    second = sim.devices(earliest=first.json()["devices"][-1]["createdAt"])
    assert imeis(second) == [imei(number) for number in (4, 5, 6, 7)]
    last = sim.devices(earliest="2018-01-01")
    assert (last.status_code, imeis(last)) == (200, [imei(0)])


def test_attributes_of_a_single_device(sim, imei):
    sim.quirk(device_attributes="single")
    row = sim.devices(deviceId={"id": imei(3), "kind": "IMEI"}).json()["devices"][0]
    assert int(attributes(row)["DeviceId"]) > 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"deviceId": {"id": "990000000000002", "kind": "imei"}}, [2]),
        ({"deviceId": {"id": "89148000000000000002", "kind": "ICCID"}}, [2]),
        (
            {
                "deviceList": [
                    {"deviceIds": [{"id": "990000000000004", "kind": "imei"}]},
                    {"deviceIds": [{"id": "89148000000000000001", "kind": "iccid"}]},
                    {"deviceIds": [{"id": "123", "kind": "imei"}]},
                ]
            },
            [1, 4],
        ),
        ({"filter": {"deviceIdentifierFilters": [{"kind": "imei", "endswith": "7"}]}}, [7]),
        ({"filter": {"deviceIdentifierFilters": [{"kind": "ICCID", "startswith": "8914", "endswith": "6"}]}}, [6]),
        (
            {
                "filter": {
                    "deviceIdentifierFilters": [{"kind": "imei", "contains": "99"}, {"kind": "mdn", "endswith": "3"}]
                }
            },
            [2],
        ),
        ({"currentState": "Suspend"}, [1]),
        ({"groupName": "west"}, [2]),
        ({"servicePlan": "gold"}, [3]),
        ({"customFields": [{"key": "a", "value": "b"}]}, [4]),
        ({"customFields": [{"key": "a", "value": "c"}]}, []),
        ({"carrierNameFilter": "verizon", "latest": "2017-01-01T00:00:01Z"}, [0, 1]),
        ({"earliest": "2017-01-01T00:00:02Z", "latest": "2017-01-01T00:00:04Z"}, [2, 3, 4]),
        ({"earliest": "2017-01-01T00:00:07Z", "largestDeviceIdSeen": "0"}, [7, 8, 9]),
    ],
)
def test_filters(sim, imei, fields, expected):
    changes = [
        {"imei": imei(1), "state": "suspend"},
        {"imei": imei(2), "groups": ["east", "west"]},
        {"imei": imei(3), "service_plan": "gold"},
        {"imei": imei(4), "custom_fields": {"a": "b", "c": "d"}},
    ]
    sim.control("PUT", "devices", changes)
    answer = sim.devices(**fields)
    assert answer.status_code == 200
    assert imeis(answer) == [imei(number) for number in expected]


@pytest.mark.parametrize(
    "fields",
    [
        {"accountName": "x"}, {"deviceId": {"id": "990000000000002"}}, {"deviceId": {"id": "123", "kind": "imei"}},
        {"deviceList": 5}, {"deviceList": [{}]}, {"filter": []}, {"filter": {"deviceIdentifierFilters": [{}]}},
        {"filter": {"deviceIdentifierFilters": [{"kind": "imei"}]}}, {"earliest": "soon"}, {"currentState": 5},
        {"largestDeviceIdSeen": "x"}, {"largestDeviceIdSeen": -1}, {"maxNumberOfDevices": True},
    ],
)  # fmt: skip
def test_wrong_request(sim, fields):
    answer = sim.devices(**fields)
    assert answer.status_code == 400
    assert answer.json()["errorCode"].startswith("UnifiedWebService.")


def test_devices_of_a_state(sim, imei):
    device = {
        "imei": imei(0),
        "upgraded": False,
        "iccid": "20180903000000000009",
        "state": "pre-active",
        "technology": "3G",
        "groups": ["a"],
        "service_plan": "gold",
        "custom_fields": {"a": "b"},
        "created_at": "2024-01-02T03:04:05.000Z",
    }
    skus = [
        {"sku": "SIMSec-IoT", "license_type": "x", "purchased": 3, "licenses": [imei(1)]},
        {"sku": "y", "licenses": 2},
    ]
    account = {"name": sim.account, "devices": [device, imei(1)], "skus": skus}
    sim.control("PUT", "state", {"accounts": [account]})
    first = sim.control("GET", "state")
    assert first["accounts"][0]["devices"] == [device, {"imei": imei(1), "upgraded": False}]
    assert sim.secured() == [imei(1)]
    assert sim.secured("y") == [imei(0), imei(1)]
    assert sim.counts() == (3, 1, 2)
    sim.control("PUT", "state", first)
    assert sim.control("GET", "state") == first


def test_wrong_devices_and_skus_of_a_state(sim, imei):
    for device, word in (
        ({"state": "asleep"}, "devices[0].state"),
        ({"technology": "5"}, "devices[0].technology"),
        ({"iccid": "x"}, "devices[0].iccid"),
        ({"groups": "x"}, "devices[0].groups"),
        ({"custom_fields": {"a": 1}}, "devices[0].custom_fields"),
        ({"service_plan": ""}, "devices[0].service_plan"),
        ({"created_at": "soon"}, "devices[0].created_at"),
        ({"iccid": "89148000000000000001"}, "two devices have the ICCID"),
    ):
        body = {"accounts": [{"name": "a", "devices": [{"imei": imei(0), **device}, imei(1)]}]}
        assert word in sim.control("PUT", "state", body, status=400)["error"]
    for sku, word in (
        ({"sku": ""}, "skus[0].sku: must be"),
        ({"sku": "x", "purchased": -1}, "purchased: must be"),
        ({"sku": "x", "license_type": 5}, "license_type: must be"),
        ({"sku": "x", "licenses": 2}, "has 1 devices only"),
        ({"sku": "x", "licenses": "all"}, "must be a list"),
        ({"sku": "x", "licenses": [imei(1)]}, "is not a device"),
        ({"sku": "x", "licenses": [imei(0), imei(0)]}, "given twice"),
        ({"sku": "x", "licenses": [{"device_id": imei(0), "assigned_at": "x"}]}, "assigned_at"),
        ({"sku": "x", "licenses": [5]}, "device_id"),
        ({"sku": "x", "color": 1}, "color: unknown"),
    ):
        body = {"accounts": [{"name": "a", "devices": [imei(0)], "skus": [sku]}]}
        assert word in sim.control("PUT", "state", body, status=400)["error"]


def test_single_devices_can_be_changed(sim, imei):
    sim.quirk(simsec_delay=60)
    sim.simsec(imei(0))
    assert sim.control("PUT", "devices", [{"imei": imei(0), "state": "suspend", "upgraded": True}]) == {
        "account": sim.account,
        "changed": 1,
    }
    sim.control("PUT", "devices", {"account": sim.account, "devices": [{"imei": imei(0), "technology": "3G"}]})
    device = sim.control("GET", "state")["accounts"][0]["devices"][0]
    assert device == {"imei": imei(0), "upgraded": True, "state": "suspend", "technology": "3G"}
    assert sim.control("GET", "callbacks")["requests"] == 1  # what is under way goes on
    before = sim.control("GET", "state")
    for wrong in (
        {},
        5,
        [5],
        [{"imei": "123"}],
        [{"imei": imei(1), "state": "x"}],
        [{"imei": imei(1), "color": 1}],
        [{"imei": imei(1), "upgraded": "yes"}],
        [{"imei": imei(1), "iccid": "89148000000000000002"}],
        [{"imei": imei(1), "iccid": "891480"}, {"imei": imei(2), "iccid": "891480"}],
        {"account": "x", "devices": []},
    ):
        sim.control("PUT", "devices", wrong, status=400)
    assert sim.control("GET", "state") == before
