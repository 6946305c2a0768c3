# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One device: every id, and no personal data."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.row import KINDS, device_row, is_personal

FULL: dict[str, t.Any] = {
    "accountName": "0000123456-00001",
    "carrierInformations": [{"carrierName": "Verizon", "servicePlan": "m2m_4G", "state": "active"}],
    "connected": True,
    "createdAt": "2017-01-01T00:00:00.000Z",
    "customFields": [{"key": "CustomField1", "value": "north"}, {"key": "CustomField2"}],
    "deviceIds": [
        {"id": "990000000000000", "kind": "IMEI"},
        {"id": "89148000000000000000", "kind": "iccId"},
        {"id": "5551234567", "kind": "mdn"},
        {"id": "5559999999", "kind": "MDN"},
        {"id": "0042", "kind": "newKind"},
    ],
    "extendedAttributes": [
        {"key": "PrimaryPlaceOfUseFirstName", "value": "Ada"},
        {"key": "DeviceId", "value": "1000001"},
        {"key": "PreIMEI"},
    ],
    "groupNames": ["meters", "north"],
    "lastActivationBy": "Ada Lovelace",
    "lastConnectionDate": "2017-01-02T00:00:00Z",
}


def test_everything() -> None:
    row = device_row(FULL)
    assert row.cursor == row.identity == "1000001"
    assert row.as_result() == {
        **dict.fromkeys(KINDS),
        "imei": "990000000000000",
        "iccid": "89148000000000000000",
        "mdn": "5551234567",
        "newkind": "0042",
        "state": "active",
        "service_plan": "m2m_4G",
        "groups": ["meters", "north"],
        "custom_fields": {"CustomField1": "north", "CustomField2": ""},
        "created_at": "2017-01-01T00:00:00.000Z",
        "connected": True,
        "last_connected_at": "2017-01-02T00:00:00Z",
        "attributes": {"DeviceId": "1000001", "PreIMEI": None},
    }
    assert "Ada" not in str(row)
    assert device_row(FULL, personal=True).as_result()["attributes"]["PrimaryPlaceOfUseFirstName"] == "Ada"


@pytest.mark.parametrize(
    "value",
    [
        {},
        dict.fromkeys(FULL),
        {
            "deviceIds": [None, 1, {}, {"kind": "imei"}],
            "carrierInformations": "x",
            "extendedAttributes": [{"value": 1}],
        },
    ],
)
def test_what_is_missing_is_empty(value: dict[str, t.Any]) -> None:
    row = device_row(value)
    assert row.as_result() == {
        **dict.fromkeys(KINDS),
        "state": "",
        "service_plan": "",
        "groups": [],
        "custom_fields": {},
        "created_at": "",
        "connected": None,
        "last_connected_at": "",
        "attributes": {},
    }
    assert row.cursor == ""


def test_devices_without_ids_are_told_apart_by_what_there_is() -> None:
    rows = [device_row({"createdAt": when}) for when in ("2017-01-01", "2017-01-02")]
    assert rows[0].identity != rows[1].identity
    ids = FULL["deviceIds"][:3]
    assert device_row({"deviceIds": ids}).identity == device_row({"deviceIds": ids[::-1]}).identity


@pytest.mark.parametrize(("said", "connected"), [(True, True), (False, False), ("True", True), ("false", False)])
def test_connected(said: t.Any, connected: bool) -> None:
    assert device_row({"connected": said}).connected is connected


@pytest.mark.parametrize(
    "key",
    [
        "PrimaryPlaceOfUseTitle",
        "PrimaryPlaceOfUseState",
        "primaryplaceofuseX",
        "ContactEmail",
        "FirstName",
        "HomePhone",
    ],
)
def test_personal(key: str) -> None:
    assert is_personal(key)


@pytest.mark.parametrize(
    "key",
    [
        "AccountNumber",
        "CostCenterCode",
        "DeviceId",
        "LastRoamingStatusUpdate",
        "PreIMEI",
        "PreSKU",
        "ProfileStatus",
        "RoamingStatus",
        "SIMOTADate",
        "SkuNumber",
        "SmsrOid",
    ],
)
def test_not_personal(key: str) -> None:
    assert not is_personal(key)
