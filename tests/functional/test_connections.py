# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that are refused, broken, silent or slow: bounded in time, and no write is sent twice unread."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imeis

SLACK = 6.0
"""Seconds beyond the limits for starting a process and reading back."""


def test_refused(simulator: Simulator, module: Module) -> None:
    simulator.stop()  # frees the port, on which nobody listens then
    outcome = module(devices=imeis(2), retries=1)
    assert outcome.code == "connection_failed"
    assert not outcome.changed
    assert f"Could not connect to {simulator.base_url.split('/')[2]} for" in outcome.message
    assert "connection refused" in outcome.message
    assert "Nothing was sent. Check 'base_url'" in outcome.message
    assert outcome.result["requests"]["sent"] == 2


@pytest.mark.parametrize("operation", ["fota_list", "oauth_token", "session_login"])
def test_reset_once_before_a_read_or_login_answers(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "reset", "operation": operation})
    outcome = module(devices=imeis(2))
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(2), "assigned")
    assert [request["status"] for request in simulator.requests(operation)][:2] == [None, 200]


@pytest.mark.parametrize("operation", ["fota_list", "oauth_token", "session_login"])
def test_reset_for_ever(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "reset", "operation": operation, "times": 0})
    outcome = module(devices=imeis(2), retries=1)
    assert outcome.code == "connection_failed"
    assert not outcome.changed
    assert "The connection broke during" in outcome.message
    assert "connection reset" in outcome.message
    assert simulator.count(operation) == 2
    assert simulator.writes() == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("effect", ["none", "done"])
def test_reset_during_a_write(simulator: Simulator, module: Module, effect: str, state: str) -> None:
    operation, word = ("fota_assign", "assigned") if state == "present" else ("fota_remove", "removed")
    if state == "absent":
        assert not module(devices=imeis(4)).failed
        simulator.forget_requests()
    simulator.faults({"action": "reset", "operation": operation, "effect": effect})
    outcome = module(devices=imeis(4), state=state)
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(4), word)
    assert ("reading back confirms it" in outcome.reasons) == (effect == "done")
    assert simulator.licensed() == (set(imeis(4)) if state == "present" else set())
    assert simulator.count(operation) == (1 if effect == "done" else 2)
    assert simulator.repeated_blindly() == []


def test_reset_of_a_write_without_listing_first(simulator: Simulator, module: Module) -> None:
    simulator.quirks(page_size=2)
    assert not module(devices=imeis(20, 40)).failed
    simulator.forget_requests()
    simulator.faults({"action": "reset", "operation": "fota_assign", "effect": "done"})
    outcome = module(devices=imeis(2), lookup="direct")
    assert not outcome.failed
    assert outcome.result["lookup"] == "direct"
    assert outcome.rows == dict.fromkeys(imeis(2), "assigned")
    assert simulator.count("fota_assign") == 1
    assert simulator.repeated_blindly() == []


@pytest.mark.parametrize("operation", ["fota_list", "oauth_token", "session_login"])
def test_silence_ends_with_the_timeout(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "stall", "operation": operation, "times": 0})
    outcome = module(devices=imeis(2), timeout=1, retries=0)
    assert outcome.code == "timeout"
    assert not outcome.changed
    assert "within 1 s" in outcome.message
    assert "Raise 'timeout'" in outcome.message
    assert outcome.seconds < 1 + 2.2 + SLACK
    assert simulator.writes() == []


def test_silence_ends_with_the_deadline(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "stall", "operation": "fota_list", "times": 0})
    outcome = module(devices=imeis(2), timeout=60, deadline=2)
    assert outcome.code in ("timeout", "deadline_exceeded")
    assert not outcome.changed
    assert outcome.seconds < 2 + SLACK
    assert simulator.writes() == []


@pytest.mark.parametrize("effect", ["none", "done"])
def test_silence_after_a_write_is_read_back(simulator: Simulator, module: Module, effect: str) -> None:
    simulator.faults({"action": "stall", "operation": "fota_assign", "effect": effect})
    outcome = module(devices=imeis(3), timeout=1)
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert simulator.count("fota_assign") == (1 if effect == "done" else 2)
    assert simulator.repeated_blindly() == []


def test_no_time_left_to_read_back(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "stall", "operation": "fota_assign", "effect": "done", "times": 0})
    outcome = module(devices=imeis(3), deadline=2.5)
    assert outcome.code in ("outcome_unknown", "deadline_exceeded", "timeout")
    assert outcome.changed, "nobody knows that nothing changed"
    assert outcome.rows == dict.fromkeys(imeis(3), "unknown")
    assert outcome.seconds < 2.5 + SLACK
    assert len(simulator.writes()) == 1
    simulator.clear_faults()
    again = module(devices=imeis(3), report="all")
    assert again.rows == dict.fromkeys(imeis(3), "unchanged")
    assert len(simulator.writes()) == 1


@pytest.mark.parametrize("operation", ["fota_list", "oauth_token"])
def test_one_byte_a_second_ends_with_the_timeout(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "drip", "operation": operation, "times": 0, "seconds": 60, "effect": "done"})
    outcome = module(devices=imeis(2), timeout=2.5, retries=0)
    assert outcome.code == "timeout"
    assert not outcome.changed
    assert "No complete answer" in outcome.message
    assert 2.5 < outcome.seconds < 2.5 + SLACK
    assert simulator.writes() == []


@pytest.mark.parametrize("effect", ["none", "done"])
def test_one_byte_a_second_after_a_write(simulator: Simulator, module: Module, effect: str) -> None:
    simulator.faults({"action": "drip", "operation": "fota_assign", "seconds": 60, "effect": effect})
    outcome = module(devices=imeis(2), timeout=1.5)
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(2), "assigned")
    assert outcome.seconds < 1.5 + SLACK
    assert simulator.count("fota_assign") == (1 if effect == "done" else 2)
    assert simulator.repeated_blindly() == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_several_batches_lost_with_effect(simulator: Simulator, module: Module, concurrency: int) -> None:
    simulator.faults({"action": "reset", "operation": "fota_assign", "effect": "done", "times": 3})
    outcome = module(devices=imeis(12), batch_size=2, max_concurrency=concurrency)
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(12), "assigned")
    assert simulator.count("fota_assign") == 6
    assert simulator.repeated_blindly() == []


def test_every_batch_lost_stops_early_with_true_rows(simulator: Simulator, module: Module) -> None:
    simulator.faults(
        {"action": "reset", "operation": "fota_assign", "effect": "done"},
        {"action": "reset", "operation": "fota_assign", "times": 0},
    )
    outcome = module(devices=imeis(14), batch_size=2, max_concurrency=1)
    assert outcome.code == "connection_failed"
    assert outcome.changed
    assert simulator.licensed() == set(imeis(2))
    assert {device for device, word in outcome.rows.items() if word == "assigned"} == set(imeis(2))
    assert {outcome.rows[device] for device in imeis(2, 8)} == {"unknown"}
    assert {outcome.rows[device] for device in imeis(8, 14)} == {"skipped"}
    assert simulator.count("fota_assign") == 4
    assert simulator.repeated_blindly() == []
    simulator.clear_faults()
    assert not module(devices=imeis(14)).failed
    assert simulator.licensed() == set(imeis(14))
