# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ThingSpace would refuse is known before anything is sent, alike in check mode and in the real run."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fota_license

VERSIONS = ("v1", "v2", "v3")
SERVERS = {
    "new": {},
    "upgrade time for named devices": {"v3_lookup_upgrade_time": True},
    "lists only": {"fota_devices": "lists", "missing_call": "405"},
}
OUTDATED = {
    "old": {"fota_devices": "none"},
    "nothing said": {"fota_devices_lack": "fotaEligible"},
}
INELIGIBLE, UPGRADED = 7, 2


@pytest.fixture(name="estate")
def fixture_estate(start, imei):
    """Twelve devices, six of them licensed. One of the licensed was upgraded, one of the others is not eligible."""
    sim = start().login()
    devices = [{"imei": imei(number)} for number in range(12)]
    devices[INELIGIBLE]["eligible"] = False
    devices[UPGRADED]["upgraded"] = True
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": 6}]})
    sim.quirk(page_size=4)
    return sim


def rows(result):
    """Return the outcomes by device."""
    return {row["device_id"]: row["outcome"] for row in result["devices"]}


CASES = [
    (version, server, lookup)
    for version, server, lookup in itertools.product(VERSIONS, SERVERS, ("auto", "list", "devices"))
    if version == "v3" or (server == "new" and lookup != "devices")
]


@pytest.mark.parametrize(("version", "server", "lookup"), CASES)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_foreseen_skipped_and_not_sent(estate, runs, imei, version, server, lookup, state):
    estate.quirk(**SERVERS[server])
    bad = imei(INELIGIBLE if state == "present" else UPGRADED)
    good = [imei(8), imei(9)] if state == "present" else [imei(0), imei(3)]
    outcome, reason = ("assigned", "fotaEligible") if state == "present" else ("removed", "never be removed")
    run = runs(estate, api_version=version, lookup=lookup, state=state, devices=[bad, *good])
    checked = run(fota_license, check=True)
    real = run(fota_license)
    for result in (checked, real):
        assert rows(result) == {bad: "skipped", good[0]: outcome, good[1]: outcome}
        assert reason in result["devices"][0]["reason"]
        assert (result["failed"], result["failure"]["code"]) == (True, "devices_failed")
        assert (result["plan"]["incomplete"], result["plan"].get("unforeseen")) == (1, None)
    assert checked["devices"] == real["devices"]
    assert (checked["licenses"], checked["plan"]) == (real["licenses"], real["plan"])
    assert [one["devices"] for one in estate.control("GET", "requests?write=true")] == [good]
    estate.asked()
    again = run(fota_license)
    assert rows(again) == {bad: "skipped", good[0]: "unchanged", good[1]: "unchanged"}
    assert (again["failed"], again["changed"], estate.asked()[1]) == (True, False, 0), "it stays not as wanted"


@pytest.mark.parametrize("version", VERSIONS)
def test_exact_leaves_licenses_alone_that_can_never_be_removed(estate, runs, imei, version):
    wanted = [imei(0), imei(1), imei(9)]
    run = runs(estate, api_version=version, state="exact", devices=wanted, max_removals="100%")
    checked, real = run(fota_license, check=True), run(fota_license)
    for result in (checked, real):
        assert "failure" not in result
        assert (result["plan"]["locked"], result["plan"]["remove"]) == (1, 3)
        assert "for ever" in str(result["warnings"])
        (row,) = [row for row in result["devices"] if row["device_id"] == imei(UPGRADED)]
        assert (row["outcome"], row["reason"][:12]) == ("unchanged", "left alone: ")
    assert checked["devices"] == real["devices"]
    assert set(estate.held()) == {*wanted, imei(UPGRADED)}
    estate.asked()
    again = run(fota_license)
    assert (again["changed"], again["plan"]["locked"], estate.asked()[1]) == (False, 1, 0)
    assert again["plan"]["digest"] != real["plan"]["digest"]


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_stop_writes_nothing(estate, runs, imei, state):
    wanted = [imei(number) for number in {"present": (6, 7), "absent": (2, 3), "exact": range(12)}[state]]
    run = runs(estate, state=state, devices=wanted, foreseen_refusals="stop")
    digest = None
    for check in (True, False):
        result = run(fota_license, check=check, approved_plan=digest)
        digest = result["plan"]["digest"]
        assert result["failure"]["code"] == "refusal_foreseen"
        assert imei(UPGRADED if state == "absent" else INELIGIBLE) in result["msg"]
        assert (result["changed"], result["summary"]["skipped"]) == (False, 2 if state != "exact" else 6)
    assert estate.asked()[1] == 0
    allowed = [imei(number) for number in (0, 1, 9)]
    done = runs(estate, state="exact", devices=allowed, foreseen_refusals="stop", max_removals="100%")(fota_license)
    assert done["changed"], "nobody named the device whose license stays"


def test_ignore_lets_thingspace_decide(estate, runs, imei):
    run = runs(estate, devices=[imei(INELIGIBLE), imei(9)], foreseen_refusals="ignore")
    assert rows(run(fota_license, check=True)) == {imei(INELIGIBLE): "assigned", imei(9): "assigned"}
    assert rows(run(fota_license)) == {imei(INELIGIBLE): "failed", imei(9): "assigned"}
    assert "fota_device_list" not in estate.control("GET", "requests/summary")["operations"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("server", OUTDATED)
def test_what_nobody_says_is_counted_and_sent(estate, runs, imei, version, server):
    estate.quirk(**OUTDATED[server])
    run = runs(estate, api_version=version, devices=[imei(INELIGIBLE), imei(9)])
    checked, real = run(fota_license, check=True), run(fota_license)
    assert checked["plan"]["unforeseen"] == real["plan"]["unforeseen"] == 2
    assert rows(real) == {imei(INELIGIBLE): "failed", imei(9): "assigned"}


def test_an_approval_ends_when_a_license_becomes_irremovable(estate, runs, imei):
    run = runs(estate, state="absent", devices=[imei(0), imei(3)], max_changes=0)
    digest = run(fota_license, check=True)["plan"]["digest"]
    estate.control("PUT", "devices", [{"imei": imei(3), "upgraded": True}])
    assert run(fota_license, approved_plan=digest)["failure"]["code"] == "plan_changed"
    estate.control("PUT", "devices", [{"imei": imei(3), "upgraded": False}])
    assert run(fota_license, approved_plan=digest)["summary"]["removed"] == 2


def test_licenses_that_stay_are_not_free_for_others(start, runs, imei):
    """The pool is checked for what is really going to happen."""
    sim = start(10, 4, 4).login()
    sim.control("PUT", "devices", [{"imei": imei(0), "upgraded": True}])
    wanted = [imei(number) for number in (5, 6, 7, 8)]
    result = runs(sim, state="exact", devices=wanted, max_removals="100%")(fota_license)
    assert result["failure"]["code"] == "pool_exhausted"
    assert sim.asked()[1] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_removals_are_looked_up_where_they_stand(start, runs, imei, version):
    """A page of the device list begins right before each of them, and never more of it is read than of the list."""
    sim = start(4000, 4000).login()
    sim.quirk(page_size=100, fota_device_page=100)
    sim.control("PUT", "devices", [{"imei": imei(number), "upgraded": True} for number in (1000, 3990)])
    gone = [imei(number) for number in (0, 1000, 2500, 3990)]
    run = runs(sim, api_version=version, state="absent", devices=gone, lookup="list", report="failed")
    sim.asked()
    result = run(fota_license, check=True)
    assert (result["summary"]["removed"], result["summary"]["skipped"]) == (2, 2)
    assert sim.control("GET", "requests/summary")["operations"]["fota_device_list"] == len(gone)
