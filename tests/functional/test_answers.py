# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are none: one clear error on reads, and on writes the account is read back, so that rows are true."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imeis

CODES = {
    "truncate": ("connection_failed", "the answer ended too early"),
    "empty": ("bad_answer", "HTTP 200 and nothing"),
    "html": ("bad_answer", "an HTML or XML page"),
    "array": ("bad_answer", "a JSON list, not an object"),
    "charset": ("bad_answer", "something that is not JSON"),
    "oversize": ("answer_too_large", "larger than 2 MiB"),
    "redirect": ("redirected", "with a redirect (HTTP 302)"),
}
REPEATED = ("truncate",)


@pytest.mark.parametrize("action", list(CODES))
def test_on_a_read(simulator: Simulator, module: Module, action: str) -> None:
    assert not module(devices=imeis(2)).failed
    simulator.forget_requests()
    simulator.faults({"action": action, "operation": "fota_list", "times": 0})
    outcome = module(devices=imeis(4), retries=1)
    code, words = CODES[action]
    assert outcome.code == code
    assert words in outcome.message
    assert "list the licensed devices" in outcome.message
    assert not outcome.changed
    assert simulator.operations() == ["fota_list"] * (2 if action in REPEATED else 1), "nothing else is asked"
    assert simulator.licensed() == set(imeis(2))


@pytest.mark.parametrize("action", ["truncate", "html", "redirect"])
@pytest.mark.parametrize("operation", ["oauth_token", "session_login"])
def test_on_a_login(simulator: Simulator, module: Module, action: str, operation: str) -> None:
    simulator.faults({"action": action, "operation": operation, "times": 0})
    outcome = module("fota_license_info", retries=1)
    assert outcome.code == CODES[action][0]
    assert CODES[action][1] in outcome.message
    assert not outcome.changed
    assert simulator.count(operation) == (2 if action in REPEATED else 1)
    assert simulator.operations()[-1] == operation, "no page of a redirect, nothing after the failure"


@pytest.mark.parametrize("effect", ["none", "done"])
@pytest.mark.parametrize("action", ["truncate", "charset", "oversize"])
def test_on_a_write(simulator: Simulator, module: Module, action: str, effect: str) -> None:
    simulator.faults({"action": action, "operation": "fota_assign", "effect": effect})
    outcome = module(devices=imeis(3))
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert simulator.licensed() == set(imeis(3))
    assert simulator.count("fota_assign") == (1 if effect == "done" else 2)
    assert simulator.repeated_blindly() == []


@pytest.mark.parametrize("effect", ["none", "done"])
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_of_a_write(simulator: Simulator, module: Module, status: int, effect: str) -> None:
    simulator.faults({"action": "redirect", "status": status, "operation": "fota_assign", "effect": effect, "times": 0})
    outcome = module(devices=imeis(3), report="all")
    assert all(request["operation"] for request in simulator.requests()), "the login page is never asked for"
    assert simulator.repeated_blindly() == []
    if effect == "none":
        assert outcome.code == "redirected"
        assert "base_url" in outcome.message
        assert outcome.changed, "what is not there yet may still come"
        assert set(outcome.rows.values()) <= {"unknown", "skipped"}
    else:
        assert outcome.rows == dict.fromkeys(imeis(3), "assigned"), "reading back shows it"
        assert outcome.changed
    assert len(simulator.writes()) <= 3


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_an_answer_that_leaves_a_device_out(simulator: Simulator, module: Module, version: str) -> None:
    simulator.faults({"action": "drop_row", "operation": "fota_assign"})
    outcome = module(devices=imeis(3), api_version=version)
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert simulator.count("fota_assign") == 1
    assert simulator.repeated_blindly() == []


def test_bad_answers_without_end_on_writes_leave_true_rows(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "html", "operation": "fota_assign", "times": 0})
    outcome = module(devices=imeis(3))
    assert outcome.code == "outcome_unknown"
    assert outcome.changed, "what is not there yet may still come"
    assert outcome.rows == dict.fromkeys(imeis(3), "unknown")
    assert "an HTML or XML page" in outcome.message
    assert "Check 'base_url' and any proxy" in outcome.message
    assert simulator.repeated_blindly() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_a_write_is_told_as_it_was(simulator: Simulator, module: Module, status: int) -> None:
    body = {"errorCode": "FORBIDDEN", "errorMessage": "Not your account."}
    simulator.faults(
        {"action": "status", "status": status, "operation": "fota_assign", "after": 1, "times": 0, "body": body}
    )
    outcome = module(devices=imeis(6), batch_size=2, max_concurrency=1)
    assert outcome.code == "auth_rejected"
    assert "Not your account." in outcome.message
    assert outcome.changed
    assert outcome.rows == {
        **dict.fromkeys(imeis(2), "assigned"),
        **dict.fromkeys(imeis(2, 4), "failed"),
        **dict.fromkeys(imeis(4, 6), "skipped"),
    }, "what was sent and refused has failed; only what was never sent is skipped"
