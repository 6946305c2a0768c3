# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's public Python SDK keeps the removal candidate list of the simulator, in the versions that have one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Simulator, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.vendor_sdk import sdk_client

pytest.importorskip("verizon", reason="needs sdksio-verizon-apis-sdk")
# The SDK calls these endpoints deprecated, ThingSpace's pages do not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

VERSIONS = ("v1", "v2")


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    simulator.state(
        accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 10}],
        quirks={"candidates_page": 3, "candidates_body_count": "check"},
    )
    return sdk_client(simulator, monkeypatch)


def controller(sdk: t.Any, version: str) -> t.Any:
    return getattr(sdk, f"software_management_licenses_{version}")


def create(sdk: t.Any, version: str, devices: list[str], append: bool) -> t.Any:
    """Extend or replace the list; returns the answer."""
    from verizon.models.v1_list_of_licenses_to_remove_request import V1ListOfLicensesToRemoveRequest
    from verizon.models.v2_list_of_licenses_to_remove_request import V2ListOfLicensesToRemoveRequest

    fields: dict[str, t.Any] = {"device_list": devices, **({"mtype": "append"} if append else {})}
    if version == "v1":
        body: t.Any = V1ListOfLicensesToRemoveRequest(**fields)
    else:
        body = V2ListOfLicensesToRemoveRequest(**fields, count=len(devices))
    return controller(sdk, version).create_list_of_licenses_to_remove(ACCOUNT, body).body


def page(sdk: t.Any, version: str, start: int) -> t.Any:
    return controller(sdk, version).list_licenses_to_remove(ACCOUNT, str(start)).body


def everything(sdk: t.Any, version: str) -> list[str]:
    """All devices of the list, page by page."""
    devices: list[str] = []
    while True:
        read = page(sdk, version, len(devices))
        devices += read.device_list
        if not read.has_more_data:
            assert read.count == len(devices)
            return devices


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sdk_keeps_the_list(sdk: t.Any, simulator: Simulator, version: str) -> None:
    first = create(sdk, version, [imei(3), imei(1)], append=True)
    assert (first.count, first.device_list) == (2, [imei(3), imei(1)])
    create(sdk, version, [imei(number) for number in (7, 5, 6, 0, 2)], append=True)
    expected = [imei(number) for number in (3, 1, 7, 5, 6, 0, 2)]
    assert everything(sdk, version) == expected == simulator.state()["accounts"][0]["candidates"]
    assert page(sdk, version, 0).update_time is not None
    create(sdk, version, imeis(2), append=False)
    assert everything(sdk, version) == imeis(2)
    assert controller(sdk, version).delete_list_of_licenses_to_remove(ACCOUNT).body.success is True
    assert simulator.state()["accounts"][0]["candidates"] == []
    assert simulator.licensed() == set(imeis(10)), "a list alone takes nothing away"


def test_v2_reads_from_the_beginning_by_default(sdk: t.Any) -> None:
    create(sdk, "v1", imeis(2), append=True)
    assert controller(sdk, "v2").list_licenses_to_remove(ACCOUNT).body.device_list == imeis(2)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sdk_hears_documented_errors(sdk: t.Any, version: str) -> None:
    from verizon.exceptions.fota_v1_result_exception import FotaV1ResultException
    from verizon.exceptions.fota_v2_result_exception import FotaV2ResultException

    error = {"v1": FotaV1ResultException, "v2": FotaV2ResultException}[version]
    create(sdk, version, imeis(2), append=True)
    with pytest.raises(error) as caught:
        page(sdk, version, 2)
    assert caught.value.error_message == "Index exceeds number of devices in list"
    with pytest.raises(error) as caught:
        create(sdk, version, [], append=False)
    assert caught.value.error_message == "Device list is empty"


def test_who_the_sdk_names_loses_the_license_first(sdk: t.Any, simulator: Simulator) -> None:
    create(sdk, "v2", [imei(9), imei(4)], append=True)
    answer = simulator.control("POST", "subscription", {"account": ACCOUNT, "license_count": 7})
    assert [row["device_id"] for row in answer["evicted"]] == [imei(9), imei(4), imei(0)]
    status = sdk.software_management_subscriptions_v2.get_account_subscription_status(ACCOUNT).body
    assert (status.license_count, status.license_used_count) == (7, 7)
    assert simulator.licensed() == set(imeis(10)) - {imei(9), imei(4), imei(0)}
