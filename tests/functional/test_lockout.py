# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong password never locks the account, whatever the forks, hosts and faults; the right one works at once."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Module,
    Playbook,
    Simulator,
    imeis,
)

STALE = "last year's"


def test_ten_processes_with_a_stale_password(simulator: Simulator, module: Module) -> None:
    running = [module.start(devices=imeis(2), password=STALE) for _task in range(10)]
    outcomes = [one.wait() for one in running]
    assert {outcome.code for outcome in outcomes} == {"login_refused", "login_blocked"}
    assert [outcome.code for outcome in outcomes].count("login_refused") == 2
    for outcome in outcomes:
        assert not outcome.changed
        assert "password" in outcome.message
        assert "lock" in outcome.message
    assert simulator.count("session_login") == 2
    assert simulator.sessions()["refused_logins"] == {"not-secret": 2}
    assert simulator.sessions()["locked"] == []
    right = module(devices=imeis(2))
    assert not right.failed
    assert right.changed


@pytest.mark.parametrize("node", [True, False])
def test_ten_nodes_that_share_a_database(simulator: Simulator, module: Module, tmp_path: Path, *, node: bool) -> None:
    """Each with a runtime directory of its own, or without one; the session stays on each node."""
    with postgres.new_journal() as journal:
        nodes: list[dict[str, t.Any]] = [
            {"journal": journal, "runtime_dir": str(tmp_path / f"{one}") if node else ""} for one in range(10)
        ]
        running = [module.start(devices=imeis(2), password=STALE, **one) for one in nodes]
        codes = [str(one.wait().code) for one in running]
        assert sorted(codes) == ["login_blocked"] * 8 + ["login_refused"] * 2
        assert simulator.sessions()["refused_logins"] == {"not-secret": 2}
        blocked = module(devices=imeis(2), password=STALE, **nodes[0])
        assert "shared_state" not in blocked.message
        assert journal.split("?", maxsplit=1)[0] in blocked.message
        right = module(devices=imeis(2), **nodes[1])
        assert right.changed, right.message


def test_ten_hosts_of_a_playbook_with_a_stale_password(
    simulator: Simulator, module: Module, playbook: Playbook
) -> None:
    options = {
        "base_url": simulator.base_url,
        "runtime_dir": str(module.runtime_dir),
        "account": ACCOUNT,
        **dict.fromkeys(("client_id", "client_secret", "username"), "not-secret"),
        "password": STALE,
    }
    tasks = [{"thingspace.licensing.fota_license_info": options}]
    play = [{"hosts": "estate", "gather_facts": False, "tasks": tasks}]
    run = playbook(play, "--forks", "10", hosts=10)
    assert run.returncode == 2
    assert "Traceback" not in run.stdout + run.stderr
    assert simulator.count("session_login") == 2
    assert run.stdout.count('"code": "login_blocked"') == 8
    options["password"] = "not-secret"
    run = playbook(play, "--forks", "10", hosts=10)
    assert run.returncode == 0, run.stdout
    assert simulator.count("session_login") == 3
    assert simulator.count("oauth_token") == 2, "one for each set of credentials"


def test_changing_passwords_stop_before_the_fifth(simulator: Simulator, module: Module) -> None:
    codes = [module("fota_license_info", password=f"guess {number}").code for number in range(6)]
    assert codes == ["login_refused"] * 4 + ["login_blocked"] * 2
    assert simulator.sessions()["locked"] == []
    assert module("fota_license_info").code == "login_blocked", "a fifth attempt is not risked either"
    assert not module("session", state="absent").failed
    blocked = module("fota_license_info")
    assert blocked.code == "login_blocked", "jobs that log out each time do not lock, either"
    (count,) = [file for file in module.runtime_dir.glob("logins-*") if str(file) in blocked.message]
    count.unlink()
    assert module("fota_license_info").code is None


def test_a_blocked_password_says_how_to_unblock(simulator: Simulator, module: Module) -> None:
    codes = [module("fota_license_info", password=STALE) for _task in range(3)]
    assert codes[2].code == "login_blocked"
    assert "state: absent" in codes[2].message
    assert str(module.runtime_dir) in codes[2].message
    simulator.state(credentials={"password": STALE})
    assert module("session", state="absent", password=STALE).code is None
    assert module("fota_license_info", password=STALE).code is None


def test_a_success_forgets_refusals(simulator: Simulator, module: Module) -> None:
    assert module("fota_license_info", password=STALE).code == "login_refused"
    assert module("fota_license_info").code is None
    assert module("session", state="absent").code is None
    assert module("fota_license_info", password=STALE).code == "login_refused"
    assert module("fota_license_info").code is None
    assert simulator.sessions()["refused_logins"] == {}


@pytest.mark.parametrize("action", ["reset", "stall", "html"])
def test_refusals_whose_answer_is_lost_do_not_lock_either(simulator: Simulator, module: Module, action: str) -> None:
    simulator.faults({"action": action, "operation": "session_login", "effect": "done", "times": 0})
    running = [module.start("fota_license_info", password=STALE, timeout=1, retries=0) for _task in range(6)]
    outcomes = [one.wait() for one in running]
    assert all(outcome.failed and not outcome.changed for outcome in outcomes)
    assert simulator.sessions()["locked"] == [], f"{simulator.count('session_login')} logins were sent"


def test_a_secret_from_a_file_costs_no_login(simulator: Simulator, module: Module) -> None:
    options = dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret\n")
    outcome = module("fota_license_info", **options)
    assert outcome.code == "invalid_options"
    assert outcome.result["failure"]["problem_count"] == 4
    assert "often ends in a line break" in outcome.message
    assert simulator.requests() == []


def test_a_password_from_the_environment_that_is_no_text(simulator: Simulator, module: Module) -> None:
    outcome = module("fota_license_info", password=None, env={"THINGSPACE_PASSWORD": "a\udcffb"})
    assert outcome.code == "invalid_options"
    assert simulator.requests() == []


def test_processes_that_are_killed_in_the_middle_of_a_login(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "stall", "operation": "session_login", "effect": "done", "times": 0})
    for number in range(4):
        running = module.start("fota_license_info", password=STALE)
        end = time.monotonic() + 30
        while simulator.faults()[0]["fired"] <= number:
            assert time.monotonic() < end
            time.sleep(0.02)
        running.kill()
    assert module("fota_license_info", password=STALE).code == "login_blocked"
    assert simulator.count("session_login") == 4
    assert simulator.sessions()["locked"] == []


def test_a_wrong_secret_of_the_application_is_sent_twice(simulator: Simulator, module: Module) -> None:
    running = [module.start("fota_license_info", client_secret=STALE) for _task in range(5)]
    codes = sorted(str(one.wait().code) for one in running)
    assert codes == ["login_blocked"] * 3 + ["login_refused"] * 2
    assert simulator.count("oauth_token") == 2
    assert module("fota_license_info").code is None
