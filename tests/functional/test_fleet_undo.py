# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs reversed by the playbook: what goes back, what stays and is listed, and what is never written."""

from __future__ import annotations

import csv
import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    BUNDLE,
    FLEX,
    LIFETIME,
    Fleet,
    Ran,
    imeis,
    licensed,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Receiver, Simulator
from ansible_collections.thingspace.licensing.tests.support.undoing import Undoing, killed, now, part, record, row

SKUS = (FLEX, BUNDLE, LIFETIME)


@pytest.fixture
def undo(tmp_path: Path, simulator: Simulator) -> Undoing:
    simulator.quirks(simsec_delay=0.05)
    return Undoing(Fleet(tmp_path, simulator))


def state(simulator: Simulator) -> list[Json]:
    """Who holds what in each account, and the list in its order."""
    return [
        {
            "fota": sorted(license["device_id"] for license in account["licenses"]),
            "candidates": account["candidates"],
            "simsec": {
                sku["sku"]: sorted(license["device_id"] for license in sku["licenses"]) for sku in account["skus"]
            },
        }
        for account in simulator.state()["accounts"]
    ]


def left(ran: Ran) -> list[tuple[str, str, str]]:
    """Kind, device and code of each change that was not undone."""
    with (ran.dest / "cannot.csv").open(encoding="utf-8", newline="") as stream:
        return [(one["kind"], one["device_id"], one["code"]) for one in csv.DictReader(stream)]


def document(ran: Ran) -> Json:
    return t.cast(Json, json.loads((ran.dest / "undo.json").read_text(encoding="utf-8")))


def given(account: int, *bounds: int) -> Json:
    """The part of a run that licensed these devices."""
    return part("fota", [row(device, "assigned") for device in imeis(account, *bounds)])


@pytest.mark.parametrize("unassigned", ["keep", "drop"])
def test_there_and_back(undo: Undoing, simulator: Simulator, unassigned: str) -> None:
    """Of a full pool; check mode writes nothing, a second undo has nothing to do, and an undo can be undone.

    It makes no difference whether ThingSpace itself takes a device off the list when it loses its license.
    """
    simulator.quirks(candidates_unassigned=unassigned)
    simulator.state(accounts=seeded(2, a1={"subscription": {"license_count": 10}, "candidates": imeis(1, 3)}))
    one = imeis(1, 20)
    # Three lose their license to three others, the list is turned round, and one of it goes.
    undo.fleet.write(
        1,
        {"ids": one[3:13], "fota": True},
        {"ids": [one[9], one[5], one[3]], "removal_candidate": True},
        fota={"max_removals": 3},
    )
    undo.fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    before = state(simulator)
    undo.apply()
    after = state(simulator)
    assert undo.ran.returncode == 0, undo.ran.text
    assert [one["fota"] for one in after] == [imeis(1, 3, 13), imeis(2, 12)]
    simulator.forget_requests()
    foreseen = undo("check", "--check")
    assert foreseen.returncode == 0, foreseen.text
    assert document(foreseen)["totals"] == {"assign": 3, "remove": 8, "add": 3, "move": 0}
    assert simulator.writes() == []
    done = undo("undo", name="undone.json", approved="check/undo.json")
    assert done.returncode == 0, done.text
    assert state(simulator) == before
    assert left(done) == []
    simulator.forget_requests()
    again = undo("again")
    assert again.returncode == 0, again.text
    assert document(again)["status"] == "no_change"
    assert simulator.writes() == []
    redone = undo("redone", run="undone.json")
    assert redone.returncode == 0, redone.text
    assert state(simulator) == after


def test_a_list_that_cannot_be_read_after_licenses_were_removed(undo: Undoing, simulator: Simulator) -> None:
    """The run has read it before, and its undo puts back what left it with its license."""
    simulator.quirks(candidates_unassigned="drop")
    one = imeis(1, 20)
    simulator.state(accounts=seeded(1, a1={"candidates": [one[0], one[5], one[1]]}))
    undo.fleet.write(1, {"ids": one[2:10], "fota": True}, {"ids": [one[6]], "removal_candidate": True})
    before = state(simulator)
    # Twice for the plan, then before the licenses are removed, and for the part that removes them.
    fault = {"action": "status", "status": 400, "operation": "candidates_list", "after": 4, "times": 1}
    simulator.faults(fault)
    undo.apply()
    assert undo.ran.recap == {named(1): "failed"}, undo.ran.text
    assert state(simulator)[0]["candidates"] == [one[5]]
    done = undo("undo")
    assert done.returncode == 0, done.text
    assert state(simulator) == before
    assert left(done) == []


def test_sim_secure(undo: Undoing, simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """A move goes back with no device being without a license; what is for life stays, and what changed since."""
    simulator.state(accounts=seeded(1))
    one = imeis(1, 20)
    journal = {"journal": str(undo.fleet.journal), "wait": True, "wait_timeout": 30}
    receiver = Receiver(tmp_path, undo.fleet.journal, simulator)
    try:
        assert not module("simsec_license", sku=FLEX, devices=one[:5], **journal).failed
        before = state(simulator)
        # Two move, of which one to a license for life; one loses its license, two are new, one of them for life.
        sets = [
            {"ids": [*one[1:3], one[8]], "simsec": FLEX},
            {"ids": [one[3], one[9]], "simsec": BUNDLE},
            {"ids": [one[4], one[7]], "simsec": LIFETIME},
        ]
        undo.fleet.write(1, *sets, simsec={"lifetime_consent": {LIFETIME: 2}})
        undo.apply(fleet_licensing_wait_timeout="20")
        assert undo.ran.returncode == 0, undo.ran.text
        after = state(simulator)
        assert after[0]["simsec"] == {FLEX: [*one[1:3], one[8]], BUNDLE: [one[3], one[9]], LIFETIME: [one[4], one[7]]}
        simulator.forget_requests()
        # Somebody takes the bundle from a device after the run.
        assert not module("simsec_license", sku=BUNDLE, devices=[one[9]], state="absent", **journal).failed
        simulator.forget_requests()
        foreseen = undo("check", "--check")
        assert foreseen.returncode == 0, foreseen.text
        assert simulator.writes() == []
        done = undo("undo", approved="check/undo.json", name="undone.json")
        assert done.returncode == 0, done.text
        expected = [
            ("simsec", one[4], "keeps_license"),
            ("simsec", one[4], "lifetime"),
            ("simsec", one[7], "lifetime"),
            ("simsec", one[9], "later_request"),
        ]
        assert sorted(left(done)) == sorted(expected) == sorted(left(foreseen))
        assert [(write["operation"], write["sku"], write["devices"]) for write in simulator.writes()] == [
            ("simsec_unassign", FLEX, [one[8]]),
            ("simsec_assign", FLEX, [one[0], one[3]]),
            ("simsec_unassign", BUNDLE, [one[3]]),
        ]
        assert state(simulator)[0]["simsec"] == {
            FLEX: before[0]["simsec"][FLEX][:4],
            BUNDLE: [],
            LIFETIME: [one[4], one[7]],
        }
        simulator.forget_requests()
        again = undo("again")
        assert (again.returncode, simulator.writes()) == (0, []), again.text
    finally:
        receiver.stop()


def test_what_cannot_be_had_any_more(undo: Undoing, simulator: Simulator) -> None:
    """A refused removal fails and is told; a list that somebody changed and what a later run did stay untouched."""
    # The run gave a license to the last three of each account, and made a longer list for the second.
    before, after = imeis(2, 3), imeis(2, 2, 6)
    listed = part("removal_candidates", [row(imeis(2, 1)[0], "removed")], before=before, after=after)
    runs = {named(number): [given(number, 10, 13)] for number in (1, 2, 3)}
    undo.write("run.json", record({**runs, named(2): [*runs[named(2)], listed]}, started=now()))
    # Since then, one was upgraded, a later run took one away and assigned one, and the list got longer.
    upgraded: Json = {"devices": [{"imei": one, "upgraded": one == imeis(1, 10, 11)[0]} for one in imeis(1, 20)]}
    since = {"licenses": 13, "candidates": [*after, *imeis(2, 7, 8)]}
    simulator.state(accounts=seeded(3, a1={**upgraded, "licenses": imeis(1, 13)}, a2=since, a3={"licenses": 13}))
    rows = [row(imeis(3, 11, 12)[0], "removed"), row(imeis(3, 12, 13)[0], "assigned")]
    later = undo.write("later.json", record({named(3): [part("fota", rows)]}, started="2099-01-01T00:00:00Z"))
    ran = undo("undo", fleet_history="history")
    assert ran.recap == {named(1): "failed", named(2): "changed", named(3): "changed"}, ran.text
    assert "its license can never be removed" in (ran.dest / "run.json").read_text(encoding="utf-8")
    assert later["run"] in (ran.dest / "cannot.csv").read_text(encoding="utf-8")
    expected = [("fota", device, "later_run") for device in imeis(3, 11, 13)]
    assert left(ran) == [("removal_candidates", imeis(2, 1)[0], "list_changed"), *expected]
    one, two, three = state(simulator)
    assert one["fota"] == imeis(1, 11)
    assert (two["fota"], two["candidates"]) == (imeis(2, 10), since["candidates"])
    assert three["fota"] == [*imeis(3, 10), *imeis(3, 11, 13)]


def test_freeze_windows(undo: Undoing, simulator: Simulator) -> None:
    """Of the fleet files when the run was applied, and of all accounts: such an account is planned, and left alone."""
    simulator.state(accounts=seeded(2))
    frozen = {"name": "stocktaking", "until": "2199-01-01", "what": "removals"}
    undo.fleet.write(1, {"ids": imeis(1, 12), "fota": True}, freeze=[frozen])
    undo.fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    undo.apply()
    assert undo.ran.returncode == 0, undo.ran.text
    done = undo("undo")
    assert done.recap == {named(1): "failed", named(2): "changed"}, done.text
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [12, 10]
    assert [account.get("failure", {}).get("code") for account in done.record["accounts"]] == ["frozen", None]
    everywhere = json.dumps({"fleet_licensing_freeze": [frozen], "fleet_licensing_ignore_freeze": True})
    emergency = undo("emergency", "-e", everywhere)
    assert emergency.returncode == 0, emergency.text
    assert licensed(simulator, 1) == set(imeis(1, 10))


def test_limits_of_the_fleet_file(undo: Undoing, simulator: Simulator) -> None:
    """They hold for the undo as for the run: beyond them, nothing of the account is changed without an approval."""
    simulator.state(accounts=seeded(2))
    undo.fleet.write(1, {"ids": imeis(1, 1, 14), "fota": True}, fota={"max_removals": 2, "max_changes": 9})
    undo.fleet.write(2, {"ids": imeis(2, 12), "fota": True}, fota={"max_removals": 2})
    undo.apply()
    assert undo.ran.returncode == 0, undo.ran.text
    done = undo("undo")
    assert done.recap == {named(1): "failed", named(2): "changed"}, done.text
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [13, 10]
    assert [account.get("failure", {}).get("code") for account in done.record["accounts"]] == ["guard_tripped", None]
    checked = undo("check", "--check")
    simulator.forget_requests()
    run_wide = undo("narrow", max_removals="3")
    assert (run_wide.returncode, simulator.writes()) == (2, [])
    assert run_wide.failures[0]["guards"] == [{"guard": "max_removals", "planned": 4, "allowed": 3}]
    approved = undo("approved", approved=document(checked)["digest"])
    assert approved.returncode == 0, approved.text
    assert licensed(simulator, 1) == set(imeis(1, 10))


def test_a_run_that_was_killed(undo: Undoing, simulator: Simulator) -> None:
    """What it had planned is taken back where it is there; an undo beyond its limit writes nothing."""
    taken = part("fota", [row(device, "removed") for device in imeis(1, 2)])
    made = record({named(1): [taken, given(1, 10, 14)]}, started=now())
    undo.write("run.json", killed(made))
    # It came half-way only.
    simulator.state(accounts=seeded(1, a1={"licenses": imeis(1, 1, 12)}))
    limited = undo("limited", max_changes="2")
    assert limited.failures[0]["guards"] == [{"guard": "max_changes", "planned": 3, "allowed": 2}]
    assert (limited.returncode, simulator.writes()) == (2, [])
    ran = undo("undo", approved=document(limited)["digest"], max_changes="2")
    assert ran.returncode == 0, ran.text
    # The only words that tell an approver what this undo may reverse besides the run.
    assert "These cases look the same, and both are undone" in (ran.dest / "undo.md").read_text(encoding="utf-8")
    assert licensed(simulator, 1) == set(imeis(1, 10))


def test_a_run_before_the_latest(undo: Undoing, simulator: Simulator) -> None:
    """Its record lies among the others: what a later run gave again stays, and the undo's record joins them."""
    simulator.state(accounts=seeded(1, a1={"licenses": 12}))
    first, again = imeis(1, 10, 12)
    rows = [[row(first, "assigned"), row(again, "assigned")], [row(again, "removed")], [row(again, "assigned")]]
    runs = [
        undo.write(f"run{place}.json", record({named(1): [part("fota", one)]}, started=f"2026-11-0{place}T00:00:00Z"))
        for place, one in enumerate(rows, 1)
    ]
    done = undo("undo", run=f"history/{runs[0]['run']}.json")
    assert done.returncode == 0, done.text
    assert left(done) == [("fota", again, "later_run")]
    assert licensed(simulator, 1) == {*imeis(1, 10), again}
    assert document(done)["later_runs_known"]
    assert done.record == json.loads((undo.history / f"{done.record['run']}.json").read_text(encoding="utf-8"))


def test_an_account_beside_those_of_the_run(undo: Undoing, simulator: Simulator) -> None:
    """Has nothing to do, and is not red."""
    simulator.state(accounts=seeded(2))
    before = state(simulator)
    undo.fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    undo.apply()
    hosts: Json = {"thingspace_accounts": {"hosts": {named(1): {}, named(2): {}}}}
    (undo.fleet.folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    done = undo("undo", "-i", "hosts.json")
    assert done.returncode == 0, done.text
    assert state(simulator) == before


def test_what_is_no_run_of_these_accounts(undo: Undoing, simulator: Simulator, module: Module) -> None:
    """Is refused in one clear message, and nothing is written anywhere."""
    simulator.state(accounts=seeded(2))
    made = record({named(1): [part("fota", [row(imeis(1, 1)[0], "assigned")])]}, started=now())
    undo.write("run.json", made)
    hosts: Json = {"thingspace_accounts": {"hosts": {named(2): {}}}}
    (undo.fleet.folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    foreign = undo("undo", "-i", "hosts.json")
    assert (foreign.returncode, foreign.codes) == (2, ["run_file_invalid"])
    assert named(1) in foreign.failures[0]["message"]
    text = json.dumps(made)
    folder = undo.fleet.folder
    broken = {
        "edited": text.replace(imeis(1, 1)[0], imeis(1, 1, 2)[0]),
        "cut": text[:-20],
        "foreign": '{"format": 2, "run": "x"}',
        "empty": "",
        "deep": "[" * 100_000,
        "number": "NaN",
    }
    for name, content in broken.items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "huge").touch()
    os.truncate(folder / "huge", 2**40)
    (folder / "loop").symlink_to("loop")
    (folder / "directory").mkdir()
    os.mkfifo(folder / "pipe")
    places = [*broken, "huge", "loop", "directory", "pipe", "missing"]
    outcomes = {name: module("fleet_undo", account=None, run=str(folder / name)) for name in places}
    assert {name: outcome.code for name, outcome in outcomes.items()} == dict.fromkeys(places, "run_file_invalid")
    over = undo(".")
    assert (over.returncode, {*over.codes}) == (2, {"invalid_options"})
    edited = undo("edited_run", run="edited")
    assert {*edited.codes} == {"run_file_invalid"}
    assert [path for name in ("undo.*", "lists") for path in folder.rglob(name)] == []
    assert simulator.requests() == []
