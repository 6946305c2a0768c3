# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form of answer to a token request and to a login, judged by what arrived at a server that speaks raw bytes.

Three processes that share the guard try twice each. Whatever comes back, the password arrives four times at most.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_guard import HOUR
from ansible_collections.thingspace.licensing.tests.support.fakes import LOGIN, OAUTH
from ansible_collections.thingspace.licensing.tests.support.hostile_login import (
    GOOD,
    RESET,
    SILENCE,
    HostileServer,
    http,
    log_in,
)

WRONG = {"errorCode": "UnifiedWebService.INPUT_INVALID.Password.Invalid", "errorMessage": "Wrong."}
OTHER = {"errorCode": "DeviceService.REQUEST_FAILED.Nobody.Knows", "errorMessage": "Something."}
PAGE = b"<html><title>Blocked</title><body>The firewall says no</body></html>"
XML = b'<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code></am:fault>'
AGAIN = "Retry-After: 0"


def fault(code: str) -> dict[str, t.Any]:
    return {"fault": {"code": code, "message": "No", "description": "Access failure"}}


REFUSED, BLOCKED, LOST = "login_refused", 2, 4

FORMS: dict[str, tuple[bytes, str, str, int]] = {
    # answer, code for a token request, code for a login, how often the password arrives
    "wrong password": (http(400, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 401": (http(401, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 403": (http(403, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 404": (http(404, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 200": (http(200, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 302": (http(302, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 407": (http(407, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 429": (http(429, WRONG, AGAIN), REFUSED, REFUSED, BLOCKED),
    "wrong password, 500": (http(500, WRONG), REFUSED, REFUSED, BLOCKED),
    "wrong password, 503": (http(503, WRONG, AGAIN), REFUSED, REFUSED, BLOCKED),
    "error that nobody knows": (http(418, OTHER), REFUSED, REFUSED, BLOCKED),
    "error that nobody knows, 200": (http(200, OTHER), REFUSED, REFUSED, BLOCKED),
    "error that nobody knows, 429": (http(429, OTHER, AGAIN), "rate_limited", "rate_limited", LOST),
    "message without a code": (http(200, {"errorMessage": "No"}), REFUSED, REFUSED, BLOCKED),
    "error of OAuth": (http(401, {"error": "invalid_client", "error_description": "No"}), REFUSED, REFUSED, BLOCKED),
    "error of OAuth, 200": (http(200, {"error": "invalid_client"}), REFUSED, REFUSED, BLOCKED),
    "token and error": (http(200, {"sessionToken": "S", "access_token": "A", **WRONG}), REFUSED, REFUSED, BLOCKED),
    "401 without a body": (http(401), REFUSED, REFUSED, BLOCKED),
    "400 that is no JSON": (http(400, b"no"), REFUSED, REFUSED, BLOCKED),
    "access token refused": (http(401, fault("900901")), REFUSED, "auth_rejected", LOST),
    "access token missing": (http(401, fault("900902")), REFUSED, "auth_rejected", LOST),
    "wrong authentication in XML": (http(403, XML), REFUSED, "auth_rejected", LOST),
    "access token refused, 500": (http(500, fault("900901")), "server_error", "server_error", LOST),
    "access token refused, 200": (http(200, fault("900901")), "bad_answer", "bad_answer", LOST),
    "gateway throttles": (http(429, fault("900800"), AGAIN), "rate_limited", "rate_limited", LOST),
    "gateway is lost": (http(500, fault("101503")), "server_error", "server_error", LOST),
    "wrong base_url": (http(404, fault("900906")), "api_rejected", "api_rejected", LOST),
    "wrong base_url, 400": (http(400, fault("900906")), "api_rejected", "api_rejected", LOST),
    "404 of a web server": (http(404, PAGE), "api_rejected", "api_rejected", LOST),
    "405": (http(405), "api_rejected", "api_rejected", LOST),
    "page of a proxy, 403": (http(403, PAGE), "bad_answer", "bad_answer", LOST),
    "page of a proxy, 401": (http(401, PAGE), "bad_answer", "bad_answer", LOST),
    "page of a proxy, 200": (http(200, PAGE), "bad_answer", "bad_answer", LOST),
    "page of a proxy, 503": (http(503, PAGE, AGAIN), "server_error", "server_error", LOST),
    "proxy wants a password": (
        http(407, PAGE, "Proxy-Authenticate: Basic"),
        "connection_failed",
        "connection_failed",
        LOST,
    ),
    "redirect": (http(302, b"", "Location: http://127.0.0.1:9/"), "redirected", "redirected", LOST),
    "redirect to nowhere": (http(307), "redirected", "redirected", LOST),
    "not modified": (http(304), "redirected", "redirected", LOST),
    "too many": (http(429, b"", AGAIN), "rate_limited", "rate_limited", LOST),
    "took too long": (http(408), "server_error", "server_error", LOST),
    "502": (http(502, b"", AGAIN), "server_error", "server_error", LOST),
    "nothing": (http(200), "bad_answer", "bad_answer", LOST),
    "no content": (http(204), "bad_answer", "bad_answer", LOST),
    "list": (http(200, [1]), "bad_answer", "bad_answer", LOST),
    "no token": (http(200, {"errorCode": None}), "bad_answer", "bad_answer", LOST),
    "token that is none": (http(200, {"sessionToken": "a\ud800", "access_token": 5}), "bad_answer", "bad_answer", LOST),
    "status that nobody knows": (http(799, {}), "server_error", "server_error", LOST),
    "cut": (http(400, WRONG, length=999), "connection_failed", "connection_failed", LOST),
    "no HTTP": (b"nonsense\r\n\r\n", "connection_failed", "connection_failed", LOST),
    "gzip that is none": (http(400, WRONG, "Content-Encoding: gzip"), "connection_failed", "connection_failed", LOST),
    "closed": (b"", "connection_failed", "connection_failed", LOST),
    "reset": (RESET, "connection_failed", "connection_failed", LOST),
    "silence": (SILENCE, "timeout", "timeout", LOST),
}


@pytest.fixture(scope="module")
def processes() -> t.Iterator[concurrent.futures.Executor]:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
        yield pool


class Table(t.NamedTuple):
    """What a form of answer led to."""

    arrived: int
    codes: list[str]
    messages: str


def tried(path: str, answer: bytes, directory: Path, processes: concurrent.futures.Executor) -> Table:
    """Let three processes try twice each."""
    server = HostileServer({path: answer})
    gate = directory / "gate"
    try:
        runs = [processes.submit(log_in, server.base_url, str(directory / "run"), 2, str(gate)) for _number in range(3)]
        gate.touch()
        found = [one for run in runs for one in run.result(60)]
    finally:
        server.close()
    return Table(
        server.arrived[path], [code for code, _message in found], " ".join(message for _code, message in found)
    )


@pytest.mark.slow
@pytest.mark.parametrize("form", list(FORMS))
def test_a_login(form: str, tmp_path: Path, processes: concurrent.futures.Executor) -> None:
    answer, _code, code, most = FORMS[form]
    table = tried(LOGIN, answer, tmp_path, processes)
    assert table.arrived == most
    assert set(table.codes) == {code, "login_blocked"}
    assert "pass-word" not in table.messages


@pytest.mark.slow
@pytest.mark.parametrize("form", [form for form in FORMS if form != "silence"])
def test_a_token_request(form: str, tmp_path: Path, processes: concurrent.futures.Executor) -> None:
    answer, code, _code, _most = FORMS[form]
    table = tried(OAUTH, answer, tmp_path, processes)
    refused = table.codes.count(REFUSED)
    assert set(table.codes) - {"login_blocked"} == {code}
    assert refused == (2 if code == REFUSED else 0)
    assert table.codes.count("login_blocked") == (4 if code == REFUSED else 0)
    assert "app-secret" not in table.messages


BREAKING = {
    "two lengths": http(400, WRONG, "Content-Length: 5"),
    "redirect to a broken address": http(302, b"", "Location: http://["),
    "redirect to a port that is none": http(302, b"", "Location: http://127.0.0.1:99999999/"),
    "redirect to bytes that are no text": http(302, b"", "Location: http://\udcff\udcfe/"),
    "pause until a year that is none": http(429, WRONG, "Retry-After: Mon, 99999999999999999999 Jan 2026 00:00:00 GMT"),
}
"""Answers that the HTTP library takes for a request that could not be sent."""


@pytest.mark.parametrize("form", list(BREAKING))
def test_a_login_whose_answer_breaks_the_library(
    form: str, tmp_path: Path, processes: concurrent.futures.Executor
) -> None:
    table = tried(LOGIN, BREAKING[form], tmp_path, processes)
    assert 2 <= table.arrived <= 4
    assert "login_blocked" in table.codes


@pytest.mark.parametrize(
    "body",
    [
        {"sessionToken": "S1"},
        {"sessionToken": "S1", "errorCode": None},
        {"sessionToken": "S1", "errorCode": "", "errorMessage": ""},
        {"sessionToken": "S1", "errorCode": "0", "errorMessage": "Success"},
        {"sessionToken": "S1", "expiresIn": 1800, "error": None},
    ],
)
def test_a_success(body: dict[str, t.Any], tmp_path: Path, processes: concurrent.futures.Executor) -> None:
    table = tried(LOGIN, http(200, body), tmp_path, processes)
    assert (table.arrived, set(table.codes)) == (1, {""})


@pytest.mark.parametrize("seconds", [pytest.param(10**400, id="huge"), "1e999", "NaN", None, {}, -5])
def test_an_access_token_of_any_life(seconds: t.Any, tmp_path: Path, processes: concurrent.futures.Executor) -> None:
    body = http(200, {"access_token": "A1", "expires_in": seconds})
    assert set(tried(OAUTH, body, tmp_path, processes).codes) == {""}


def test_after_an_hour_it_is_tried_again_and_a_success_clears_all(tmp_path: Path) -> None:
    server, directory = HostileServer({LOGIN: http(503)}), str(tmp_path / "run")
    try:
        assert {code for code, _message in log_in(server.base_url, directory, 3)} == {"server_error", "login_blocked"}
        assert server.arrived[LOGIN] == 4
        for path in (tmp_path / "run").glob("logins-*.json"):
            state = json.loads(path.read_text(encoding="utf-8"))
            state["attempts"] = [[key, at - HOUR, which, how] for key, at, which, how in state["attempts"]]
            path.write_text(json.dumps(state), encoding="utf-8")
        server.answers[LOGIN] = GOOD[LOGIN]
        assert log_in(server.base_url, directory, 2) == [("", "")] * 2
        assert server.arrived[LOGIN] == 5, "the second finds the session of the first"
    finally:
        server.close()
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "run").glob("logins-*.json")]
    assert [state["attempts"] for state in kept] == [[], []]
