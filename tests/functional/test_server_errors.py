# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server errors: reads are repeated, writes only after reading back, and a storm ends in one clear error."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imei, imeis


def test_a_read_is_repeated(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 503, "operation": "fota_list"})
    outcome = module(devices=imeis(3))
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert [(r["operation"], r["status"]) for r in simulator.requests()][2:] == [
        ("fota_list", 503),
        ("fota_list", 200),
        ("fota_device_lookup", 200),
        ("candidates_list", 200),
        ("fota_assign", 200),
    ]
    assert outcome.result["requests"]["retried"] == 1


@pytest.mark.parametrize("operation", ["oauth_token", "session_login", "fota_subscription"])
def test_an_error_during_login_or_pool_read_is_overcome(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "status", "status": 503, "operation": operation})
    outcome = module("fota_license_info", pool_only=True)
    assert not outcome.failed
    assert not outcome.changed
    assert outcome.result["licenses"] == {"total": 60, "assigned": 0, "available": 60}
    assert simulator.count(operation) == 2


@pytest.mark.parametrize("effect", ["none", "done"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_write_is_not_repeated_blindly(simulator: Simulator, module: Module, effect: str, state: str) -> None:
    operation, word = ("fota_assign", "assigned") if state == "present" else ("fota_remove", "removed")
    if state == "absent":
        assert not module(devices=imeis(4)).failed
        simulator.forget_requests()
    simulator.faults({"action": "status", "status": 503, "operation": operation, "effect": effect})
    outcome = module(devices=imeis(4), state=state)
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(4), word)
    assert simulator.licensed() == (set(imeis(4)) if state == "present" else set())
    assert simulator.repeated_blindly() == []
    assert simulator.count(operation) == (1 if effect == "done" else 2)


def test_only_the_devices_without_effect_are_sent_again(simulator: Simulator, module: Module) -> None:
    simulator.faults(
        {"action": "status", "status": 500, "operation": "fota_assign", "after": 1, "effect": "done"},
        {"action": "status", "status": 500, "operation": "fota_assign", "after": 1, "effect": "none"},
    )
    outcome = module(devices=imeis(20), batch_size=5, max_concurrency=1, report="all")
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(20), "assigned")
    sent = [tuple(request["devices"]) for request in simulator.writes()]
    assert len(sent) == 5, "one batch of four is sent twice"
    assert simulator.repeated_blindly() == []


def test_a_storm_on_reads_ends_in_one_error(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 503, "operation": "fota_list", "times": 0})
    outcome = module(devices=imeis(3), retries=2)
    assert outcome.code == "server_error"
    assert not outcome.changed
    assert "list the licensed devices" in outcome.message
    assert "503" in outcome.message
    assert "Run again later" in outcome.message
    assert outcome.result["failure"]["status"] == 503
    assert simulator.count("fota_list") == 3
    assert simulator.writes() == []


@pytest.mark.parametrize("operation", ["oauth_token", "session_login"])
def test_a_storm_on_the_login_ends_in_one_error(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "status", "status": 502, "operation": operation, "times": 0})
    outcome = module(devices=imeis(3), retries=2)
    assert outcome.code == "server_error"
    assert not outcome.changed
    assert "502" in outcome.message
    assert "Run again later" in outcome.message
    assert simulator.count(operation) == (3 if operation == "oauth_token" else 2), "a login may lock the account"
    assert simulator.count("fota_list") == 0


def test_a_storm_on_writes_leaves_true_rows(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "status", "status": 500, "operation": "fota_assign", "times": 0})
    outcome = module(devices=imeis(3))
    assert outcome.code == "outcome_unknown"
    assert outcome.changed, "what is not there yet may still come"
    assert outcome.rows == dict.fromkeys(imeis(3), "unknown")
    assert imei(0) in outcome.message
    assert "500" in outcome.message
    assert "Reading back shows no change" in outcome.message
    assert simulator.repeated_blindly() == []
    assert 1 <= len(simulator.writes()) <= 3


def test_nothing_is_claimed_when_reading_back_fails_too(simulator: Simulator, module: Module) -> None:
    simulator.faults(
        {"action": "status", "status": 500, "operation": "fota_assign", "times": 0, "effect": "done"},
        {"action": "status", "status": 500, "operation": "fota_list", "after": 1, "times": 0},
    )
    outcome = module(devices=imeis(3), retries=1)
    assert outcome.code == "outcome_unknown"
    assert outcome.changed, "nobody knows that nothing changed"
    assert outcome.rows == dict.fromkeys(imeis(3), "unknown")
    assert "reading back failed" in outcome.message
    assert "Run again" in outcome.message
    assert len(simulator.writes()) == 1
    simulator.clear_faults()
    again = module(devices=imeis(3), report="all")
    assert not again.failed
    assert not again.changed
    assert again.rows == dict.fromkeys(imeis(3), "unchanged")
