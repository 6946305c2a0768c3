# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module callback, over a scripted transport."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.modules import callback, callback_info
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Script, Step, lost, step
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner

PATH = f"/m2m/v1/callbacks/{ACCOUNT}"
SERVICE = "CarrierService"
DONE = {"accountName": ACCOUNT, "serviceName": SERVICE}
URL = "https://callbacks.example.com/thingspace"
OTHER_URL = "https://elsewhere.example.com/"
TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}
OLD, NEW = "old+Geheim", "new+Geheim"
WANTED = {"url": URL, "callback_username": "to-us", "callback_password": NEW}


def listed(*rows: dict[str, t.Any]) -> Step:
    return step("GET", PATH, 200, [{**DONE, **row} for row in rows])


def held(**fields: t.Any) -> Step:
    """The list with the wanted listener but for these fields, and one of another service."""
    other = {"serviceName": "DeviceService", "url": OTHER_URL, "username": "other", "password": "third+Geheim"}
    return listed(other, {"url": URL, "username": "to-us", "password": NEW, **fields})


POST = step("POST", PATH, 200, DONE)


class Masking(Script):
    """A script whose answers are masked as those of the real transport."""

    def play(self, _connection: t.Any, mask: t.Callable[[str], str]) -> Masking:
        """Take the place of the transport."""
        self.mask = mask
        return self

    def send(self, request: Request, limit: float) -> Response:
        """See C(Exchange)."""
        return dataclasses.replace(super().send(request, limit), mask=self.mask)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Masking()
    monkeypatch.setattr(client, "Transport", script.play)
    return script


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: Script) -> Run:
    once = runner(callback.main, None, monkeypatch, capsys, account=ACCOUNT, retries=0, _ansible_diff=True, **TOKENS)

    def run(**options: t.Any) -> dict[str, t.Any]:
        result = once(**options)
        assert "Geheim" not in str(result), result
        script.finished()
        return result

    return run


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("before", "options", "sent", "after"),
    [
        ({"url": OTHER_URL}, {}, {}, f"url: {URL}\nusername: to-us\npassword: (set)\n"),
        ({"username": "bob"}, {}, {}, f"url: {URL}\nusername: to-us\npassword: (set)\n"),
        ({"password": OLD}, {}, {}, f"url: {URL}\nusername: to-us\npassword: (changed)\n"),
        ({"password": None}, {}, {}, f"url: {URL}\nusername: to-us\npassword: (set)\n"),
        (
            {"url": OTHER_URL, "password": OLD},
            {"update_password": "on_create"},
            {"password": OLD},
            f"url: {URL}\nusername: to-us\npassword: (set)\n",
        ),
        (
            {"url": OTHER_URL, "username": "bob", "password": OLD},
            {"callback_username": OMIT, "callback_password": OMIT},
            {"username": "bob", "password": OLD},
            f"url: {URL}\nusername: bob\npassword: (set)\n",
        ),
        (
            {},
            {"callback_username": "", "callback_password": ""},
            {"username": None, "password": None},
            f"url: {URL}\nusername: (none)\npassword: (none)\n",
        ),
    ],
)
def test_what_differs_is_replaced(
    run: Run,
    script: Script,
    before: dict[str, t.Any],
    options: dict[str, t.Any],
    sent: dict[str, t.Any],
    after: str,
    check_mode: bool,
) -> None:
    script.steps = [held(**before)] if check_mode else [held(**before), POST]
    result = run(**{**WANTED, **options}, _ansible_check_mode=check_mode)
    assert result["changed"] is True
    assert result["diff"]["after"] == after
    if not check_mode:
        full = {"name": SERVICE, "url": URL, "username": "to-us", "password": NEW, **sent}
        assert script.sent[-1].json == {key: value for key, value in full.items() if value is not None}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({"callback_username": OMIT, "callback_password": OMIT}, True),
        ({"callback_password": OMIT}, True),
        ({"callback_username": OMIT, "callback_password": OMIT, "service": "DeviceService"}, False),
        ({}, False),
    ],
)
def test_a_listener_whose_reports_the_receiver_refuses(
    run: Run, script: Script, options: dict[str, t.Any], warned: bool, check_mode: bool
) -> None:
    """One without a user name or a password, if it is for the service that the receiver takes."""
    service = options.get("service", SERVICE)
    posted = step("POST", PATH, 200, {**DONE, "serviceName": service})
    script.steps = [listed()] if check_mode else [listed(), posted]
    result = run(**{**WANTED, **options}, _ansible_check_mode=check_mode)
    assert result["changed"] is True
    assert ("callback_password" in str(result.get("warnings"))) is warned


def test_a_listener_that_stays_is_not_warned_of(run: Run, script: Script) -> None:
    script.steps = [held(username=None, password=None)]
    result = run(url=URL)
    assert (result["changed"], result.get("warnings")) == (False, None)


def test_somebody_else_replaced_it_meanwhile(run: Run, script: Script) -> None:
    foreign = held(url=OTHER_URL, password="fourth+Geheim")
    script.steps = [listed(), *([lost("POST", PATH), foreign] * 3)]
    result = run(**WANTED)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["callback"]["url"] == OTHER_URL


@pytest.mark.parametrize(
    "answer",
    [
        step("GET", PATH, 500, [{**DONE, "password": OLD}]),
        step("GET", PATH, 500, b'[{"serviceName": "CarrierService", "password": "old+Geheim", "ur'),
        step("GET", PATH, 200, b'[{"serviceName": "CarrierService", "password": "old+Geheim", "ur'),
        step("GET", PATH, 200, {"callbacks": [{"password": OLD}]}),
        step("GET", PATH, 200, [{"password": OLD}]),
        step("GET", PATH, 400, {"errorCode": "X", "errorMessage": '{"password": "old+Geheim"}'}),
    ],
)
def test_an_answer_that_quotes_passwords_though_it_is_an_error(run: Run, script: Script, answer: Step) -> None:
    script.steps = [answer]
    assert run(**WANTED)["failed"] is True


@pytest.mark.parametrize("field", ["url", "username"])
def test_an_encoded_password_is_not_shown_and_stays_as_it_is(run: Run, script: Script, field: str) -> None:
    encoded = "".join(f"&#{ord(char)};" for char in OLD)
    script.steps = [held(**{field: encoded, "password": OLD}), POST]
    result = run(url=URL, callback_password=NEW)
    assert result["changed"]
    assert encoded not in str(result["callback"]) + str(result["diff"])
    assert field == "url" or encoded in str(script.sent[-1].json)


@pytest.mark.parametrize("field", ["serviceName", "url", "username"])
def test_an_encoded_password_is_not_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: Script, field: str
) -> None:
    encoded = "".join(f"&#{ord(char)};" for char in OLD)
    script.steps = [held(**{field: f"https://two/{encoded}", "password": OLD})]
    read = runner(callback_info.main, None, monkeypatch, capsys, account=ACCOUNT, retries=0, **TOKENS)
    assert encoded not in str(read()["callbacks"])
