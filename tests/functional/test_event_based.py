# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts whose upgrades are billed one by one: there is nothing to assign, and the modules say so."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import ACCOUNT, Module, Simulator, imeis

VERSIONS = ("v1", "v2", "v3")


@pytest.fixture(autouse=True, params=["reject", "empty"])
def _event_based(request: pytest.FixtureRequest, simulator: Simulator) -> None:
    subscription = {"purchase_type": "TS-HFOTA-EVNT", "license_count": 0}
    account = {"name": ACCOUNT, "devices": 10, "licenses": 0, "subscription": subscription}
    simulator.state(accounts=[account], quirks={"event_only": request.param})


@pytest.mark.parametrize("version", VERSIONS)
def test_assigning_is_explained(simulator: Simulator, module: Module, version: str) -> None:
    outcome = module(devices=imeis(2), api_version=version)
    assert outcome.code in ("api_rejected", "pool_exhausted")
    assert "event-based (TS-HFOTA-EVNT)" in outcome.message
    assert simulator.writes() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_reading_tells_the_subscription_and_no_device(module: Module, version: str) -> None:
    outcome = module("fota_license_info", api_version=version)
    assert not outcome.failed
    assert outcome.result["subscription"]["purchase_type"] == "TS-HFOTA-EVNT"
    assert outcome.result["devices"] == []
