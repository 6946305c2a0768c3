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
from ansible_collections.thingspace.licensing.plugins.modules import callback
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
DELETE = step("DELETE", f"{PATH}/name/{SERVICE}", 200, DONE)


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


def test_a_new_listener(run: Run, script: Script) -> None:
    script.steps = [listed(), POST]
    result = run(**WANTED)
    assert result["changed"] is True
    assert result["callback"] == {"account": ACCOUNT, "service": SERVICE, "url": URL, "username": "to-us"}
    assert (result["diff"]["before"], result["diff"]["after"]) == (
        "",
        f"url: {URL}\nusername: to-us\npassword: (set)\n",
    )
    assert script.sent[-1].json == {"name": SERVICE, "url": URL, "username": "to-us", "password": NEW}


def test_the_same_listener_again(run: Run, script: Script) -> None:
    script.steps = [held()]
    result = run(**WANTED)
    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"] != ""


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


@pytest.mark.parametrize("options", [{"update_password": "on_create"}, {"callback_password": OMIT}])
def test_a_password_that_shall_stay_is_not_compared(run: Run, script: Script, options: dict[str, t.Any]) -> None:
    script.steps = [held(password=OLD)]
    assert run(**{**WANTED, **options})["changed"] is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_remove(run: Run, script: Script, check_mode: bool) -> None:
    script.steps = [held()] if check_mode else [held(), DELETE]
    result = run(state="absent", _ansible_check_mode=check_mode)
    assert result["changed"] is True
    assert result["callback"] == {"account": ACCOUNT, "service": SERVICE, "url": None, "username": None}
    assert (result["diff"]["before"], result["diff"]["after"]) == (
        f"url: {URL}\nusername: to-us\npassword: (set)\n",
        "",
    )


def test_remove_what_is_not_there(run: Run, script: Script) -> None:
    script.steps = [listed()]
    result = run(state="absent")
    assert result["changed"] is False
    assert (result["diff"]["before"], result["diff"]["after"]) == ("", "")


@pytest.mark.parametrize("broken", [lost("POST", PATH), step("POST", PATH, 500), step("POST", PATH, 200, b"<html>")])
def test_a_lost_answer_that_took_effect(run: Run, script: Script, broken: Step) -> None:
    script.steps = [listed(), broken, held()]
    result = run(**WANTED)
    assert (result["changed"], "failed" in result) == (True, False)


def test_a_lost_answer_without_effect_is_sent_again(run: Run, script: Script) -> None:
    script.steps = [held(url=OTHER_URL), lost("POST", PATH), held(url=OTHER_URL), POST]
    assert run(**WANTED)["changed"] is True


def test_a_lost_removal(run: Run, script: Script) -> None:
    script.steps = [held(), lost("DELETE", f"{PATH}/name/{SERVICE}"), listed()]
    assert run(state="absent")["changed"] is True


def test_a_write_that_never_takes_effect(run: Run, script: Script) -> None:
    again = [step("POST", PATH, 500, {"errorCode": "X", "errorMessage": f"sorry {NEW}"}), held(password=OLD)]
    script.steps = [held(password=OLD), *again, *again, *again]
    result = run(**WANTED)
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["failure"]["code"] == "server_error"
    assert "Reading back shows" in result["msg"]
    assert result["diff"]["before"] == result["diff"]["after"]


def test_somebody_else_replaced_it_meanwhile(run: Run, script: Script) -> None:
    foreign = held(url=OTHER_URL, password="fourth+Geheim")
    script.steps = [listed(), *([lost("POST", PATH), foreign] * 3)]
    result = run(**WANTED)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["callback"]["url"] == OTHER_URL


def test_what_cannot_be_found_out_is_said(run: Run, script: Script) -> None:
    script.steps = [listed(), lost("POST", PATH), lost("GET", PATH)]
    result = run(**WANTED)
    assert result["failure"]["code"] == "outcome_unknown"
    assert result["msg"].startswith("It is not known what became of the listener")
    assert "callback" not in result


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (step("POST", PATH, 400, {"errorCode": "X", "errorMessage": f"no {NEW} and no {OLD}"}), "api_rejected"),
        (step("POST", PATH, 429), "rate_limited"),
    ],
)
def test_a_refusal(run: Run, script: Script, answer: Step, code: str) -> None:
    script.steps = [held(password=OLD), answer]
    result = run(**WANTED)
    assert (result["failure"]["code"], result["changed"]) == (code, False)
    assert result["callback"]["url"] == URL


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


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        ({"url": OMIT}, "invalid_options", 1),
        ({"url": "http://x.example.com/"}, "insecure_url", 1),
        ({"url": "https://robot:a+Geheim@x.example.com:1/", "callback_password": "<" + NEW * 9}, "invalid_options", 4),
        ({"callback_username": "user"}, "invalid_options", 1),
        ({"account": "../x", "callback_username": "user"}, "invalid_options", 2),
        ({"account": "../x"}, "invalid_account", 1),
    ],
)
def test_bad_input(run: Run, script: Script, options: dict[str, t.Any], code: str, count: int) -> None:
    result = run(**{**WANTED, **options})
    assert (result["failure"]["code"], result["failure"]["problem_count"]) == (code, count)
    assert result["changed"] is False


@pytest.mark.parametrize(
    "options", [{"account": OMIT}, {"service": "Other"}, {"state": "x"}, {"update_password": "no"}]
)
def test_options_that_are_missing_or_unknown(run: Run, options: dict[str, t.Any]) -> None:
    assert run(**{**WANTED, **options})["failure"]["code"] == "invalid_options"


@pytest.mark.parametrize("field", ["url", "username"])
def test_an_encoded_password_is_not_shown_and_stays_as_it_is(run: Run, script: Script, field: str) -> None:
    encoded = "".join(f"&#{ord(char)};" for char in OLD)
    script.steps = [held(**{field: encoded, "password": OLD}), POST]
    result = run(url=URL, callback_password=NEW)
    assert result["changed"]
    assert encoded not in str(result["callback"]) + str(result["diff"])
    assert field == "url" or encoded in str(script.sent[-1].json)
