# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the account's count may prove about a lost SIM-Secure request, and what it may not."""

from __future__ import annotations

import time
import typing as t
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
from ansible_collections.thingspace.licensing.tests.support.journals import never

pytestmark = pytest.mark.usefixtures("heard")

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
DONE: Json = {"operation": "simsec_assign", "effect": "done"}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def receiver(tmp_path: Path, journal: Path, simulator: Simulator) -> t.Iterator[Receiver]:
    """Writes into C(journal) what C(simulator) reports."""
    made = Receiver(tmp_path, journal, simulator)
    yield made
    made.stop()


def options(journal: Path, **more: t.Any) -> Json:
    return {"sku": FLEX, "journal": str(journal), "report": "all", "max_concurrency": 1, "settle_time": 5, **more}


def kill_at_stall(simulator: Simulator, running: Running) -> None:
    end = time.monotonic() + 30
    while not simulator.faults()[0]["fired"]:
        assert running.process.poll() is None, running.wait().stdout
        assert time.monotonic() < end
        time.sleep(0.02)
    running.kill()
    simulator.clear_faults()


def reached(simulator: Simulator, sku: str, devices: list[str]) -> None:
    """Wait until the simulator has given the devices their license."""
    end = time.monotonic() + 20
    while not set(devices) <= simulator.holders(sku):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("receiver")
def test_confirmed_while_the_next_run_waits_for_the_count(simulator: Simulator, module: Module, journal: Path) -> None:
    job = options(journal, devices=imeis(10))
    simulator.quirks(simsec_delay=2.5)
    simulator.faults({**DONE, "action": "stall", "seconds": 60})
    kill_at_stall(simulator, module.start("simsec_license", **job))
    again = module("simsec_license", **job)
    assert simulator.count("simsec_assign") == 1, "what took effect and was confirmed is not sent again"
    assert not again.failed
    assert not again.changed


@pytest.mark.usefixtures("receiver")
def test_confirmed_lifetime_devices_are_not_bound_again(simulator: Simulator, module: Module, journal: Path) -> None:
    job = options(journal, devices=imeis(10), sku=LIFETIME, lifetime_consent=10)
    simulator.quirks(simsec_delay=2.5)
    simulator.faults({**DONE, "action": "stall", "seconds": 60})
    kill_at_stall(simulator, module.start("simsec_license", **job))
    again = module("simsec_license", **job, retry_unknown=True)
    assert simulator.count("simsec_assign") == 1, "retry_unknown is about devices that are unknown, not confirmed ones"
    assert not again.failed


def test_another_job_does_not_judge_too_early(simulator: Simulator, module: Module, journal: Path) -> None:
    first, other = options(journal, devices=imeis(10)), options(journal, devices=imeis(20, 25))
    simulator.quirks(simsec_delay=3)
    simulator.faults({**DONE, "action": "stall", "seconds": 60})
    kill_at_stall(simulator, module.start("simsec_license", **first))
    assert not module("simsec_license", **other).failed
    reached(simulator, FLEX, imeis(10))
    let_time_pass(journal)
    module("simsec_license", **first)
    assert max(simulator.sends()[device] for device in imeis(10)) == 0, "they took effect by the lost request"


def test_a_slow_thingspace_does_not_look_like_no_effect(simulator: Simulator, module: Module, journal: Path) -> None:
    job = options(journal, devices=imeis(10))
    simulator.quirks(simsec_delay=600)
    simulator.faults({**DONE, "action": "reset"})
    assert module("simsec_license", **job).code == "outcome_unknown"
    let_time_pass(journal)
    again = module("simsec_license", **{**job, "settle_time": 3600})
    assert simulator.count("simsec_assign") == 1, "accepted, but not carried out within minutes: it is not sent again"
    assert set(again.rows.values()) == {"unknown"}
    assert "too early" in again.message


def test_what_an_earlier_run_moves_late_is_not_taken_for_the_lost_request(
    simulator: Simulator, module: Module, journal: Path
) -> None:
    """A: accepted, carried out later. B: never arrived. The count then moves because of A."""
    early, lost = options(journal, devices=imeis(10)), options(journal, devices=imeis(20, 30))
    simulator.quirks(simsec_delay=4)
    assert not module("simsec_license", **early).failed
    simulator.faults({"operation": "simsec_assign", "action": "reset"})
    assert module("simsec_license", **lost).code == "outcome_unknown"
    reached(simulator, FLEX, imeis(10))
    let_time_pass(journal)
    for _run in range(2):
        module("simsec_license", **lost)
    told = module("simsec_license", **lost, check=True).rows
    simulator.control("POST", "callbacks", {"flush": True})
    arrived = set(imeis(20, 30)) <= simulator.holders(FLEX)
    assert arrived or set(told.values()) == {"unknown"}, "they never got a license, and nobody says so"


def test_a_late_removal_does_not_hide_the_lost_assignment(simulator: Simulator, module: Module, journal: Path) -> None:
    """The count falls for the removal and rises for the lost assignment: together it stands still."""
    simulator.quirks(simsec_delay=0)
    assert not module("simsec_license", **options(journal, devices=imeis(10))).failed
    reached(simulator, FLEX, imeis(10))
    with_confirmation(journal, imeis(10))
    simulator.quirks(simsec_delay=4)
    removal = options(journal, devices=imeis(10), state="absent")
    assert not module("simsec_license", **removal).failed
    simulator.faults({**DONE, "action": "reset"})
    job = options(journal, devices=imeis(20, 30))
    assert module("simsec_license", **job).code == "outcome_unknown"
    reached(simulator, FLEX, imeis(20, 30))
    simulator.forget_requests()
    let_time_pass(journal)
    module("simsec_license", **job)
    assert simulator.count("simsec_assign") == 0, "they hold the license by the lost request"


def with_confirmation(journal: Path, devices: list[str]) -> None:
    """Confirm the last accepted request of these devices, as a receiver does."""
    from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
    from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
    from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope

    opened = open_journal(str(journal), write=True, told=never)
    attempts = opened.attempts(Scope("0000123456-00001", FLEX, "imei"), devices)
    opened.confirm([Confirmation(attempts[one][-1].request_id, (("imei", one),), "success", "") for one in devices])
    opened.close()


def test_failures_of_accepted_devices_do_not_hide_the_lost_request(
    simulator: Simulator, module: Module, journal: Path
) -> None:
    """Nobody hears that 4 of the 10 accepted devices failed; the 5 lost ones fill their place in the count."""
    simulator.quirks(simsec_delay=0)
    simulator.devices(*({"imei": one, "state": "suspend"} for one in imeis(4)))
    simulator.faults({**DONE, "action": "reset", "after": 1})
    job = options(journal, devices=imeis(15), batch_size=10)
    assert module("simsec_license", **job).code == "outcome_unknown"
    reached(simulator, FLEX, imeis(4, 15))
    simulator.forget_requests()
    let_time_pass(journal)
    module("simsec_license", **job)
    assert not set(simulator.sends()) & set(imeis(10, 15)), "they hold the license by the lost request"
