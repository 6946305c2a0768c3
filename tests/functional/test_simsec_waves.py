# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses in canary waves: a few devices first, and the others when ThingSpace has reported on these."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    Json,
    Module,
    Outcome,
    Receiver,
    Simulator,
    imei,
    imeis,
    let_time_pass,
)

pytestmark = pytest.mark.usefixtures("heard")

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def receiver(tmp_path: Path, journal: Path, simulator: Simulator) -> t.Iterator[Receiver]:
    """Writes into C(journal) what C(simulator) reports."""
    simulator.quirks(simsec_delay=0.05)
    made = Receiver(tmp_path, journal, simulator)
    yield made
    made.stop()


class Task:
    """Runs C(simsec_license) with the same options each time, but for what is named."""

    def __init__(self, module: Module, journal: Path) -> None:
        self._module = module
        common = {"sku": FLEX, "journal": str(journal), "wait": True, "wait_timeout": 20, "report": "all"}
        self._options = {**common, "devices": imeis(25), "max_concurrency": 1}

    def __call__(self, **more: t.Any) -> Outcome:
        return self._module("simsec_license", **{**self._options, **more})


@pytest.fixture
def task(module: Module, journal: Path) -> Task:
    return Task(module, journal)


def batches(simulator: Simulator) -> list[list[str]]:
    """The devices of each write."""
    return [request["devices"] for request in simulator.writes()]


def counted(outcome: Outcome) -> dict[str, int]:
    return {name: count for name, count in outcome.result["summary"].items() if count}


def compared(outcome: Outcome) -> Json:
    rows = [(row["device_id"], row["outcome"], row["reason"]) for row in outcome.result["devices"]]
    keys = ("changed", "plan", "summary", "licenses", "diff")
    return {"rows": rows, **{key: outcome.result.get(key) for key in keys}}


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_good_canary_goes_on(simulator: Simulator, task: Task, journal: Path, sku: str) -> None:
    options = {"sku": sku, "lifetime_consent": 25, "batch_size": 10, "request_id": "1-777", "diff": True}
    plain = task(**options, check=True)
    checked = task(**options, waves=[2, "20%"], check=True)
    assert simulator.writes() == []
    assert checked.result["plan"] == {**plain.result["plan"], "waves": [2, 5, 25]}, "the digest is the same"
    real = task(**options, waves=[2, "20%"], approved_plan=plain.result["plan"]["digest"])
    assert not real.failed, real.message
    assert compared(real) == compared(checked)
    assert batches(simulator) == [imeis(2), imeis(2, 5), imeis(5, 15), imeis(15, 25)]
    names = [request["x_request_id"] for request in simulator.writes()]
    assert names == ["1-7770001", "1-7770002", "1-7770003", "1-7770004"]
    assert simulator.holders(sku) == set(imeis(25))
    with contextlib.closing(sqlite3.connect(journal)) as db:
        assert db.execute("SELECT count(*), count(ended) FROM run").fetchall() == [(1, 1)], "one run of the journal"
        sent = [row[0] for row in db.execute("SELECT sent FROM request ORDER BY id")]
        confirmed = db.execute("SELECT max(confirmed) FROM entry WHERE request <= 2").fetchone()[0]
    assert confirmed < sent[2], "the third request waited for the reports about the first two"
    simulator.forget_requests()
    again = task(**options, waves=[2, "20%"])
    assert (again.changed, again.failed, again.result["plan"]["waves"]) == (False, False, [])
    assert simulator.writes() == []


@pytest.mark.usefixtures("receiver")
def test_a_failing_canary_stops_the_rest(simulator: Simulator, task: Task) -> None:
    simulator.devices({"imei": imei(3), "state": "suspend"})
    outcome = task(waves=[5, 10])
    assert outcome.code == "canary_failed"
    assert outcome.changed
    assert batches(simulator) == [imeis(5)]
    assert counted(outcome) == {"assigned": 4, "failed": 1, "skipped": 20}
    assert outcome.rows[imei(3)] == "failed"
    failure = outcome.result["failure"]
    assert (failure["tried"], failure["not_as_wanted"], failure["allowed"]) == (5, 1, 0)
    assert f"{imei(3)} failed: " in outcome.message
    assert "Device is not active" in outcome.message
    assert "so far: 4 assigned, 1 failed, 20 skipped" in outcome.message
    assert outcome.reasons.count("not sent: the canary wave failed, 1 of 5 devices is not as wanted") == 20
    assert outcome.result["licenses"]["assigned"] == 4
    simulator.devices({"imei": imei(3), "state": "active"})
    simulator.forget_requests()
    mended = task(waves=[5, 10], retry_failed=True)
    assert not mended.failed, mended.message
    assert batches(simulator) == [imeis(3, 4) + imeis(5, 9), imeis(9, 14), imeis(14, 25)]


@pytest.mark.usefixtures("receiver")
def test_failures_that_are_allowed(simulator: Simulator, task: Task) -> None:
    simulator.devices(*({"imei": imei(number), "state": "suspend"} for number in (3, 7)))
    outcome = task(waves=[5, 10], max_failures="20%")
    assert outcome.code == "devices_failed"
    assert batches(simulator) == [imeis(5), imeis(5, 10), imeis(10, 25)]
    assert counted(outcome) == {"assigned": 23, "failed": 2}
    simulator.forget_requests()
    gone = task(state="absent", waves=["10%"])
    assert not gone.failed, gone.message
    assert [len(devices) for devices in batches(simulator)] == [3, 20]
    assert counted(gone) == {"removed": 23, "unchanged": 2}


def test_what_nobody_confirms(simulator: Simulator, task: Task, journal: Path, tmp_path: Path) -> None:
    """Each run would send a few more if what the last one sent did not count."""
    simulator.quirks(simsec_delay=600)
    receiver = Receiver(tmp_path, journal, simulator)
    try:
        for _run in range(2):
            outcome = task(waves=[5], wait_timeout=1)
            assert outcome.code == "canary_failed"
            assert batches(simulator) == [imeis(5)]
            assert counted(outcome) == {"accepted": 5, "skipped": 20}
            assert "5 of 5 devices did not reach the wanted state (5 not confirmed)" in outcome.message
            assert "callback_info" in outcome.message
        assert not outcome.changed
        simulator.quirks(simsec_delay=0.05)
        simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        last = task(waves=[5])
        assert not last.failed, last.message
        assert counted(last) == {"unchanged": 5, "assigned": 20}
        assert simulator.sends() == dict.fromkeys(imeis(25), 1)
    finally:
        receiver.stop()


@pytest.mark.usefixtures("receiver")
def test_a_lost_answer_in_the_first_wave(simulator: Simulator, task: Task, journal: Path) -> None:
    simulator.faults({"action": "reset", "operation": "simsec_assign", "effect": "none"})
    outcome = task(waves=[5])
    assert outcome.code == "canary_failed"
    assert batches(simulator) == [imeis(5)]
    assert counted(outcome) == {"unknown": 5, "skipped": 20}
    let_time_pass(journal)
    simulator.forget_requests()
    again = task(waves=[5])
    assert not again.failed, again.message
    assert batches(simulator) == [imeis(5), imeis(5, 25)]
    assert simulator.holders(FLEX) == set(imeis(25))


@pytest.mark.usefixtures("receiver")
def test_a_run_that_is_stopped_in_a_later_wave(simulator: Simulator, task: Task) -> None:
    simulator.faults({"action": "status", "status": 429, "operation": "simsec_assign", "after": 1, "times": 0})
    outcome = task(waves=[5, 10], retries=0)
    assert outcome.code == "rate_limited"
    assert counted(outcome) == {"assigned": 5, "skipped": 20}
    assert len(batches(simulator)) == 2


@pytest.mark.parametrize("check", [False, True])
def test_a_wave_needs_somebody_to_confirm_it(simulator: Simulator, task: Task, check: bool) -> None:
    missing = task(waves=[5], journal=None, wait=False, check=check)
    assert missing.code == "invalid_options"
    assert "'waves' needs journal and wait" in missing.message
    wrong = task(waves=[5, 5], wait=False, max_failures="-1", batch_size=0, check=check)
    assert wrong.result["failure"]["problem_count"] == 4
    assert simulator.requests() == []
    assert not task(waves=[], wait=False, check=True).failed


def test_consent_is_about_the_whole_plan(simulator: Simulator, task: Task) -> None:
    outcome = task(sku=LIFETIME, lifetime_consent=24, waves=[5])
    assert outcome.code == "lifetime_consent"
    assert outcome.result["failure"]["planned"] == 25
    tripped = task(waves=[5], max_changes=24)
    assert tripped.code == "guard_tripped"
    assert simulator.writes() == []
