# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens that end in mid-run are renewed exactly once; whatever the forks, no user is locked out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imeis

FORMS = ("uws_400", "m2m_400", "m2m_403", "diagnostics_401", "cloud_connector_401")
CREDENTIALS = ("client_id", "client_secret", "username", "password")
NO_CREDENTIALS: dict[str, t.Any] = dict.fromkeys(CREDENTIALS)
TWENTY_ONE_MINUTES = 1260
ONE_HOUR = 3660


def logins(simulator: Simulator) -> tuple[int, int]:
    """Access tokens and sessions asked for."""
    return simulator.count("oauth_token"), simulator.count("session_login")


@pytest.mark.parametrize(
    ("form", "operation"),
    [*((form, "fota_list") for form in FORMS), ("uws_400", "fota_assign"), ("diagnostics_401", "fota_assign")],
)
def test_a_session_that_ends_in_mid_run(simulator: Simulator, module: Module, form: str, operation: str) -> None:
    simulator.quirks(session_error=form)
    simulator.faults({"action": "expire_session", "operation": operation})
    outcome = module(devices=imeis(3))
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert logins(simulator) == (1, 2)
    assert [request["status"] for request in simulator.requests(operation)][1] == 200


@pytest.mark.parametrize("operation", ["fota_list", "fota_assign", "session_login"])
def test_an_access_token_that_ends_in_mid_run(simulator: Simulator, module: Module, operation: str) -> None:
    simulator.faults({"action": "expire_token", "operation": operation})
    outcome = module(devices=imeis(3))
    assert not outcome.failed
    assert outcome.changed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert logins(simulator) == (2, 2 if operation == "session_login" else 1)


@pytest.mark.parametrize("order", [("expire_token", "expire_session"), ("expire_session", "expire_token")])
def test_both_end_in_mid_run(simulator: Simulator, module: Module, order: tuple[str, str]) -> None:
    simulator.faults(*({"action": action, "operation": "fota_list"} for action in order))
    outcome = module(devices=imeis(3))
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(3), "assigned")
    assert logins(simulator) == (2, 2)


@pytest.mark.parametrize("form", ["uws_400", "cloud_connector_401"])
@pytest.mark.parametrize(("seconds", "expected"), [(TWENTY_ONE_MINUTES, (0, 1)), (ONE_HOUR, (1, 1))])
def test_a_second_task_after_a_long_pause(
    simulator: Simulator, module: Module, form: str, seconds: int, expected: tuple[int, int]
) -> None:
    simulator.quirks(session_error=form)
    assert not module("fota_license_info").failed
    simulator.clock(seconds)
    simulator.forget_requests()
    outcome = module("fota_license_info")
    assert not outcome.failed
    assert logins(simulator) == expected


def test_a_session_that_is_refused_for_ever_is_renewed_once(simulator: Simulator, module: Module) -> None:
    simulator.faults({"action": "expire_session", "operation": "fota_list", "times": 0})
    outcome = module(devices=imeis(3))
    assert outcome.failed
    assert not outcome.changed
    assert "The Session has expired." in outcome.message
    assert logins(simulator) == (1, 2)
    assert simulator.count("fota_list") == 2
    assert outcome.code == "auth_rejected", "the code whose meaning is that tokens are refused after a new login"


@pytest.mark.parametrize("form", ["m2m_400", "diagnostics_401"])
def test_eight_threads_renew_together(simulator: Simulator, module: Module, form: str) -> None:
    simulator.quirks(session_error=form, latency=0.02)
    simulator.faults({"action": "expire_session", "operation": "fota_assign", "after": 4})
    outcome = module(devices=imeis(40), batch_size=1, max_concurrency=8, report="all")
    assert not outcome.failed
    assert set(outcome.rows.values()) == {"assigned"}
    assert logins(simulator) == (1, 2)


def test_processes_that_share_a_session_log_in_once(simulator: Simulator, module: Module) -> None:
    simulator.quirks(new_login_ends_old_session=True)
    running = [module.start("fota_license_info") for _task in range(2)]
    assert [one.wait().code for one in running] == [None, None]
    assert logins(simulator) == (1, 1)


def test_a_login_elsewhere_costs_one_new_login(simulator: Simulator, module: Module) -> None:
    simulator.quirks(new_login_ends_old_session=True)
    elsewhere = str(module.folder / "elsewhere")
    assert not module("fota_license_info").failed
    assert not module("fota_license_info", runtime_dir=elsewhere).failed
    simulator.forget_requests()
    assert not module("fota_license_info").failed
    assert logins(simulator) == (0, 1)
    simulator.forget_requests()
    both = [module.start("fota_license_info"), module.start("fota_license_info")]
    assert [one.wait().code for one in both] == [None, None]
    assert logins(simulator) == (0, 0)


def handed_over(module: Module) -> dict[str, str]:
    """Tokens as the session module returns them."""
    result = module("session", runtime_dir=str(module.folder / "first")).result
    return {name: result[name] for name in ("access_token", "session_token")}


def test_tokens_handed_over_need_no_credentials(simulator: Simulator, module: Module) -> None:
    tokens = handed_over(module)
    simulator.forget_requests()
    outcome = module(devices=imeis(2), **NO_CREDENTIALS, **tokens)
    assert not outcome.failed
    assert outcome.changed
    assert logins(simulator) == (0, 0)


@pytest.mark.parametrize(("seconds", "token"), [(TWENTY_ONE_MINUTES, "session_token"), (ONE_HOUR, "access_token")])
def test_tokens_that_ended_without_credentials(simulator: Simulator, module: Module, seconds: int, token: str) -> None:
    tokens = handed_over(module)
    simulator.clock(seconds)
    simulator.forget_requests()
    outcome = module(devices=imeis(2), **NO_CREDENTIALS, **tokens)
    assert outcome.code == "auth_rejected"
    assert not outcome.changed
    assert f"The '{token}' that was handed over is not accepted any more" in outcome.message
    assert "Hand over a fresh token" in outcome.message
    assert logins(simulator) == (0, 0)
    assert simulator.writes() == []


@pytest.mark.parametrize(("seconds", "expected"), [(TWENTY_ONE_MINUTES, (0, 1)), (ONE_HOUR, (1, 1))])
def test_tokens_that_ended_with_credentials(
    simulator: Simulator, module: Module, seconds: int, expected: tuple[int, int]
) -> None:
    tokens = handed_over(module)
    simulator.clock(seconds)
    simulator.forget_requests()
    outcome = module(devices=imeis(2), **tokens)
    assert not outcome.failed
    assert outcome.rows == dict.fromkeys(imeis(2), "assigned")
    assert logins(simulator) == expected


def test_logging_out_ends_the_session(simulator: Simulator, module: Module) -> None:
    assert not module("fota_license_info").failed
    assert simulator.sessions()["sessions"] == 1
    assert module("session", state="absent").changed
    assert simulator.sessions()["sessions"] == 0
    assert not module("session", state="absent").changed
