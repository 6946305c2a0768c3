# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's public Python SDK, which nobody here wrote, works with the simulator and sees what the modules see."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Module, Simulator, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.vendor_sdk import sdk_client

pytest.importorskip("verizon", reason="needs sdksio-verizon-apis-sdk")
# The SDK calls v1 and v2 deprecated, ThingSpace's pages do not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

VERSIONS = ("v1", "v2", "v3")
HELD = imeis(10)


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 10}], quirks={"page_size": 3})
    return sdk_client(simulator, monkeypatch)


def subscription(sdk: t.Any, version: str) -> t.Any:
    controller = getattr(sdk, f"software_management_subscriptions_{version}")
    return controller.get_account_subscription_status(ACCOUNT).body


def moment(written: t.Any) -> datetime.datetime:
    """A time, which the SDK parses for v1 and leaves alone for v2 and v3."""
    text = written if isinstance(written, str) else getattr(written, "datetime", written).isoformat()
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def pages(sdk: t.Any, version: str) -> tuple[list[dict[str, t.Any]], int, t.Any]:
    """All rows, the number of pages, and the last page."""
    fetch: t.Callable[[str, str], t.Any]
    if version == "v1":
        fetch = sdk.software_management_subscriptions_v1.get_account_license_status
    elif version == "v2":
        fetch = sdk.software_management_licenses_v2.get_account_license_status
    else:
        fetch = sdk.software_management_licenses_v3.get_account_licenses_status
    rows: list[dict[str, t.Any]] = []
    cursor, number = "0", 0
    while True:
        page = fetch(ACCOUNT, cursor).body
        number += 1
        rows += [{"device_id": row.device_id, "assigned_at": moment(row.assignment_time)} for row in page.device_list]
        if not page.has_more_data:
            return rows, number, page
        cursor = str(page.last_seen_device_id)


def change(sdk: t.Any, version: str, action: str, devices: list[str]) -> dict[str, tuple[str, str]]:
    """Assign or remove; returns status and reason of each device."""
    from verizon.models.v1_licenses_assigned_removed_request import V1LicensesAssignedRemovedRequest
    from verizon.models.v2_license_imei import V2LicenseIMEI
    from verizon.models.v3_license_imei import V3LicenseIMEI

    bodies = {"v1": V1LicensesAssignedRemovedRequest, "v2": V2LicenseIMEI, "v3": V3LicenseIMEI}
    controller = getattr(sdk, f"software_management_licenses_{version}")
    direction = "to" if action == "assign" else "from"
    method = getattr(controller, f"{action}_licenses_{direction}_devices")
    answer = method(ACCOUNT, bodies[version](device_list=devices)).body
    rows = {}
    for row in answer.device_list:
        reason = getattr(row, "reason", None) or getattr(row, "result_reason", None) or ""
        rows[row.device_id] = (row.status, reason)
    return rows


@pytest.mark.parametrize("version", VERSIONS)
def test_both_read_the_same(sdk: t.Any, module: Module, version: str) -> None:
    ours = module("fota_license_info", api_version=version).result
    theirs = subscription(sdk, version)
    assert ours["subscription"] == {
        "purchase_type": theirs.purchase_type,
        "license_count": theirs.license_count,
        "license_used_count": theirs.license_used_count,
        "update_time": theirs.update_time,
    }
    rows, number, last = pages(sdk, version)
    assert [row["device_id"] for row in rows] == HELD
    assert rows == [{**row, "assigned_at": moment(row["assigned_at"])} for row in ours["devices"]]
    assert number == 4
    total = getattr(last, "total_license", None) or getattr(last, "total_licenses", None)
    assert {"total": total, "assigned": last.assigned_licenses} == {
        name: ours["licenses"][name] for name in ("total", "assigned")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_sdk_changes_the_modules_see(sdk: t.Any, module: Module, version: str) -> None:
    answer = change(sdk, version, "assign", [imei(20), imei(0), "900000000000999"])
    assert answer[imei(20)][0].endswith("Success")
    assert answer[imei(0)][0].endswith("Success")
    assert not answer["900000000000999"][0].endswith("Success")
    outcome = module(devices=[imei(20), imei(0)], api_version=version, report="all")
    assert not outcome.changed
    assert outcome.rows == {imei(20): "unchanged", imei(0): "unchanged"}
    assert change(sdk, version, "remove", [imei(20)])[imei(20)][0].endswith("Success")
    assert module(devices=[imei(20)], state="absent", api_version=version, report="all").rows == {imei(20): "unchanged"}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_modules_change_the_sdk_sees(sdk: t.Any, module: Module, version: str) -> None:
    devices = [imei(30), imei(31), "900000000000999"]
    outcome = module(devices=devices, api_version=version, report="all", foreseen_refusals="ignore")
    assert outcome.code == "devices_failed"
    assert outcome.changed
    assert outcome.rows == {imei(30): "assigned", imei(31): "assigned", "900000000000999": "failed"}
    assert [row["device_id"] for row in pages(sdk, version)[0]] == [*HELD, imei(30), imei(31)]
    assert subscription(sdk, version).license_used_count == 12
    again = change(sdk, version, "assign", devices)
    assert again["900000000000999"][1] in outcome.reasons, "both hear the same words"
    assert not module(devices=[imei(30), imei(31), *imeis(10)], state="exact", api_version=version).changed
    assert module(devices=[imei(30)], state="absent", api_version=version).changed
    assert imei(30) not in [row["device_id"] for row in pages(sdk, version)[0]]


def device_pages(sdk: t.Any, version: str) -> list[t.Any]:
    """All devices, licensed or not."""
    found: list[t.Any] = []
    cursor, more = "0", True
    while more:
        if version == "v1":
            page = sdk.software_management_reports_v1.list_account_devices(ACCOUNT, cursor).body
        elif version == "v2":
            page = sdk.software_management_reports_v2.list_account_devices(ACCOUNT, cursor).body
        else:
            page = sdk.account_devices.get_account_device_information(ACCOUNT, cursor).body
        found += page.device_list
        cursor, more = str(page.last_seen_device_id), page.has_more_data
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sdk_reads_devices_with_their_license(sdk: t.Any, simulator: Simulator, version: str) -> None:
    simulator.quirks(fota_device_page=25)
    simulator.devices({"imei": imei(1), "upgraded": True}, {"imei": imei(20), "eligible": False})
    found = device_pages(sdk, version)
    assert [device.device_id for device in found] == imeis(60)
    assert [device.device_id for device in found if device.license_assigned] == HELD
    assert [device.device_id for device in found if not device.fota_eligible] == [imei(20)]
    never = found[0].upgrade_time
    assert [device.device_id for device in found if device.upgrade_time != never] == [imei(1)]


def test_the_sdk_asks_about_named_devices(sdk: t.Any) -> None:
    from verizon.models.device_imei import DeviceIMEI

    wanted = [imei(20), imei(0), "900000000000999"]
    answer = sdk.account_devices.list_account_devices_information(ACCOUNT, DeviceIMEI(wanted)).body
    assert answer.device_count == 3
    found = {device.device_id: device for device in answer.device_list}
    assert found[imei(0)].license_assigned
    assert not found[imei(20)].license_assigned
    assert (found[wanted[2]].request_status, found[wanted[2]].result_reason) == ("Failure", "Device does not exist.")


def test_the_sdk_hears_documented_errors(sdk: t.Any, simulator: Simulator) -> None:
    from verizon.exceptions.fota_v3_result_exception import FotaV3ResultException

    with pytest.raises(FotaV3ResultException) as caught:
        sdk.software_management_licenses_v3.get_account_licenses_status("9999999999-00001", "0")
    assert caught.value.error_code == "INVALID_PARAMETER"
    assert "Could not find account" in caught.value.error_message
    assert sdk.session_management.end_connectivity_management_session().body.session_token
    with pytest.raises(FotaV3ResultException) as caught:
        sdk.software_management_licenses_v3.get_account_licenses_status(ACCOUNT, "0")
    assert "session has expired" in caught.value.error_message.lower()
    assert simulator.sessions()["sessions"] == 0
