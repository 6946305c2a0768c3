# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Licenses that can never be removed do not keep an exact run from being green, in the first run and in all others."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import fota_license, fota_license_info

VERSIONS = ("v1", "v2", "v3")
HELD = range(0, 120, 2)
WANTED, UPGRADED = HELD[:3], range(20, 120, 10)
SILENT: dict[str, dict[str, t.Any]] = {
    "no device list": {"fota_devices": "none"},
    "no": {"fota_devices_lack": "upgradeTime"},
}


@pytest.fixture(name="estate")
def fixture_estate(start, imei):
    """Every other device is licensed. Ten of the licensed ones were upgraded. All pages have ten devices."""
    sim = start().login()
    devices = [{"imei": imei(number), "upgraded": number in UPGRADED} for number in range(120)]
    held = [imei(number) for number in HELD]
    sim.control("PUT", "state", {"accounts": [{"name": sim.account, "devices": devices, "licenses": held}]})
    sim.quirk(page_size=10, fota_device_page=10)
    return sim


@pytest.fixture(name="exact")
def fixture_exact(estate, runs, imei):
    """An exact run that leaves a license to three devices."""
    return runs(estate, state="exact", devices=[imei(number) for number in WANTED], max_removals="100%")


def outcomes(result, numbers, imei):
    """Return the outcomes of these devices."""
    found = {row["device_id"]: row["outcome"] for row in result["devices"]}
    return {found[imei(number)] for number in numbers}


def sent(sim):
    """Return the devices of all writes so far, and forget them."""
    devices = [device for one in sim.control("GET", "requests?write=true") for device in one["devices"]]
    sim.asked()
    return devices


@pytest.mark.parametrize("version", VERSIONS)
def test_each_run_leaves_them_alone_however_short_the_list_became(estate, exact, imei, version):
    """The first run makes the list of licenses much shorter. That must not hide what was foreseen before."""
    gone = {imei(number) for number in HELD} - {imei(number) for number in (*WANTED, *UPGRADED)}
    for left in (gone, set()):
        checked = exact(fota_license, check=True, api_version=version)
        assert sent(estate) == []
        real = exact(fota_license, api_version=version)
        executed = sent(estate)
        assert (len(executed), set(executed)) == (len(left), left)
        for result in (checked, real):
            assert "failure" not in result
            assert (result["plan"]["locked"], result["plan"]["remove"]) == (len(UPGRADED), len(left))
            assert "unforeseen" not in result["plan"]
        assert checked["devices"] == real["devices"]
        assert checked["plan"] == real["plan"]
    assert set(estate.held()) == {imei(number) for number in (*WANTED, *UPGRADED)}


@pytest.mark.parametrize("server", SILENT)
@pytest.mark.parametrize("options", [{}, {"waves": ["1", "50%"]}, {"foreseen_refusals": "ignore"}])
def test_what_only_the_refusal_tells_is_left_alone_all_the_same(estate, exact, imei, server, options):
    estate.quirk(**SILENT[server])
    for changed in (True, False):
        result = exact(fota_license, **options)
        assert "failure" not in result
        assert (result["changed"], result["licenses"]["assigned"]) == (changed, len(WANTED) + len(UPGRADED))
        assert outcomes(result, UPGRADED, imei) == {"unchanged"}
        assert len([one for one in map(str, result["warnings"]) if "for ever" in one]) == 1
        assert set(estate.held()) == {imei(number) for number in (*WANTED, *UPGRADED)}


CHOICES: list[dict[str, t.Any]] = [{}, {"waves": ["1", "50%"]}, {"foreseen_refusals": "ignore"}]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("server", SILENT)
@pytest.mark.parametrize("options", CHOICES)
def test_what_thingspace_refused_for_ever_is_not_sent_again(estate, exact, imei, tmp_path, version, server, options):
    """Check mode cannot know it the first time, and says so. After that, check mode and all runs say the same."""
    estate.quirk(**SILENT[server])
    given = {"api_version": version, "runtime_dir": str(tmp_path / "runtime"), **options}
    first = exact(fota_license, check=True, **given)
    assert "A license whose removal it refuses stays" in str(first["warnings"])
    assert first["plan"]["unforeseen"] == first["plan"]["remove"] == len(HELD) - len(WANTED)
    real = exact(fota_license, **given)
    assert ("failure" in real, real["changed"]) == (False, True)
    sent(estate)
    checked, again = exact(fota_license, check=True, **given), exact(fota_license, **given)
    assert sent(estate) == []
    for result in (checked, again):
        assert ("failure" in result, result["changed"]) == (False, False)
        assert (result["plan"]["locked"], result["plan"].get("unforeseen")) == (len(UPGRADED), None)
        assert outcomes(result, UPGRADED, imei) == {"unchanged"}
        assert "for ever" in str(result["warnings"])
    assert checked["devices"] == again["devices"]
    stay = [[row for row in one["devices"] if row["reason"].startswith("left alone")] for one in (real, again)]
    assert stay[0] == stay[1], "with the same words"
    named = exact(fota_license, state="absent", devices=[imei(UPGRADED[0])], **{**given, "waves": None})
    assert outcomes(named, UPGRADED[:1], imei) == {"failed" if "foreseen_refusals" in options else "skipped"}


def test_only_the_words_about_one_device_are_remembered(estate, exact, imei, tmp_path):
    """A request may be refused as a whole for the sake of one of its devices."""
    estate.quirk(fota_devices="none")
    words = {
        "errorCode": "INPUT_INVALID",
        "errorMessage": "License removal not allowed for devices that have ever upgraded",
    }
    estate.fault("status", operation="fota_remove", times=2, status=400, body=words)
    run = exact(fota_license, runtime_dir=str(tmp_path / "runtime"), batch_size=10)
    assert "failure" not in run
    again = exact(fota_license, check=True, runtime_dir=str(tmp_path / "runtime"))
    assert again["plan"]["locked"] == len(UPGRADED)


def test_what_was_remembered_wrongly_is_forgotten(estate, exact, imei, tmp_path):
    """A server may refuse once by mistake. A removal by name that works shows it."""
    device = imei(HELD[5])
    words = {
        "errorCode": "INPUT_INVALID",
        "errorMessage": "License removal not allowed for devices that have ever upgraded",
    }
    given = {"runtime_dir": str(tmp_path / "runtime"), "state": "absent", "devices": [device]}
    estate.fault("status", operation="fota_remove", times=1, status=400, body=words)
    assert outcomes(exact(fota_license, **given), HELD[5:6], imei) == {"failed"}
    sent(estate)
    for lookup in ("auto", "direct"):
        checked, real = (exact(fota_license, check=check, lookup=lookup, **given) for check in (True, False))
        assert outcomes(checked, HELD[5:6], imei) == outcomes(real, HELD[5:6], imei) == {"skipped"}
        assert sent(estate) == []
    assert outcomes(exact(fota_license, foreseen_refusals="ignore", **given), HELD[5:6], imei) == {"removed"}
    assert outcomes(exact(fota_license, **{**given, "state": "present"}), HELD[5:6], imei) == {"assigned"}
    assert outcomes(exact(fota_license, **given), HELD[5:6], imei) == {"removed"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lookup", ["list", "direct"])
def test_an_assignment_that_moved_nothing_makes_nothing_forgotten(estate, exact, imei, tmp_path, version, lookup):
    """Nor does another way to write the address of ThingSpace."""
    estate.quirk(fota_devices="none")
    device = imei(UPGRADED[0])
    given = {"runtime_dir": str(tmp_path / "runtime"), "devices": [device], "api_version": version}
    root = estate.root.replace("http://", "HTTP://")
    places = [f"{estate.root}/api", f"{root}/api", f"{estate.root}//api", f"{estate.root}/api/"]
    run = {"absent": {"state": "absent"}, "present": {"state": "present", "lookup": lookup}}
    assert outcomes(exact(fota_license, **given, **run["absent"]), UPGRADED[:1], imei) == {"failed"}
    assert outcomes(exact(fota_license, **given, **run["present"]), UPGRADED[:1], imei) == {"unchanged"}
    for place in places:
        sent(estate)
        for way in ("list", "direct"):
            again = exact(fota_license, **given, **run["absent"], lookup=way, base_url=place)
            assert outcomes(again, UPGRADED[:1], imei) == {"skipped"}
        assert sent(estate) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_remembered_counts_as_locked(estate, exact, runs, imei, tmp_path, version):
    """The info module says what exact does, and warns if the device list says something else."""
    given = {"runtime_dir": str(tmp_path / "runtime"), "api_version": version}
    estate.quirk(fota_devices="none")
    assert "failure" not in exact(fota_license, **given)
    estate.control("PUT", "devices", [{"imei": imei(number), "upgraded": False} for number in UPGRADED])
    estate.quirk(fota_devices="all")
    kept = {"runtime_dir": str(tmp_path / "other"), "api_version": version}
    for at, locked in ((given, len(UPGRADED)), (kept, 0)):
        info = runs(estate, details=True, **at)(fota_license_info)
        left = len(WANTED) + len(UPGRADED) - locked
        assert info["reclaimable"] == {"removable": left, "locked": locked, "unknown": 0}
        assert ("refused to remove" in str(info.get("warnings"))) == bool(locked)


@pytest.mark.parametrize("damaged", ['{"why": 5}', "null", '{"why": [["x"], 7]}', "[]", "no JSON"])
def test_a_memory_that_is_damaged_is_none(estate, exact, imei, tmp_path, damaged):
    estate.quirk(fota_devices="none")
    run = exact(fota_license, runtime_dir=str(tmp_path / "runtime"))
    assert "failure" not in run
    kept = [path for path in (tmp_path / "runtime").rglob("never-removable-*") if path.suffix != ".lock"]
    assert kept
    for path in kept:
        path.write_text(damaged, encoding="utf-8")
    again = exact(fota_license, runtime_dir=str(tmp_path / "runtime"))
    assert "failure" not in again
    assert exact(fota_license, check=True, runtime_dir=str(tmp_path / "runtime"))["plan"]["locked"] == len(UPGRADED)


def test_a_wave_that_is_read_back_takes_no_refusal_for_a_false_answer(estate, exact, imei):
    """A list of one page is always compared with the answers."""
    estate.quirk(fota_devices="none", page_size=1000)
    result = exact(fota_license, waves=["90%"])
    assert "failure" not in result
    assert outcomes(result, UPGRADED, imei) == {"unchanged"}
    assert set(estate.held()) == {imei(number) for number in (*WANTED, *UPGRADED)}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_license_that_stays_is_not_free_for_another_device(start, runs, imei, version):
    sim = start(10, 4, 4).login()
    sim.quirk(fota_devices="none")
    sim.control("PUT", "devices", [{"imei": imei(0), "upgraded": True}])
    wanted = [imei(number) for number in (5, 6, 7, 8)]
    result = runs(sim, state="exact", devices=wanted, max_removals="100%", api_version=version)(fota_license)
    assert outcomes(result, (0,), imei) == {"unchanged"}
    assert (result["failure"]["code"], result["summary"]["assigned"]) == ("devices_failed", 3)
    assert "no license is free" in result["msg"]
    assert set(sim.held()) == {imei(number) for number in (0, 5, 6, 7)}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_named_device_fails(estate, runs, imei, version):
    """Somebody asked for its license, and does not get it."""
    estate.quirk(fota_devices="none")
    run = runs(estate, api_version=version, state="absent", devices=[imei(20), imei(22)], lookup="list")
    result = run(fota_license)
    assert (outcomes(result, (20,), imei), outcomes(result, (22,), imei)) == ({"failed"}, {"removed"})
    assert result["failure"]["code"] == "devices_failed"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("choice", ["skip", "stop"])
def test_a_position_that_the_device_list_refuses_is_dropped(estate, exact, imei, version, choice):
    """A license may outlive its device, whose id is no position of the device list then."""
    refusal = {"errorCode": "INVALID_PARAMETER", "errorMessage": "LastSeenDeviceId Not Valid"}
    for check in (True, False):
        estate.fault("status", operation="fota_device_list", times=2, status=400, body=refusal)
        result = exact(fota_license, check=check, api_version=version, foreseen_refusals=choice)
        assert "failure" not in result
        assert result["plan"]["locked"] == len(UPGRADED)
    assert not {imei(number) for number in UPGRADED} & set(sent(estate))


@pytest.mark.parametrize("version", VERSIONS)
def test_many_refused_as_a_whole_do_not_keep_others_from_their_license(start, runs, imei, version):
    """The server refuses each request that has such a device in it. Without a device list, nothing else tells them."""
    sim = start(130, 100, 200).login()
    sim.quirk(fota_devices="none", upgraded_device="reject")
    sim.control("PUT", "devices", [{"imei": imei(number), "upgraded": True} for number in range(1, 100)])
    wanted = [imei(number) for number in (0, 110)]
    run = runs(sim, state="exact", devices=wanted, max_removals="100%", api_version=version)
    for changed in (True, False):
        result = run(fota_license)
        assert ("failure" in result, result["changed"]) == (False, changed)
        assert set(sim.held()) == {*wanted, *(imei(number) for number in range(1, 100))}
