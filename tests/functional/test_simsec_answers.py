# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers to SIM-Secure requests that get lost, and those that only look like a loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    Json,
    Module,
    Receiver,
    Simulator,
    imeis,
    let_time_pass,
)

pytestmark = pytest.mark.usefixtures("heard")

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
DEVICES = imeis(30)
LOSSES: dict[str, Json] = {
    "reset": {"action": "reset"},
    "503": {"action": "status", "status": 503},
    "no request id": {"action": "status", "status": 200, "body": {"requestId": ""}},
    "stall": {"action": "stall", "seconds": 20},
}
"""One of each kind; C(tests/hostile) has all the others."""


def job(tmp_path: Path, **more: object) -> Json:
    journal = str(tmp_path / "journal.db")
    return {"devices": DEVICES, "journal": journal, "report": "all", "batch_size": 10, "max_concurrency": 1, **more}


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_a_lost_answer(simulator: Simulator, module: Module, tmp_path: Path, loss: str, sku: str) -> None:
    simulator.quirks(simsec_delay=0)
    simulator.faults({"operation": "simsec_assign", "effect": "done", "after": 1, **LOSSES[loss]})
    task = job(tmp_path, sku=sku, lifetime_consent=30, timeout=1 if loss == "stall" else 60)
    first = module("simsec_license", **task)
    lost = simulator.requests("simsec_assign")[1]["devices"]
    assert first.failed
    assert first.changed
    assert {device for device, outcome in first.rows.items() if outcome == "unknown"} == set(lost) == set(imeis(10, 20))
    told = {row["device_id"]: row["reason"] for row in first.result["devices"]}
    assert all(told[device] for device in lost)
    let_time_pass(tmp_path / "journal.db")
    again = module("simsec_license", **task)
    assert simulator.count("simsec_assign") == 3, "what took effect is not sent again, what was left out is"
    assert again.rows == dict.fromkeys(DEVICES, "unchanged"), "the count confirms all of them"
    assert simulator.holders(sku) == set(DEVICES)


@pytest.mark.parametrize("sku", [FLEX, LIFETIME])
def test_throttled_but_never_lost(simulator: Simulator, module: Module, tmp_path: Path, sku: str) -> None:
    simulator.faults(
        {"operation": "simsec_assign", "action": "status", "status": 429, "times": 1, "headers": {"Retry-After": "0"}},
        {"operation": "simsec_assign", "action": "expire_session", "after": 1},
        {"operation": "simsec_assign", "action": "expire_token", "after": 2},
    )
    outcome = module("simsec_license", **job(tmp_path, sku=sku, lifetime_consent=30))
    assert not outcome.failed
    assert simulator.sends() == dict.fromkeys(DEVICES, 1)
    assert outcome.rows == dict.fromkeys(DEVICES, "accepted")


def test_nobody_is_there(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    """Throttled to the end: nothing was carried out, so nothing is unknown."""
    simulator.faults({"operation": "simsec_assign", "action": "status", "status": 429, "times": 0})
    task = job(tmp_path, sku=LIFETIME, lifetime_consent=30, retries=0)
    outcome = module("simsec_license", **task)
    assert outcome.code == "rate_limited"
    assert not outcome.changed
    assert set(outcome.rows.values()) == {"skipped"}
    simulator.clear_faults()
    assert not module("simsec_license", **task).failed
    assert simulator.sends() == dict.fromkeys(DEVICES, 1)


def test_four_lost_answers_in_a_row_are_enough(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    simulator.faults({"operation": "simsec_assign", "action": "reset", "times": 0})
    task = job(tmp_path, sku=LIFETIME, lifetime_consent=30, batch_size=3)
    outcome = module("simsec_license", **task)
    assert outcome.failed
    assert simulator.count("simsec_assign") == 4
    assert list(outcome.rows.values()) == ["unknown"] * 12 + ["skipped"] * 18
    simulator.clear_faults()
    let_time_pass(tmp_path / "journal.db")
    again = module("simsec_license", **task)
    assert again.code == "outcome_unknown"
    assert list(again.rows.values()) == ["unknown"] * 12 + ["accepted"] * 18
    assert "retry_unknown" in again.message
    assert not module("simsec_license", **task, retry_unknown=True).failed
    assert simulator.sends() == dict.fromkeys(DEVICES, 1)


@pytest.mark.parametrize("status", [403, 404, 406])
def test_refused_as_a_whole(simulator: Simulator, module: Module, tmp_path: Path, status: int) -> None:
    simulator.faults({"operation": "simsec_assign", "action": "status", "status": status, "times": 0})
    outcome = module("simsec_license", **job(tmp_path, sku=FLEX))
    assert outcome.failed
    assert not outcome.changed
    assert set(outcome.rows.values()) <= {"failed", "skipped"}
    simulator.clear_faults()
    assert not module("simsec_license", **job(tmp_path, sku=FLEX)).failed


def test_the_count_cannot_be_read(simulator: Simulator, module: Module, tmp_path: Path) -> None:
    simulator.faults({"operation": "subscriptions_list", "action": "html", "times": 0})
    outcome = module("simsec_license", **job(tmp_path, sku=FLEX, retries=0))
    assert outcome.code == "bad_answer"
    assert simulator.writes() == []


@pytest.mark.parametrize("form", ["m2m", "security"])
def test_the_words_of_a_refusal(simulator: Simulator, module: Module, tmp_path: Path, form: str) -> None:
    simulator.quirks(security_errors=form, simsec_checks="sync")
    simulator.devices({"imei": imeis(1)[0], "state": "suspend"})
    outcome = module("simsec_license", **job(tmp_path, sku=FLEX, devices=imeis(3)))
    assert outcome.code == "devices_failed"
    assert list(outcome.rows.values()) == ["failed", "accepted", "accepted"]
    assert ("DeviceStateInvalid" if form == "security" else "not active") in outcome.reasons
    assert max(simulator.sends().values()) == 1


def test_another_request_of_the_same_device_does_not_settle_the_lost_one(
    simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """The listener hears of requests that others made; here one for another SKU, from a job without the journal."""
    simulator.quirks(simsec_delay=0)
    receiver = Receiver(tmp_path, tmp_path / "journal.db", simulator)
    try:
        simulator.faults({"operation": "simsec_assign", "action": "reset"})
        task = job(tmp_path, sku=LIFETIME, lifetime_consent=3, devices=imeis(3))
        assert module("simsec_license", **task).code == "outcome_unknown"
        assert not module("simsec_license", devices=imeis(3), sku=FLEX).failed
        simulator.control("POST", "callbacks", {"flush": True, "wait": 10})
        let_time_pass(tmp_path / "journal.db")
        told = module("simsec_license", **task).rows
    finally:
        receiver.stop()
    assert simulator.holders(LIFETIME) == set()
    assert told == dict.fromkeys(imeis(3), "unknown"), "nobody confirmed that they hold a lifetime license"
