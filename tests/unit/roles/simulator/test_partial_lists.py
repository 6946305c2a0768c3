# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A version whose list has only a part of the account's licenses says so, and nothing more is concluded from it."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import (
    fleet_account_info,
    fleet_export,
    fota_license,
    fota_license_info,
    swm_removal_candidates,
    swm_removal_candidates_info,
)

TOLD = {"v1": "v1 lists only 24 of the 36 licenses", "v2": "v2 lists only 12 of the 36 licenses"}
RESTRICTED = sorted(TOLD)
LISTED = {"v1": 6, "v2": 5}
UNLISTED = {"v1": 5, "v2": 6}
"""Devices that hold a license, and whether the list of a version has it."""


@pytest.fixture(name="estate")
def fixture_estate(start, imei):
    """Forty devices with the protocols in turn, licensed except the first four, two free licenses, in pages of two."""
    sim = start().login()
    devices = [{"imei": imei(number), "protocol": ("LWM2M", "OMADM", "HTTP")[number % 3]} for number in range(40)]
    held = [imei(number) for number in range(4, 40)]
    account = {"name": sim.account, "devices": devices, "licenses": held, "subscription": {"license_count": 38}}
    sim.control("PUT", "state", {"accounts": [account]})
    sim.quirk(page_size=2, license_lists="protocols")
    return sim


def warnings(result):
    """Return the warnings as one text."""
    return str(result.get("warnings"))


@pytest.mark.parametrize(("version", "lookup"), itertools.product(RESTRICTED, ("auto", "list", "direct")))
@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
def test_no_device_is_said_to_hold_no_license(estate, runs, imei, version, lookup, choice):
    there, gone = imei(LISTED[version]), imei(UNLISTED[version])
    run = runs(estate, state="absent", devices=[there, gone], api_version=version, lookup=lookup)
    checked, real = (run(fota_license, check=check, foreseen_refusals=choice) for check in (True, False))
    assert checked["devices"] == real["devices"]
    assert checked["licenses"] == real["licenses"]
    assert gone in estate.held()
    assert (there in estate.held()) == (choice == "stop")
    assert real["failure"]["code"] == ("refusal_foreseen" if choice == "stop" else "devices_failed")
    row = real["devices"][1]
    assert row["outcome"] == "skipped"
    assert TOLD[version] in row["reason"]
    assert "'api_version: v3'" in row["reason"]
    assert real["licenses"]["assigned"] == len(estate.held())


@pytest.mark.parametrize(("version", "lookup"), itertools.product(RESTRICTED, ("auto", "list", "direct")))
@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
def test_a_second_run_finds_that_nothing_is_left_to_remove(estate, runs, imei, version, lookup, choice):
    """The version's own list of devices has those without a license, too."""
    devices = [imei(LISTED[version]), imei(0), imei(2)]
    options = {"devices": devices, "state": "absent", "lookup": lookup, "foreseen_refusals": choice}
    run = runs(estate, api_version=version, **options)
    checked, real, again = (run(fota_license, check=check) for check in (True, False, False))
    assert checked["devices"] == real["devices"]
    assert [row["outcome"] for row in real["devices"]] == ["removed", "unchanged", "unchanged"]
    assert [row["outcome"] for row in again["devices"]] == ["unchanged"] * 3
    assert ("failure" in real, "failure" in again, again["changed"]) == (False, False, False)
    assert set(devices).isdisjoint(estate.held())


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize("quirk", [{"fota_devices": "none"}, {"fota_devices_lack": "licenseAssigned"}])
def test_what_the_list_of_devices_does_not_say_is_not_known(estate, runs, imei, version, quirk):
    estate.quirk(**quirk)
    run = runs(estate, api_version=version, state="absent", devices=[imei(0)])
    for check in (True, False):
        (row,) = run(fota_license, check=check)["devices"]
        assert row["outcome"] == "skipped"
        assert TOLD[version] in row["reason"]


def test_few_pages_are_read_for_it(estate, runs, imei):
    """No licensed device of v2 is near these, so that a page could begin there."""
    estate.quirk(fota_device_page=2)
    devices = [imei(number) for number in range(40)]
    held = [imei(number) for number in range(2, 6)]
    estate.control("PUT", "state", {"accounts": [{"name": estate.account, "devices": devices, "licenses": held}]})
    run = runs(estate, api_version="v2", state="absent", devices=[imei(0), imei(39)])
    estate.asked()
    outcomes = [row["outcome"] for row in run(fota_license, check=True)["devices"]]
    assert outcomes == ["unchanged", "skipped"]
    operations = estate.control("GET", "requests/summary")["operations"]
    assert operations["fota_device_list"] == 10


@pytest.mark.parametrize(("version", "lookup"), itertools.product(RESTRICTED, ("auto", "list", "direct")))
def test_the_pool_is_the_accounts(estate, runs, imei, version, lookup):
    run = runs(estate, api_version=version, lookup=lookup)
    for check in (True, False):
        result = run(fota_license, check=check, devices=[imei(number) for number in range(4)])
        assert result["failure"]["code"] == "pool_exhausted"
        assert result["licenses"] == {"total": 38, "assigned": 36, "available": 2}
        assert TOLD[version] in warnings(result)
        assert len(estate.held()) == 36
    two = [imei(number) for number in range(2)]
    checked, real = (run(fota_license, check=check, devices=two) for check in (True, False))
    assert checked["devices"] == real["devices"]
    assert checked["licenses"] == real["licenses"] == {"total": 38, "assigned": 38, "available": 0}


@pytest.mark.parametrize("version", RESTRICTED)
def test_no_licenses_are_exactly_as_wanted_that_the_list_does_not_have(estate, runs, imei, version):
    held = set(estate.held())
    for devices in ([imei(LISTED[version])], sorted(held)):
        for check in (True, False):
            options = {"devices": devices, "state": "exact", "max_removals": 100, "api_version": version}
            result = runs(estate, **options)(fota_license, check=check)
            assert result["failure"]["code"] == "incomplete_list"
            assert TOLD[version] in result["failure"]["message"]
            assert set(estate.held()) == held


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize("count", [{}, {"licUsedCount": 36}])
def test_a_partial_list_does_not_count_the_account(estate, runs, imei, version, count):
    devices = [imei(0), imei(2)]
    run = runs(estate, api_version=version, devices=devices)
    checked = run(fota_license, check=True)
    said = {"deviceList": [{"deviceId": device, "status": "Success"} for device in devices], **count}
    estate.fault("status", operation="fota_assign", status=200, body=said, effect="done")
    real = run(fota_license)
    assert set(devices) < set(estate.held())
    assert real["licenses"] == checked["licenses"] == {"total": 38, "assigned": 38, "available": 0}
    assert "were expected" not in warnings(real)


def test_a_wave_that_the_list_cannot_show(estate, runs, imei):
    options = {"devices": [imei(0), imei(3)], "waves": ["1"], "lookup": "list", "api_version": "v2"}
    result = runs(estate, **options)(fota_license)
    assert result["failure"]["code"] == "canary_failed"
    assert [row["outcome"] for row in result["devices"]] == ["unknown", "skipped"]
    assert TOLD["v2"] in result["devices"][0]["reason"]


@pytest.mark.parametrize(("version", "more"), [("v1", 1), ("v2", 1), ("v3", 0)])
def test_what_it_costs_where_the_numbers_agree(estate, runs, imei, version, more):
    estate.quirk(license_lists="account")
    run = runs(estate, api_version=version, lookup="list", removal_candidates="ignore")

    def subscriptions(state, *numbers):
        run(fota_license, devices=[imei(number) for number in numbers], state=state, check=True)
        operations = estate.control("GET", "requests/summary")["operations"]
        estate.asked()
        return operations.get("fota_subscription", 0)

    assert subscriptions("present", 0) == subscriptions("absent", 0, 5) == more
    assert subscriptions("exact", *range(4, 40)) == more
    assert subscriptions("present", 5) == subscriptions("absent", 5) == 0


@pytest.fixture(name="uncounted", params=[400, 403, 404, 405, 500])
def fixture_uncounted(estate, request):
    """The same, with lists of the whole account and a subscription that cannot be read."""
    estate.quirk(license_lists="account")
    estate.fault("status", operation="fota_subscription", status=request.param, times=100)
    return estate


def not_compared(result):
    """Count the warnings that it is not known whether the list has all."""
    return warnings(result).count("lists all licenses that this account has in use could not be found out")


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize(
    ("state", "lookup", "wanted", "held"),
    [
        ("present", "list", [0], [0, *range(4, 40)]),
        ("absent", "list", [0, 5], [4, *range(6, 40)]),
        ("absent", "direct", [0, 5], [4, *range(6, 40)]),
        ("exact", "list", range(5, 40), range(5, 40)),
    ],
)
def test_a_task_can_do_without_the_subscription(uncounted, runs, imei, version, state, lookup, wanted, held):
    options = {"devices": [imei(number) for number in wanted], "state": state, "max_removals": 9}
    run = runs(uncounted, api_version=version, lookup=lookup, **options)
    checked, real = (run(fota_license, check=check) for check in (True, False))
    assert "failure" not in real
    assert (not_compared(checked), not_compared(real)) == (1, 1)
    assert set(uncounted.held()) == {imei(number) for number in held}
    assert checked["licenses"] == real["licenses"] == {"total": 38, "assigned": len(held), "available": 38 - len(held)}


@pytest.mark.parametrize("version", RESTRICTED)
def test_candidates_can_do_without_the_subscription(uncounted, runs, imei, version):
    uncounted.cancel(imei(5))
    seen = runs(uncounted, api_version=version, shrink_to=35)(swm_removal_candidates_info)
    assert (seen["forecast"]["assigned"], seen["forecast"]["evicted"], not_compared(seen)) == (36, 1, 1)
    options = {"devices": [imei(0), imei(6)], "state": "present", "unlicensed": "warn"}
    result = runs(uncounted, **options)(swm_removal_candidates, api_version=version)
    assert not_compared(result) == 1
    assert "holds no license" in warnings(result)
    assert {imei(0), imei(6)} < set(uncounted.listed())


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize("details", [False, True])
def test_both_numbers_are_in_one_result(estate, runs, version, details):
    result = runs(estate)(fota_license_info, api_version=version, details=details)
    assert result["licenses"] == {"total": 38, "assigned": 36, "available": 2}
    assert len(result["devices"]) == {"v1": 24, "v2": 12}[version]
    assert TOLD[version] in warnings(result)
    if details:
        assert result["reclaimable"]["unknown"] >= 36 - len(result["devices"]), "nothing is known of those"
        assert sum(result["reclaimable"].values()) == 36


def test_a_list_of_the_whole_account_needs_no_word(estate, runs):
    result = runs(estate)(fota_license_info, api_version="v3")
    assert (result["licenses"]["assigned"], len(result["devices"])) == (36, 36)
    assert "warnings" not in result


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize("shrink_to", [36, 30, 10])
def test_the_forecast_is_the_accounts(estate, runs, imei, version, shrink_to):
    """Of the devices that the list has, those are named that lose their license whoever holds the others."""
    estate.cancel(imei(UNLISTED[version]), imei(LISTED[version]))
    run = runs(estate, api_version=version, shrink_to=shrink_to)
    result = run(swm_removal_candidates_info)
    seen, listed = result["forecast"], {"v1": 24, "v2": 12}[version]
    cut = 36 - shrink_to
    assert (seen["assigned"], seen["evicted"], seen["without_license"]) == (36, cut, [])
    assert (seen["from_list"], seen["beyond_list"]) == (min(cut, 1), max(cut - 1, 0))
    assert seen["certain"] == (cut == 0)
    sure = min(cut, 1) + max(0, cut - 1 - (36 - listed))
    assert (len(seen["devices"]), seen["unnamed"]) == (sure, cut - sure)
    assert result["licenses"] == {"total": 38, "assigned": 36, "available": 2}
    assert TOLD[version] in warnings(result)
    estate.buy(shrink_to)
    certain = {row["device_id"] for row in seen["devices"] if row["certain"]}
    assert certain.isdisjoint(estate.held())
    assert {imei(5), imei(6)}.isdisjoint(estate.held()) == (cut > 1)


@pytest.mark.parametrize("version", RESTRICTED)
@pytest.mark.parametrize("unlicensed", ["refuse", "warn"])
def test_no_candidate_is_said_to_hold_no_license(estate, runs, imei, version, unlicensed):
    options = {"devices": [imei(UNLISTED[version])], "state": "present", "unlicensed": unlicensed}
    result = runs(estate, **options)(swm_removal_candidates, api_version=version)
    told = result["failure"]["message"] if unlicensed == "refuse" else warnings(result)
    assert TOLD[version] in told
    assert "no license" not in told
    assert bool(estate.listed()) == (unlicensed == "warn")


@pytest.mark.parametrize("version", RESTRICTED)
def test_the_report_says_that_it_does_not_know_the_others(estate, runs, tmp_path, version):
    options = {"report": None, "parts": ["fota"], "fota_version": version, "dest": str(tmp_path)}
    (failure,) = runs(estate, **options)(fleet_account_info)["failures"]
    assert failure["code"] == "incomplete_list"
    assert TOLD[version] in failure["message"]


@pytest.mark.parametrize("version", RESTRICTED)
def test_an_export_says_what_it_leaves_out(estate, runs, tmp_path, version):
    options = {"report": None, "dest": str(tmp_path), "api_version": version}
    assert TOLD[version] in warnings(runs(estate, **options)(fleet_export))
