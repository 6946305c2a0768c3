# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client: both tokens on every call, one new login per token, paths that nothing can break out of."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client as client_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client, segments
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Interrupted, Stop
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    CREDENTIALS,
    LOGIN,
    OAUTH,
    Script,
    Step,
    connection,
    headers_of,
    lost,
    step,
    unsent,
)

START = [step("POST", OAUTH, 200, {"access_token": "A1"}), step("POST", LOGIN, 200, {"sessionToken": "S1"})]
NEW_ACCESS = step("POST", OAUTH, 200, {"access_token": "A2"})
NEW_SESSION = step("POST", LOGIN, 200, {"sessionToken": "S2"})
SESSION_GONE = {"errorCode": "UWS.REQUEST_FAILED.SessionToken.Expired", "errorMessage": "The session has expired."}
ACCESS_GONE = {"fault": {"code": "900901", "message": "Invalid Credentials"}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., tuple[Client, Script]]:
    def make(*steps: Step, retries: int = 0) -> tuple[Client, Script]:
        script = Script(*START, *steps)
        monkeypatch.setattr(client_module, "Transport", lambda _connection, _mask: script)
        values = connection(**CREDENTIALS, retries=retries)
        return Client(values, MemoryStore(), SecretRegister(lambda _form: None)), script

    return make


Make = t.Callable[..., tuple[Client, Script]]


def test_call_carries_both_tokens(client: Make) -> None:
    one, script = client(step("POST", "/x", 200, {"a": 1}), step("GET", "/y", 200, {"b": 2}))
    assert one.post("do it", "/x", {"c": 3}) == {"a": 1}
    assert one.get("read it", "/y") == {"b": 2}
    script.finished()
    headers = headers_of(script.sent[2])
    assert (headers["Authorization"], headers["VZ-M2M-Token"]) == ("Bearer A1", "S1")
    assert [request.json for request in script.sent[2:]] == [{"c": 3}, None]
    assert one.count.as_result() == {"sent": 4, "retried": 0, "throttled": 0, "throttled_seconds": 0.0}


@pytest.mark.parametrize(
    ("status", "body", "renewal", "tokens"),
    [
        (400, SESSION_GONE, [NEW_SESSION], ("Bearer A1", "S2")),
        (401, ACCESS_GONE, [NEW_ACCESS], ("Bearer A2", "S1")),
        (401, b"", [NEW_SESSION], ("Bearer A1", "S2")),
    ],
)
def test_expired_token_is_renewed_and_the_call_repeated(
    status: int, body: t.Any, renewal: list[Step], tokens: tuple[str, str], client: Make
) -> None:
    one, script = client(step("POST", "/x", status, body), *renewal, step("POST", "/x", 200, {"a": 1}))
    assert one.post("do it", "/x", {"c": 3}) == {"a": 1}
    script.finished()
    headers = headers_of(script.sent[-1])
    assert (headers["Authorization"], headers["VZ-M2M-Token"]) == tokens
    assert script.sent[-1].json == {"c": 3}


def test_both_tokens_may_expire_in_one_call(client: Make) -> None:
    one, script = client(
        step("GET", "/x", 401, ACCESS_GONE),
        NEW_ACCESS,
        step("GET", "/x", 400, SESSION_GONE),
        NEW_SESSION,
        step("GET", "/x", 200, {}),
    )
    assert one.get("read", "/x") == {}
    script.finished()


@pytest.mark.parametrize(
    ("status", "body", "renewal"), [(400, SESSION_GONE, [NEW_SESSION]), (403, SESSION_GONE, [NEW_SESSION])]
)
def test_each_token_is_renewed_once_and_then_it_fails(
    status: int, body: t.Any, renewal: list[Step], client: Make
) -> None:
    one, script = client(step("GET", "/x", status, body), *renewal, step("GET", "/x", status, body))
    with pytest.raises(LicensingError):
        one.get("read", "/x")
    script.finished()


def test_bare_401_renews_session_then_access_then_fails(client: Make) -> None:
    refused = step("GET", "/x", 401, b"")
    one, script = client(refused, NEW_SESSION, refused, NEW_ACCESS, refused)
    with pytest.raises(LicensingError) as raised:
        one.get("read", "/x")
    assert raised.value.code == "auth_rejected"
    script.finished()


def test_call_names_its_operation_in_errors(client: Make) -> None:
    one, _script = client(step("GET", "/x", 400, {"errorCode": "INVALID_PARAMETER", "errorMessage": "Bad"}))
    with pytest.raises(LicensingError, match=r"refused 'read the list' \(HTTP 400\): INVALID_PARAMETER: Bad\."):
        one.get("read the list", "/x")


@pytest.mark.parametrize(("method", "sent"), [("get", 2), ("post", 1)])
def test_reads_are_repeated_and_writes_are_not(
    method: str, sent: int, client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module.random, "random", lambda: 0.0)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    one, script = client(*[lost(method.upper(), "/x")] * sent, retries=1)
    with pytest.raises(LicensingError):
        one.get("read", "/x") if method == "get" else one.post("write", "/x", {})
    script.finished()


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("licenses", "0000123456-00001"), "/licenses/0000123456-00001"),
        (("a/b", "?x=1", "#y", "%2f", " ", "\u00e4"), "/a%2Fb/%3Fx%3D1/%23y/%252f/%20/%C3%A4"),
        (("",), "/"),
    ],
)
def test_segments(parts: tuple[str, ...], path: str) -> None:
    assert segments(*parts) == path


class Stopping(Stop):
    """Was told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.said = "it got the signal SIGTERM"

    @property
    def why(self) -> str:
        return self.said


@pytest.mark.parametrize(
    ("happened", "counted"),
    [
        (step("POST", "/x", 200, {"a": 1}), 1),
        (step("POST", "/x", 200, b"<html>"), 1),
        (step("POST", "/x", 500), 1),
        (lost("POST", "/x"), 1),
        (step("POST", "/x", 400, {"errorCode": "INVALID_PARAMETER", "errorMessage": "no"}), 0),
        (unsent("POST", "/x"), 0),
    ],
)
def test_writes_that_may_have_been_executed_are_counted(client: Make, happened: Step, counted: int) -> None:
    """Logins and readings are none."""
    one, _script = client(happened)
    with contextlib.suppress(LicensingError):
        one.post("do it", "/x", {})
    assert one.writes == counted


def test_a_write_that_ends_in_a_defect_is_counted(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_response: object) -> t.NoReturn:
        raise LookupError

    monkeypatch.setattr(client_module, "decode", broken)
    one, _script = client(step("POST", "/x", 200), step("DELETE", "/x", 200))
    for count, write in ((1, lambda: one.post("do it", "/x", {})), (2, lambda: one.delete("do it", "/x"))):
        with pytest.raises(LicensingError):
            write()
        assert one.writes == count


def test_nothing_is_sent_after_a_stop(client: Make) -> None:
    """But for reading what became of what was written, and for what must not stay half done."""
    one, script = client(step("POST", "/x", 200, {}), step("GET", "/y", 200, {}), step("POST", "/x", 200, {}))
    stop = one._sender.stop = Stopping()
    tries: list[t.Callable[[], t.Any]] = [lambda: one.get("read", "/y"), lambda: one.post("do it", "/x", {})]
    for send in tries:
        with pytest.raises(Interrupted) as raised:
            send()
        assert raised.value.code == "interrupted"
    assert (script.sent, one.writes) == ([], 0)
    stop.said = ""
    one.post("do it", "/x", {})
    stop.said = "it got the signal SIGTERM"
    stop._since = time.monotonic()
    one.get("read", "/y")
    with pytest.raises(Interrupted):
        one.post("do it", "/x", {})
    one.allow(10)
    one.post("do it", "/x", {})
    stop._allowed_until = stop._since = 0.0
    with pytest.raises(Interrupted):
        one.get("read", "/y")
    script.finished()
    assert one.writes == 2
