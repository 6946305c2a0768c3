# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets planned, approved, applied and exported by the playbooks: what stops whom, and what is never written."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    BUNDLE,
    FLEX,
    LIFETIME,
    PATIENCE,
    Fleet,
    Ran,
    imeis,
    licensed,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.forked import kill_with_all
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Receiver,
    Simulator,
)
from ansible_collections.thingspace.licensing.tests.support.simulated import LISTENER


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator) -> Fleet:
    simulator.quirks(simsec_delay=0.05)
    return Fleet(tmp_path, simulator)


def test_an_account_that_fails_or_is_stopped(fleet: Fleet, simulator: Simulator) -> None:
    """Others go on; what a limit stops is let through by an approval, and only by that."""
    event = {"subscription": {"purchase_type": "TS-HFOTA-EVNT"}, "licenses": []}
    simulator.state(accounts=seeded(4, a3={"active": False}, a4=event))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    fleet.write(2, {"ids": imeis(2, 3), "fota": True}, fota={"max_removals": 5})
    for number in (3, 4, 9):
        fleet.write(number, {"ids": imeis(number, 5), "fota": True})
    failing = [named(number) for number in (3, 4, 9)]
    plan = fleet.plan("--check")
    assert plan.statuses == {named(1): "changes", named(2): "guard_tripped", **dict.fromkeys(failing, "error")}
    assert plan.plan["totals"] == {"assign": 2, "remove": 7, "add": 0, "move": 0}
    assert plan.returncode == 2
    assert [host for host, word in sorted(plan.recap.items()) if word == "failed"] == failing
    (stopped,) = plan.part(2, "fota")["failure"]["guards"]
    assert stopped == {"guard": "max_removals", "planned": 7, "allowed": 5}
    failed = {
        account["account"]: account["failure"]["code"] for account in plan.plan["accounts"] if "failure" in account
    }
    assert failed == {named(3): "api_rejected", named(4): "api_rejected", named(9): "account_not_found"}
    covers = f"An approval covers 2 of 5 accounts. Nothing is changed in {' (no plan), '.join(failing)} (no plan)."
    command = (
        "ansible-playbook thingspace.licensing.apply -e fleet=fleet -e fleet_journal=journal.db -e fleet_dest=apply "
        f"-e approved={plan.plan['digest']}"
    )
    assert covers in plan.text
    assert f"To apply: {command}" in plan.text
    for name in ("plan.md", "plan.html"):
        text = (plan.dest / name).read_text(encoding="utf-8")
        assert covers in text
        assert text.count(command) == 1
        assert "An approval does not help" not in text
        for told in ("max", "Inactive account", "TS-HFOTA-EVNT", named(9), imeis(2, 9, 10)[0]):
            assert told in text
    assert simulator.writes() == []
    freely = fleet.apply(approved="")
    assert freely.recap == {named(1): "changed", **dict.fromkeys([named(2), *failing], "failed")}
    assert licensed(simulator, 1) == set(imeis(1, 12))
    assert licensed(simulator, 2) == set(imeis(2, 10))
    approved = fleet.apply()
    assert licensed(simulator, 2) == set(imeis(2, 3))
    assert approved.recap == {named(1): "ok", named(2): "changed", **dict.fromkeys(failing, "failed")}
    assert [write["operation"] for write in simulator.writes()] == ["fota_assign", "fota_remove"]


def copied(fleet: Fleet, plan: Ran) -> str:
    """Run the command that a plan ends with, as it is printed. Returns its output."""
    line = next(line for line in plan.text.splitlines() if "To apply: " in line)
    command = json.loads(line.strip().rstrip(",")).removeprefix("To apply: ")
    program, playbook, *arguments = shlex.split(command)
    assert program == "ansible-playbook"
    process = fleet.start(playbook, *arguments)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, stdout + stderr
    return stdout


@pytest.mark.parametrize("fleet_files", ["fleet", ["fleet"]])
def test_a_plan_ends_with_the_command_that_applies_it(
    fleet: Fleet, simulator: Simulator, fleet_files: str | list[str]
) -> None:
    """As it is printed, it does exactly what was planned."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    prices = {"fleet_licensing_prices": {"FOTA": "1.20"}, "fleet_licensing_currency": "EUR"}
    more = {"fleet_licensing_max_changes": "2", "fleet_licensing_wait_timeout": 7}
    plan = fleet.plan("-e", json.dumps({"fleet": fleet_files, **prices, **more}), fleet_journal="a journal.db")
    assert plan.returncode == 0, plan.text
    # Nobody approves prices: the command does not have them.
    assert "2.40 EUR more a month" in (plan.dest / "plan.md").read_text(encoding="utf-8")
    assert " -e fleet_licensing_max_changes=2 -e fleet_licensing_wait_timeout=7 -e fleet_dest=apply" in plan.text
    applied = copied(fleet, plan)
    assert " -e fleet_licensing_wait_timeout=7 " in applied.partition("To undo: ")[2].partition("--check")[0]
    assert "max_changes" not in applied.partition("To undo: ")[2]
    assert licensed(simulator, 1) == set(imeis(1, 12))
    done = json.loads((fleet.folder / "apply" / "run.json").read_text(encoding="utf-8"))
    assert done["plan"] == plan.plan["digest"]
    idle = fleet.plan(fleet_journal="")
    assert "To apply:" not in idle.text


SURVEYS: dict[str, Json] = {
    "fota": {"license_devices": "IMEI;Site\n{};Bonn\n{};It's Kiel".format(*imeis(1, 12, 14)), "license_column": "IMEI"},
    "long": {
        "license_devices": "IMEI;Site\n{};{}\n{};Kiel".format(imeis(1, 20)[12], "Bonn " * 500, imeis(1, 20)[13]),
        "license_column": "IMEI",
        "fleet_licensing_max_removals": "5%",
    },
    "many": {"license_devices": imeis(1, 10, 20), "license_max_changes": 10},
    "lifetime": {
        "license_devices": imeis(1, 12, 14),
        "license_product": LIFETIME,
        "license_kind": "imei",
        "license_lifetime_consent": 2,
        "license_lifetime_elsewhere": 0,
        "license_wait": False,
        # There is no listener.
        "license_require_listener": False,
        "fleet_journal": "a journal.db",
        "fleet_journal_new": True,
        "fleet_history": "all runs",
    },
}


@pytest.mark.parametrize("case", SURVEYS)
def test_a_survey_ends_with_the_command_that_runs_it(fleet: Fleet, simulator: Simulator, case: str) -> None:
    """It does what was planned, and its files are where those of the plan are."""
    simulator.state(accounts=[{**seeded(1)[0], "callbacks": [] if case == "lifetime" else [LISTENER]}])
    answers = {"license_account": named(1), "fleet_journal": "", **SURVEYS[case]}
    checked = fleet("license_devices", "plan", "-e", json.dumps(answers), fleet="")
    assert checked.returncode == 0, checked.text
    assert simulator.writes() == []
    copied(fleet, checked)
    (write,) = simulator.writes()
    named_devices = {device for device in imeis(1, 20) if device in str(answers["license_devices"])}
    assert set(write["devices"]) == named_devices
    done = json.loads((fleet.folder / "plan" / "run.json").read_text(encoding="utf-8"))
    assert (done["plan"], done["source"]) == (checked.plan["digest"], "survey")
    history = fleet.folder / answers.get("fleet_history", "plan/history")
    assert [path.stem for path in history.glob("*.json")] == [done["run"]]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            {"licenses_mode": "run", "license_max_change": 1},
            ["license_max_change, licenses_mode.", "license_max_changes"],
        ),
        ({"license_mode": "Run"}, ["'license_mode' is 'Run', which is none of: check, run."]),
        ({"license_product": FLEX, "license_mode": "run"}, ["journal_required", "fleet_licensing_require_journal"]),
    ],
)
def test_a_survey_in_doubt_sends_nothing(fleet: Fleet, simulator: Simulator, answers: Json, words: list[str]) -> None:
    simulator.state(accounts=seeded(1))
    given = {"license_account": named(1), "license_devices": imeis(1, 12), "fleet_journal": "", **answers}
    refused = fleet("license_devices", "plan", "-e", json.dumps(given), fleet="")
    told = " ".join(refused.text.split())
    assert refused.returncode == 2, told
    assert all(word in told for word in words), told
    assert simulator.writes() == []
    if "license_product" in answers:
        allowed = {**given, "fleet_licensing_require_journal": False, "license_mode": "check"}
        checked = fleet("license_devices", "plan", "-e", json.dumps(allowed), fleet="")
        assert checked.returncode == 0, checked.text
        assert "-e fleet_licensing_require_journal=false -e license_mode=run" in checked.text


def other_accounts(ran: Ran) -> list[str]:
    """The accounts that are not as approved, for which the whole run was refused."""
    (failure,) = ran.failures
    assert failure["code"] == "plan_changed"
    return re.findall(r"\b\d{10}-\d{5}\b", failure["message"])


def test_what_is_not_as_approved(fleet: Fleet, simulator: Simulator) -> None:
    """Is refused for all accounts, before anything is written; the approved itself is carried out once."""
    simulator.state(accounts=seeded(2))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True}, {"ids": imeis(1, 10, 12), "removal_candidate": True})
    fleet.write(2, {"ids": imeis(2, 11), "fota": True})
    plan = fleet.plan(fleet_journal="")
    assert plan.returncode == 0, plan.text
    assert plan.plan["totals"] == {"assign": 3, "remove": 0, "add": 2, "move": 0}
    fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    wanted = fleet.apply(fleet_journal="")
    assert other_accounts(wanted) == [named(2)]
    fleet.write(2, {"ids": imeis(2, 11), "fota": True})
    accounts = simulator.state()["accounts"]
    simulator.state(accounts=[{**accounts[0], "licenses": imeis(1, 9)}, accounts[1]])
    live = fleet.apply(fleet_journal="")
    assert other_accounts(live) == [named(1)]
    simulator.state(accounts=accounts)
    for refused in (wanted, live):
        assert refused.returncode == 2
        assert "failed" in refused.recap.values()
        assert "apply |" not in refused.text
    assert simulator.writes() == []
    foreseen = fleet.apply("--check", fleet_journal="")
    assert foreseen.returncode == 0, foreseen.text
    assert simulator.writes() == []
    digest = fleet.apply(approved=plan.plan["digest"].upper(), fleet_journal="")
    assert digest.returncode == 0, digest.text
    assert set(digest.recap.values()) == {"changed"}
    assert (licensed(simulator, 1), licensed(simulator, 2)) == (set(imeis(1, 12)), set(imeis(2, 11)))
    assert simulator.state()["accounts"][0]["candidates"] == imeis(1, 10, 12)


def test_a_run_that_was_killed_or_failed_half_way(fleet: Fleet, simulator: Simulator) -> None:
    """Is repeated with the plan that was approved."""
    simulator.state(accounts=seeded(3))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    fleet.write(3, {"ids": imeis(3, 12), "fota": True}, {"ids": imeis(3, 2), "removal_candidate": True})
    assert fleet.plan().returncode == 0
    path = f"/{named(2)}/assign"
    simulator.faults({"action": "stall", "operation": "fota_assign", "path": path, "effect": "none", "seconds": 60})
    refusing = {"action": "status", "status": 503, "operation": "candidates_create", "times": 0}
    simulator.faults(refusing)
    running = fleet.start(
        "apply",
        *(
            f"-e{pair}"
            for pair in ("fleet=fleet", "fleet_dest=apply", "approved=plan/plan.json", "fleet_journal=journal.db")
        ),
    )
    try:
        end = time.monotonic() + PATIENCE
        while not simulator.faults()[0]["fired"] or simulator.count("fota_assign") < 3:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        kill_with_all(running)
    assert licensed(simulator, 1) == set(imeis(1, 12))
    assert licensed(simulator, 2) == set(imeis(2, 10))
    half = fleet.apply()
    assert half.recap == {named(1): "ok", named(2): "changed", named(3): "failed"}, half.text
    simulator.clear_faults()
    simulator.forget_requests()
    last = fleet.apply()
    assert last.recap == {named(1): "ok", named(2): "ok", named(3): "changed"}, last.text
    assert [write["operation"] for write in simulator.writes()] == ["candidates_create"]
    assert simulator.state()["accounts"][2]["candidates"] == imeis(3, 2)


def test_canary_waves(fleet: Fleet, simulator: Simulator, tmp_path: Path) -> None:
    """They stand in the fleet file. A part that a wave stops does not keep the others from being done."""
    simulator.state(accounts=seeded(1, a1={"licenses": []}))
    devices = imeis(1, 10)
    simulator.devices({"imei": devices[1], "state": "suspend"})
    waves: Json = {"fota": {"waves": [2, "50%"]}, "simsec": {"waves": ["20%"], "max_failures": 0}}
    fleet.write(1, {"ids": devices, "fota": True}, {"ids": devices, "simsec": FLEX}, **waves)
    unheard = fleet.plan("-e", '{"fleet_licensing_wait": false}')
    assert unheard.statuses == {named(1): "error"}, "told before anything is approved"
    assert unheard.codes == ["invalid_options"]
    assert simulator.writes() == []
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        plan = fleet.plan()
        assert [plan.part(1, kind)["plan"]["waves"] for kind in ("fota", "simsec")] == [[2, 5, 10], [2, 10]]
        failed = fleet.apply(approved="")
        assert failed.recap == {named(1): "failed"}, failed.text
        (stop,) = failed.failures
        assert (stop["code"], stop["not_as_wanted"], stop["tried"]) == ("canary_failed", 1, 2)
        assert simulator.holders(FLEX) == set(devices[:1])
        sent = [(write["operation"], len(write["devices"])) for write in simulator.writes()]
        assert sent == [("simsec_assign", 2), ("fota_assign", 2), ("fota_assign", 3), ("fota_assign", 5)]
        fleet.write(1, {"ids": devices, "fota": True}, {"ids": [devices[0], *devices[2:]], "simsec": FLEX}, **waves)
        simulator.forget_requests()
        mended = fleet.apply(approved="")
        assert mended.recap == {named(1): "changed"}, mended.text
        assert [write["devices"] for write in simulator.writes()] == [devices[2:4], devices[4:]]
    finally:
        receiver.stop()


def test_moves_between_skus(fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """The new license is confirmed before the old one goes; where it is not, the old one stays."""
    simulator.state(accounts=seeded(1))
    one = imeis(1, 20)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        for sku, devices in ((FLEX, one[:4]), (BUNDLE, one[4:6])):
            options = {"sku": sku, "devices": devices, "journal": str(fleet.journal), "wait": True, "wait_timeout": 30}
            assert not module("simsec_license", **options).failed
        simulator.devices({"imei": one[2], "state": "suspend"})
        simulator.forget_requests()
        sets = [
            {"ids": one[:3], "simsec": BUNDLE},
            {"ids": one[4:6], "simsec": FLEX},
            {"ids": one[6:8], "simsec": LIFETIME},
        ]
        fleet.write(1, *sets)
        bound = fleet.plan()
        assert bound.returncode == 2
        assert bound.plan["accounts"][0]["failure"]["code"] == "lifetime_consent"
        assert "would bind 2 devices for life" in (bound.dest / "plan.html").read_text(encoding="utf-8")
        consent = {"lifetime_consent": {LIFETIME: 2}}
        fleet.write(1, *sets, simsec=consent)
        plan = fleet.plan("-e", "fleet_fail_on=changes")
        assert plan.plan["totals"] == {"assign": 7, "remove": 6, "add": 0, "move": 0}, plan.text
        assert plan.returncode == 2
        for name in ("plan.md", "plan.html"):
            text = (plan.dest / name).read_text(encoding="utf-8")
            assert text.count("these licenses can never be removed") == 1
        assert simulator.writes() == []
        applied = fleet.apply("-e", "fleet_licensing_wait_timeout=20")
        assert simulator.holders(FLEX) == {one[2], *one[4:6]}
        assert simulator.holders(BUNDLE) == set(one[:2])
        assert simulator.holders(LIFETIME) == set(one[6:8])
        operations = [write["operation"] for write in simulator.writes()]
        assert operations == ["simsec_assign"] * 3 + ["simsec_unassign"] * 2
        assert applied.recap == {named(1): "failed"}
        simulator.quirks(simsec_delay=600)
        fleet.write(
            1, {"ids": [one[0], one[2], *one[4:6]], "simsec": FLEX}, {"ids": [one[1]], "simsec": BUNDLE}, sets[2]
        )
        simulator.forget_requests()
        hasty = fleet.apply("-e", "fleet_licensing_wait=false", approved="")
        assert hasty.recap == {named(1): "changed"}, hasty.text
        assert [(write["operation"], write["sku"]) for write in simulator.writes()] == [("simsec_assign", FLEX)]
        simulator.control("POST", "callbacks", {"flush": True, "wait": 30})
        simulator.quirks(simsec_delay=0.05)
        assert one[0] in simulator.holders(BUNDLE) & simulator.holders(FLEX)
        simulator.forget_requests()
        last = fleet.apply("-e", "fleet_licensing_wait_timeout=20", approved="")
        assert last.recap == {named(1): "changed"}, last.text
        assert [(write["operation"], write["devices"]) for write in simulator.writes()] == [
            ("simsec_unassign", one[:1])
        ]
        assert simulator.holders(BUNDLE) == {one[1]}
    finally:
        receiver.stop()


def test_what_a_plan_leaves_as_it_is(fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """Is never green, until it is asked for in the words that the plan names."""
    simulator.state(accounts=seeded(1))
    one = imeis(1, 2)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        simulator.devices({"imei": one[1], "state": "suspend"})
        options = {"sku": FLEX, "devices": one[:2], "journal": str(fleet.journal), "wait": True, "wait_timeout": 30}
        assert module("simsec_license", **options).code == "devices_failed"
        simulator.devices({"imei": one[1], "state": "active"})
        word = fleet.folder / "word"
        fota = {"ids": imeis(1, 12), "fota": True}
        # One more device gets the SKU, in the same part.
        one = imeis(1, 3)
        fleet.write(1, {"ids": one, "simsec": FLEX}, fota)
        both = fleet.plan("-e", "fleet_fail_on=incomplete", fleet_status_file=str(word))
        assert (both.returncode, both.plan["status"], both.plan["incomplete"]) == (2, "changes", 1), both.text
        assert word.read_text(encoding="ascii") == "changes\n"
        applied = fleet.apply(fleet_status_file=str(word))
        assert applied.returncode == 0, applied.text
        assert word.read_text(encoding="ascii") == "incomplete\n"
        assert (applied.record["status"], "FAILED!" in applied.text) == ("incomplete", False), applied.text
        assert (simulator.holders(FLEX), licensed(simulator, 1)) == ({one[0], one[2]}, set(imeis(1, 12)))
        left = fleet.plan()
        assert (left.returncode, left.plan["status"]) == (0, "incomplete"), left.text
        assert [row["device_id"] for row in left.part(1, "simsec")["incomplete"]] == [one[1]]
        told = (left.dest / "plan.md").read_text(encoding="utf-8")
        assert f"| {one[1]} | failed |" in told
        assert "-e fleet_retry_failed=true" in told
        asked = fleet.plan("-e", "fleet_retry_failed=true")
        assert asked.plan["totals"]["assign"] == 1, asked.text
        assert asked.plan["incomplete"] == 0
        done = fleet.apply("-e", "fleet_retry_failed=true")
        assert done.returncode == 0, done.text
        assert simulator.holders(FLEX) == set(one)
        fleet.write(1, {"ids": one, "simsec": FLEX}, fota, simsec={"retry_failed": True})
        assert fleet.plan("-e", "fleet_fail_on=changes").plan["status"] == "no_change"
    finally:
        receiver.stop()


def test_an_approved_plan_that_is_not_carried_out(
    fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """It was made with an option that apply does not get: refused, and the message names it."""
    simulator.state(accounts=seeded(1))
    one = imeis(1, 1)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        simulator.devices({"imei": one[0], "state": "suspend"})
        options = {"sku": FLEX, "devices": one, "journal": str(fleet.journal), "wait": True, "wait_timeout": 30}
        assert module("simsec_license", **options).code == "devices_failed"
    finally:
        receiver.stop()
    fleet.write(1, {"ids": one, "simsec": FLEX})
    plan = fleet.plan("-e", "fleet_retry_failed=true")
    assert plan.plan["status"] == "changes", plan.text
    for told in ("Status: changes", "1 to assign", f"Plan: {plan.dest}/plan.md", f"Digest: {plan.plan['digest']}"):
        assert told in plan.text
    simulator.forget_requests()
    word = fleet.folder / "word"
    refused = fleet.apply(fleet_status_file=str(word))
    assert refused.returncode == 2, refused.text
    assert word.read_text(encoding="ascii") == "plan_changed\n"
    (failure,) = refused.failures
    assert all(told in failure["message"] for told in ("-e fleet_retry_failed=true", one[0])), failure
    assert simulator.writes() == []


def test_what_an_earlier_run_did_not_wait_for(
    fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """Is awaited by the next one, which sends nothing; one device is refused, and the end tells of it."""
    simulator.state(accounts=seeded(1))
    one = imeis(1, 3)
    receiver = Receiver(tmp_path, fleet.journal, simulator)
    try:
        simulator.devices({"imei": one[2], "state": "suspend"})
        simulator.quirks(simsec_delay=600)
        options = {"sku": FLEX, "devices": one, "journal": str(fleet.journal), "wait": False}
        assert not module("simsec_license", **options).failed
        fleet.write(1, {"ids": one, "simsec": FLEX})
        simulator.forget_requests()
        word = fleet.folder / "word"
        waits = json.dumps({"fleet_licensing_fail_on": "incomplete", "fleet_licensing_status_file": str(word)})
        with ThreadPoolExecutor() as pool:
            running = pool.submit(fleet.apply, "-e", waits, "-e", "fleet_licensing_wait_timeout=60", approved="")
            while not simulator.count("callback_list") and not running.done():
                time.sleep(0.05)
            simulator.control("POST", "callbacks", {"flush": True, "wait": 30})
            ran = running.result()
        assert simulator.writes() == []
        assert (ran.plan["status"], ran.plan["incomplete"]) == ("incomplete", 1), ran.text
        assert word.read_text(encoding="ascii") == "incomplete\n"
        assert ran.returncode == 2
    finally:
        receiver.stop()


def test_five_accounts_from_export_to_an_empty_plan(fleet: Fleet, simulator: Simulator) -> None:
    """A plan that changes nothing costs the pages of the lists and one login."""
    accounts = seeded(5, a2={"candidates": imeis(2, 3)}, a3={"licenses": 0})
    simulator.state(accounts=accounts)
    exported = fleet("export", "", "--forks=5", accounts=",".join(named(number) for number in range(1, 6)))
    assert exported.returncode == 0, exported.text
    assert set(exported.recap.values()) == {"changed"}
    assert f"Written: {fleet.folder}/fleet/{named(5)}.yml, " in exported.text
    command = "thingspace.licensing.plan -e fleet=fleet -e fleet_dest=plan -e fleet_journal=journal.db"
    assert exported.text.count(command) == 1
    assert simulator.count("oauth_token") == simulator.count("session_login") == 1
    before = {path: path.read_bytes() for path in (fleet.folder / "fleet").rglob("*") if path.is_file()}
    simulator.forget_requests()
    plan = fleet.plan("--forks=5", "-e", "fleet_fail_on=changes")
    assert plan.returncode == 0, plan.text
    assert Counter(simulator.operations()) == {"fota_list": 5, "candidates_list": 5}
    assert not any((plan.dest / name).stat().st_size == 0 for name in ("plan.md", "plan.html"))
    assert plan.plan["status"] == "no_change"
    assert simulator.writes() == []
    assert before == {path: path.read_bytes() for path in (fleet.folder / "fleet").rglob("*") if path.is_file()}


def test_ten_accounts_at_once_with_journals_of_their_own(
    fleet: Fleet, simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """Whatever the forks, they log in once; the lists of a host follow from its journal, not from that of another."""
    simulator.state(accounts=seeded(10))
    for number in range(1, 9):
        fleet.write(number, {"ids": imeis(number, 10), "fota": True})
    hosts: Json = {named(number): {"fleet_journal": f"{number}.db"} for number in range(1, 11)}
    del hosts[named(9)]["fleet_journal"]
    for number, journal in ((9, "1.db"), (10, "10.db")):
        fleet.write(number, {"ids": imeis(number, 1), "simsec": FLEX})
        held = {"sku": FLEX, "devices": imeis(number, 2), "journal": str(fleet.folder / journal)}
        assert not module("simsec_license", account=named(number), **held).failed
    (fleet.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    simulator.forget_requests()
    simulator.quirks(latency=0.3)
    cold = {"THINGSPACE_RUNTIME_DIR": str(tmp_path / "cold")}
    plan = fleet.plan("-i", "hosts.json", "--forks=10", fleet_journal="", env=cold)
    assert plan.returncode == 0, plan.text
    counts = Counter(simulator.operations())
    assert (counts["oauth_token"], counts["session_login"], counts["fota_list"]) == (1, 1, 8)
    others = {account: status for account, status in plan.statuses.items() if status != "no_change"}
    assert others == {named(9): "changes", named(10): "incomplete"}
    assert "1 of 1 device " in plan.part(10, "simsec", "absent")["note"], (
        "it waits for the confirmation of that license"
    )
    accounts = {one["account"]: one["parts"] for one in plan.plan["accounts"]}
    assert [part["action"] for part in accounts[named(9)]] == ["present"], "nobody knows who holds what"
    left = [row["device_id"] for row in plan.part(10, "simsec", "absent")["incomplete"]]
    assert left == imeis(10, 1, 2)
    assert simulator.writes() == []


NASTY = "<script>alert(1)</script> | [x](http://a) `b` *c*\n\n# Approved\n</details>"


def test_an_inventory_with_credentials_of_each_host(fleet: Fleet, simulator: Simulator) -> None:
    """--limit plans and applies those alone; no secret and no markup is shown."""
    secret = "s3cr3t-%/+&-word"
    simulator.state(accounts=seeded(3), credentials={"client_secret": secret, "password": secret + "2"})
    for number in (1, 2, 3):
        fleet.write(number, {"ids": imeis(number, 11), "fota": True})
    own = {"thingspace_client_secret": secret, "thingspace_password": secret + "2"}
    hosts: Json = {named(1): own, "second": {**own, "fleet_licensing_account": named(2)}, named(3): {}}
    (fleet.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    message = {"errorCode": "<b>", "errorMessage": NASTY}
    simulator.faults({"action": "status", "status": 400, "path": named(1), "body": json.dumps(message), "times": 1})
    plan = fleet.plan("-i", "hosts.json", "-vvv")
    assert plan.recap == {named(1): "failed", "second": "ok", named(3): "failed"}, plan.text
    assert plan.statuses == {named(1): "error", named(2): "changes", named(3): "error"}
    page = (plan.dest / "plan.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    text = (plan.dest / "plan.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<(script|/details>\n\n# )|^# Approved", text, re.M)
    limited = fleet.plan("-i", "hosts.json", "--limit", f"{named(1)},second", dest="limited")
    assert limited.statuses == {named(1): "changes", named(2): "changes"}, limited.text
    exported = fleet("export", "", "-i", "hosts.json", "--limit", "second", fleet="out")
    assert exported.recap == {"second": "changed"}, exported.text
    assert sorted(path.name for path in (fleet.folder / "out").iterdir()) == [named(2), f"{named(2)}.yml"]
    applied = fleet.apply("-i", "hosts.json", "--limit", f"{named(1)},second", "-vvv", approved="limited/plan.json")
    assert applied.recap == {named(1): "changed", "second": "changed"}, applied.text
    assert [len(licensed(simulator, number)) for number in (1, 2, 3)] == [11, 11, 10]
    told = [plan.text, limited.text, applied.text]
    told += [
        path.read_bytes().decode(errors="replace")
        for path in fleet.folder.rglob("*")
        if path.is_file() and path.name != "hosts.json"
    ]
    assert not any(secret in one for one in told)


def test_what_an_earlier_run_of_the_role_left(fleet: Fleet, simulator: Simulator) -> None:
    """A failure that the same play has got over is not told as this run's."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 11), "fota": True})
    left = {"fleet_licensing_broken": {"code": "failed", "message": "of long ago"}}
    inventory = {"thingspace_accounts": {"hosts": {named(1): left}}}
    (fleet.folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    applied = fleet.apply("-i", "hosts.json", approved="")
    assert applied.recap == {named(1): "changed"}, applied.text
    assert "of long ago" not in applied.text


def test_selected_devices_and_a_directory_that_cannot_be_written(fleet: Fleet, simulator: Simulator) -> None:
    """The first are part of what is approved; of the second nothing is sent."""
    devices: list[t.Any] = [{"imei": device, "groups": ["meters"]} for device in imeis(1, 12)]
    simulator.state(accounts=seeded(2, a1={"devices": devices}))
    fleet.write(1, {"select": {"group": "meters"}, "fota": True}, {"ids": imeis(1, 2), "protected": True})
    fleet.write(2, {"ids": imeis(2, 10), "fota": True})
    (fleet.folder / "file").write_text("", encoding="utf-8")
    nowhere = fleet.plan(dest="file/plan")
    assert (nowhere.returncode, {*nowhere.codes}) == (2, {"report_unwritable"})
    assert simulator.count("fota_list") == 0
    plan = fleet.plan()
    assert plan.plan["totals"] == {"assign": 2, "remove": 0, "add": 0, "move": 0}, plan.text
    assert simulator.count("device_list") == 1
    simulator.state(accounts=seeded(2, a1={"devices": [*devices, *imeis(1, 12, 13)]}))
    simulator.devices({"imei": imeis(1, 12, 13)[0], "groups": ["meters"]})
    another = fleet.apply()
    assert other_accounts(another) == [named(1)]
    assert simulator.writes() == []


def test_every_field_of_a_plan_file(fleet: Fleet, simulator: Simulator, module: Module) -> None:
    """Belongs to what was approved: a file that was edited anywhere is refused."""
    reports = fleet.folder / "reports"
    reports.mkdir()
    fota = {"devices": imeis(1, 5, 12), "report": "none", "devices_report": str(reports / "plan-fota.csv")}
    result = module("fota_license", check=True, state="exact", max_removals=2, **fota).result
    part = {
        "kind": "fota",
        "list": "fota",
        "api_version": "v3",
        "max_changes": None,
        "max_removals": 2,
        "result": result,
    }
    entry = {"account": ACCOUNT, "file": "fleet.yml", "wanted": "f" * 64, "reports": str(reports), "parts": [part]}
    failed = {"account": named(2), "failure": {"code": "failed", "message": NASTY}}
    options = {"account": None, "accounts": [entry, failed]}
    nameless = module("fleet_plan", account=None, accounts=[{**entry, "reports": ""}])
    assert [one["status"] for one in nameless.result["accounts"]] == ["error"]
    assert "plan-fota.csv" in nameless.result["accounts"][0]["blocked"]["message"]
    made = module("fleet_plan", dest=str(fleet.folder), **options)
    path = fleet.folder / "plan.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert made.result["digest"] == document["digest"]
    assert not module("fleet_plan", approved=str(path), **options).failed
    assert module("fleet_plan", approved="", **options).code == "plan_file_invalid"
    edited = fleet.folder / "edited.json"
    accepted = []
    for place, changed in mutations(document):
        edited.write_text(json.dumps(changed), encoding="utf-8")
        if module("fleet_plan", approved=str(edited), **options).code != "plan_file_invalid":
            accepted.append(place)
    assert accepted == []


def test_files_that_cannot_be_used(fleet: Fleet, simulator: Simulator) -> None:
    """Everything is reported at once, with file and line, and ThingSpace is not even asked."""
    head = f'account: "{named(1)}"\n'
    files = {
        "empty": ("", "it is empty"),
        "huge": (f"{head}devices: []\n#{'x' * 2**24}", "more than the 16 MiB allowed"),
        "cyclic": (f"{head}devices: &sets\n  - ids: *sets\n", "line 2: it contains itself"),
        "tabs": (f"{head}devices:\n\t- name: a\n", "line 3: a tab at the beginning of the line"),
        "number": (
            f'account: "{named(2)}"\ndevices:\n  - name: a\n    fota: true\n    ids: [990000000000001]\n',
            "line 5: an id must be a text in quotes, not the number 990000000000001",
        ),
        "one": (f"{head}devices: []\n", ""),
        "two": (f"{head}devices: []\n", f"line 1: the account {named(1)} is already in {{folder}}/one.yml, line 1"),
    }
    folder = fleet.folder / "fleet"
    for name, (text, _why) in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    for ran in (fleet.plan(), fleet.apply(approved="0" * 64)):
        assert ran.returncode == 2
        told = re.sub(r"\s+", " ", ran.text)
        for name, (_text, why) in files.items():
            assert f"{name}.yml" in told, ran.text
            assert why.format(folder=folder) in told, (name, ran.text)
        assert not ran.dest.exists()
    assert simulator.requests() == []


def test_plan_files_that_are_not_ours(fleet: Fleet, simulator: Simulator, module: Module) -> None:
    """Edited by hand, or made of another account: nothing is written. What is not a plan file is reported as such."""
    simulator.state(accounts=seeded(2))
    fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    assert fleet.plan(dest="other").returncode == 0
    (fleet.folder / "fleet" / f"{named(2)}.yml").unlink()
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    assert fleet.plan().returncode == 0
    other = fleet.apply(approved="other/plan.json")
    assert other_accounts(other) == [named(1), named(2)]
    path = fleet.folder / "plan" / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace(imeis(1, 11, 12)[0], imeis(1, 15, 16)[0]), "utf-8")
    edited = fleet.apply()
    assert edited.codes == ["plan_file_invalid"]
    assert (other.returncode, edited.returncode) == (2, 2)
    assert simulator.writes() == []
    os.mkfifo(fleet.folder / "pipe")
    for name, text in {
        "deep": "[" * 100_000,
        "empty": "",
        "newer": '{"format": 3}',
        "list": "[1]",
        "bytes": "\0",
    }.items():
        (fleet.folder / name).write_text(text, encoding="utf-8")
    for name in ("deep", "empty", "newer", "list", "bytes", "pipe", "plan", "nothing"):
        outcome = module("fleet_plan", account=None, accounts=[], approved=str(fleet.folder / name))
        assert (outcome.code, f"{name} cannot be used" in outcome.message) == ("plan_file_invalid", True)


def mutations(value: t.Any, place: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """The value with one of its parts changed or left out, for each part."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not place:
                yield f"{key} left out", {name: one for name, one in value.items() if name != key}
            for where, changed in mutations(part, f"{place}.{key}"):
                yield where, {**value, key: changed}
    elif isinstance(value, list):
        for number, part in enumerate(value[:1]):
            yield f"{place}[{number}] left out", value[1:]
            for where, changed in mutations(part, f"{place}[{number}]"):
                yield where, [*value[:number], changed, *value[number + 1 :]]
    else:
        yield place, f"{value}0" if isinstance(value, str) else (value or 0) + 1


def test_a_template_of_the_user_that_fails(fleet: Fleet, simulator: Simulator) -> None:
    """Nothing is written before it is mended, wherever it fails; then its page is made."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    own = fleet.folder / "own"
    own.mkdir()
    given = ("-e", f"fleet_licensing_templates={own}")
    for name in ("plan.md", "run.html"):
        (own / name).write_text("{{ no_such_value }}", encoding="utf-8")
        failed = fleet.apply(*given, approved="")
        assert (failed.returncode, simulator.writes()) == (2, []), failed.text
        assert (failed.codes, name in failed.failures[0]["message"]) == (["template_failed"], True)
        assert not (failed.dest / "run.json").exists()
        (own / name).write_text("Mine: {{ headline }}", encoding="utf-8")
    done = fleet.apply(*given, approved="")
    assert done.recap == {named(1): "changed"}, done.text
    assert (done.dest / "plan.md").read_text(encoding="utf-8") == "Mine: Changes"
    assert (done.dest / "run.html").read_text(encoding="utf-8") == "Mine: Done as planned"
    assert f"Run {done.record['run']}: " in (done.dest / "run.md").read_text(encoding="utf-8")
