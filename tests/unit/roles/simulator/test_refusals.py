# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ThingSpace would refuse is known before anything is sent, alike in check mode and in the real run."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fota_license

VERSIONS = ("v1", "v2", "v3")
SERVERS: dict[str, dict[str, t.Any]] = {
    "new": {},
    "upgrade time for named devices": {"v3_lookup_upgrade_time": True},
    "lists only": {"fota_devices": "lists", "missing_call": "405"},
}
OUTDATED: dict[str, dict[str, t.Any]] = {
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


@pytest.mark.slow
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


BROKEN: dict[str, tuple[int, dict[str, t.Any]] | None] = {
    "no such call": (404, {"errorCode": "X", "errorMessage": "No such path"}),
    "out of order": (500, {"errorCode": "X", "errorMessage": "Out of order"}),
    "a device twice": (200, {"hasMoreData": False, "deviceList": [{"deviceId": "1"}, {"deviceId": "1"}]}),
    "nothing said": None,
}


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("how", BROKEN)
def test_what_cannot_be_read_stops_a_strict_task_and_is_told_by_another(estate, runs, imei, version, state, how):
    answer = BROKEN[how]
    if answer is None:
        estate.quirk(fota_devices_lack="fotaEligible" if state == "present" else "upgradeTime")
    else:
        status, body = answer
        estate.quirk(fota_devices="lists")
        estate.fault("status", operation="fota_device_list", times=0, status=status, body=body)
    wanted = [imei(8), imei(9)] if state == "present" else [imei(0), imei(3)]
    run = runs(estate, api_version=version, state=state, devices=wanted)
    for check in (True, False):
        result = run(fota_license, check=check, foreseen_refusals="stop")
        assert result["failure"]["code"] == "refusal_foreseen"
        assert "2 devices" in result["msg"]
        assert "foreseen_refusals: skip" in result["msg"]
        assert (result["changed"], estate.asked()[1]) == (False, 0)
    result = run(fota_license)
    assert (result["plan"]["unforeseen"], result["changed"]) == (2, True)
    assert len([one for one in map(str, result["warnings"]) if "could not be foreseen" in one]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lookup", ["auto", "direct"])
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
def test_a_run_without_a_read_state_foresees_as_much_as_its_check(start, runs, imei, version, lookup, state, choice):
    """A few devices of a huge account: only their own answers tell, unless the task must stop in time."""
    sim = start(200, 100, 200).login()
    sim.quirk(page_size=10, fota_devices="lists" if lookup == "auto" else "all")
    bad = imei(150 if state == "present" else 50)
    sim.control("PUT", "devices", [{"imei": bad, "upgraded": True, "eligible": False}])
    wanted = [bad, imei(151 if state == "present" else 51)]
    run = runs(sim, api_version=version, lookup=lookup, state=state, devices=wanted, foreseen_refusals=choice)
    checked = run(fota_license, check=True)
    sim.asked()
    if choice != "stop":
        assert run(fota_license, check=True, approved_plan=checked["plan"]["digest"])["plan"] == checked["plan"]
    real = run(fota_license)
    told = [
        (one["plan"].get("unforeseen"), one["plan"].get("incomplete"), one["plan"]["state"]) for one in (checked, real)
    ]
    assert told[0] == told[1]
    assert told[0][0] == (2 if choice == "skip" and real["lookup"] == "direct" else None)
    assert (real["lookup"] == "direct") == (choice != "stop")
    if choice == "stop":
        assert [one["failure"]["code"] for one in (checked, real)] == ["refusal_foreseen"] * 2
        assert sim.asked()[1] == 0
    else:
        assert rows(real)[bad] == "failed", "ThingSpace decides"


@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
@pytest.mark.parametrize("lookup", ["auto", "devices"])
def test_a_device_that_thingspace_does_not_know_gets_no_license(estate, runs, imei, choice, lookup):
    stranger = "900000000000999"
    run = runs(estate, devices=[stranger, imei(9)], foreseen_refusals=choice, lookup=lookup)
    checked, real = run(fota_license, check=True), run(fota_license)
    assert checked["plan"] == real["plan"]
    sent = {device for one in estate.control("GET", "requests?write=true") for device in one["devices"]}
    if choice == "ignore":
        assert rows(real) == {stranger: "failed", imei(9): "assigned"}
        assert sent == {stranger, imei(9)}
        return
    assert rows(checked) == rows(real) == {stranger: "skipped", imei(9): "assigned" if choice == "skip" else "skipped"}
    assert "does not know this device" in real["devices"][0]["reason"] + real["msg"]
    assert sent == ({imei(9)} if choice == "skip" else set())


@pytest.mark.parametrize("choice", ["skip", "stop"])
@pytest.mark.parametrize("listed", [True, False])
def test_many_devices_that_thingspace_does_not_know(estate, runs, imei, choice, listed):
    """They are foreseen, however many they are. Without a device list, check mode says what it does not know."""
    count = 30 if listed else 3
    strangers = [f"9000000000{number:05}" for number in range(count)]
    if not listed:
        estate.fault("status", operation="fota_device_list", times=0, status=404, body={})
    run = runs(estate, devices=[*strangers, imei(9)], foreseen_refusals=choice, lookup="devices")
    checked, real = run(fota_license, check=True), run(fota_license)
    sent = {device for one in estate.control("GET", "requests?write=true") for device in one["devices"]}
    assert (checked["lookup"], real["lookup"]) == ("devices", "devices")
    assert checked["plan"] == real["plan"]
    for result in (checked, real):
        assert result["plan"].get("incomplete") == (count if listed else None)
        assert result["plan"].get("unforeseen") == (None if listed else count)
        assert ("does not know 3 devices" in str(result.get("warnings"))) == (not listed)
    assert checked["summary"] == real["summary"] or not listed
    assert sent == (set() if choice == "stop" else {imei(9)} if listed else {imei(9), *strangers})
    assert (imei(9) in estate.held()) == (choice == "skip")
    assert real["summary"]["failed"] == (count if choice == "skip" and not listed else 0)


@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
@pytest.mark.parametrize("lookup", ["auto", "devices"])
@pytest.mark.parametrize("number", [5, 9])
def test_a_device_that_one_call_alone_does_not_know(estate, runs, imei, choice, lookup, number):
    """The device list shows that the account has it. One of them is licensed, and on the second page of the list."""
    unknown = {"deviceId": imei(number), "requestStatus": "Failure", "resultReason": "Device not found."}
    estate.fault("status", operation="fota_device_lookup", times=0, status=200, body={"deviceList": [unknown]})
    run = runs(estate, devices=[imei(number)], foreseen_refusals=choice, lookup=lookup)
    before = set(estate.held())
    for outcome in ("unchanged" if number == 5 else "assigned", "unchanged"):
        checked, real = run(fota_license, check=True), run(fota_license)
        assert "failure" not in real
        assert rows(checked) == rows(real) == {imei(number): outcome}
        assert (checked["plan"], checked["lookup"]) == (real["plan"], real["lookup"])
        assert "does not know" in str(real["warnings"])
    assert set(estate.held()) == before | {imei(number)}
    assert len(estate.control("GET", "requests?write=true")) == (number == 9)


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
