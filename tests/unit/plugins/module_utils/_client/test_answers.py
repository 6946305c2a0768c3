# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Understanding answers: families of errors, forms of an expired token, ends of decode, and types of fields."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.answers import decode, number, text
from ansible_collections.thingspace.licensing.plugins.module_utils._client.fault import (
    Fault,
    one_line,
    parse_fault,
    parse_json,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.request_result import expired_token
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError
from ansible_collections.thingspace.licensing.tests.support.fakes import answer

XML_403 = (
    b'<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code><am:type>Status report</am:type>'
    b"<am:message>Not Found</am:message><am:description>The requested resource is not available.</am:description>"
    b"</am:fault>"
)
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1 class='x'> Proxy </h1>text</body></html>"
NO_TOKEN = "UnifiedWebService.REQUEST_FAILED.SessionToken.Format"
EXPIRED = {
    "errorCode": "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired",
    "errorMessage": "The Session has expired.",
}


def gateway(code: str | int, message: str = "Invalid Credentials", description: str = "") -> dict[str, t.Any]:
    """An error body of the gateway."""
    return {"fault": {"code": code, "message": message, "description": description}}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"errorCode": "INVALID_PARAMETER", "errorMessage": "No"}, Fault("INVALID_PARAMETER", "No")),
        ({"errorCode": 400, "errorMessage": None}, Fault("400", "")),
        (gateway("900901", "Invalid", "Access failure"), Fault("900901", "Invalid. Access failure", True)),
        (gateway(900901), Fault("900901", "Invalid Credentials", True)),
        (
            {"error": "invalid_client", "error_description": "A valid OAuth client could not be found"},
            Fault("invalid_client", "A valid OAuth client could not be found"),
        ),
        (
            {"error": "unauthorized", "error_description": "UWS V1 REST", "cause": "not authorized"},
            Fault("unauthorized", "UWS V1 REST. not authorized"),
        ),
        (XML_403, Fault("404", "Not Found. The requested resource is not available.", True)),
        (HTML, Fault("", "Sign in. Proxy")),
        (b"Service Unavailable", Fault("", "Service Unavailable")),
        (b"<p>Bad <b>gateway</b></p>", Fault("", "Bad gateway")),
        (b"", Fault("", "")),
        (b"[]", Fault("", "[]")),
        ({}, Fault("", "")),
        ({"fault": "text"}, Fault("", "")),
        ({"errorCode": "a\n\tb", "errorMessage": "c\x1b[31m d"}, Fault("a b", "c [31m d")),
        (b"\xff\xfe\x00bad", Fault("", "\ufffd\ufffd bad")),
    ],
)
def test_parse_fault(body: t.Any, fault: Fault) -> None:
    assert parse_fault(body if isinstance(body, bytes) else json.dumps(body).encode()) == fault


def test_page_of_a_proxy_is_not_the_gateway() -> None:
    page = b'<html><head><title>Forbidden</title></head><body class="default">by policy</body></html>'
    assert parse_fault(page).gateway is False


def test_long_texts_are_bounded() -> None:
    fault = parse_fault(json.dumps({"errorCode": "C", "errorMessage": "x" * 5000}).encode())
    assert fault.message == "x" * 297 + "..."


SECRET, TOKEN = "correct-horse-battery", "t0ken-" * 300


@pytest.mark.parametrize("before", [" ", "\n", "\u200b", " \r\n", TOKEN, f"<{'a' * 1_000}>", "x"])
@pytest.mark.parametrize("missing", [1, 3, 10, 16, 30])
@pytest.mark.parametrize("cut", [300, 2_000, 6_000, 20_000])
def test_no_part_of_a_secret_comes_into_view(before: str, missing: int, cut: int) -> None:
    """What is searched for secrets ends somewhere, perhaps within one; what is taken out before brings that nearer."""
    register = SecretRegister(lambda _secret: None)
    register.remember(SECRET, TOKEN)
    text = (before * cut)[: cut - len(SECRET) + missing] + SECRET
    assert "corr" not in one_line(text, register.mask)
    assert "corr" not in parse_fault(text.encode(), register.mask).text


def test_a_large_error_is_not_read_as_json() -> None:
    assert parse_fault(b'{"errorCode": "X", "errorMessage": "%b"}' % (b"y" * (2 << 20))).code == ""


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("A", "b"), "A: b"),
        (Fault("A", ""), "A"),
        (Fault("", "b"), "b"),
        (Fault("", ""), "no explanation was given"),
    ],
)
def test_fault_text(fault: Fault, text: str) -> None:
    assert fault.text == text


@pytest.mark.slow
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_body_breaks_the_reading_of_errors(body: bytes) -> None:
    fault = parse_fault(body)
    assert fault.text.isprintable()
    assert len(fault.code) <= 300


@pytest.mark.parametrize("body", [b"", b"{", b"<x/>", b"\xff", b"[" * 200_000, b"9" * 10_000, b'{"a": "\xe4"}'])
def test_parse_json_of_none(body: bytes) -> None:
    assert parse_json(body) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, EXPIRED, "session"),
        (403, EXPIRED, "session"),
        (
            400,
            {"errorCode": "REQUEST_FAILED.SessionToken.Expired", "errorMessage": "The session has expired."},
            "session",
        ),
        (400, {"errorCode": NO_TOKEN, "errorMessage": ""}, "session"),
        (400, {"errorCode": "UnifiedWebService.INPUT_INVALID.SessionToken.Invalid", "errorMessage": ""}, "session"),
        (
            400,
            {
                "errorCode": "INVALID_PARAMETER",
                "errorMessage": "UWS verification failure (The Session has expired.)",
            },
            "session",
        ),
        (
            401,
            {
                "errorCode": "INVALID_ACCOUNT",
                "errorMessage": "An error was encountered when trying to verify the UWS account.",
            },
            "session",
        ),
        (
            400,
            {
                "error": "unauthorized",
                "error_description": "Failure response received for UWS V1 REST accounts: [400]",
                "cause": "Requested service is unauthorized for given token",
            },
            "session",
        ),
        (401, gateway("900901"), "access"),
        (401, gateway(900901), "access"),
        (401, gateway("900902", "Missing Credentials"), "access"),
        (401, gateway("900903", "Access Token Expired"), "access"),
        (403, gateway("900908", "Resource forbidden"), None),
        (401, {"error": "invalid_token", "error_description": "expired"}, "access"),
        (401, b"", "session"),
        (401, HTML, "session"),
        (403, XML_403, None),
        (403, {"errorCode": "FORBIDDEN", "errorMessage": "no"}, None),
        (400, {"errorCode": "INVALID_PARAMETER", "errorMessage": "Invalid account name format"}, None),
        (
            400,
            {"errorCode": "INVALID_PARAMETER", "errorMessage": "UWS verification failure (Could not find account x)"},
            None,
        ),
        (400, gateway("900906", "No matching resource"), None),
        (404, gateway("404", "Not Found"), None),
        (429, gateway("900802", "Message throttled out"), None),
        (500, {"errorCode": "INTERNAL_SYSTEM_ERROR", "errorMessage": ""}, None),
        (503, b"", None),
        (200, EXPIRED, None),
        (302, b"", None),
    ],
)
def test_expired_token(status: int, body: t.Any, kind: str | None) -> None:
    assert expired_token(answer(status, body)) == kind


def test_401_page_of_a_proxy_is_not_mistaken_for_the_gateway() -> None:
    page = b"<html><title>Unauthorized</title><body>default page</body></html>"
    assert expired_token(answer(401, page)) == "session"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_good_answer(status: int) -> None:
    assert decode(answer(status, {"a": [1, None]})) == {"a": [1, None]}


def failure(status: int, body: t.Any) -> dict[str, t.Any]:
    """The failure that an answer becomes, with C(in_doubt) and without its text."""
    with pytest.raises(ApiError) as raised:
        decode(answer(status, body))
    assert "do it" in raised.value.message
    values = raised.value.as_failure()
    assert values.pop("status") == status == raised.value.status
    values.pop("message")
    return {**values, "effect": raised.value.in_doubt}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"errorCode": "INVALID_PARAMETER", "errorMessage": "Input binding error"}, "api_rejected"),
        (404, {"errorCode": "X", "errorMessage": "m"}, "api_rejected"),
        (405, {"errorCode": "X", "errorMessage": "m"}, "api_rejected"),
        (413, {"errorCode": "X", "errorMessage": "m"}, "api_rejected"),
        (401, {"errorCode": "X", "errorMessage": "m"}, "auth_rejected"),
        (403, {"errorCode": "X", "errorMessage": "m"}, "auth_rejected"),
        (400, {"errorCode": "UWS.REQUEST_FAILED.AccountNotFound", "errorMessage": "m"}, "account_not_found"),
        (400, {"errorCode": "X", "errorMessage": "UWS (Could not find account 1)"}, "account_not_found"),
        (400, {"errorCode": "INVALID_PARAMETER", "errorMessage": "Invalid account name format"}, "invalid_account"),
        (200, {"errorCode": "INVALID_PARAMETER", "errorMessage": "m"}, "api_rejected"),
        (429, {"errorCode": "X", "errorMessage": "m"}, "rate_limited"),
    ],
)
def test_refusals(status: int, body: dict[str, str], code: str) -> None:
    assert failure(status, body) == {
        "code": code,
        "api_code": body["errorCode"],
        "api_message": body["errorMessage"],
        "effect": False,
    }


@pytest.mark.parametrize(
    ("status", "body", "code", "api_code"),
    [
        (400, gateway("900906", "No matching resource"), "api_rejected", "900906"),
        (401, gateway("900901"), "auth_rejected", "900901"),
        (400, gateway("900902"), "auth_rejected", "900902"),
        (200, gateway("900901"), "auth_rejected", "900901"),
        (403, XML_403, "auth_rejected", "404"),
        (404, XML_403, "api_rejected", "404"),
    ],
)
def test_refusals_of_the_gateway(status: int, body: t.Any, code: str, api_code: str) -> None:
    values = failure(status, body)
    assert (values["code"], values["api_code"], values["effect"]) == (code, api_code, False)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520])
def test_server_errors_may_have_had_an_effect(status: int) -> None:
    values = failure(status, HTML)
    assert values == {"code": "server_error", "api_code": "", "api_message": "Sign in. Proxy", "effect": True}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(status: int) -> None:
    assert failure(status, b"") == {"code": "redirected", "effect": True}


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"", "HTTP 200 and nothing"),
        (b" \r\n", "HTTP 200 and nothing"),
        (b"[]", "a JSON list, not an object"),
        (b'"x"', "a JSON str, not an object"),
        (b" <html>", "an HTML or XML page"),
        (b'{"a": ', "something that is not JSON"),
        (b"null", "something that is not JSON"),
        ('{"a": "\u00e4"}'.encode("latin-1"), "something that is not JSON"),
    ],
)
def test_good_status_without_a_good_body(body: bytes, seen: str) -> None:
    with pytest.raises(ApiError, match=seen) as raised:
        decode(answer(200, body))
    assert (raised.value.code, raised.value.status, raised.value.in_doubt) == ("bad_answer", 200, True)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": 3}, 3),
        ({"a": "3"}, 3),
        ({"a": " 3 ", "b": 5}, 3),
        ({"a": "", "b": 5}, 5),
        ({"a": 0, "b": 5}, 0),
        ({"a": None, "b": 5}, 5),
        ({"a": "many", "b": 5}, 5),
        ({"a": True, "b": 5}, 5),
        ({"a": [], "b": {}}, None),
        ({"a": float("inf"), "b": float("nan")}, None),
        ({"a": float("-inf"), "b": 10**13}, None),
        ({}, None),
    ],
)
def test_number(value: dict[str, t.Any], found: int | None) -> None:
    assert number(value, ("a", "b")) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [({"a": "x"}, "x"), ({"a": 7}, "7"), ({"a": None, "b": "y"}, "y"), ({"a": "", "b": "y"}, ""), ({}, "")],
)
def test_text(value: dict[str, t.Any], found: str) -> None:
    assert text(value, ("a", "b")) == found
