# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module session, over a scripted transport."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client
from ansible_collections.thingspace.licensing.plugins.modules import session
from ansible_collections.thingspace.licensing.tests.support.fakes import LOGIN, LOGOUT, OAUTH, Script, step
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

IN = (
    step("POST", OAUTH, 200, {"access_token": "the-access-token", "expires_in": 3600}),
    step("POST", LOGIN, 200, {"sessionToken": "the-session-token"}),
)
OUT = step("POST", LOGOUT, 200, {"sessionToken": "the-session-token"})


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(client, "Transport", lambda _connection, _mask: script)
    return script


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    return runner(session.main, None, monkeypatch, capsys, runtime_dir=str(tmp_path / "run"))


def test_log_in_once_and_out_once(run: Run, script: Script) -> None:
    script.steps = [*IN]
    first = run()
    assert (first["changed"], first["access_token"], first["session_token"]) == (
        True,
        "the-access-token",
        "the-session-token",
    )
    second = run()
    assert (second["changed"], second["access_token"]) == (False, "the-access-token")
    script.steps = [OUT]
    assert run(state="absent")["changed"] is True
    assert run(state="absent")["changed"] is False
    script.finished()


def test_check_mode_asks_nothing(run: Run, script: Script) -> None:
    dry = run(_ansible_check_mode=True)
    assert (dry["changed"], dry["access_token"], dry["session_token"]) == (True, None, None)
    assert run(state="absent", _ansible_check_mode=True)["changed"] is False
    script.steps = [*IN]
    run()
    assert run(_ansible_check_mode=True)["changed"] is False
    assert run(state="absent", _ansible_check_mode=True)["changed"] is True
    script.finished()


def test_secrets_stay_secret_on_failure(run: Run, script: Script) -> None:
    words = {"errorCode": "X", "errorMessage": "user or pass-word wrong, pass%2Dword app-secret"}
    script.steps = [IN[0], step("POST", LOGIN, 400, words)]
    result = run()
    assert result["failure"]["code"] == "login_refused"
    text = str({key: value for key, value in result.items() if key != "invocation"})
    assert "pass-word" not in text
    assert "app-secret" not in text


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"state": "open"}, "invalid_options"),
        ({"account": "x"}, "invalid_options"),
        ({"username": None, "password": None}, "missing_credentials"),
    ],
)
def test_bad_input(run: Run, script: Script, options: dict[str, t.Any], code: str) -> None:
    assert run(**options)["failure"]["code"] == code
    assert script.sent == []


def test_directory_that_cannot_be_used(run: Run, script: Script, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    result = run()
    assert (result["failed"], result["failure"]["code"]) == (True, "runtime_dir_unusable")
    assert script.sent == []
