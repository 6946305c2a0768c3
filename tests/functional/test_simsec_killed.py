# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SIM-Secure run that is killed anywhere: the next one ends right, and what took effect is not sent again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import random
import time
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    Json,
    Module,
    Receiver,
    Running,
    Simulator,
    imeis,
    let_time_pass,
)

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
WANTED = imeis(25)
SENDING = ["oauth_token", "session_login", "subscriptions_list", "callback_list", *["simsec_assign"] * 3]
FIRST = SENDING.index("simsec_assign")


class Stage:
    """A simulator, a journal and modules of their own."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack, *, devices: int = 25, receiver: bool = False) -> None:
        folder.mkdir()
        self.simulator = Simulator(folder, "--devices", str(devices))
        stack.callback(self.simulator.stop)
        self.journal = folder / "journal.db"
        self.module = Module(folder, self.simulator)
        stack.callback(self.module.close)
        self.simulator.quirks(simsec_delay=0.05)
        self.simulator.listen()
        if receiver:
            stack.callback(Receiver(folder, self.journal, self.simulator).stop)

    def kill_at_fault(self, running: Running) -> None:
        """Wait until a request stands still on the server, and kill the run."""
        end = time.monotonic() + 40
        while not self.simulator.faults()[0]["fired"]:
            assert running.process.poll() is None, f"the run ended before this request: {running.wait().stdout}"
            assert time.monotonic() < end, "the request never came"
            time.sleep(0.05)
        running.kill()
        self.simulator.clear_faults()

    def pass_time(self) -> None:
        """Let everything that was accepted be carried out and confirmed, and some time pass in the journal."""
        self.simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        let_time_pass(self.journal)

    def took_effect(self, effect: str) -> Counter[str]:
        """How often each device was in a request that ThingSpace carried out."""
        sent: Counter[str] = self.simulator.sends()
        for request in self.simulator.requests("simsec_assign"):
            if request["fault"] and effect == "done":
                sent.update(request["devices"])
        return sent


def job(stage: Stage, **more: t.Any) -> Json:
    return {
        "sku": FLEX,
        "journal": str(stage.journal),
        "devices": WANTED,
        "batch_size": 10,
        "max_concurrency": 1,
        "report": "all",
        **more,
    }


def at_every_request(tmp_path: Path, count: int, one: t.Callable[[Stage, int], None], *, receiver: bool) -> None:
    """Do the same with each request of a run, several at a time."""
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(4) as pool:

        def at(number: int) -> None:
            one(Stage(tmp_path / str(number), stack, receiver=receiver), number)

        for number, done in [(number, pool.submit(at, number)) for number in range(count)]:
            error = done.exception()
            assert error is None, f"killed at request {number}: {error!r}"


@pytest.mark.parametrize("effect", ["none", "done"])
def test_flex_with_a_receiver(tmp_path: Path, effect: str) -> None:
    def one(stage: Stage, number: int) -> None:
        options = job(stage, wait=True, wait_timeout=20)
        stage.simulator.faults({"action": "stall", "after": number, "effect": effect, "seconds": 60})
        stage.kill_at_fault(stage.module.start("simsec_license", **options))
        assert stage.simulator.operations() == [*SENDING, "subscriptions_list"][: number + 1]
        stage.pass_time()
        before = stage.simulator.holders(FLEX)
        again = stage.module("simsec_license", **options)
        assert not again.failed, again.message
        assert again.rows == {device: "unchanged" if device in before else "assigned" for device in WANTED}
        assert again.changed == (before != set(WANTED))
        assert stage.simulator.holders(FLEX) == set(WANTED)
        assert stage.took_effect(effect) == dict.fromkeys(WANTED, 1)
        if number < FIRST:
            return
        stage.simulator.forget_requests()
        third = stage.module("simsec_license", **options)
        assert not third.failed
        assert not third.changed
        assert stage.simulator.writes() == []

    at_every_request(tmp_path, len(SENDING) + 1, one, receiver=True)


@pytest.mark.parametrize("effect", ["none", "done"])
def test_flex_without_a_receiver(tmp_path: Path, effect: str) -> None:
    def one(stage: Stage, number: int) -> None:
        stage.simulator.faults({"action": "stall", "after": number, "effect": effect, "seconds": 60})
        stage.kill_at_fault(stage.module.start("simsec_license", **job(stage)))
        stage.pass_time()
        again = stage.module("simsec_license", **job(stage))
        stage.pass_time()
        doubtful = {device for device, outcome in again.rows.items() if outcome == "unknown"}
        assert set(WANTED) - stage.simulator.holders(FLEX) <= doubtful, "none is missed without a word"
        assert again.code == ("outcome_unknown" if doubtful else None)
        assert stage.took_effect(effect) <= Counter(WANTED), "nothing that took effect was sent again"
        if number <= FIRST:
            assert not doubtful, "nothing else had moved the count"
        if number < FIRST:
            return
        if doubtful:
            last = stage.module("simsec_license", **job(stage, retry_unknown=True))
            stage.pass_time()
            assert not last.failed, last.message
        assert stage.simulator.holders(FLEX) == set(WANTED)
        assert not stage.module("simsec_license", **job(stage)).changed

    at_every_request(tmp_path, len(SENDING), one, receiver=False)


@pytest.mark.parametrize("effect", ["none", "done"])
def test_lifetime(tmp_path: Path, effect: str) -> None:
    def one(stage: Stage, number: int) -> None:
        options = job(stage, sku=LIFETIME, lifetime_consent=len(WANTED))
        stage.simulator.faults({"action": "stall", "after": number, "effect": effect, "seconds": 60})
        stage.kill_at_fault(stage.module.start("simsec_license", **options))
        lost = stage.simulator.requests()[-1]["devices"] or []
        assert len(lost) == (0 if number < FIRST else 5 if number == FIRST + 2 else 10)
        stage.pass_time()
        for _run in range(2 if lost else 1):
            again = stage.module("simsec_license", **options)
            stage.pass_time()
            told = {again.rows[device] for device in lost}
            assert told <= ({"unknown"} if effect == "none" else {"unknown", "accepted", "unchanged"})
            assert again.code == ("outcome_unknown" if "unknown" in told else None)
            assert {again.rows[device] for device in set(WANTED) - set(lost)} <= {"accepted", "unchanged"}
            # Only the count can confirm anything here.
            confirmed = {device for device, outcome in again.rows.items() if outcome == "unchanged"}
            assert confirmed <= stage.simulator.holders(LIFETIME)
        sent = Counter(device for request in stage.simulator.requests("simsec_assign") for device in request["devices"])
        assert sent == dict.fromkeys(WANTED, 1), "nothing in doubt is sent again, all else was sent once"
        assert stage.took_effect(effect) <= Counter(WANTED)
        if not lost:
            return
        asked = stage.module("simsec_license", **options, retry_unknown=True)
        stage.pass_time()
        assert not asked.failed, asked.message
        assert stage.simulator.holders(LIFETIME) == set(WANTED)
        assert asked.changed == ("unknown" in told)

    at_every_request(tmp_path, len(SENDING), one, receiver=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_time(tmp_path: Path, seed: int) -> None:
    """Also between an answer and the journal; the server records what it carried out, whoever was there to hear it."""
    moments = random.Random(seed)
    devices = imeis(1000)
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, devices=len(devices), receiver=True)
        stage.simulator.quirks(latency=0.02)
        for start in range(0, len(devices), 200):
            part = devices[start : start + 200]
            options = job(stage, devices=part, batch_size=10, max_concurrency=4, wait=True, wait_timeout=20)
            sent = stage.simulator.count("simsec_assign")
            running = stage.module.start("simsec_license", **options)
            end = time.monotonic() + 30
            while stage.simulator.count("simsec_assign") == sent:
                assert time.monotonic() < end
            time.sleep(moments.uniform(0, 0.3))
            running.kill()
            stage.pass_time()
            again = stage.module("simsec_license", **options)
            assert set(again.rows.values()) <= {"unchanged", "assigned", "unknown"}
            assert again.code == ("outcome_unknown" if "unknown" in again.rows.values() else None)
            if again.failed:
                stage.module("simsec_license", **options, retry_unknown=True)
                again = stage.module("simsec_license", **options)
            assert not again.failed, again.message
        assert stage.simulator.holders(FLEX) == set(devices)
        assert stage.simulator.sends() == dict.fromkeys(devices, 1), "what was reported as done is not sent again"


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_removing_or_binding_with_several_requests_under_way(tmp_path: Path, sku: str) -> None:
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, receiver=True)
        options = job(stage, sku=sku, lifetime_consent=25, batch_size=2, max_concurrency=4)
        for effect in ("done", "none"):
            stage.simulator.faults(
                {"action": "stall", "operation": "simsec_assign", "after": 3, "effect": effect, "seconds": 60}
            )
        running = stage.module.start("simsec_license", **options)
        end = time.monotonic() + 30
        while sum(fault["fired"] for fault in stage.simulator.faults()) < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        running.kill()
        stage.simulator.clear_faults()
        stage.pass_time()
        again = stage.module("simsec_license", **options)
        stage.pass_time()
        unknown = [device for device, outcome in again.rows.items() if outcome == "unknown"]
        missing = set(WANTED) - stage.simulator.holders(sku)
        assert missing <= set(unknown)
        # The kill may find the other workers between writing a request down and sending it.
        assert len(missing) in range(1, 7)
        assert max(stage.simulator.sends().values()) == 1
        # What was reported as done under an id that nobody knows is not sent again. The count decides afterward.
        stage.module("simsec_license", **options, retry_unknown=True)
        stage.pass_time()
        last = stage.module("simsec_license", **options)
        assert not last.failed, last.message
        assert stage.simulator.holders(sku) == set(WANTED)
        assert max(stage.simulator.sends().values()) == 1


@pytest.mark.parametrize("effect", ["none", "done"])
def test_removal(tmp_path: Path, effect: str) -> None:
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, receiver=True)
        assert not stage.module("simsec_license", **job(stage, wait=True, wait_timeout=20)).failed
        stage.simulator.forget_requests()
        options = job(stage, state="absent", wait=True, wait_timeout=20)
        stage.simulator.faults(
            {"action": "stall", "operation": "simsec_unassign", "after": 1, "effect": effect, "seconds": 60}
        )
        stage.kill_at_fault(stage.module.start("simsec_license", **options))
        stage.pass_time()
        again = stage.module("simsec_license", **options)
        assert not again.failed, again.message
        assert stage.simulator.holders(FLEX) == set()
        assert stage.simulator.sends() + Counter(WANTED[10:20] * (effect == "done")) == dict.fromkeys(WANTED, 1)


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
@pytest.mark.parametrize("effect", ["none", "done"])
def test_killed_as_the_second_wave_begins(tmp_path: Path, sku: str, effect: str) -> None:
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, receiver=True)
        options = job(stage, sku=sku, lifetime_consent=25, wait=True, wait_timeout=20, waves=[5], batch_size=20)
        fault = {"action": "stall", "operation": "simsec_assign", "after": 1, "effect": effect, "seconds": 60}
        stage.simulator.faults(fault)
        stage.kill_at_fault(stage.module.start("simsec_license", **options))
        stage.pass_time()
        assert stage.simulator.holders(sku) == set(WANTED if effect == "done" else WANTED[:5])
        again = stage.module("simsec_license", **options)
        if sku == LIFETIME and effect == "none":
            assert again.code == "outcome_unknown"
            assert [device for device, outcome in again.rows.items() if outcome == "unknown"] == WANTED[5:]
            again = stage.module("simsec_license", **options, retry_unknown=True)
        assert not again.failed, again.message
        assert stage.simulator.holders(sku) == set(WANTED)
        assert stage.took_effect(effect) == dict.fromkeys(WANTED, 1)
        assert not stage.module("simsec_license", **options).changed


def test_killed_while_the_first_wave_is_not_confirmed(tmp_path: Path) -> None:
    """The next run waits for it before it sends anything: it was never judged."""
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, receiver=True)
        stage.simulator.quirks(simsec_delay=600)
        options = job(stage, wait=True, wait_timeout=20, waves=[5, 10])
        running = stage.module.start("simsec_license", **options, progress_file=str(tmp_path / "progress"))
        running.until_it_waits(tmp_path / "progress")
        running.kill()
        hasty = stage.module("simsec_license", **{**options, "wait_timeout": 0.5})
        assert hasty.code == "canary_failed"
        assert stage.simulator.count("simsec_assign") == 1
        stage.simulator.quirks(simsec_delay=0.05)
        stage.simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        again = stage.module("simsec_license", **options)
        assert not again.failed, again.message
        assert set(again.rows.values()) == {"unchanged", "assigned"}
        assert stage.simulator.sends() == dict.fromkeys(WANTED, 1)
        assert [len(request["devices"]) for request in stage.simulator.requests("simsec_assign")] == [5, 5, 5, 10]


def test_killed_while_it_waits(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        stage = Stage(tmp_path / "stage", stack, receiver=True)
        stage.simulator.quirks(simsec_delay=600)
        options = job(stage, wait=True, wait_timeout=20)
        running = stage.module.start("simsec_license", **options, progress_file=str(tmp_path / "progress"))
        running.until_it_waits(tmp_path / "progress")
        running.kill()
        stage.simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        again = stage.module("simsec_license", **options)
        assert not again.failed
        assert again.rows == dict.fromkeys(WANTED, "unchanged")
        assert not again.changed
        assert stage.simulator.count("simsec_assign") == 3
