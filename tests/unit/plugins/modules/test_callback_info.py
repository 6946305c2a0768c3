# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module callback_info, over a scripted transport."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client
from ansible_collections.thingspace.licensing.plugins.modules import callback_info
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Script, step
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

PATH = f"/m2m/v1/callbacks/{ACCOUNT}"
TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}
LISTED: list[dict[str, t.Any]] = [
    {"serviceName": "CarrierService", "url": "https://one/", "username": "to-us", "password": "one+Geheim"},
    {"serviceName": "DeviceService", "url": "https://robot:two%2BGeheim@two/", "username": None, "password": ""},
]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(step("GET", PATH, 200, LISTED))
    monkeypatch.setattr(client, "Transport", lambda _connection, _mask: script)
    return script


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: Script) -> Run:
    return runner(callback_info.main, None, monkeypatch, capsys, account=ACCOUNT, retries=0, **TOKENS)


CARRIER = {
    "account": ACCOUNT,
    "service": "CarrierService",
    "url": "https://one/",
    "username": "to-us",
    "has_password": True,
}


@pytest.mark.parametrize("check_mode", [True, False])
def test_all(run: Run, check_mode: bool) -> None:
    result = run(_ansible_check_mode=check_mode)
    assert result["changed"] is False
    assert result["callbacks"][0] == CARRIER
    assert (result["callbacks"][1]["service"], result["callbacks"][1]["has_password"]) == ("DeviceService", False)
    assert "Geheim" not in str(result)


def test_one_service(run: Run) -> None:
    assert run(service="CarrierService")["callbacks"] == [CARRIER]


def test_none_of_that_service(run: Run) -> None:
    assert run(service="StateService")["callbacks"] == []


@pytest.mark.parametrize(
    ("options", "code"), [({"service": "x"}, "invalid_options"), ({"account": "/"}, "invalid_account")]
)
def test_bad_input(run: Run, script: Script, options: dict[str, t.Any], code: str) -> None:
    assert run(**options)["failure"]["code"] == code
    assert script.sent == []


@pytest.mark.parametrize("field", ["serviceName", "url", "username"])
def test_an_encoded_password_is_left_out(run: Run, script: Script, field: str) -> None:
    encoded = "".join(f"&#{ord(char)};" for char in "one+Geheim")
    script.steps = [step("GET", PATH, 200, [{**LISTED[0], field: f"https://two/{encoded}"}])]
    assert encoded not in str(run()["callbacks"])
