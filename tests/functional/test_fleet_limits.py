# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a whole run or an account of it before the first write, and the record that a run leaves behind."""

from __future__ import annotations

import datetime
import json
import re
import shlex
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.fleets import (
    FLEX,
    LIFETIME,
    PATIENCE,
    Fleet,
    imeis,
    licensed,
    named,
    seeded,
)
from ansible_collections.thingspace.licensing.tests.support.forked import kill_with_all
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator

GONE = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "gone"

    def _connect(self):
        raise AnsibleConnectionFailure("nobody is there")
"""
"""A connection plugin to a host that cannot be reached."""


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator) -> Fleet:
    simulator.quirks(simsec_delay=0.05)
    return Fleet(tmp_path, simulator)


def extra(**values: t.Any) -> tuple[str, str]:
    """Extra variables of any type."""
    return "-e", json.dumps(values)


def days_from_now(days: int) -> str:
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def test_nobody_listens(fleet: Fleet, simulator: Simulator) -> None:
    """The plan shows it, and no approval lets it through; somebody may know better."""
    simulator.state(accounts=seeded(2, a1={"callbacks": []}))
    sets = [{"ids": imeis(1, 2), "simsec": LIFETIME}]
    fleet.write(1, *sets, simsec={"lifetime_consent": {LIFETIME: 2}})
    fleet.write(2, {"ids": imeis(2, 11), "fota": True})
    plan = fleet.plan()
    assert plan.statuses == {named(1): "guard_tripped", named(2): "changes"}, plan.text
    assert plan.part(1, "simsec")["failure"]["code"] == "no_listener"
    assert "no_listener" in (plan.dest / "plan.html").read_text(encoding="utf-8")
    applied = fleet.apply()
    assert applied.returncode == 2
    assert "no_listener" in applied.text
    assert {write["operation"] for write in simulator.writes()} == {"fota_assign"}
    trusted = extra(fleet_licensing_require_listener=False, fleet_licensing_wait=False)
    assert fleet.apply(*trusted, dest="again", approved="").returncode == 0
    assert simulator.sends() == dict.fromkeys(imeis(1, 2), 1)


def test_limits_of_the_whole_run(fleet: Fleet, simulator: Simulator) -> None:
    """Stop everything before the first write, unless somebody approved the plan."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 3, 14), "fota": True})
    limits = extra(fleet_licensing_max_changes=10, fleet_licensing_max_removals="10%", fleet_licensing_max_lifetime=0)
    plan = fleet.plan(*limits)
    assert plan.returncode == 0, plan.text
    assert plan.plan["totals"] == {"assign": 8, "remove": 6, "add": 0, "move": 0}
    assert plan.plan["status"] == "guard_tripped"
    assert plan.plan["failure"]["guards"] == [
        {"guard": "max_changes", "planned": 14, "allowed": 10},
        {"guard": "max_removals", "planned": 6, "allowed": 2},
    ]
    assert "guard_tripped" in (plan.dest / "plan.html").read_text(encoding="utf-8")
    refused = fleet.apply(*limits, approved="")
    assert refused.returncode == 2
    assert [failure["guards"] for failure in refused.failures] == [plan.plan["failure"]["guards"]]
    assert simulator.writes() == []
    assert not (refused.dest / "run.json").exists()
    approved = fleet.apply(*limits)
    assert approved.returncode == 0, approved.text
    assert [licensed(simulator, number) for number in (1, 2)] == [set(imeis(number, 3, 14)) for number in (1, 2)]
    bad = fleet.plan(*extra(fleet_licensing_max_changes=-1, fleet_licensing_max_removals="a lot"))
    assert bad.returncode == 2
    assert (bad.codes, bad.failures[0]["problem_count"]) == (["invalid_options"], 2)


MEANWHILE = """
import json, os, sys, urllib.request
folder, url = sys.argv[1:]
if os.path.exists(folder + "/apply/plan.json") and not os.path.exists(folder + "/done"):
    open(folder + "/done", "w").close()
    body = open(folder + "/meanwhile.json", "rb").read()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        urllib.request.Request(url + "/_simulator/state", data=body, method="PUT")
    ).close()
print(folder + "/history")
"""


def meanwhile(fleet: Fleet, accounts: list[Json]) -> tuple[str, str]:
    """Let somebody change the accounts after the plan was made, before the first write: when the record begins."""
    (fleet.folder / "meanwhile.json").write_text(json.dumps({"accounts": accounts}), encoding="utf-8")
    (fleet.folder / "meanwhile.py").write_text(MEANWHILE, encoding="utf-8")
    url = fleet.simulator.base_url.removesuffix("/api")
    words = (sys.executable, f"{fleet.folder}/meanwhile.py", str(fleet.folder), url)
    return extra(fleet_licensing_history=f"{{{{ lookup('ansible.builtin.pipe', {json.dumps(shlex.join(words))}) }}}}")


def test_an_account_that_somebody_changes_after_the_plan(fleet: Fleet, simulator: Simulator) -> None:
    """Limits and windows hold for what is written, without any approval: what nobody planned is not removed."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 11), "fota": True})
    closed = {"name": "no removals", "until": days_from_now(1), "what": "removals"}
    limits = extra(fleet_licensing_max_changes=2, fleet_licensing_max_removals=0, fleet_licensing_freeze=[closed])
    changed = seeded(2, a1={"licenses": [*imeis(1, 10), *imeis(1, 15, 18)]})
    ran = fleet.apply(*limits, *meanwhile(fleet, changed), approved="")
    assert ran.recap == {named(1): "failed", named(2): "changed"}, ran.text
    assert ran.codes == ["plan_changed"]
    assert [(write["operation"], write["devices"]) for write in simulator.writes()] == [
        ("fota_assign", imeis(2, 10, 11))
    ]
    assert ran.record["accounts"][0]["parts"][0]["failure"]["code"] == "plan_changed"
    again = fleet.apply(*limits, approved="")
    assert again.failures[0]["guards"] == [
        {"guard": "max_changes", "planned": 4, "allowed": 2},
        {"guard": "max_removals", "planned": 3, "allowed": 0},
    ]
    assert licensed(simulator, 1) == {*imeis(1, 10), *imeis(1, 15, 18)}


def test_freeze_windows(fleet: Fleet, simulator: Simulator) -> None:
    """Hold whatever is approved, for one account or for all; a plan is made all the same."""
    simulator.state(accounts=seeded(3))
    closed = {"name": "end of the year", "from": days_from_now(-1), "until": days_from_now(1)}
    over = {"name": "long ago", "until": days_from_now(-2)}
    fleet.write(1, {"ids": imeis(1, 12), "fota": True}, freeze=[over, closed])
    fleet.write(2, {"ids": imeis(2, 12), "fota": True}, freeze=[{**closed, "what": "removals"}])
    fleet.write(3, {"ids": imeis(3, 8), "fota": True}, freeze=[{**closed, "what": "removals"}])
    plan = fleet.plan()
    assert plan.plan["status"] == "changes", plan.text
    told = f"'end of the year': nothing is changed until {days_from_now(2)} 00:00 UTC."
    assert told in (plan.dest / "plan.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert ["removed" in (account.get("frozen") or "") for account in plan.plan["accounts"]] == [False, False, True]
    foreseen = fleet.apply("--check")
    assert foreseen.recap == {named(1): "failed", named(2): "changed", named(3): "failed"}, foreseen.text
    assert simulator.writes() == []
    applied = fleet.apply()
    assert applied.recap == {named(1): "failed", named(2): "changed", named(3): "failed"}, applied.text
    assert [len(licensed(simulator, number)) for number in (1, 2, 3)] == [10, 12, 10]
    assert [account.get("failure", {}).get("code") for account in applied.record["accounts"]] == [
        "frozen",
        None,
        "frozen",
    ]
    everywhere = fleet.apply(
        *extra(fleet_licensing_freeze=[{"name": "all hands", "days": ["mon", "tue", "wed"]}, closed])
    )
    assert everywhere.recap == {named(1): "failed", named(2): "ok", named(3): "failed"}, everywhere.text
    malformed = [{"name": "", "hours": "25:00-26:00"}]
    emergency = fleet.apply(*extra(fleet_licensing_ignore_freeze=True, fleet_licensing_freeze=malformed))
    assert emergency.returncode == 0, emergency.text
    assert [len(licensed(simulator, number)) for number in (1, 2, 3)] == [12, 12, 8]
    kept = [account["freeze"] for account in emergency.record["accounts"]]
    assert kept == [account["freeze"] for account in applied.record["accounts"]]
    assert any(kept)
    wrong = fleet.plan(*extra(fleet_licensing_freeze=malformed))
    assert (wrong.codes, wrong.failures[0]["problem_count"]) == (["invalid_options"], 2)


def test_a_second_run_of_the_role_knows_nothing_of_a_host_that_failed(fleet: Fleet, simulator: Simulator) -> None:
    """Its plan of before would be in the second plan, and its devices in a record of a run that never touched them."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    refused = {"action": "status", "status": 400, "operation": "fota_assign", "path": named(2), "times": 0}
    simulator.faults(refused)
    fleet.apply(approved="")
    book = json.loads((fleet.folder / "own.yml").read_text(encoding="utf-8"))
    survey = {"fleet_licensing_survey": {"devices": imeis(1, 15, 16)[0]}, "fleet_licensing_dest": "second"}
    (role,) = book[1]["roles"]
    own = {name: value for name, value in role["vars"].items() if name != "fleet_licensing_files"}
    book[1]["roles"].append({**role, "vars": {**own, **survey}})
    (fleet.folder / "own.yml").write_text(json.dumps(book), encoding="utf-8")
    simulator.state(accounts=seeded(2))
    simulator.faults(refused)
    ran = fleet("own.yml", "apply", *extra(ansible_python_interpreter=sys.executable))
    assert ran.recap == {named(1): "changed", named(2): "failed"}, ran.text
    record = json.loads((fleet.folder / "second" / "run.json").read_text(encoding="utf-8"))
    assert [account["account"] for account in record["accounts"]] == [named(1)]
    rows = [row["device_id"] for part in record["accounts"][0]["parts"] for row in part["devices"]]
    assert rows == imeis(1, 15, 16)


@pytest.mark.parametrize("how", ["when", "rescue", "serial"])
def test_a_second_run_of_the_role_knows_nothing_of_a_host_that_does_not_run_it(
    fleet: Fleet, simulator: Simulator, how: str
) -> None:
    """Its plan and record of before would be in those of the second run, and an undo of that would reverse both."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    refused = {"action": "status", "status": 400, "operation": "fota_assign", "path": named(2), "times": 0}
    simulator.faults(*([refused] if how == "rescue" else []))
    fleet.apply("--check", approved="")
    book = json.loads((fleet.folder / "own.yml").read_text(encoding="utf-8"))
    start, play = book
    (role,) = play.pop("roles")
    again = {**role["vars"], "fleet_licensing_dest": "second"}
    first, second = ({"include_role": {"name": role["role"]}, "vars": values} for values in (role["vars"], again))
    plays = {
        "when": [{**play, "tasks": [first, {**second, "when": f"inventory_hostname == '{named(2)}'"}]}],
        "rescue": [{**play, "tasks": [{"block": [first], "rescue": [second]}]}],
        "serial": [{**play, "tasks": [first]}, {**play, "serial": 1, "tasks": [second]}],
    }
    (fleet.folder / "own.yml").write_text(json.dumps([start, *plays[how]]), encoding="utf-8")
    ran = fleet("own.yml", "apply", *extra(ansible_python_interpreter=sys.executable))
    assert ran.returncode == 2
    assert ("'serial'" if how == "serial" else "does not cover all hosts of the play") in ran.text
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [12, 10 if how == "rescue" else 12]
    assert not (fleet.folder / "second" / "run.json").exists()


def test_a_play_in_batches_and_a_place_that_is_taken(fleet: Fleet, simulator: Simulator) -> None:
    """With 'serial' no limit of the run would hold, and an approved plan is not written over."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 11), "fota": True})
    assert fleet.plan().returncode == 0
    approved = (fleet.folder / "plan" / "plan.json").read_bytes()
    taken = fleet.apply(dest="plan")
    assert (taken.returncode, taken.codes) == (2, ["invalid_options"])
    assert (fleet.folder / "plan" / "plan.json").read_bytes() == approved
    hosts: Json = {"thingspace_accounts": {"hosts": {named(number): {} for number in (1, 2)}}}
    (fleet.folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    limited = fleet.apply(approved="", fleet_licensing_max_changes="0")
    assert limited.failures[0]["guards"] == [{"guard": "max_changes", "planned": 2, "allowed": 0}]
    book = json.loads((fleet.folder / "own.yml").read_text(encoding="utf-8"))
    book[1]["serial"] = 1
    (fleet.folder / "own.yml").write_text(json.dumps(book), encoding="utf-8")
    batches = fleet("own.yml", "apply", "-i", "hosts.json", *extra(ansible_python_interpreter=sys.executable))
    assert (batches.returncode, batches.codes) == (2, ["invalid_options"])
    assert "'serial'" in batches.failures[0]["message"]
    assert simulator.writes() == []


def test_a_play_that_does_not_go_through_its_hosts_together(fleet: Fleet, simulator: Simulator) -> None:
    """Each host would hold its own plan against the limits of all: nothing is written. The playbooks say 'linear'."""
    simulator.state(accounts=seeded(3))
    for number in (1, 2, 3):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    hosts: Json = {"thingspace_accounts": {"hosts": {named(number): {} for number in (1, 2, 3)}}}
    (fleet.folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    fault = {"action": "stall", "path": named(3), "operation": "fota_list", "effect": "done", "seconds": 2, "times": 1}
    simulator.faults(fault)
    free = {"ANSIBLE_STRATEGY": "free"}
    alone = fleet.apply("-i", "hosts.json", *extra(fleet_licensing_max_changes=5), approved="", env=free)
    # With this strategy, Ansible may end the play before each host has come to that task.
    assert alone.returncode == 2
    assert {*alone.recap.values()} <= {"failed", "ok"}, alone.text
    assert {*alone.codes} == {"invalid_options"}, alone.text
    assert "'free'" in alone.failures[0]["message"]
    assert simulator.writes() == []
    assert fleet.plan(env=free).returncode == 0
    simulator.clear_faults()
    applied = fleet.apply(env=free)
    assert applied.returncode == 0, applied.text
    assert [len(licensed(simulator, number)) for number in (1, 2, 3)] == [12, 12, 12]


@pytest.mark.parametrize("stop", ["limit", "approval"])
def test_a_play_that_ignores_errors_does_not_go_on_after_a_stop(fleet: Fleet, simulator: Simulator, stop: str) -> None:
    """What stops a run, stops it: nothing follows a plan that must not be carried out."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    why = {"fleet_licensing_max_changes": 3} if stop == "limit" else {"fleet_licensing_require_approval": True}
    ran = fleet.apply(*extra(**why), approved="", keywords={"ignore_errors": True})
    assert "Nothing was written." in ran.text
    assert simulator.writes() == []


def test_one_lifetime_sku_named_by_imei_and_by_iccid(fleet: Fleet, simulator: Simulator) -> None:
    """They may be the same SIMs. The plan knows what its apply would refuse halfway."""
    sims, others = [f"8914800000000000{number:04}" for number in range(3)], imeis(1, 4, 6)
    devices: list[Json] = [{"imei": imei, "iccid": sim} for imei, sim in zip(imeis(1, 1, 4), sims, strict=True)]
    simulator.state(accounts=seeded(1, a1={"devices": [*devices, *({"imei": imei} for imei in others)], "licenses": 0}))
    sets: list[Json] = [
        {"ids": sims, "kind": "iccid", "simsec": LIFETIME},
        {"ids": others, "simsec": LIFETIME},
        {"ids": others, "fota": True},
    ]
    consent = {"lifetime_consent": {LIFETIME: 5}}
    fleet.write(1, *sets, simsec=consent)
    plan = fleet.plan()
    assert plan.statuses == {named(1): "guard_tripped"}, plan.text
    (failure,) = [part["failure"] for part in plan.plan["accounts"][0]["parts"] if "failure" in part]
    assert failure["code"] == "journal_behind"
    assert f"This plan assigns 3 {LIFETIME} licenses by ICCID" in failure["message"]
    assert "'lifetime_elsewhere: 3'" in failure["message"]
    applied = fleet.apply()
    assert applied.recap == {named(1): "failed"}
    assert simulator.writes() == []
    fleet.write(1, *sets, simsec={**consent, "lifetime_elsewhere": {LIFETIME: 2}})
    assert fleet.plan().statuses == {named(1): "guard_tripped"}
    fleet.write(1, *sets, simsec={**consent, "lifetime_elsewhere": {LIFETIME: 3}})
    assert fleet.plan().statuses == {named(1): "changes"}
    assert fleet.apply("-e", "fleet_licensing_wait=false").recap == {named(1): "changed"}
    assert [write["devices"] for write in simulator.writes() if write["operation"] == "simsec_assign"] == [sims, others]


def test_one_pool_named_by_imei_and_by_iccid(fleet: Fleet, simulator: Simulator) -> None:
    """Is checked over the whole plan; the parts by themselves would fit. No approval fills a pool."""
    iccids = [f"8914800000000000{number:04}" for number in range(8)]
    skus = [{"sku": FLEX, "license_type": "Flexible", "purchased": 10}]
    devices: list[Json] = [{"imei": imei, "iccid": iccid} for imei, iccid in zip(imeis(1, 1, 9), iccids, strict=True)]
    simulator.state(accounts=seeded(2, a1={"skus": skus, "devices": devices, "licenses": imeis(1, 1, 5)}))
    fleet.write(
        1,
        {"ids": imeis(1, 1, 7), "simsec": FLEX},
        {"ids": iccids[:6], "kind": "iccid", "simsec": FLEX},
        {"ids": imeis(1, 1, 7), "fota": True},
    )
    fleet.write(2, {"ids": imeis(2, 12), "fota": True})
    plan = fleet.plan()
    account = plan.plan["accounts"][0]
    assert account["status"] == "guard_tripped", plan.text
    assert account["failure"]["code"] == "pool_exhausted"
    assert [part["status"] for part in account["parts"]] == ["changes"] * 3
    applied = fleet.apply()
    assert applied.recap == {named(1): "failed", named(2): "changed"}, applied.text
    assert [write["operation"] for write in simulator.writes()] == ["fota_assign"]
    assert len(licensed(simulator, 1)) == 4


def test_an_error_that_is_fatal_for_all(fleet: Fleet, simulator: Simulator) -> None:
    """Before the first write it stops everything, after it what has not begun."""
    simulator.state(accounts=seeded(3, a3={"active": False}))
    for number in (1, 2):
        lists = {"ids": imeis(number, 10, 12), "removal_candidate": True}
        fleet.write(number, {"ids": imeis(number, 12), "fota": True}, lists)
    fleet.write(3, {"ids": imeis(3, 5), "fota": True})
    fatal = extra(fleet_licensing_any_errors_fatal="true")
    assert fleet.plan().returncode == 2
    nothing = fleet.apply(*fatal)
    assert nothing.returncode == 2
    assert nothing.codes == ["api_rejected"] * 2
    assert simulator.writes() == []
    (fleet.folder / "fleet" / f"{named(3)}.yml").unlink()
    assert fleet.plan().returncode == 0
    simulator.faults({"action": "status", "status": 400, "operation": "fota_assign", "path": named(1), "times": 0})
    half = fleet.apply(*fatal, "--forks", "1")
    assert half.recap == {named(1): "failed", named(2): "ok"}, half.text
    assert {write["operation"] for write in simulator.writes()} == {"fota_assign"}
    record = half.record
    assert record["status"] == "failed"
    left = [row["reason"] for account in record["accounts"] for part in account["parts"][1:] for row in part["devices"]]
    assert left == ["not started"] * 4
    assert not any(len(licensed(simulator, number)) == 12 for number in (1, 2))
    simulator.clear_faults()
    again = fleet.apply(*fatal)
    assert again.recap == {named(1): "changed", named(2): "changed"}, again.text
    assert [len(simulator.state()["accounts"][number]["candidates"]) for number in (0, 1)] == [2, 2]


@pytest.mark.parametrize("earlier", [False, True])
def test_an_error_that_ansible_calls_fatal_for_all(fleet: Fleet, simulator: Simulator, earlier: bool) -> None:
    """Then Ansible goes on as if the others had failed as well. What was done there is in the record all the same."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    simulator.faults({"action": "status", "status": 400, "operation": "fota_assign", "path": named(1), "times": 0})
    rescued = {"block": [{"ansible.builtin.fail": {"msg": "no"}}], "rescue": [{"ansible.builtin.debug": {"msg": "go"}}]}
    keywords = {"any_errors_fatal": True, "pre_tasks": [rescued] if earlier else []}
    ran = fleet.apply(approved="", keywords=keywords)
    assert ran.returncode == 2
    assert "is undefined" not in ran.text
    assert ran.record["status"] == "failed"
    first, second = ran.record["accounts"]
    assert first["parts"][0]["failure"]["code"] == "devices_failed"
    assert "failure" not in second
    assert [part["summary"]["assigned"] for part in second["parts"]] == [2]
    assert len(licensed(simulator, 2)) == 12
    assert re.findall(r"^\S+ +: ok=\d+ +changed=(\d+)", ran.text, re.MULTILINE)[:2] == ["0", "1"]


def test_an_account_that_cannot_be_planned_any_more(fleet: Fleet, simulator: Simulator) -> None:
    """Does not keep the others from being done as it was approved."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    assert fleet.plan().returncode == 0
    fault = {"action": "status", "status": 503, "operation": "fota_list", "path": named(2), "times": 0}
    simulator.faults(fault)
    applied = fleet.apply(env={"THINGSPACE_RETRIES": "0"})
    assert applied.recap == {named(1): "changed", named(2): "failed"}, applied.text
    assert "server_error" in applied.text
    assert applied.record["accounts"][1]["failure"]["code"] == "server_error"
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [12, 10]


def test_a_digest_is_enough_to_go_on_if_the_first_run_created_the_journal(fleet: Fleet, simulator: Simulator) -> None:
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    digest = fleet.plan().plan["digest"]
    assert not (fleet.folder / "journal.db").exists()
    simulator.faults({"action": "status", "status": 400, "operation": "fota_assign", "path": named(2), "times": 0})
    assert fleet.apply(approved=digest).recap == {named(1): "changed", named(2): "failed"}
    simulator.clear_faults()
    again = fleet.apply(approved=digest, dest="again")
    assert again.recap == {named(1): "ok", named(2): "changed"}, again.text
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [12, 12]


def test_a_task_that_ends_without_a_result(fleet: Fleet, simulator: Simulator) -> None:
    """Ansible's timeout ends it: the record has the parts that had ended, and the rest is in doubt."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True}, {"ids": imeis(1, 9, 12), "removal_candidate": True})
    assert fleet.plan().returncode == 0
    simulator.faults({"action": "stall", "operation": "candidates_create", "effect": "none", "seconds": 60})
    ended = fleet.apply(env={"ANSIBLE_TASK_TIMEOUT": "10"})
    assert (ended.returncode, ended.recap) == (2, {named(1): "failed"}), ended.text
    record = ended.record
    assert record["status"] == "failed"
    assert "ended without a result" in record["accounts"][0]["failure"]["message"]
    fota, listed = record["accounts"][0]["parts"]
    assert (fota["summary"]["assigned"], listed["summary"]["unknown"]) == (2, 3)
    assert re.search(rf"^{named(1)} .*changed=[1-9]", ended.text, re.MULTILINE), ended.text


def test_the_record_of_a_run(fleet: Fleet, simulator: Simulator) -> None:
    """Says of each device what was planned and what happened, also if the run was killed."""
    simulator.state(accounts=seeded(2, a1={"candidates": imeis(1, 3)}))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True}, {"ids": imeis(1, 9, 12), "removal_candidate": True})
    fleet.write(2, {"ids": imeis(2, 10), "fota": True}, {"ids": imeis(2, 10, 13), "fota": True})
    assert fleet.plan(fleet_journal="", accounts=named(2)).statuses == {named(2): "changes"}
    assert fleet.plan(fleet_journal="").returncode == 0
    simulator.faults({"action": "stall", "operation": "fota_assign", "effect": "none", "seconds": 60, "times": 0})
    running = fleet.start("apply", *extra(fleet="fleet", fleet_dest="apply", approved="plan/plan.json"))
    try:
        end = time.monotonic() + PATIENCE
        while not simulator.faults()[0]["fired"]:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        kill_with_all(running)
    killed = json.loads((fleet.folder / "apply" / "run.json").read_text(encoding="utf-8"))
    assert (killed["status"], killed["ended"], killed["kind"]) == ("running", None, "apply")
    fota, listed = killed["accounts"][0]["parts"]
    assert fota["summary"]["unknown"] == 2
    assert [row["planned"] for row in fota["devices"]] == ["assigned", "assigned"]
    assert listed["before"] == imeis(1, 3)
    simulator.clear_faults()
    done = fleet.apply(fleet_journal="")
    assert done.returncode == 0, done.text
    record = done.record
    assert record["status"] == "done"
    assert record["plan"] == done.plan["digest"]
    rows = [row for account in record["accounts"] for part in account["parts"] for row in part["devices"]]
    assert all(row["planned"] == row["outcome"] for row in rows)
    # A module that outlives its controller may have done some of it by then.
    assert rows
    assert [licensed(simulator, number) for number in (1, 2)] == [set(imeis(1, 12)), set(imeis(2, 13))]
    kept = sorted(path.name for path in (fleet.folder / "apply" / "history").glob("*.json"))
    assert kept == sorted([f"{killed['run']}.json", f"{record['run']}.json"])
    nothing = fleet.apply(fleet_journal="")
    assert nothing.returncode == 0, nothing.text
    assert nothing.record == record


@pytest.mark.parametrize("odd", ["nord/west", "Süd", "0000123456-00002 ", "-x"])
def test_a_host_whose_account_has_no_possible_name(fleet: Fleet, simulator: Simulator, odd: str) -> None:
    """It is told before anything is written. A record with that name could not be read when the run ends."""
    simulator.state(accounts=seeded(1))
    fleet.write(1, {"ids": imeis(1, 12), "fota": True})
    inventory = fleet.folder / "hosts.json"
    hosts = {named(1): {}, "other": {"fleet_licensing_account": odd}}
    inventory.write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    ran = fleet.apply("-i", str(inventory), approved="")
    assert ran.returncode == 2
    assert "which is not an account name" in ran.text
    assert simulator.writes() == []


@pytest.mark.parametrize("how", ["fail", "end_host"])
@pytest.mark.parametrize("fatal", [True, False])
def test_a_host_that_is_gone_before_it_was_planned(fleet: Fleet, simulator: Simulator, fatal: bool, how: str) -> None:
    """It stops the others if one failure stops all. Ansible does not say whether the host failed or was left out."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    gone = {"ansible.builtin.fail": {"msg": "no"}} if how == "fail" else {"ansible.builtin.meta": "end_host"}
    leaving = {**gone, "when": f"inventory_hostname == '{named(2)}'"}
    options = extra(fleet_licensing_any_errors_fatal=fatal)
    ran = fleet.apply(*options, approved="", keywords={"pre_tasks": [leaving]})
    assert ran.returncode == (2 if fatal or how == "fail" else 0)
    assert f"Not planned: {named(2)}." in ran.text
    assert [len(licensed(simulator, number)) for number in (1, 2)] == [10 if fatal else 12, 10]
    if not fatal:
        assert ran.record["status"] == "done"
        assert [account["account"] for account in ran.record["accounts"]] == [named(1)]


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("ignored", [True, False])
def test_a_host_that_cannot_be_reached(fleet: Fleet, simulator: Simulator, ignored: bool, lost: int) -> None:
    """It has no plan. If it is still a host of the play, or a task that runs once failed on it, nothing is written.

    After that, Ansible calls the others gone as well, and goes on with them.
    """
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    plugins = fleet.folder / "connection_plugins"
    plugins.mkdir()
    (plugins / "gone.py").write_text(GONE, encoding="utf-8")
    kind = f"{{{{ 'gone' if inventory_hostname == '{named(lost)}' else 'local' }}}}"
    ran = fleet.apply(approved="", keywords={"ignore_unreachable": ignored, "vars": {"ansible_connection": kind}})
    if lost == 2 and not ignored:
        assert f"Not planned: {named(2)}." in ran.text
        assert [len(licensed(simulator, number)) for number in (1, 2)] == [12, 10]
    else:
        # If it is the first host, it is also the one that would say so.
        told = f"These have no plan: {named(lost)}" if ignored else "There is no plan."
        assert told in ran.text or (ignored and lost == 1), ran.text
        assert simulator.writes() == []
    assert "no attribute" not in ran.text


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_hosts_that_were_rescued_are_not_gone(fleet: Fleet, simulator: Simulator, failing: int) -> None:
    """With C(any_errors_fatal), Ansible calls them gone, and goes on with them. None is written without a record."""
    simulator.state(accounts=seeded(3))
    for number in (1, 2, 3):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    fail = {"ansible.builtin.fail": {"msg": "no"}, "when": f"inventory_hostname == '{named(failing)}'"}
    rescued = {"block": [fail], "rescue": [{"ansible.builtin.debug": {"msg": "never mind"}}]}
    ran = fleet.apply(approved="", keywords={"any_errors_fatal": True, "pre_tasks": [rescued]})
    assert "no attribute" not in ran.text
    written = {named(number) for number in (1, 2, 3) if len(licensed(simulator, number)) == 12}
    recorded = {account["account"] for account in ran.record["accounts"]} if written else set()
    assert written <= recorded
    assert not written or ran.record["status"] != "running"
    assert ran.returncode == 0 or "Not planned" in ran.text or not written


def test_a_host_that_failed_takes_no_report_away(fleet: Fleet, simulator: Simulator) -> None:
    """The report says of its account that it was not read."""
    simulator.state(accounts=seeded(2))
    for number in (1, 2):
        fleet.write(number, {"ids": imeis(number, 12), "fota": True})
    lost = {"ansible.builtin.fail": {"msg": "no"}, "when": f"inventory_hostname == '{named(2)}'"}
    mode = {"fleet_licensing_mode": "report"}
    ran = fleet.apply(*extra(**mode), approved="", dest="report", keywords={"pre_tasks": [lost]})
    assert ran.recap == {named(1): "ok", named(2): "failed"}, ran.text
    report = json.loads((fleet.folder / "report" / "report.json").read_text(encoding="utf-8"))
    assert [(one["account"], one["status"]) for one in report["accounts"]] == [
        (named(1), "complete"),
        (named(2), "incomplete"),
    ]
    assert "before the account was read" in report["accounts"][1]["failures"][0]["message"]


def test_an_account_that_yaml_reads_as_a_number(fleet: Fleet, simulator: Simulator) -> None:
    simulator.state(accounts=[{**seeded(1)[0], "name": "123456789"}])
    text = json.dumps({"account": "123456789", "devices": [{"name": "all", "ids": imeis(1, 12), "fota": True}]})
    (fleet.folder / "fleet" / "one.yml").write_text(text, encoding="utf-8")
    inventory = fleet.folder / "hosts.json"
    hosts = {"one": {"fleet_licensing_account": 123456789}}
    inventory.write_text(json.dumps({"thingspace_accounts": {"hosts": hosts}}), encoding="utf-8")
    ran = fleet.apply("-i", str(inventory), approved="")
    assert ran.recap == {"one": "changed"}, ran.text
    assert ran.record["status"] == "done"
