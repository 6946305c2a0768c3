# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed at any of its requests: the next run ends right, and nothing is sent twice unread."""

from __future__ import annotations

import time

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Running,
    Simulator,
    imeis,
)

HELD = imeis(6)
WANTED = imeis(3, 10)
JOB: Json = {
    "devices": WANTED,
    "state": "exact",
    "max_removals": 10,
    "batch_size": 3,
    "max_concurrency": 1,
    "report": "all",
}
REQUESTS = [
    *("oauth_token", "session_login", "fota_list", "fota_list", "fota_device_list", "candidates_list"),
    *("fota_remove", "fota_assign", "fota_assign"),
]
"""What the job sends: two pages, one of devices, the removal candidates, then removals and assignments in batches."""


@pytest.fixture(autouse=True)
def _account(simulator: Simulator) -> None:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 20, "licenses": 6}], quirks={"page_size": 4})


def kill_at(simulator: Simulator, running: Running, number: int) -> None:
    """Wait until request C(number) of the run stands still on the server, and kill the run."""
    end = time.monotonic() + 30
    while not simulator.faults()[0]["fired"]:
        assert running.process.poll() is None, f"the run ended before this request: {running.wait().stdout}"
        assert time.monotonic() < end, f"request {number} never came"
        time.sleep(0.02)
    running.kill()
    assert running.process.returncode == -9
    simulator.clear_faults()


def test_the_requests_of_the_job(simulator: Simulator, module: Module) -> None:
    outcome = module(**JOB)
    assert not outcome.failed
    assert simulator.operations() == REQUESTS


@pytest.mark.parametrize("effect", ["none", "done"])
@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_killed(simulator: Simulator, module: Module, number: int, effect: str) -> None:
    simulator.faults({"action": "stall", "after": number, "effect": effect, "seconds": 60})
    kill_at(simulator, module.start(**JOB), number)
    operations = simulator.operations()
    assert operations == REQUESTS[: number + 1]
    before = simulator.licensed()
    again = module(**JOB)
    assert not again.failed
    assert again.seconds < 10, "no lock survives its holder"
    assert simulator.licensed() == set(WANTED)
    assert again.rows == {
        **{device: "unchanged" if device in before else "assigned" for device in WANTED},
        **dict.fromkeys(sorted(before - set(WANTED)), "removed"),
    }
    assert again.changed == (before != set(WANTED))
    assert simulator.repeated_blindly() == []
    simulator.forget_requests()
    third = module(**JOB)
    assert not third.failed
    assert not third.changed
    assert simulator.writes() == []


@pytest.mark.parametrize("effect", ["none", "done"])
def test_killed_with_several_batches_under_way(simulator: Simulator, module: Module, effect: str) -> None:
    options = {**JOB, "max_concurrency": 4, "batch_size": 1}
    simulator.faults(
        {"action": "stall", "operation": "fota_assign", "after": 1, "times": 2, "effect": effect, "seconds": 60}
    )
    running = module.start(**options)
    end = time.monotonic() + 30
    while simulator.faults()[0]["fired"] < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    running.kill()
    simulator.clear_faults()
    again = module(**options)
    assert not again.failed
    assert simulator.licensed() == set(WANTED)
    assert simulator.repeated_blindly() == []


def test_killed_while_others_wait_for_the_login(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "stall", "operation": "session_login", "seconds": 60})
    first = module.start(**JOB)
    end = time.monotonic() + 30
    while not simulator.faults()[0]["fired"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    second = module.start("fota_license_info")
    time.sleep(0.8)
    assert second.process.poll() is None, "it waits for the first one's session"
    first.kill()
    outcome = second.wait()
    assert not outcome.failed
    assert len(outcome.result["devices"]) == len(HELD)
    assert simulator.count("session_login") == 2
