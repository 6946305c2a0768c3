# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the answer to a token request, a login, or a logout means. One function decides it for all of them.

Such an answer may repeat the secrets from its request. So only its HTTP status is quoted, and documented codes in our
own spelling.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._error_codes import Code
from .._errors import ApiError
from .answers import decode
from .fault import NO_RESOURCE, TOKEN_REFUSED, parse_fault
from .response import Response

REFUSED = "UnifiedWebService.INPUT_INVALID.Password.Invalid"

_KNOWN = frozenset(
    {
        *TOKEN_REFUSED,
        NO_RESOURCE,
        *("900800", "900801", "900802", "900803", "900804", "900805", "900806"),
        *("invalid_request", "invalid_client", "invalid_grant"),
        *("unauthorized_client", "unsupported_grant_type", "invalid_scope"),
        *("INPUT_INVALID.Password.Invalid", "INPUT_INVALID.Request.InvalidCharacter", "INPUT_INVALID.RequestUndefined"),
        *("REQUEST_FAILED.SessionToken.Expired", "REQUEST_FAILED.SessionToken.Format"),
        *("INPUT_INVALID.SessionToken.Invalid", "REQUEST_FAILED.UnexpectedError", "DeserializationFailed"),
    }
)
"""Sources: Synchronous Error Messages, the OAuth errors of the SDKs."""

_SERVICES = ("UnifiedWebService", "DeviceService")


class LoginRefused(ApiError):
    """ThingSpace checked the credentials and refused them, or its answer looks like that."""


class AccessRefused(ApiError):
    """The gateway rejected a login because of the access token."""


class Subject(t.NamedTuple):
    """Whose credentials a request carries.

    :param words: their name in messages.
    :param access_token: whether the request also carries an access token, which the gateway may refuse instead.
    :param why: why nobody should try again and again.
    """

    words: str
    access_token: bool
    why: str


APPLICATION = Subject("the application's credentials ('client_id', 'client_secret')", access_token=False, why=".")
USER = Subject(
    "the user's login ('username', 'password')",
    access_token=True,
    why=": a user's account locks after five refused logins, and only Verizon can unlock it.",
)


def token_and_value(answer: Response, subject: Subject, field: str) -> tuple[str, dict[str, t.Any]]:
    """The token in an answer that reports success and nothing else, and the whole answer.

    :raises LoginRefused: it looks like an answer of ThingSpace and does not report success.
    :raises AccessRefused: the gateway refused the access token.
    :raises ApiError: anything else. ThingSpace may still have checked the credentials.
    """
    fault, complaint = _complaint(answer)
    if not complaint and answer.status in (200, 201, 202):
        value = answer.value
        if not isinstance(value, dict):
            value = decode(answer)  # says what it is instead
        return _token(value, field, answer.status), value
    raise _failure(answer, subject, fault, complaint)


def logout_problem(answer: Response) -> ApiError | None:
    """Why a logout failed. None if the session has ended, even if it had ended before."""
    if answer.status == 429:
        return _throttled(answer)
    return _server_error(answer) if answer.status >= 500 else None


def _failure(answer: Response, subject: Subject, fault: str, complaint: bool) -> ApiError:
    """The problem with an answer that does not report success. In doubt, it counts as a refusal."""
    status = answer.status
    if status == 429 and known_code(answer) != REFUSED:
        return _throttled(answer)
    if fault:
        return _gateway_failure(answer, subject, fault)
    if complaint:
        return _refused(answer, subject)
    if status >= 500 or status == 408:
        return _server_error(answer)
    if 400 <= status < 500:
        return _client_error(answer, subject)
    if 300 <= status < 400:
        decode(dataclasses.replace(answer, body=b""))
    return _error(answer, _NO_ANSWER, "bad_answer")


def _gateway_failure(answer: Response, subject: Subject, fault: str) -> ApiError:
    if fault == NO_RESOURCE or answer.status == 404:
        return _error(answer, _NOTHING_THERE, "api_rejected")
    if answer.status in (400, 401, 403) and (fault in TOKEN_REFUSED or answer.status == 403):
        return _access_refused(answer) if subject.access_token else _refused(answer, subject)
    return _server_error(answer) if answer.status >= 500 else _error(answer, _NO_ANSWER, "bad_answer")


def _client_error(answer: Response, subject: Subject) -> ApiError:
    """A status that blames the request, without any text from ThingSpace."""
    if answer.status in (404, 405):
        return _error(answer, _NOTHING_THERE, "api_rejected")
    if answer.status == 407:
        return _error(answer, _PROXY_ASKS, "connection_failed")
    if answer.body.lstrip()[:1] == b"<":
        return _error(answer, _PROXY_ANSWERED, "bad_answer")
    return _refused(answer, subject)


_NOTHING_THERE = "nothing is there to log in to. Check 'base_url' (it ends in /api)."
_PROXY_ASKS = "the proxy requires a login. Put its user and password into the proxy variables."
_PROXY_ANSWERED = "that is an HTML or XML page, so the proxy or a firewall in between answered, and not ThingSpace."
_NO_ANSWER = "that is not a ThingSpace answer. Check 'base_url' and any proxy in between."


def _complaint(answer: Response) -> tuple[str, bool]:
    """The code of a gateway fault ("?" if it has none), and whether the answer contains an error of any kind."""
    value = answer.value
    said = parse_fault(answer.body)
    if said.gateway:
        return said.code or "?", True
    if not isinstance(value, dict):
        return "", False
    said_lower = {name.lower(): held for name, held in value.items()}
    if said_lower.get("fault"):
        return "?", True
    codes = (said_lower.get(name) for name in ("errorcode", "error"))
    status = str(said_lower.get("status") or "").lower()
    message = str(said_lower.get("errormessage") or "").lower()
    objects = message not in ("", "success", "ok") or "fail" in status or "error" in status
    return "", objects or any(code not in (None, "", 0, "0") for code in codes)


def _refused(answer: Response, subject: Subject) -> ApiError:
    text = f"ThingSpace refused {subject.words} ({_status(answer)}). Correct them before running again{subject.why}"
    return LoginRefused(text, code="login_refused", status=answer.status, api_code=known_code(answer))


def _access_refused(answer: Response) -> ApiError:
    text = (
        f"ThingSpace's gateway refused the access token of a login ({_status(answer)}). Check the access token that "
        "was handed over, or 'client_id' and 'client_secret'."
    )
    return AccessRefused(text, code="auth_rejected", status=answer.status, api_code=known_code(answer))


def _throttled(answer: Response) -> ApiError:
    why = "ThingSpace is asked too often. Set 'rate_limit' or lower 'max_concurrency', and run again later."
    return _error(answer, why, "rate_limited")


def _server_error(answer: Response) -> ApiError:
    return _error(answer, "a server error. Run again later.", "server_error")


def _error(answer: Response, why: str, code: Code) -> ApiError:
    return ApiError(
        f"'{answer.operation}' was answered with {_status(answer)}: {why}",
        code=code,
        status=answer.status,
        in_doubt=True,
        api_code=known_code(answer),
    )


def _status(answer: Response) -> str:
    code = known_code(answer)
    return f"HTTP {answer.status}" + (f", {code}" if code else "")


def known_code(answer: Response) -> str:
    """The error code of an answer if it is documented; empty for any other text."""
    service, _dot, rest = (code := parse_fault(answer.body).code).partition(".")
    if code in _KNOWN:
        return code
    if rest not in _KNOWN or not re.fullmatch("[A-Za-z]+", service):
        return ""
    return code if service in _SERVICES else rest


_TOKEN = re.compile(r"[!-~]{1,8192}")
"""A token is one word that fits in a header."""


def _token(value: t.Mapping[str, t.Any], field: str, status: int) -> str:
    token = value.get(field)
    if isinstance(token, str) and _TOKEN.fullmatch(token) and token.lower() not in ("null", "none", "undefined"):
        return token
    raise ApiError(
        f"The answer to the login holds no '{field}'. Check 'base_url'.",
        code="bad_answer",
        status=status,
        in_doubt=True,
    )
