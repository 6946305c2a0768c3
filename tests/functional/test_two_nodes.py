# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two nodes that share nothing but the journal and the repository: each continues what the other one began."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet, Ran, imeis, licensed, named, seeded
from ansible_collections.thingspace.licensing.tests.support.forked import kill_with_all
from ansible_collections.thingspace.licensing.tests.support.harness import Simulator
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.somebody import Somebody


@pytest.fixture
def nodes(tmp_path: Path, simulator: Simulator) -> tuple[Fleet, Fleet]:
    """Two machines, each with a home, directories, and shared state of its own."""
    simulator.state(accounts=seeded(2))
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fleet = Fleet(tmp_path / name, simulator)
        fleet.environment["ANSIBLE_PIPELINING"] = "1"
        made.append(fleet)
    first, second = made
    return first, second


def forget(node: Fleet) -> None:
    """A container ends, and what it wrote with it."""
    for name in ("plan", "apply", "check", "undo", "again"):
        shutil.rmtree(node.folder / name, ignore_errors=True)
        assert not (node.folder / name).exists()


def given(**variables: str) -> list[str]:
    """Variables on a command line."""
    return [word for name, value in variables.items() for word in ("-e", json.dumps({name: value}))]


def wait_until(reached: t.Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def run_of(ran: Ran) -> str:
    return str(ran.record["run"])


def test_a_run_on_one_node_is_undone_on_another(nodes: tuple[Fleet, Fleet], simulator: Simulator) -> None:
    """By its name, or as the latest one, with no files; the undo is no run that "latest" would mean."""
    with postgres.new_journal() as place:
        undone_on_another(nodes, simulator, place)


def undone_on_another(nodes: tuple[Fleet, Fleet], simulator: Simulator, place: str) -> None:
    first, second = nodes
    journal: dict[str, t.Any] = {"fleet_journal": place}
    for node in nodes:
        node.write(1, {"ids": imeis(1, 13), "fota": True})
        node.write(2, {"ids": imeis(2, 12), "fota": True})
    before = [licensed(simulator, number) for number in (1, 2)]
    planned = second.plan(**journal)
    applied = first.apply(approved=planned.plan["digest"], **journal)
    assert applied.returncode == 0, applied.text
    after = [licensed(simulator, number) for number in (1, 2)]
    assert after != before
    name = run_of(applied)
    forget(first)
    simulator.forget_requests()
    missing = second("undo", "check", "--check", run=f"{name}x", **journal)
    assert missing.returncode != 0
    assert f"{name} (apply, done, {named(1)}, {named(2)})" in missing.text.replace("\n", " ")
    foreseen = second("undo", "check", "--check", run="latest", **journal)
    assert foreseen.returncode == 0, foreseen.text
    assert f"-e run={name}" in foreseen.text
    assert simulator.writes() == []
    digest = foreseen.text.partition("Digest: ")[2][:64]
    forget(second)
    # Approved on one node and carried out on the other, by the digest alone.
    undone = first("undo", "undo", run="latest", approved=digest, **journal)
    assert undone.returncode == 0, undone.text
    assert [licensed(simulator, number) for number in (1, 2)] == before
    simulator.forget_requests()
    # Of a host, it is the latest run of its account.
    host = {"hosts": {"second": {"fleet_licensing_account": named(2)}}}
    (second.folder / "hosts.json").write_text(json.dumps({"thingspace_accounts": host}), encoding="utf-8")
    unapproved = ("-i", "hosts.json", "-e", "fleet_require_approval=false")
    environment = {"THINGSPACE_JOURNAL": journal["fleet_journal"]}
    again = second("undo", "again", *unapproved, run="latest", fleet_journal="", env=environment)
    assert again.returncode == 0, again.text
    assert run_of(undone) in (again.dest / "undo.md").read_text(encoding="utf-8")
    assert simulator.writes() == []
    assert [licensed(simulator, number) for number in (1, 2)] == before
    # Of runs and counts, a report on either node knows what the other one did.
    for node in (first, second):
        report = node("report", "report", **journal)
        assert report.returncode == 0, report.text
        if node is first:
            with contextlib.closing(open_store(place, write=True, told=never)) as store, store.writing() as db:
                db.execute("UPDATE license_pool SET day = '2026-01-02'")
    shown = json.loads((report.dest / "report.json").read_text(encoding="utf-8"))
    assert {name, run_of(undone)} <= {run["run"] for run in shown["runs"]}
    assert "2026-01-02" in json.dumps(shown["accounts"])


def test_a_run_that_was_killed_goes_on_on_another_node(nodes: tuple[Fleet, Fleet], simulator: Simulator) -> None:
    """By the digest alone, also in the middle of a part; what is wanted otherwise is another plan."""
    first, second = nodes
    with postgres.new_journal() as place:
        journal: dict[str, t.Any] = {"fleet_journal": place}
        for node in nodes:
            # Two waves, each of which is a request.
            node.write(1, {"ids": imeis(1, 16), "fota": True}, fota={"waves": [2]})
            node.write(2, {"ids": imeis(2, 12), "fota": True})
        planned = first.plan(**journal)
        digest = planned.plan["digest"]
        simulator.quirks(latency=1.0)
        going = first.start("apply", *given(fleet="fleet", fleet_dest="apply", approved=digest, **journal))
        wait_until(lambda: simulator.count("fota_assign") >= 2, 60)
        kill_with_all(going)
        simulator.quirks(latency=0.0)
        forget(first)
        sent = simulator.count("fota_assign")
        half = [len(licensed(simulator, number)) for number in (1, 2)]
        assert half != [16, 12], "it was killed too late"
        second.write(1, {"ids": imeis(1, 17), "fota": True}, fota={"waves": [2]})
        other = second.apply(approved=digest, **journal)
        assert "plan_changed" in other.text
        assert simulator.count("fota_assign") == sent
        second.write(1, {"ids": imeis(1, 16), "fota": True}, fota={"waves": [2]})
        forget(second)
        done = second.apply(approved=digest, **journal)
        assert done.returncode == 0, done.text
        assert [len(licensed(simulator, number)) for number in (1, 2)] == [16, 12]
        assert simulator.repeated_blindly() == []
        forget(second)
        simulator.forget_requests()
        again = first.apply(approved=digest, **journal)
        assert again.returncode == 0, again.text
        assert simulator.writes() == []
        # The approval covers both runs, so an undo of either one ends it.
        undone = second("undo", "undo", "-e", "fleet_require_approval=false", run="latest", **journal)
        assert undone.returncode == 0, undone.text
        held = [licensed(simulator, number) for number in (1, 2)]
        assert [len(one) for one in held] < [16, 12]
        refused = first.apply(approved=digest, **journal)
        assert refused.returncode != 0, refused.text
        assert f"{run_of(undone)} undid that" in " ".join(refused.text.split())
        assert [licensed(simulator, number) for number in (1, 2)] == held


@pytest.mark.parametrize("by", ["digest", "file"])
def test_an_undo_that_was_killed_goes_on(nodes: tuple[Fleet, Fleet], simulator: Simulator, by: str) -> None:
    """As it was approved: by the digest on another node with the journal, or by the file with the records."""
    first, second = nodes
    with contextlib.ExitStack() as stack:
        journal: dict[str, t.Any] = {
            "fleet_journal": stack.enter_context(postgres.new_journal()) if by == "digest" else ""
        }
        # Three lose their license, and three get one.
        first.write(1, {"ids": imeis(1, 3, 13), "fota": True})
        before = licensed(simulator, 1)
        applied = first.apply(approved=first.plan(**journal).plan["digest"], **journal)
        assert applied.returncode == 0, applied.text
        run = run_of(applied) if by == "digest" else "apply/run.json"
        checked = first("undo", "check", "--check", run=run, **journal)
        digest = checked.text.partition("Digest: ")[2][:64]
        given_then: dict[str, t.Any] = {
            "run": run,
            "approved": digest if by == "digest" else "check/undo.json",
            **journal,
        }
        simulator.faults({"action": "stall", "operation": "fota_remove", "effect": "none", "seconds": 60})
        going = first.start("undo", *given(fleet_dest="undo", **given_then))
        wait_until(lambda: bool(simulator.faults()[0]["fired"]), 60)
        kill_with_all(going)
        simulator.clear_faults()
        # One of its three licenses was removed.
        Somebody(simulator).fota(1, "remove", imeis(1, 11)[-1])
        assert licensed(simulator, 1) not in (before, set(imeis(1, 3, 13)))
        simulator.forget_requests()
        node = second if by == "digest" else first
        done = node("undo", "again", **given_then)
        assert done.returncode == 0, done.text
        assert licensed(simulator, 1) == before
        assert sorted(write["operation"] for write in simulator.writes()) == ["fota_assign", "fota_remove"]
        simulator.forget_requests()
        idle = node("undo", "idle", **given_then)
        assert (idle.returncode, simulator.writes()) == (0, []), idle.text


def test_two_undos_at_once_and_the_same_plan_again(nodes: tuple[Fleet, Fleet], simulator: Simulator) -> None:
    """Of two identical undos, one changes something. The approval from before them does not cover the plan any more."""
    first, second = nodes
    with postgres.new_journal() as place:
        journal: dict[str, t.Any] = {"fleet_journal": place}
        for node in nodes:
            node.write(1, {"ids": imeis(1, 16), "fota": True})
        before = licensed(simulator, 1)
        planned = first.plan(**journal)
        applied = first.apply(approved=planned.plan["digest"], **journal)
        assert (applied.returncode, "undid it" in applied.text) == (0, False), applied.text
        simulator.quirks(latency=0.3)
        undo = given(fleet_dest="undo", run=run_of(applied), fleet_require_approval="false", **journal)
        both = [node.start("undo", *undo) for node in nodes]
        told = ["".join(one.communicate(timeout=90)) for one in both]
        # Whoever begins to carry its plan out after the other has ended finds that it is another one now.
        late = [text for one, text in zip(both, told, strict=True) if one.returncode]
        assert all("plan_changed" in text for text in late), told
        assert len(late) < 2, told
        assert sorted("6 removed" in text for text in told) == [False, True]
        assert licensed(simulator, 1) == before
        simulator.quirks(latency=0.0)
        undos = [json.loads((node.folder / "undo" / "run.json").read_text(encoding="utf-8"))["run"] for node in nodes]
        simulator.forget_requests()
        refused = second.apply(approved=planned.plan["digest"], **journal)
        told_now = " ".join(refused.text.split())
        assert (refused.returncode, "plan_changed" in told_now, simulator.writes()) == (2, True, []), told_now
        (undid,) = [one for one in undos if f"by the run {run_of(applied)}, and the run {one} undid that" in told_now]
        # Once it is made again, it says so, and can be approved on either node.
        fresh = first.plan(**journal)
        assert fresh.plan["again"] == {"run": run_of(applied), "by": undid}
        assert "carried out this very plan" in (fresh.dest / "plan.md").read_text(encoding="utf-8")
        again = second.apply(approved=fresh.plan["digest"], **journal)
        assert again.returncode == 0, again.text
        assert licensed(simulator, 1) == set(imeis(1, 16))
