# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listeners: converged like everything else, and no password of any of them in anything that a run leaves behind."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.functional.test_secrets import assert_clean, issued_tokens
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Playbook,
    Simulator,
)

URL = "https://callbacks.example.com/thingspace"
OURS = 'L1st"ener/%41 pa+ss=Kx9'
OLD = "0ld:l1st@ener/ s=cr?t"
FOREIGN = "f0reign/l1st@ener"
SECRETS = (OURS, OLD, FOREIGN)
WANTED = {"url": URL, "callback_username": "to-us", "callback_password": OURS}
PAIRS = tuple(f"to-us:{secret}" for secret in SECRETS)


def listener(service: str = "CarrierService", **fields: t.Any) -> Json:
    return {"service": service, "url": URL, "username": "to-us", "password": OURS, **fields}


def seed(simulator: Simulator, *listeners: Json) -> None:
    simulator.state(accounts=[{"name": ACCOUNT, "devices": 3, "callbacks": list(listeners)}])


def registered(simulator: Simulator) -> list[Json]:
    return t.cast("list[Json]", simulator.state()["accounts"][0]["callbacks"])


def writes(simulator: Simulator) -> list[str]:
    return [request["operation"] for request in simulator.writes() if request["operation"].startswith("callback")]


def clean(outcome: Outcome, module: Module) -> Outcome:
    """Search everything that a run leaves behind for the password of any listener."""
    secrets = [*SECRETS, *PAIRS]
    assert_clean("stdout", outcome.stdout, secrets)
    assert_clean("stderr", outcome.stderr, secrets)
    assert_clean("result", str(outcome.result), secrets)
    for path in module.folder.rglob("*"):
        if path.is_file() and "simulator0" not in path.parts:
            assert_clean(path.name, path.read_text(encoding="utf-8", errors="replace"), secrets)
    return outcome


def without_cost(outcome: Outcome) -> Json:
    return {name: value for name, value in outcome.result.items() if name not in ("requests", "invocation")}


OTHER = listener("DeviceService", url="https://callbacks.example.com/other", password=FOREIGN)


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ([], WANTED, {"url": URL, "username": "to-us", "has_password": True}),
        ([], {"url": URL}, {"url": URL, "username": "", "has_password": False}),
        ([listener(password=OLD)], WANTED, {"url": URL, "username": "to-us", "has_password": True}),
        ([listener(url=URL + "/old")], {"url": URL}, {"url": URL, "username": "to-us", "has_password": True}),
        (
            [listener()],
            {"url": URL, "callback_username": "", "callback_password": ""},
            {"url": URL, "username": "", "has_password": False},
        ),
        ([listener()], {"state": "absent"}, None),
    ],
)
def test_foreseen_done_and_left_alone(
    simulator: Simulator, module: Module, before: list[Json], options: Json, after: Json | None
) -> None:
    seed(simulator, OTHER, *before)
    state = simulator.state()
    foreseen = clean(module("callback", check=True, diff=True, **options), module)
    assert foreseen.changed
    assert writes(simulator) == []
    assert simulator.state() == state
    real = clean(module("callback", diff=True, **options), module)
    assert without_cost(real) == without_cost(foreseen)
    assert len(writes(simulator)) == 1
    found = {one["service"]: one for one in registered(simulator)}
    assert found.pop("DeviceService")["has_password"]
    assert found == ({} if after is None else {"CarrierService": {"service": "CarrierService", **after}})
    for check in (True, False):
        again = clean(module("callback", check=check, diff=True, **options), module)
        assert not again.changed
        assert again.result["diff"]["before"] == again.result["diff"]["after"]
        assert again.result["callback"] == real.result["callback"]
    assert len(writes(simulator)) == 1


def test_a_password_is_replaced_only_when_wanted(simulator: Simulator, module: Module) -> None:
    seed(simulator, listener(password=OLD))
    kept = clean(module("callback", update_password="on_create", **WANTED), module)
    assert not kept.changed
    moved = clean(module("callback", **{**WANTED, "url": URL + "/new"}, update_password="on_create"), module)
    assert moved.changed
    # The old password was sent along: it still is the registered one.
    assert not module("callback", url=URL + "/new", callback_password=OLD).changed
    assert module("callback", url=URL + "/new", callback_password=OURS).changed


def test_all_listeners_without_their_passwords(simulator: Simulator, module: Module) -> None:
    seed(simulator, listener(), OTHER, listener("StateService", username="", password=""))
    outcome = clean(module("callback_info"), module)
    rows = {row["service"]: row for row in outcome.result["callbacks"]}
    assert {service: row["has_password"] for service, row in rows.items()} == {
        "CarrierService": True,
        "DeviceService": True,
        "StateService": False,
    }
    assert rows["CarrierService"]["username"] == "to-us"
    assert all(set(row) == {"account", "service", "url", "username", "has_password"} for row in rows.values())
    one = clean(module("callback_info", service="DeviceService"), module)
    assert one.result["callbacks"] == [rows["DeviceService"]]


@pytest.mark.parametrize("effect", ["done", "none"])
@pytest.mark.parametrize("fault", [{"action": "reset"}, {"action": "status", "status": 500}])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_lost_answer_is_settled_by_reading(
    simulator: Simulator, module: Module, state: str, fault: Json, effect: str
) -> None:
    seed(simulator, listener(password=OLD), OTHER)
    operation = "callback_register" if state == "present" else "callback_remove"
    simulator.faults({**fault, "operation": operation, "effect": effect})
    outcome = clean(module("callback", state=state, **WANTED), module)
    assert not outcome.failed
    assert outcome.changed
    done = effect == "done"
    assert writes(simulator) == [operation] * (1 if done else 2)
    assert simulator.count("callback_list") == 2
    assert not module("callback", state=state, **WANTED).changed


def test_a_server_that_never_does_it(simulator: Simulator, module: Module) -> None:
    seed(simulator, listener(password=OLD))
    body = {"errorCode": "X", "errorMessage": f"cannot replace {OLD} by {OURS}"}
    fault = {"action": "status", "status": 500, "operation": "callback_register", "times": 0, "body": body}
    simulator.faults(fault)
    outcome = clean(module("callback", **WANTED), module)
    assert outcome.code == "server_error"
    assert not outcome.changed
    assert "cannot replace" in outcome.message
    assert len(writes(simulator)) == 3


def test_an_answer_that_stays_lost_is_unknown(simulator: Simulator, module: Module) -> None:
    simulator.faults(
        {"action": "reset", "operation": "callback_register", "effect": "done"},
        {"action": "status", "status": 500, "operation": "callback_list", "after": 1, "times": 0},
    )
    outcome = clean(module("callback", retries=1, **WANTED), module)
    assert outcome.code == "outcome_unknown"
    simulator.clear_faults()
    assert not module("callback", **WANTED).changed, "it was registered after all, and running again finds that"


@pytest.mark.parametrize("operation", ["callback_list", "callback_register"])
def test_throttling_is_waited_for(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "status", "status": 429, "operation": operation, "headers": {"Retry-After": "0"}})
    outcome = clean(module("callback", **WANTED), module)
    assert outcome.changed
    assert outcome.result["requests"]["throttled"] == 1
    assert registered(simulator)


@pytest.mark.parametrize("form", ["list", "text"])
def test_a_list_that_comes_as_an_error(simulator: Simulator, module: Module, form: str) -> None:
    rows = [{"accountName": ACCOUNT, "serviceName": "CarrierService", "url": URL, "username": "", "password": FOREIGN}]
    body = rows if form == "list" else json.dumps(rows)[:-20]
    simulator.faults({"action": "status", "status": 400, "operation": "callback_list", "body": body})
    outcome = clean(module("callback_info"), module)
    assert outcome.failed
    assert "HTTP 400" in outcome.message


def test_a_refusal_in_the_words_of_thingspace(simulator: Simulator, module: Module) -> None:
    outcome = clean(module("callback", account="0000999999-00001", **WANTED), module)
    assert outcome.code == "account_not_found"
    assert writes(simulator) == []


def test_bad_input_is_told_at_once(simulator: Simulator, module: Module) -> None:
    outcome = clean(
        module("callback", url="http://x.example.com:99/'", callback_username="NOT-SECRET", callback_password=OURS * 3),
        module,
    )
    assert outcome.result["failure"]["problem_count"] == 5
    assert simulator.requests() == []


def test_a_playbook_at_full_volume(simulator: Simulator, module: Module, playbook: Playbook) -> None:
    seed(simulator, listener(password=OLD), OTHER)
    variables = module.folder / "secrets.json"
    variables.write_text(json.dumps({"my_secret": OURS}), encoding="utf-8")
    options = {
        "base_url": simulator.base_url,
        "runtime_dir": str(module.runtime_dir),
        "account": ACCOUNT,
        **dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret"),
    }
    wanted = {**WANTED, "callback_password": "{{ my_secret }}"}
    tasks = [
        {"thingspace.licensing.callback": {**options, **wanted}, "register": "done"},
        {"ansible.builtin.debug": {"var": "done"}},
        {"thingspace.licensing.callback_info": options, "register": "listed"},
        {"ansible.builtin.debug": {"var": "listed"}},
    ]
    log = module.folder / "ansible.log"
    play = [{"hosts": "estate", "gather_facts": False, "tasks": tasks}]
    run = playbook(play, "-vvvv", "--diff", "-e", f"@{variables}", env={"ANSIBLE_LOG_PATH": str(log)})
    variables.unlink()
    assert run.returncode == 0, run.stdout
    assert "password: (changed)" in run.stdout
    assert log.stat().st_size > 1000
    clean(Outcome({"changed": True}, run.stdout, run.stderr, 0.0, 0), module)
    assert_clean("stdout", run.stdout, issued_tokens(module.runtime_dir))
