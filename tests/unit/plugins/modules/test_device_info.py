# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module device_info, over a scripted transport."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client
from ansible_collections.thingspace.licensing.plugins.modules import device_info
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Script, imei, step
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

PATH = "/m2m/v1/devices/actions/list"
TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}


def device(number: int, **fields: t.Any) -> dict[str, t.Any]:
    return {
        "deviceIds": [{"id": imei(number), "kind": "imei"}],
        "carrierInformations": [{"servicePlan": "plan", "state": "active"}],
        "connected": True,
        "createdAt": "2017-01-01T00:00:00Z",
        "extendedAttributes": [
            {"key": "DeviceId", "value": str(number + 1)},
            {"key": "PrimaryPlaceOfUseLastName", "value": "Lovelace"},
        ],
        "groupNames": ["meters", "=north"],
        **fields,
    }


PAGES = (
    step("POST", PATH, 202, {"hasMoreData": True, "devices": [device(0), device(1)]}),
    step("POST", PATH, 200, {"hasMoreData": False, "devices": [device(2, deviceIds=[{"id": "5551", "kind": "MDN"}])]}),
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(*PAGES)
    monkeypatch.setattr(client, "Transport", lambda _connection, _mask: script)
    return script


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: Script) -> Run:
    return runner(device_info.main, None, monkeypatch, capsys, account=ACCOUNT, retries=0, **TOKENS)


@pytest.mark.parametrize("check_mode", [True, False])
def test_every_page(run: Run, script: Script, check_mode: bool) -> None:
    result = run(page_size=2, _ansible_check_mode=check_mode)
    assert (result["changed"], result["count"]) == (False, 3)
    assert [row["imei"] for row in result["devices"]] == [imei(0), imei(1), None]
    assert result["devices"][2]["mdn"] == "5551"
    assert result["devices"][0]["attributes"] == {"DeviceId": "1"}
    assert "Lovelace" not in str(result)
    assert [request.json for request in script.sent] == [
        {"accountName": ACCOUNT, "largestDeviceIdSeen": 0, "maxNumberOfDevices": 2},
        {"accountName": ACCOUNT, "largestDeviceIdSeen": 2, "maxNumberOfDevices": 2},
    ]
    script.finished()


def test_personal_data_on_request(run: Run) -> None:
    result = run(include_personal_data=True)
    assert {row["attributes"]["PrimaryPlaceOfUseLastName"] for row in result["devices"]} == {"Lovelace"}


def test_report_to_a_file_only(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    result = run(report="none", devices_report=str(path), include_personal_data=True)
    assert (result["count"], result["devices"]) == (3, [])
    lines = path.read_text().splitlines()
    assert lines[0].startswith("imei,iccid,mdn,msisdn,imsi,min,eid,meid,esn,state,service_plan,groups,custom_fields,")
    assert lines[1] == f"{imei(0)},,,,,,,,,active,plan,meters;'=north,,2017-01-01T00:00:00Z,true,"
    assert lines[3].startswith(",,5551,")
    assert "Lovelace" not in path.read_text()


def test_devices_that_were_not_asked_for_are_warned_of(run: Run) -> None:
    result = run(group="south")
    assert result["count"] == 3
    assert "3 of the 3 devices" in str(result["warnings"])


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        ({"page_size": 0}, "invalid_options", 1),
        ({"page_size": 2001, "group": "", "account": "/"}, "invalid_options", 3),
        ({"device_id": "x"}, "invalid_devices", 1),
        ({"devices_report": "/none/x"}, "report_unwritable", 1),
        ({"created_after": "yesterday"}, "invalid_options", 1),
    ],
)
def test_bad_input(run: Run, script: Script, options: dict[str, t.Any], code: str, count: int) -> None:
    result = run(**options)
    assert (result["failure"]["code"], result["failure"]["problem_count"]) == (code, count)
    assert script.sent == []


@pytest.mark.parametrize("options", [{"kind": "x"}, {"report": "changed"}, {"custom_fields": 1}, {"page_size": "many"}])
def test_options_that_are_unknown(run: Run, script: Script, options: dict[str, t.Any]) -> None:
    assert run(**options)["failure"]["code"] == "invalid_options"
    assert script.sent == []
