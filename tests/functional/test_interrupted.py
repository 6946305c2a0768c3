# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is told to end, or whose starter dies, at every request that it sends."""

from __future__ import annotations

import concurrent.futures
import csv
import json
import signal
import subprocess
import sys
import threading
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.starter import CONTROLLER
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Running, Simulator, imei
from ansible_collections.thingspace.licensing.tests.support.interrupted import Door

FLEX = "SIMSec-IoT"
PATIENCE = 60

STARTER = """
import subprocess, sys
through_shell = sys.argv[1] == "shell"
module = ["/bin/sh", "-c", '"$@"; true', "sh", *sys.argv[2:]] if through_shell else sys.argv[2:]
subprocess.run(module, stdout=subprocess.PIPE if through_shell else None)
"""
"""Starts a module as Ansible does, with a shell in between, or by itself with an output that somebody else reads."""

SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
STARTERS = {"killed worker": "shell", "killed parent": "direct"}
KILLED_CONTROLLER = "killed controller"
WAYS = (*SIGNALS, *STARTERS, KILLED_CONTROLLER)

DEFECT = """
import runpy, sys
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
write, left = Client._write, [int(sys.argv[1])]
def broken(*args):
    answer = write(*args)
    left[0] -= 1
    if left[0] <= 0:
        raise LookupError("a defect")
    return answer
Client._write = broken
sys.argv = sys.argv[4:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""
"""Runs a module that breaks right after a write."""


class Account:
    """One of many accounts of the simulator, so that every case has its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"0000123456-{number + 1:05d}"

    def imeis(self, *numbers: int) -> list[str]:
        return [imei(self.number * 100_000_000 + number) for number in numbers]


class Work(t.NamedTuple):
    """What a task does, and the state that it is about.

    :param goal: what the account is to hold in the end.
    :param begin: how an account begins.
    :param state: what an account holds now.
    :param requests: how many there are.
    :param at_once: how many may be under way.
    """

    module: str
    options: t.Callable[[Account], Json]
    goal: t.Callable[[Account], list[str]]
    begin: t.Callable[[Account], Json]
    state: t.Callable[[Json], list[str]]
    requests: int
    at_once: int = 1


WORKS = {
    "fota": Work(
        "fota_license",
        lambda account: {"state": "exact", "devices": account.imeis(2, 3, 4, 5), "max_concurrency": 2},
        lambda account: account.imeis(2, 3, 4, 5),
        lambda account: {"licenses": account.imeis(0, 1, 2)},
        lambda state: sorted(license["device_id"] for license in state["licenses"]),
        requests=7,
        at_once=2,
    ),
    "simsec": Work(
        "simsec_license",
        lambda account: {"sku": FLEX, "devices": account.imeis(0, 1, 2, 3), "max_concurrency": 1},
        lambda account: account.imeis(0, 1, 2, 3),
        lambda _account: {"skus": [{"sku": FLEX, "license_type": "Flexible", "purchased": 6}]},
        lambda state: sorted(
            license["device_id"] for sku in state["skus"] if sku["sku"] == FLEX for license in sku["licenses"]
        ),
        requests=5,
    ),
    "candidates": Work(
        "swm_removal_candidates",
        lambda account: {"state": "absent", "devices": account.imeis(2)},
        lambda account: account.imeis(0, 1, 3),
        lambda account: {"licenses": account.imeis(0, 1, 2, 3), "candidates": account.imeis(0, 1, 2, 3)},
        lambda state: list(state["candidates"]),
        requests=6,
    ),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[tuple[Module, Json]]:
    folder = tmp_path_factory.mktemp("interrupted")
    simulator = Simulator(folder, "--devices", "6")
    module = Module(folder, simulator)
    simulator.quirks(simsec_delay=0)
    session = module("session").result
    yield module, {name: session[name] for name in ("access_token", "session_token")}
    module.close()
    simulator.stop()
    assert "Traceback" not in simulator.log()


class Case:
    """A task that is interrupted at one request."""

    def __init__(self, module: Module, tokens: Json, work: Work, account: Account, way: str, moment: int) -> None:
        self.module, self.work, self.account = module, work, account
        self.folder = module.folder / f"{work.module} {account.number}"
        self.folder.mkdir()
        self.report = self.folder / "report.csv"
        self.options = {
            "account": account.name,
            "batch_size": 1,
            "report": "all",
            "devices_report": str(self.report),
            "journal": str(self.folder / "journal.db") if work.module == "simsec_license" else None,
            **tokens,
            **work.options(account),
        }
        self._started = threading.Event()
        self._way = way
        self.door = Door(module.simulator, moment, self._interrupt)
        prefix = [sys.executable, "-c", STARTER, STARTERS[way]] if way in STARTERS else []
        self.before = self.state()
        self._controller = subprocess.Popen(["sleep", str(PATIENCE)]) if way == KILLED_CONTROLLER else None
        env = {CONTROLLER: str(self._controller.pid)} if self._controller else None
        options = {**self.options, "base_url": self.door.base_url}
        self.running: Running = module.start(work.module, prefix=prefix, env=env, **options)
        self._started.set()

    def _interrupt(self) -> None:
        assert self._started.wait(PATIENCE)
        process = self.running.process
        if self._way in SIGNALS:
            process.send_signal(SIGNALS[self._way])
            # Whoever is in a hurry.
            process.send_signal(SIGNALS[self._way])
        elif self._controller is not None:
            self._controller.kill()
            self._controller.wait(PATIENCE)
        else:
            process.kill()
            process.wait(PATIENCE)

    def state(self) -> list[str]:
        state = self.module.simulator.state()
        return self.work.state(state["accounts"][self.account.number])

    def end(self) -> Json | None:
        """The result, if anybody can still read it; the module is gone after that."""
        stdout, stderr = self.running.process.communicate(timeout=PATIENCE)
        self.door.close()
        assert self.door.happened, f"only {self.door.seen}"
        if self._way == "killed worker":
            return None
        assert "Traceback" not in stdout + stderr, stdout + stderr
        result: Json = json.loads(stdout.splitlines()[-1])
        if self._way in SIGNALS:
            assert self.running.process.returncode or not result.get("failed")
        return result

    def rows(self) -> dict[str, str]:
        with self.report.open(encoding="utf-8", newline="") as stream:
            return {row["device_id"]: row["outcome"] for row in csv.DictReader(stream)}

    def writes_since(self, moment: int) -> list[str]:
        return [seen for seen in self.door.seen[moment + 1 :] if is_write(seen)]


def is_write(seen: str) -> bool:
    method, path = seen.split(" ")
    return method != "GET" and not path.endswith(("/list", "/login", "/token"))


def judge(case: Case, moment: int) -> None:
    work, goal = case.work, case.work.goal(case.account)
    result = case.end()
    now = case.state()
    complete = now == goal
    began = any(is_write(seen) for seen in case.door.seen[: moment + 1])
    since = case.writes_since(moment)
    if work.module == "swm_removal_candidates":
        assert now in (case.before, goal), "the list is whole"
        assert complete or not since or began
    else:
        assert len(since) < work.at_once, f"sent after it was told to end: {since}"
    if result is not None:
        assert complete or result["failure"]["code"] == "interrupted"
        assert result["changed"] == (now != case.before)
        assert "devices" not in result or {row["device_id"]: row["outcome"] for row in result["devices"]} == case.rows()
    if case.report.exists():
        moved = {device for device in {*case.before, *now} if (device in case.before) != (device in now)}
        told = {device for device, outcome in case.rows().items() if outcome in ("assigned", "removed", "accepted")}
        assert told == moved, "every row says what the account shows"
        assert "unknown" not in case.rows().values(), "what was under way was awaited"
    else:
        assert now == case.before
    again = case.module(work.module, **case.options)
    assert not again.failed, again.message
    assert case.state() == goal
    assert again.changed == (now != goal)
    if work.module == "simsec_license":
        sent = case.module.simulator.sends()
        assert [sent[device] for device in goal] == [1] * len(goal)


@pytest.mark.parametrize("name", WORKS)
def test_at_every_request(shared: tuple[Module, Json], name: str) -> None:
    module, tokens = shared
    work = WORKS[name]
    cases = [(way, moment) for way in WAYS for moment in range(work.requests)]
    accounts = [Account(number) for number in range(len(cases))]
    module.simulator.state(accounts=[{"name": one.name, "devices": 6, **work.begin(one)} for one in accounts])

    def one(number: int) -> None:
        way, moment = cases[number]
        judge(Case(module, tokens, work, accounts[number], way, moment), moment)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for case, done in [(cases[number], pool.submit(one, number)) for number in range(len(cases))]:
            error = done.exception()
            assert error is None, f"{case}: {error!r}"


@pytest.mark.parametrize("name", WORKS)
def test_a_defect_after_a_write(shared: tuple[Module, Json], name: str) -> None:
    """Never reads as if nothing had been changed."""
    module, tokens = shared
    work = WORKS[name]
    writes = range(1, 3)
    accounts = [Account(number) for number in writes]
    module.simulator.state(
        accounts=[{"name": one.name, "devices": 6, **work.begin(one)} for one in [Account(0), *accounts]]
    )
    for number, account in zip(writes, accounts, strict=True):
        journal = str(module.folder / f"{name} {number} defect.db") if work.module == "simsec_license" else None
        options = {"account": account.name, "batch_size": 1, "journal": journal, **tokens, **work.options(account)}
        running = module.start(work.module, prefix=[sys.executable, "-c", DEFECT, str(number)], **options)
        stdout, stderr = running.process.communicate(timeout=PATIENCE)
        result = json.loads(stdout.splitlines()[-1])
        assert result["failure"]["code"] == "internal_error", (result, stderr)
        assert result["changed"] is True
        assert " sent that may have changed something" in result["msg"]
        assert running.process.returncode == 1
