# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""However the current state is looked up: check mode, the real run, and the second run agree, at the promised price."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._thingspace.check_digit import check_digit
from ansible_collections.thingspace.licensing.plugins.modules import fota_license

STRANGER = "900000000000999"
LOOKUPS = ("auto", "list", "devices", "direct")
VERSIONS = ("v1", "v2", "v3")
SERVERS: dict[str, dict[str, t.Any]] = {
    "new": {},
    "upgrade time": {"v3_lookup_upgrade_time": True},
    "small answers": {"fota_device_page": 2},
    "old": {"fota_devices": "none"},
    "old, 405": {"fota_devices": "lists", "missing_call": "405"},
    "old, 400": {"fota_devices": "none", "missing_call": "400"},
    "another protocol is meant": {"v3_protocol": "LWM2M"},
    "devices of another protocol are unknown": {"v3_protocol": "LWM2M", "v3_lookup_protocol": "failure"},
    "no flag": {"fota_devices_lack": "licenseAssigned"},
}
ANSWERING = ("new", "upgrade time", "small answers", *(name for name in SERVERS if "another protocol" in name))
CASES = [
    (lookup, version, state, server)
    for lookup, version, state, server in itertools.product(LOOKUPS, VERSIONS, ("present", "absent", "exact"), SERVERS)
    if (state != "exact" or lookup in ("auto", "list")) and (version == "v3" or server in ("new", "old"))
]


def an_estate(start, imei, size):
    """Devices with the protocols in turn, licensed except the first four, in pages of two."""
    sim = start().login()
    devices = [{"imei": imei(number), "protocol": ("LWM2M", "OMADM", "HTTP")[number % 3]} for number in range(size)]
    held = [imei(number) for number in range(4, size)]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": held}]})
    sim.quirk(page_size=2)
    return sim


@pytest.fixture(name="estate")
def fixture_estate(start, imei):
    """Forty devices."""
    return an_estate(start, imei, 40)


@pytest.fixture(name="small")
def fixture_small(start, imei):
    """Sixteen devices, for a test with many cases."""
    return an_estate(start, imei, 16)


@pytest.mark.slow
@pytest.mark.parametrize(("lookup", "version", "state", "server"), CASES)
def test_check_mode_real_run_and_second_run(small, runs, imei, lookup, version, state, server):
    small.quirk(**SERVERS[server])
    ids = [imei(number) for number in ((6, 2, 15, 3) if state != "exact" else range(3, 14))]
    run, before = runs(small, lookup=lookup, api_version=version, state=state, devices=ids), set(small.held())
    after = {"present": before | set(ids), "absent": before - set(ids), "exact": set(ids)}[state]
    checked = run(fota_license, check=True)
    assert small.asked()[1] == 0
    assert set(small.held()) == before
    real = run(fota_license)
    assert set(small.held()) == after
    assert (checked["devices"], checked["summary"]) == (real["devices"], real["summary"])
    assert (checked["licenses"], checked["changed"]) == (real["licenses"], real["changed"])
    assert real["plan"]["digest"] in (None, checked["plan"]["digest"])
    assert (real["plan"]["digest"] is None) == (real["lookup"] == "direct")
    asks = version == "v3" and server in ANSWERING and state != "exact"
    assert (checked["lookup"] == "devices") == (asks and lookup != "list")
    assert (real["lookup"] == "devices") == (asks and lookup in ("auto", "devices"))
    small.asked()
    again = run(fota_license)
    assert (again["changed"], again["summary"]["unchanged"]) == (False, len(ids))
    assert (small.asked()[1] == 0) == (again["lookup"] != "direct")


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("server", ["new", "old"])
@pytest.mark.parametrize(("lookup", "version"), [*itertools.product(LOOKUPS, VERSIONS)])
def test_a_refusal_is_foreseen_or_check_mode_says_that_it_may_come(estate, runs, imei, lookup, version, state, server):
    """An assignment to a device that FOTA does not serve, or a removal after an upgrade."""
    estate.quirk(**SERVERS[server])
    number, fact = (1, {"eligible": False}) if state == "present" else (30, {"upgraded": True})
    estate.control("PUT", "devices", [{"imei": imei(number), **fact}])
    run = runs(estate, lookup=lookup, api_version=version, state=state, devices=[imei(number), imei(2), imei(31)])
    checked, real = run(fota_license, check=True), run(fota_license)
    assert real["failure"]["code"] == "devices_failed"
    rows, done = ([row["outcome"] for row in result["devices"]] for result in (checked, real))
    assert (rows == done) == (checked["plan"].get("unforeseen", 0) == 0)
    assert (rows == done) == ("could not be foreseen" not in str(checked.get("warnings")))


@pytest.mark.parametrize("lookup", ["list", "devices"])
def test_what_one_lookup_showed_is_approved_for_the_other(estate, runs, imei, lookup):
    run = runs(estate, devices=[imei(0), imei(5)], max_changes=0)
    digest = run(fota_license, check=True, lookup=lookup)["failure"]["digest"]
    other = "list" if lookup == "devices" else "devices"
    estate.change("remove", imei(20))  # concerns none of these devices
    done = run(fota_license, approved_plan=digest, lookup=other)
    assert (done["lookup"], done["changed"]) == (other, True)
    estate.change("remove", imei(5))
    assert run(fota_license, approved_plan=digest, lookup=other)["failure"]["code"] == "plan_changed"


def test_an_answer_that_cannot_be_used_is_told_and_not_asked_for_again(estate, runs, imei):
    estate.quirk(fota_devices_lack="licenseAssigned")
    result = runs(estate)(fota_license, devices=[imei(0), imei(5)])
    assert (result["lookup"], result["summary"]["assigned"]) == ("direct", 1)
    (warning,) = map(str, result["warnings"])
    assert "licenseAssigned" in warning
    assert "lookup: direct" in warning
    assert estate.control("GET", "requests/summary")["operations"]["fota_device_lookup"] == 1


@pytest.mark.parametrize("status", ["404", "405", "400"])
def test_a_call_that_does_not_exist_is_tried_once_in_a_job(estate, runs, imei, tmp_path, status):
    estate.quirk(fota_devices="none", missing_call=status)
    run = runs(estate, runtime_dir=str(tmp_path / "runtime"), devices=[imei(0), imei(5)])
    (warning,) = map(str, run(fota_license, check=True)["warnings"])
    assert "it could not be foreseen" in warning
    for method in ("POST", "GET", None):
        tried = estate.control("GET", "requests")
        refused = [(one["method"], one["path"].split("/")[4]) for one in tried if one["status"] == int(status)]
        assert refused == ([(method, "devices")] if method else [])
        estate.asked()
        told = run(fota_license, check=True, lookup="devices")
        assert "no such call for v3" in str(told["warnings"])
        assert "no list of devices for v3" in str(told["warnings"])


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("effect", ["done", "none"])
@pytest.mark.parametrize("lookup", ["devices", "list", "direct"])
def test_a_lost_answer_is_settled_by_asking_about_its_devices(estate, runs, imei, state, effect, lookup):
    change = "fota_assign" if state == "present" else "fota_remove"
    estate.fault("reset", operation=change, effect=effect)
    ids = [imei(number) for number in (0, 1, 2, 3)] if state == "present" else [imei(number) for number in (5, 6, 30)]
    result = runs(estate, lookup=lookup, state=state, devices=ids, removal_candidates="ignore")(fota_license)
    assert set(result["summary"].values()) == {0, len(ids)}
    assert result["summary"]["assigned" if state == "present" else "removed"] == len(ids)
    assert set(ids).isdisjoint(estate.held()) == (state == "absent")
    seen = [one["operation"] for one in estate.control("GET", "requests")]
    assert seen.count(change) == (1 if effect == "done" else 2)
    settled = seen[seen.index(change) + 1]
    assert settled == ("fota_list" if lookup == "list" else "fota_device_lookup")


def test_waves_are_read_back_by_asking_about_their_devices(estate, runs, imei):
    """Someone else's change makes the count of licenses say nothing."""
    ids = [imei(number) for number in range(4)]
    rows = {"licUsedCount": 1, "deviceList": [{"deviceId": imei(0), "status": "Success"}]}
    estate.fault("status", operation="fota_assign", status=200, body=rows)
    result = runs(estate, devices=ids, waves=["1"])(fota_license)
    assert result["failure"]["code"] == "canary_failed"
    assert result["summary"] == {**result["summary"], "unknown": 1, "skipped": 3}
    seen = [one["operation"] for one in estate.control("GET", "requests")]
    after = seen[seen.index("fota_assign") + 1 :]
    assert after[:2] == ["fota_list", "fota_device_lookup"]


def test_a_device_that_the_account_does_not_have(estate, runs, imei):
    """It is looked for where it would be: among all devices, or among the licensed ones for a removal."""
    run = runs(estate, devices=[imei(0), "900000000000999"], lookup="devices")
    for state, operation, summary in (
        ("present", "fota_device_list", {"assigned": 1, "skipped": 1}),
        ("absent", "fota_list", {"removed": 1, "unchanged": 1}),
    ):
        for check in (True, False):
            estate.asked()
            result = run(fota_license, state=state, check=check)
            assert result["lookup"] == "devices"
            assert {name: count for name, count in result["summary"].items() if count} == summary
            asked = estate.control("GET", "requests/summary")["operations"]
            assert asked[operation] <= (3 if state == "absent" and not check else 2)
    assert imei(0) not in estate.held()


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize("quirks", [{}, {"unknown_device_reason": "not_found"}, {"fota_devices": "none"}])
def test_a_device_that_fota_does_not_know_holds_no_license(estate, runs, imei, version, lookup, quirks):
    """Its removal has nothing to do, because a list shows that. A refusal alone does not."""
    estate.quirk(**quirks)
    ids = [imei(5), STRANGER]
    run = runs(estate, state="absent", devices=ids, lookup=lookup, api_version=version)
    checked, real = run(fota_license, check=True), run(fota_license)
    for result in (checked, real):
        assert "failure" not in result
        assert [row["outcome"] for row in result["devices"]] == ["removed", "unchanged"]
    assert checked["devices"] == real["devices"]
    assert [row["outcome"] for row in run(fota_license)["devices"]] == ["unchanged"] * 2
    other = run(fota_license, state="present", devices=[STRANGER])
    assert [row["outcome"] for row in other["devices"]] in (["failed"], ["skipped"])


@pytest.fixture(name="large")
def fixture_large(start, imei):
    """Two hundred devices with their check digits, all licensed, in a hundred pages."""
    sim = start().login()
    devices = [{"imei": real(number)} for number in range(200)]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": 200}]})
    sim.quirk(page_size=2)
    return sim


def real(number):
    """Return an IMEI with its check digit."""
    unit = f"3598810{17 * number:07}"
    return unit + check_digit(unit)


def left(sim, device):
    """Take a device out of the account."""
    (account,) = sim.control("GET", "state")["accounts"]
    devices = [one for one in account["devices"] if one["imei"] != device]
    held = [one for one in account["licenses"] if one["device_id"] != device]
    sim.control("PUT", "state", {"accounts": [{**account, "devices": devices, "licenses": held}]})


GONE = [
    (lookup, version, gone)
    for lookup, version, gone in itertools.product(("auto", "devices", "direct"), VERSIONS, (103, 150, 199))
    if version == "v3" or (lookup, gone) == ("auto", 150)
]


@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
@pytest.mark.parametrize(("lookup", "version", "gone"), GONE)
def test_a_device_that_left_the_account(large, runs, tmp_path, lookup, version, gone, choice):
    """Near the others, a page shows that it holds no license. Elsewhere, the list is read, or it is in doubt."""
    left(large, real(gone))
    ids = [real(number) for number in (100, 101, gone, 106)]
    given = {"devices": ids, "lookup": lookup, "api_version": version, "foreseen_refusals": choice}
    run = runs(large, state="absent", runtime_dir=str(tmp_path / "runtime"), max_removals=10, **given)
    doubt = gone != 103 and (lookup, version) == ("auto", "v3") and choice != "stop"
    expected = ["removed", "removed", "unchanged", "removed"]
    results = []
    for check in (True, False, False, True):
        large.asked()
        results.append(run(fota_license, check=check))
        total, _written = large.asked()
        few = (10 if gone == 103 else 23) + (choice == "stop")
        assert total <= few + (0 if doubt or gone == 103 else 100), "the whole list has 100 pages"
        if doubt:
            expected[2] = "skipped" if choice == "skip" else "removed" if check else "failed"
            assert results[-1].get("failure", {}).get("code") == (
                None if expected[2] == "removed" else "devices_failed"
            )
        else:
            assert "failure" not in results[-1]
            told = [one for one in map(str, results[-1].get("warnings", ())) if "could not be foreseen" not in one]
            assert not told or choice != "skip"
        assert [row["outcome"] for row in results[-1]["devices"]] == expected
        if not check:
            assert {real(number) for number in (100, 101, 106)}.isdisjoint(large.held())
            expected = ["unchanged"] * 4
    assert doubt or results[0]["devices"] == results[1]["devices"]
    assert len(large.held()) == 200 - 4


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lookup", ["auto", "devices", "list"])
@pytest.mark.parametrize("number", [1, 103, 150])
def test_a_wrong_check_digit_in_the_list_of_devices(large, runs, version, lookup, number):
    """The license that it means stays. That is told wherever it is, in check mode and in the real run."""
    device = real(number)
    typo = device[:-1] + str((int(device[-1]) + 3) % 10)
    run = runs(large, state="absent", devices=[real(102), typo], api_version=version, lookup=lookup)
    checked, result = run(fota_license, check=True), run(fota_license)
    assert device in large.held()
    for one in (checked, result):
        assert one["failure"]["code"] in ("incomplete_list", "devices_failed")
        assert device in str(one)
        assert "unchanged" not in str(one.get("devices"))
    if version == "v3" or lookup == "list":
        assert checked.get("devices") == result.get("devices")
        assert (real(102) in large.held()) == (result["failure"]["code"] == "incomplete_list")


@pytest.mark.parametrize("choice", ["skip", "stop", "ignore"])
def test_a_device_about_which_nothing_is_certain(large, runs, tmp_path, choice):
    """It alone is not changed, as check mode says. The next run does not send anything again."""
    left(large, real(150))
    refusal = {"errorCode": "INVALID_PARAMETER", "errorMessage": "Invalid index value"}
    ids = [real(100), real(150)]
    run = runs(large, state="absent", devices=ids, runtime_dir=str(tmp_path / "runtime"), foreseen_refusals=choice)
    for check, outcome, writes in ((True, "removed", 0), (False, "removed", 1), (False, "unchanged", 0)):
        large.control("DELETE", "faults")
        large.fault("status", operation="fota_list", after=1, times=50, status=400, body=refusal)
        large.asked()
        result = run(fota_license, check=check)
        if choice == "stop":
            assert result["failure"]["code"] == "api_rejected", "it takes the whole list"
            continue
        last = {"skip": "skipped", "ignore": "removed" if check else "failed"}[choice]
        assert [row["outcome"] for row in result["devices"]] == [outcome, last]
        assert large.asked()[1] == (writes if choice == "skip" else 0 if check else 1)
        assert result["lookup"] == "devices"
        if choice == "skip":
            assert result["failure"]["code"] == "devices_failed"
            assert "ThingSpace does not know this device" in result["devices"][1]["reason"]
    large.control("DELETE", "faults")
    assert "failure" not in run(fota_license, lookup="list")


def test_a_protocol_that_the_server_does_not_know(estate, runs, imei, tmp_path):
    """The first answer stands. The call is there for this task and for all others."""
    run = runs(estate, runtime_dir=str(tmp_path / "runtime"), devices=[imei(0), imei(5), STRANGER])
    estate.fault("status", operation="fota_device_lookup", after=1, times=0, status=404, body="")
    result = run(fota_license, check=True)
    assert (result["lookup"], result["plan"]["incomplete"]) == ("devices", 1)
    assert "no such call" not in str(result.get("warnings"))
    estate.control("DELETE", "faults")
    assert run(fota_license)["lookup"] == "devices"


OWN = {"errorCode": "INPUT_INVALID", "errorMessage": "Device not found"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("after", "body"), [(0, OWN), (2, OWN), (2, "")])
def test_a_404_that_is_not_about_the_call(estate, runs, imei, tmp_path, version, after, body):
    """It concerns one task: another one asks again."""
    estate.quirk(fota_device_page=2)
    ids = [imei(number) for number in range(4, 40, 5)]
    run = runs(
        estate, runtime_dir=str(tmp_path / "runtime"), state="absent", devices=ids, lookup="list", api_version=version
    )
    estate.fault("status", operation="fota_device_list", after=after, times=50, status=404, body=body)
    refused = run(fota_license, check=True, foreseen_refusals="stop")
    assert refused["failure"]["code"] == "refusal_foreseen"
    assert "has no list of devices" not in refused["msg"]
    estate.control("DELETE", "faults")
    assert "unforeseen" not in run(fota_license, check=True)["plan"]


def test_stop_relies_on_no_memory(estate, runs, imei, tmp_path):
    """What it would stop for may be over."""
    run = runs(estate, runtime_dir=str(tmp_path / "runtime"), state="absent", devices=[imei(5)], lookup="list")
    estate.quirk(fota_devices="none")
    assert run(fota_license, check=True)["plan"]["unforeseen"] == 1
    estate.quirk(fota_devices="all")
    assert run(fota_license, check=True)["plan"]["unforeseen"] == 1, "nobody asks again within the hour"
    assert "failure" not in run(fota_license, check=True, foreseen_refusals="stop")
    assert "unforeseen" not in run(fota_license, check=True)["plan"], "now all know better"


def test_a_list_that_contradicts_the_answer(estate, runs, imei):
    """Licenses that were just removed still seem to be there."""
    estate.change("remove", imei(4))
    estate.change("assign", imei(0))
    estate.quirk(license_flag_delay=60)
    for number in (0, 4):
        result = runs(estate, devices=[imei(number)], lookup="devices")(fota_license, check=True)
        assert result["lookup"] == "list"
        assert "says something else" in str(result["warnings"])
        assert result["changed"] == (number == 4)


def test_a_page_of_devices_that_contradicts_the_answer(estate, runs, imei):
    """It is read to foresee what happens to another device, and shows that this one holds a license."""
    wrong, ids = imei(21), [imei(19), imei(20), imei(21)]
    rows = [{"deviceId": one, "licenseAssigned": one != wrong, "requestStatus": "Success"} for one in ids]
    for check in (True, False):
        estate.fault("status", operation="fota_device_lookup", status=200, body={"deviceCount": 3, "deviceList": rows})
        result = runs(estate, state="absent", devices=ids)(fota_license, check=check)
        assert result["lookup"] in ("list", "direct")
        assert f"the list of devices says something else about {wrong}" in str(result["warnings"])
        assert [row["outcome"] for row in result["devices"]] == ["removed"] * 3
    assert estate.held()
    assert set(ids).isdisjoint(estate.held())


def test_what_few_pages_do_not_show_is_told_in_check_mode(large, runs):
    """No page near these devices is known. In the real run, the rows say what ThingSpace decided."""
    large.quirk(fota_device_page=2)
    run = runs(large, state="absent", devices=[real(100), real(150)])
    checked, result = run(fota_license, check=True), run(fota_license)
    assert checked["plan"]["unforeseen"] == result["plan"]["unforeseen"] == 2
    (warning,) = map(str, checked["warnings"])
    assert "For 2 devices, it could not be foreseen whether ThingSpace would refuse the change: few pages" in warning
    assert "foreseen_refusals: stop" in warning
    assert "warnings" not in result
    left = run(fota_license, check=True, devices=[real(101), real(151)], foreseen_refusals="stop")
    assert "failure" not in left, "it reads as many as it takes"
    assert "warnings" not in left


@pytest.mark.parametrize("page", [{}, {"action": "status", "status": 400, "operation": "fota_list"}])
def test_removals_and_assignments_that_were_not_carried_out_do_not_hide_each_other(estate, runs, imei, page):
    """At the end, as many licenses are in use as the rows lead to. After the removals, there are not."""
    held = [*estate.held()]
    estate.quirk(page_size=100)
    for action, devices in (("remove", held[:2]), ("assign", [imei(0), imei(1)])):
        rows = [{"deviceId": device, "status": "Success", "resultReason": ""} for device in devices]
        body = {"licUsedCount": 36, "deviceList": rows}
        estate.fault("status", operation=f"fota_{action}", status=200, body=body)
    if page:
        estate.fault(**page, after=1)
    options = {"devices": [*held[2:], imei(0), imei(1)], "state": "exact", "max_removals": 2}
    result = runs(estate, **options)(fota_license)
    assert set(estate.held()) == set(held)
    told = "could not be counted" if page else "After the removals the account holds 36 licenses where 34 were expected"
    assert told in str(result["warnings"])


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("lookup", ["list", "devices", "direct"])
def test_a_count_that_contradicts_the_rows_is_told(estate, runs, imei, state, lookup):
    """ThingSpace says that it is done, and counts as many licenses as before."""
    action, device = ("assign", imei(0)) if state == "present" else ("remove", imei(6))
    for count in (36, None):
        body = {"licUsedCount": count, "deviceList": [{"deviceId": device, "status": "Success", "resultReason": ""}]}
        estate.fault("status", operation=f"fota_{action}", status=200, body=body)
        result = runs(estate, state=state, devices=[device], lookup=lookup)(fota_license)
        assert (result["changed"], result["licenses"]["assigned"]) == (True, 36)
        expected = 37 if state == "present" else 35
        assert f"the account holds 36 licenses where {expected} were expected" in str(result["warnings"])
    assert "warnings" not in runs(estate, state=state, devices=[device], lookup=lookup)(fota_license)


def test_neighbors_of_a_large_account_are_looked_up_after_one_of_them(start, runs, imei):
    """A page after a named device shows those that follow it. Only the first one is in doubt, if it takes few pages."""
    sim = start(5000, 5000, 5000).login()
    ids = [imei(number) for number in range(3498, 3503)]
    sim.control("PUT", "devices", [{"imei": ids[2], "upgraded": True}])
    run = runs(sim, state="absent", devices=ids)
    checked, real, again = run(fota_license, check=True), run(fota_license), run(fota_license, check=True)
    assert checked["devices"] == real["devices"]
    assert [row["outcome"] for row in real["devices"]] == ["removed", "removed", "skipped", "removed", "removed"]
    assert checked["plan"]["unforeseen"] == real["plan"]["unforeseen"] == 1
    assert again["summary"] == {**again["summary"], "skipped": 1, "unchanged": 4}
    assert sim.control("GET", "requests/summary")["operations"]["fota_device_list"] == 3


def test_devices_that_no_page_would_show_cost_none(start, runs, imei):
    """It is as unforeseen as before, and check mode warns."""
    sim = start(12_000, 12_000, 12_000).login()
    checked = runs(sim, state="absent", devices=[imei(3500), imei(9500)])(fota_license, check=True)
    assert checked["plan"]["unforeseen"] == 2
    assert "could not be foreseen" in str(checked["warnings"])
    assert "fota_device_list" not in sim.control("GET", "requests/summary")["operations"]


SIZE = 1_000_000
COSTS = [
    ("present", range(SIZE, SIZE + 20_000, 2000), 0),
    ("present", range(SIZE + 5, SIZE + 15), 0),
    ("present", range(SIZE - 5000, SIZE + 5000), 0),
    ("present", range(0, SIZE + 20_000, 102), 0),
    ("absent", range(7, SIZE, SIZE // 10), 0),
    ("absent", range(SIZE // 2, SIZE // 2 + 10), 1),
    ("absent", range(SIZE // 3, SIZE // 3 + 10_000), 0),
    ("absent", range(50, SIZE, SIZE // 10_000), 0),
]


@pytest.mark.slow
def test_what_a_few_devices_of_a_huge_account_cost(start, runs, imei, tmp_path):
    """With both logins. Only neighbors that are to lose their licenses cost a page, which foresees what happens."""
    sim = start(SIZE + 20_000, SIZE, SIZE + 20_000)
    runtimes = (str(tmp_path / f"runtime{number}") for number in itertools.count())
    many = tmp_path / "many.csv"
    for state, numbers, pages in COSTS:
        many.write_text("\n".join(map(imei, numbers)), encoding="utf-8")
        run = runs(sim, report="none", state=state, devices_file=str(many))
        reads = -(-len(numbers) // 1000)
        most = 5 if reads == 1 else reads + 4
        for check in (True, False, False):
            sim.asked()
            result = run(fota_license, check=check, runtime_dir=next(runtimes))
            total, written = sim.asked()
            moved = result["summary"]["assigned"] + result["summary"]["removed"]
            assert result["lookup"] == "devices"
            assert written == (0 if check else -(-moved // 1000))
            assert total <= most + written + (pages if moved else 0), (state, numbers, check)
            in_doubt = 0 if state == "present" or not moved else 1 if pages else moved
            assert result["plan"].get("unforeseen", 0) == in_doubt
        assert not moved, "the second run"


@pytest.mark.slow
def test_what_unknown_devices_of_a_huge_account_cost(start, runs, imei, tmp_path):
    sim = start(SIZE + 5000, SIZE, SIZE + 5000)
    many = tmp_path / "many.csv"
    unknown = [f"90000000000{number:04}" for number in range(11)]
    many.write_text("\n".join([*map(imei, range(SIZE - 5000 + 11, SIZE + 5000)), *unknown]), encoding="utf-8")
    result = runs(sim, report="none")(fota_license, devices_file=str(many))
    total, written = sim.asked()
    assert total - written <= 10 + 4 + 3 + 1
    assert (result["lookup"], written) == ("devices", 5)
    assert (result["summary"]["assigned"], result["summary"]["skipped"]) == (5000, len(unknown))
