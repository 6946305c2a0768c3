# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's public Python SDK assigns SIM-Secure licenses in the simulator, and the modules see it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Module, Simulator, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.vendor_sdk import sdk_client

pytestmark = pytest.mark.usefixtures("heard")

pytest.importorskip("verizon", reason="needs sdksio-verizon-apis-sdk")

FLEX = "SIMSec-IoT"


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    simulator.quirks(simsec_delay=0, x_request_id="check")
    return sdk_client(simulator, monkeypatch)


def assign(sdk: t.Any, devices: list[str], sku: str = FLEX, name: str = "1-12345") -> t.Any:
    from verizon.models.assign_license_request import AssignLicenseRequest
    from verizon.models.license_device_id import LicenseDeviceId
    from verizon.models.license_device_list import LicenseDeviceList

    listed = [LicenseDeviceList(device_ids=[LicenseDeviceId(id=device, kind="IMEI")]) for device in devices]
    body = AssignLicenseRequest(account_name=ACCOUNT, sku_number=sku, devices=listed)
    return sdk.sim_secure_for_io_t_licenses.assign_license_to_devices(body, name).body


def counts(sdk: t.Any) -> dict[str, tuple[int, ...]]:
    from verizon.models.security_subscription_request import SecuritySubscriptionRequest

    body = SecuritySubscriptionRequest(account_name=ACCOUNT)
    listed = sdk.account_subscriptions.list_account_subscriptions(body, "1-12345").body.subscription_list
    # The SDK leaves a count of 0 out.
    names = ("license_purchased", "license_assigned", "license_available")
    return {row.sku_number: tuple(getattr(row, name, 0) for name in names) for row in listed}


def test_the_sdk_and_the_module_count_the_same(sdk: t.Any, simulator: Simulator, module: Module) -> None:
    assert assign(sdk, imeis(3)).request_id
    outcome = module("simsec_license", sku=FLEX, devices=[imei(7)])
    assert not outcome.failed
    simulator.control("POST", "callbacks", {"flush": True})
    assert counts(sdk)[FLEX] == (60, 4, 56)
    assert outcome.result["licenses"] == {"total": 60, "assigned": 4, "available": 56}
    assert simulator.holders(FLEX) == {*imeis(3), imei(7)}
    theirs, ours = simulator.requests("simsec_assign")
    assert (theirs["method"], theirs["path"]) == (ours["method"], ours["path"])
    assert theirs["content_type"].partition(";")[0] == ours["content_type"].partition(";")[0]


def test_the_sdk_hears_refusals(sdk: t.Any) -> None:
    from verizon.exceptions.security_result_exception import SecurityResultException

    with pytest.raises(SecurityResultException) as caught:
        assign(sdk, imeis(1), sku="SIMSec-None")
    assert "SkuNumber" in caught.value.error_code
