# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection works with every reading of the documents that a quirk offers."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import (
    fota_license,
    simsec_license_info,
    swm_removal_candidates_info,
)

# What differs between versions, by the version that it concerns.
READINGS = [
    ("v1", {"v1_cursor": "string"}),
    ("v2", {"v2_list": "index"}),
    ("v2", {"v2_list": "query"}),
    *(
        (version, {f"{version}_list": form, "missing_call": status})
        for version in ("v2", "v3")
        for form in ("index", "query")
        for status in ("405", "400")
    ),
    *(
        (version, {"v2_candidates": form, "missing_call": "405"})
        for version in ("v2", "v3")
        for form in ("index", "query")
    ),
    *((version, {"fota_devices": "none"}) for version in ("v1", "v2", "v3")),
    *((version, {"fota_devices": "lists"}) for version in ("v1", "v2", "v3")),
    *((version, {"fota_devices_lack": "upgradeTime"}) for version in ("v1", "v2", "v3")),
    ("v3", {"v3_lookup_unknown": "missing"}),
    ("v3", {"v3_lookup_more": "reject"}),
    ("v3", {"v3_list": "index"}),
    ("v3", {"v3_list": "query"}),
    ("v3", {"v3_reason": "resultReason"}),
    ("v3", {"v3_reason": "mixed"}),
    ("v3", {"v3_reason": "Reason"}),
    ("v3", {"v3_count": "both"}),
    ("v3", {"v3_count": "licTotalCount"}),
    ("v3", {"v3_device_times": True}),
    ("v3", {"firmware_path": True}),
    *((version, {"success_status": word}) for version in ("v1", "v2", "v3") for word in ("long", "short")),
    *((version, {"candidates_unassigned": "drop"}) for version in ("v1", "v2")),
    ("v3", {"login_expires_in": "3600"}),
    ("v3", {"login_expires_in": "1800"}),
]


@pytest.fixture(name="sim")
def fixture_sim(sim):
    """Pages of three devices."""
    sim.quirk(page_size=3)
    return sim


def outcomes(result):
    """Count the devices by outcome."""
    return {name: count for name, count in result["summary"].items() if count}


@pytest.mark.slow
@pytest.mark.parametrize(("version", "quirks"), READINGS, ids=str)
def test_licenses_move_and_a_second_run_changes_nothing(sim, run, imei, version, quirks):
    sim.quirk(**quirks)
    wanted = {"api_version": version, "state": "exact", "devices": [imei(number) for number in range(2, 8)]}
    result = run(fota_license, **wanted)
    assert (result["changed"], outcomes(result)) == (True, {"assigned": 4, "removed": 2, "unchanged": 2})
    assert sorted(sim.held()) == wanted["devices"]
    result = run(fota_license, **wanted)
    assert (result["changed"], outcomes(result)) == (False, {"unchanged": 6})


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize(
    ("quirks", "moved"),
    [
        ({"unknown_device_reason": "not_found"}, {"assigned": 4, "failed": 1}),
        ({"unknown_device": "reject"}, {"assigned": 4, "failed": 1}),
        ({"unknown_device": "reject", "bad_device": "reject"}, {"assigned": 4, "failed": 1}),
        ({"unknown_device": "accept"}, {"assigned": 5}),
    ],
    ids=str,
)
def test_a_device_of_somebody_else_holds_up_no_other(sim, run, imei, version, quirks, moved):
    sim.quirk(**quirks)
    wanted = [*(imei(number) for number in range(4, 8)), "123456789012345"]
    result = run(fota_license, api_version=version, state="present", devices=wanted, foreseen_refusals="ignore")
    assert outcomes(result) == moved
    assert {imei(number) for number in range(8)} <= set(sim.held())


def test_a_limit_on_devices_in_a_request_that_no_document_names(sim, run, imei):
    sim.quirk(max_devices_per_request=2)
    result = run(fota_license, api_version="v3", state="present", devices=[imei(number) for number in range(10)])
    assert outcomes(result) == {"assigned": 6, "unchanged": 4}


@pytest.mark.parametrize(("word", "assigned"), [("completion", 0), ("acceptance", 2)])
def test_licenses_of_a_sku_are_counted_as_the_service_counts_them(sim, run, imei, word, assigned):
    sim.quirk(simsec_counts=word, simsec_delay=3600)
    assert sim.simsec(imei(0), imei(1)).status_code == 200
    (row,) = run(simsec_license_info, sku="SIMSec-IoT", report=None)["subscriptions"]
    assert (row["purchased"], row["assigned"], row["available"]) == (10, assigned, 10 - assigned)


@pytest.mark.parametrize(("word", "listed"), [("drop", [1]), ("keep", [3, 2, 1])])
def test_evicted_devices_may_stay_on_the_list(sim, run, imei, word, listed):
    sim.quirk(evicted_candidates=word)
    sim.cancel(*(imei(number) for number in (3, 2, 1)))
    sim.buy(2)
    result = run(swm_removal_candidates_info, api_version="v2", report=None)
    assert result["candidates"] == [imei(number) for number in listed]
