# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every connection option can come from THINGSPACE_<OPTION>, and the option wins."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator

CREDENTIALS = ("client_id", "client_secret", "username", "password")
OTHER_TOKEN = "00000000-0000-4000-8000-000000000000"
NONE = dict.fromkeys((*CREDENTIALS, "base_url", "runtime_dir"))


def test_everything_from_the_environment(simulator: Simulator, module: Module) -> None:
    env = {f"THINGSPACE_{name.upper()}": "not-secret" for name in CREDENTIALS}
    env["THINGSPACE_BASE_URL"] = simulator.base_url
    env["THINGSPACE_RUNTIME_DIR"] = str(module.folder / "shared")
    outcome = module("fota_license_info", env=env, **NONE)
    assert outcome.code is None
    assert list((module.folder / "shared").glob("session-*.json"))
    assert not module.runtime_dir.exists()


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential(simulator: Simulator, module: Module, name: str) -> None:
    variable = f"THINGSPACE_{name.upper()}"
    assert module("fota_license_info", env={variable: "wrong"}).code is None, "the option wins"
    other = str(module.folder / "other")
    options = {name: None, "runtime_dir": other}
    assert module("fota_license_info", env={variable: "wrong"}, **options).code == "login_refused"
    assert module("fota_license_info", env={variable: "not-secret"}, **options).code is None


def test_tokens(simulator: Simulator, module: Module) -> None:
    session = module("session").result
    env = {f"THINGSPACE_{name.upper()}": session[name] for name in ("access_token", "session_token")}
    simulator.forget_requests()
    none = {**NONE, "base_url": simulator.base_url, "runtime_dir": str(module.folder / "other")}
    assert module("fota_license_info", env=env, **none).code is None
    assert simulator.operations() == ["fota_subscription", "fota_list"]
    for name in ("access_token", "session_token"):
        outcome = module("fota_license_info", env=env, **{**none, name: OTHER_TOKEN})
        assert outcome.code == "auth_rejected", "the option wins"


def test_base_url(simulator: Simulator, module: Module) -> None:
    env = {"THINGSPACE_BASE_URL": "http://127.0.0.1:9/api"}
    assert module("fota_license_info", env=env).code is None
    assert module("fota_license_info", env=env, base_url=None, retries=0).code == "connection_failed"


def test_an_empty_runtime_dir_shares_nothing(simulator: Simulator, module: Module) -> None:
    env = {"THINGSPACE_RUNTIME_DIR": ""}
    assert module("fota_license_info", runtime_dir="").code is None
    assert module("fota_license_info", runtime_dir=None, env=env).code is None
    assert simulator.count("session_login") == 2
    assert not list(module.folder.rglob("session-*"))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("timeout", "0"), ("deadline", "0"), ("retries", "-1"), ("max_concurrency", "0"), ("rate_limit", "-2")],
)
def test_a_number(simulator: Simulator, module: Module, name: str, wrong: str) -> None:
    env = {f"THINGSPACE_{name.upper()}": wrong}
    outcome = module("fota_license_info", env=env)
    assert outcome.code == "invalid_options"
    assert f"'{name}' is {wrong}" in outcome.message
    assert simulator.requests() == []
    assert module("fota_license_info", env=env, **{name: 9}).code is None


def test_numbers_from_the_environment_take_effect(simulator: Simulator, module: Module) -> None:
    assert module("fota_license_info").code is None
    simulator.faults({"action": "stall", "operation": "fota_list", "times": 0})
    slow = module("fota_license_info", env={"THINGSPACE_TIMEOUT": "0.7", "THINGSPACE_RETRIES": "0"})
    assert slow.code == "timeout"
    assert "0.7 s" in slow.message
    simulator.clear_faults()
    simulator.faults({"action": "status", "status": 503, "operation": "fota_list", "times": 0})
    short = module("fota_license_info", env={"THINGSPACE_DEADLINE": "1.1", "THINGSPACE_RETRIES": "50"})
    assert short.code == "deadline_exceeded"
    assert "1.1 s" in short.message
