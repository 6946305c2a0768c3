# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP 429: everyone waits as asked, is told of it, and goes on; a wait beyond the deadline ends the task at once."""

from __future__ import annotations

import email.utils
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Module, Simulator, imei, imeis

OPERATIONS = ("fota_list", "fota_assign", "session_login", "oauth_token")


def too_many(operation: str, retry_after: str | None, times: int = 1) -> Json:
    """The fault that answers 429."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return {"action": "status", "status": 429, "operation": operation, "headers": headers, "times": times}


def in_two_seconds() -> str:
    return email.utils.formatdate(time.time() + 2, usegmt=True)


VALUES: dict[str, t.Callable[[], str | None]] = {
    "seconds": lambda: "1",
    "date": in_two_seconds,
    "nonsense": lambda: "soon",
    "none": lambda: None,
}
CASES = [("date", "fota_list"), ("seconds", "fota_assign"), ("nonsense", "session_login"), ("none", "oauth_token")]


@pytest.mark.parametrize(("form", "operation"), CASES)
def test_waits_warns_and_works(simulator: Simulator, module: Module, form: str, operation: str) -> None:
    simulator.faults(too_many(operation, VALUES[form]()))
    outcome = module(devices=imeis(2), deadline=30)
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(2), "assigned")
    assert outcome.result["requests"]["throttled"] == 1
    assert "too many requests" in outcome.warnings
    assert "rate_limit" in outcome.warnings
    answers = [request["status"] for request in simulator.requests(operation)]
    assert answers[:2] == [429, 200]
    assert answers.count(429) == 1
    assert simulator.licensed() == set(imeis(2)), "a write that was turned away is sent again"


def test_waits_as_long_as_asked(simulator: Simulator, module: Module) -> None:
    quick = module("fota_license_info").seconds
    simulator.faults(too_many("fota_list", "2"))
    outcome = module("fota_license_info")
    assert not outcome.failed
    assert outcome.seconds > 2
    assert outcome.seconds < quick + 6
    assert outcome.result["requests"]["throttled_seconds"] >= 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_huge_wait_ends_inside_the_deadline(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults(too_many(operation, "86400000"))
    outcome = module(devices=imeis(2), deadline=5)
    assert outcome.seconds < 5 + 4
    assert outcome.code == "deadline_exceeded"
    assert not outcome.changed
    assert "deadline of 5 s" in outcome.message
    assert "Raise 'deadline'" in outcome.message
    assert simulator.count(operation) == 1
    assert simulator.licensed() == set()
    if operation == "fota_assign":
        assert outcome.rows == dict.fromkeys(imeis(2), "skipped")


def test_a_wait_for_ever_is_capped(simulator: Simulator, module: Module) -> None:
    simulator.faults(too_many("fota_list", "86400000"))
    outcome = module(devices=imeis(2), deadline=59)
    assert outcome.code == "deadline_exceeded", "60 s are the most that is waited at a time"
    assert outcome.seconds < 5 + 4
    assert simulator.writes() == []


def test_429_without_end_is_one_clear_error(simulator: Simulator, module: Module) -> None:
    simulator.faults(too_many("fota_list", "0", times=0))
    outcome = module(devices=imeis(2), retries=2, deadline=30)
    assert outcome.code == "rate_limited"
    assert not outcome.changed
    assert "list the licensed devices" in outcome.message
    assert "429" in outcome.message
    assert "running again continues" in outcome.message
    assert simulator.count("fota_list") == 3
    assert simulator.writes() == []


def test_429_without_end_on_writes_leaves_true_rows(simulator: Simulator, module: Module) -> None:
    simulator.faults({**too_many("fota_assign", "0", times=0), "after": 1})
    outcome = module(devices=imeis(6), batch_size=2, max_concurrency=1, retries=1, deadline=30)
    assert outcome.code == "rate_limited"
    assert outcome.changed, "the first batch went through"
    assert outcome.rows == {**dict.fromkeys(imeis(2), "assigned"), **dict.fromkeys(imeis(2, 6), "skipped")}
    assert simulator.licensed() == set(imeis(2))
    assert imei(2) in outcome.rows
    assert simulator.count("fota_assign") == 3


def test_processes_that_share_a_budget_settle_below_the_limit(simulator: Simulator, module: Module) -> None:
    simulator.quirks(rate_limit=8, retry_after="none", page_size=5)
    simulator.state(accounts=[{"name": "0000123456-00001", "devices": 40, "licenses": 40}])
    warm_up = [module.start("fota_license_info", deadline=55) for _task in range(4)]
    assert [running.wait().code for running in warm_up] == [None] * 4
    refused_at_first = [request["status"] for request in simulator.requests()].count(429)
    assert refused_at_first, "without a single 429 this test shows nothing"
    simulator.forget_requests()
    settled = [module.start("fota_license_info", report="all", deadline=55) for _task in range(4)]
    outcomes = [running.wait() for running in settled]
    assert [outcome.code for outcome in outcomes] == [None] * 4
    assert all(len(outcome.result["devices"]) == 40 for outcome in outcomes)
    statuses = [request["status"] for request in simulator.requests()]
    assert len(statuses) >= 4 * 9
    assert statuses.count(429) <= len(statuses) // 20


def test_a_limit_of_ones_own_avoids_429_altogether(simulator: Simulator, module: Module) -> None:
    simulator.quirks(rate_limit=8, page_size=10)
    simulator.state(accounts=[{"name": "0000123456-00001", "devices": 40, "licenses": 40}])
    running = [module.start("fota_license_info", rate_limit=6) for _task in range(3)]
    assert [one.wait().code for one in running] == [None] * 3
    assert {request["status"] for request in simulator.requests()} == {200}


def test_ten_nodes_that_share_a_database_keep_to_one_budget(
    simulator: Simulator, module: Module, tmp_path: Path
) -> None:
    """Each is a process with a runtime directory of its own. What they learn without a limit: see test_lease.py."""
    simulator.quirks(rate_limit=16, page_size=10)
    simulator.state(accounts=[{"name": "0000123456-00001", "devices": 40, "licenses": 40}])
    job: Json = {"share_tokens": True, "report": "all", "deadline": 55, "rate_limit": 12}
    begun = time.monotonic()
    with postgres.new_journal() as journal:
        running = [
            module.start("fota_license_info", runtime_dir=str(tmp_path / str(node)), journal=journal, **job)
            for node in range(10)
        ]
        outcomes = [one.wait() for one in running]
    seconds = time.monotonic() - begun
    assert [one.code for one in outcomes] == [None] * 10
    assert all(len(one.result["devices"]) == 40 for one in outcomes)
    statuses = [request["status"] for request in simulator.requests()]
    assert statuses == [200] * (10 * 5 + 2), "two for the login; none was refused"
    assert seconds >= len(statuses[1:]) / 12
    assert sum(one.result["requests"]["throttled_seconds"] for one in outcomes) > 0, "they waited for each other"
