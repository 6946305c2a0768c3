# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""FOTA licenses in canary waves: a few devices first, read back, and the others only if these are as wanted."""

from __future__ import annotations

import time

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Simulator,
    imei,
    imeis,
)

STRANGER = imei(99)
"""A device of another account: ThingSpace refuses it, and takes the others of its batch."""

OPTIONS: Json = {"report": "all", "removal_candidates": "ignore", "max_concurrency": 1}


def sizes(simulator: Simulator) -> list[tuple[str, int]]:
    """The writes, and how many devices were in each."""
    return [(request["operation"].removeprefix("fota_"), len(request["devices"])) for request in simulator.writes()]


LOOKUP = "device_lookup"
"""Whether the devices to assign would be refused."""


def talk(simulator: Simulator) -> list[str]:
    """What was asked of the FOTA API, in order."""
    return [name.removeprefix("fota_") for name in simulator.operations() if name.startswith("fota_")]


def compared(outcome: Outcome) -> Json:
    return {key: outcome.result.get(key) for key in ("changed", "plan", "summary", "devices", "licenses", "diff")}


def test_a_good_canary_goes_on(simulator: Simulator, module: Module) -> None:
    job = {**OPTIONS, "devices": imeis(40), "batch_size": 20, "diff": True}
    plain = module(**job, check=True)
    checked = module(**job, waves=[2, "25%"], check=True)
    assert simulator.writes() == []
    assert checked.result["plan"] == {**plain.result["plan"], "waves": [2, 10, 40]}, "the digest is the same"
    simulator.forget_requests()
    real = module(**job, waves=[2, "25%"], approved_plan=plain.result["plan"]["digest"])
    assert not real.failed
    assert compared(real) == compared(checked)
    assert talk(simulator) == ["list", LOOKUP, "assign", "list", "assign", "list", "assign", "assign"]
    assert [request["devices"] for request in simulator.writes()] == [
        imeis(2),
        imeis(2, 10),
        imeis(10, 30),
        imeis(30, 40),
    ]
    simulator.forget_requests()
    again = module(**job, waves=[2, "25%"])
    assert (again.changed, again.failed, again.result["plan"]["waves"]) == (False, False, [])
    assert talk(simulator) == ["list"]


@pytest.mark.parametrize("more", [{}, {"waves": []}, {"waves": [40], "max_failures": 0}, {"waves": ["100%"]}])
def test_without_a_first_wave_nothing_is_different(simulator: Simulator, module: Module, more: Json) -> None:
    assert not module(**OPTIONS, devices=imeis(40), **more).failed
    assert talk(simulator) == ["list", LOOKUP, "assign"]


def test_a_failing_canary_stops_the_rest(simulator: Simulator, module: Module) -> None:
    job = {**OPTIONS, "devices": [*imeis(2), STRANGER, *imeis(2, 20)], "waves": [3, 10], "foreseen_refusals": "ignore"}
    outcome = module(**job)
    assert outcome.code == "canary_failed"
    assert outcome.changed
    assert sizes(simulator) == [("assign", 3)]
    assert outcome.rows == {
        **dict.fromkeys(imeis(2), "assigned"),
        STRANGER: "failed",
        **dict.fromkeys(imeis(2, 20), "skipped"),
    }
    assert outcome.result["plan"]["waves"] == [3, 10, 21]
    failure = outcome.result["failure"]
    assert (failure["tried"], failure["not_as_wanted"], failure["allowed"]) == (3, 1, 0)
    assert STRANGER in outcome.message
    assert outcome.result["licenses"]["assigned"] == 2
    simulator.forget_requests()
    mended = module(**{**job, "devices": imeis(20)})
    assert not mended.failed
    assert sizes(simulator) == [("assign", 3), ("assign", 7), ("assign", 8)]
    assert simulator.licensed() == set(imeis(20))


def test_the_second_wave_counts_what_the_first_spoilt(simulator: Simulator, module: Module) -> None:
    sent = {**OPTIONS, "foreseen_refusals": "ignore"}
    others = [imei(number) for number in (97, 98)]
    devices = [others[0], *imeis(9), others[1], *imeis(9, 18), *imeis(18, 40)]
    tolerant = module(**sent, devices=devices, waves=[10, 20], max_failures="10%")
    assert tolerant.code == "devices_failed"
    assert sizes(simulator) == [("assign", 10), ("assign", 10), ("assign", 22)]
    assert tolerant.result["summary"] | {"assigned": 0, "failed": 0} == dict.fromkeys(tolerant.result["summary"], 0)
    assert simulator.licensed() == set(imeis(40))
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 0}])
    simulator.forget_requests()
    strict = module(**sent, devices=devices, waves=[10, 20], max_failures=1)
    assert strict.code == "canary_failed"
    assert sizes(simulator) == [("assign", 10), ("assign", 10)]
    failure = strict.result["failure"]
    assert (failure["tried"], failure["not_as_wanted"], failure["allowed"]) == (20, 2, 1)
    assert strict.result["summary"]["skipped"] == 22


@pytest.mark.parametrize("effect", ["none", "done"])
def test_lost_answers_are_settled_in_their_wave(simulator: Simulator, module: Module, effect: str) -> None:
    for after in (0, 0 if effect == "done" else 1):
        simulator.faults({"action": "reset", "operation": "fota_assign", "after": after, "effect": effect})
    outcome = module(**OPTIONS, devices=imeis(20), waves=[4, 8])
    assert not outcome.failed, outcome.message
    assert simulator.licensed() == set(imeis(20))
    assert simulator.repeated_blindly() == []
    wave = ["assign", "list", "list"] if effect == "done" else ["assign", "list", "assign", "list"]
    assert talk(simulator) == ["list", LOOKUP, *wave, *wave, "assign"]
    assert outcome.reasons.count("reading back confirms it") == (8 if effect == "done" else 0)


def test_an_answer_that_is_not_true(simulator: Simulator, module: Module) -> None:
    """Whoever says that it is done and does nothing is found out after ten devices, not after all."""
    rows = [{"deviceId": device, "status": "LicenseAssignSuccess", "Reason": "Success"} for device in imeis(10)]
    lie = {"action": "status", "operation": "fota_assign", "status": 200, "body": {"deviceList": rows}, "times": 1}
    for quirks in ({"page_size": 1000}, {"page_size": 3}):
        held = imeis(50, 60)
        simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": held}], quirks=quirks)
        simulator.forget_requests()
        simulator.clear_faults()
        simulator.faults(lie)
        outcome = module(**OPTIONS, devices=imeis(40), waves=[10], lookup="list")
        assert outcome.code == "canary_failed"
        assert outcome.changed, "the list may just be late"
        assert sizes(simulator) == [("assign", 10)]
        assert outcome.result["summary"]["unknown"] == 10
        assert outcome.result["summary"]["skipped"] == 30
        assert "reading back does not show that" in outcome.reasons


def test_a_full_pool_is_reshuffled(simulator: Simulator, module: Module) -> None:
    """Each wave first takes licenses away, so that its own assignments fit."""
    subscription = {"license_count": 10}
    simulator.state(
        accounts=[{"name": ACCOUNT, "devices": 20, "licenses": 10, "subscription": subscription}],
        quirks={"exhausted": "reject"},
    )
    outcome = module(**OPTIONS, devices=imeis(10, 20), state="exact", max_removals=10, waves=[3, "50%"])
    assert not outcome.failed, outcome.message
    assert sizes(simulator) == [
        ("remove", 2),
        ("assign", 1),
        ("remove", 3),
        ("assign", 4),
        ("remove", 5),
        ("assign", 5),
    ]
    assert simulator.licensed() == set(imeis(10, 20))
    assert outcome.result["plan"]["waves"] == [3, 10, 20]
    simulator.devices({"imei": imei(10), "upgraded": True})
    simulator.forget_requests()
    # The first to lose it keeps it for ever, which is no failure. But one of those that are to get it finds none free.
    stuck = module(**OPTIONS, devices=imeis(10), state="exact", max_removals=10, waves=[4], foreseen_refusals="ignore")
    assert stuck.code == "canary_failed"
    assert sizes(simulator) == [("remove", 2), ("assign", 1)]
    failure = stuck.result["failure"]
    assert (failure["tried"], failure["not_as_wanted"], failure["allowed"]) == (4, 1, 0)
    assert imei(10) in simulator.licensed()


def test_removals_of_named_devices(simulator: Simulator, module: Module) -> None:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 30}])
    simulator.devices({"imei": imei(12), "upgraded": True})
    outcome = module(**OPTIONS, devices=imeis(30), state="absent", waves=["10%", "50%"], foreseen_refusals="ignore")
    assert outcome.code == "canary_failed"
    assert sizes(simulator) == [("remove", 3), ("remove", 12)]
    assert simulator.licensed() == {imei(12), *imeis(15, 30)}
    assert outcome.rows[imei(12)] == "failed"


def test_direct_lookup_reads_one_page_after_each_wave(simulator: Simulator, module: Module) -> None:
    """A share is of the named devices there, and the count of assigned licenses tells whether the answers are true."""
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 60, "licenses": 40}], quirks={"page_size": 5})
    named = imeis(38, 46)
    outcome = module(**OPTIONS, devices=named, waves=["50%"], lookup="direct")
    assert not outcome.failed
    assert outcome.result["lookup"] == "direct"
    assert outcome.result["plan"]["waves"] == [4, 8]
    assert talk(simulator) == ["list", "assign", "list", "assign"]
    assert list(outcome.rows.values()) == ["unchanged"] * 2 + ["assigned"] * 6
    simulator.faults({"action": "reset", "operation": "fota_assign", "effect": "done"})
    simulator.forget_requests()
    # One of the three held its license before, and nothing shows which. The next run finds all of them licensed.
    options = {**OPTIONS, "devices": [imei(45), *imeis(50, 54)], "waves": [3], "lookup": "direct"}
    lost = module(**options)
    assert lost.code == "canary_failed"
    assert list(lost.rows.values())[:3] == ["unknown"] * 3
    assert simulator.licensed() == {*imeis(46), *imeis(50, 52)}
    assert simulator.repeated_blindly() == []
    assert not module(**options).failed
    assert simulator.licensed() == {*imeis(46), *imeis(50, 54)}
    simulator.forget_requests()
    failing = module(**OPTIONS, devices=[STRANGER, *imeis(54, 58)], waves=[2], lookup="direct")
    assert failing.code == "canary_failed"
    assert sizes(simulator) == [("assign", 2)]


def test_a_wave_that_cannot_be_read_back(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 503, "operation": "fota_list", "after": 1, "times": 0})
    outcome = module(**OPTIONS, devices=imeis(20), waves=[2], retries=0)
    assert outcome.code == "server_error"
    assert sizes(simulator) == [("assign", 2)]
    assert outcome.result["summary"]["assigned"] == 2
    assert outcome.result["summary"]["skipped"] == 18


def test_what_is_wrong_is_said_before_the_first_wave(simulator: Simulator, module: Module) -> None:
    wrong = module(devices=[*imeis(3), "x"], waves=[10, 5, "x"], max_failures="few", max_changes=-1)
    assert wrong.result["failure"]["problem_count"] == 5
    alone = module(devices=imeis(3), max_failures=1)
    assert alone.code == "invalid_options"
    assert "waves" in alone.message
    assert simulator.requests() == []
    tripped = module(devices=imeis(20), waves=[2], max_changes=19)
    assert tripped.code == "guard_tripped"
    short = module(devices=imeis(20), waves=[2], reserve=41)
    assert short.code == "guard_tripped"
    assert simulator.writes() == []


JOB: Json = {**OPTIONS, "devices": imeis(3, 12), "state": "exact", "max_removals": 10, "waves": [3, 7], "batch_size": 3}
TALK = ["list", "device_list", "remove", "assign", "list", "remove", "assign", "list", "assign"]


def test_killed_between_two_waves(simulator: Simulator, module: Module) -> None:
    """In the middle of one, while it is read back, or as the next begins: the next run reads and does what is left."""

    def seed() -> None:
        simulator.state(accounts=[{"name": ACCOUNT, "devices": 20, "licenses": 6}])
        simulator.forget_requests()

    seed()
    assert not module(**JOB).failed
    assert talk(simulator) == TALK
    for number in (3, 4, 5, 7):
        seed()
        simulator.faults({"action": "stall", "path": "/fota/", "after": number, "effect": "done", "seconds": 60})
        running = module.start(**JOB)
        end = time.monotonic() + 30
        while not simulator.faults()[0]["fired"]:
            assert running.process.poll() is None, running.wait().stdout
            assert time.monotonic() < end
            time.sleep(0.02)
        running.kill()
        simulator.clear_faults()
        again = module(**JOB)
        assert not again.failed, again.message
        assert simulator.licensed() == set(imeis(3, 12))
        assert simulator.repeated_blindly() == []
