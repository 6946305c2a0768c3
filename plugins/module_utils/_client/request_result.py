# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""What an exchange proves about its request. Every write follows this one rule.

- I(not sent): no byte of the request left.
- I(refused): a complete, well-formed answer that refuses the request and contains no result. A request that got a 429
  is refused and may be repeated after a pause.
- I(expired token): a refusal with 400, 401, or 403 that names a token in a documented form.
- I(done): a complete answer with 200, 201, or 202 that is JSON and names no error. The operation checks whether the
  answer is the wanted one.
- I(in doubt): everything else, whatever it says. Only reading the account can settle it. It is never repeated blindly.
"""

from __future__ import annotations

import enum
import re
import typing as t

from .._errors import TransportError
from .fault import TOKEN_REFUSED, Fault, parse_fault
from .response import Response

TokenKind = t.Literal["access", "session"]


class RequestResult(enum.Enum):
    """What an exchange proves."""

    NOT_SENT = "not sent"
    REFUSED = "refused"
    THROTTLED = "throttled"
    EXPIRED = "expired token"
    DONE = "done"
    IN_DOUBT = "in doubt"


TURNED_AWAY = frozenset({401, 405, 407, 411, 413, 414, 415, 417, 429, 431})
"""Statuses that prove that the request was not processed, whatever the body says (RFC 9110, 6585)."""

_MAY_HAVE_WORKED = frozenset({408, 409, 499})
"""Statuses below 500 that prove no refusal: the request was given up, or it conflicts with its own effect."""

_GOOD = frozenset({200, 201, 202})

_NO_ERROR = re.compile(r"0*|null|none|(?:2\d\d)?[ :]*(?:ok|success(?:ful)?)|2\d\d", re.IGNORECASE)
"""Values of C(errorCode) that name no error: nothing, zero, or the HTTP code of a success."""

_OF_ERRORS = frozenset(
    {
        "errorcode",
        "errormessage",
        "errorurl",
        "error",
        "error_description",
        "error_uri",
        "fault",
        "cause",
        "code",
        "message",
        "description",
        "path",
        "status",
        "timestamp",
    }
)
"""Fields that an error body may have, in lower case. Any other field may be a result."""

_RESULTS = frozenset({"requestid", "devicelist", "servicename", "sessiontoken", "accesstoken"})
"""Fields that only the answer to an executed request has, in lower case."""


def result_of(outcome: Response | TransportError) -> RequestResult:
    """What an exchange proves about its request. It is in doubt unless something else is proven."""
    if isinstance(outcome, TransportError):
        return RequestResult.IN_DOUBT if outcome.in_doubt else RequestResult.NOT_SENT
    if outcome.status in _GOOD:
        return _of_good(outcome.value)
    if not _refuses(outcome):
        return RequestResult.IN_DOUBT
    if outcome.status == 429:
        return RequestResult.THROTTLED
    return RequestResult.REFUSED if expired_token(outcome) is None else RequestResult.EXPIRED


def names_error(value: t.Any) -> bool:
    """Whether a JSON value is an error body: it has a nonempty error code, or a fault."""
    if not isinstance(value, dict):
        return False
    code = value.get("errorCode")
    named = bool(value.get("fault")) or bool(value.get("error"))
    return named or not (code is None or code is False or _NO_ERROR.fullmatch(str(code).strip()))


def expired_token(response: Response) -> TokenKind | None:
    """Which token a refusal calls expired or invalid, in any documented form; None for neither.

    Sources: Synchronous Error Messages (400 SessionToken codes, gateway 900901/900902), the error pages of the sibling
    services location (400 "UWS verification failure (The Session has expired.)"), diagnostics (401 INVALID_ACCOUNT) and
    cloud connector ({"error": "unauthorized", ... UWS ...}).
    """
    if response.status not in (400, 401, 403) or not _refuses(response):
        return None
    fault = parse_fault(response.body)
    text = f"{fault.code} {fault.message}".lower()
    if "sessiontoken" in text or "session token" in text or "session has expired" in text:
        return "session"
    if fault.gateway:
        return "access" if fault.code in TOKEN_REFUSED else None
    if "uws" in text and ("unauthorized" in text or response.status == 401):
        return "session"
    if response.status == 401:
        return "access" if fault.code == "invalid_token" else "session"
    return None


def _of_good(value: t.Any) -> RequestResult:
    if not names_error(value):
        return RequestResult.DONE if isinstance(value, (dict, list)) else RequestResult.IN_DOUBT
    return RequestResult.REFUSED if _only_of_errors(value) else RequestResult.IN_DOUBT


def _refuses(response: Response) -> bool:
    """Whether an answer with another status proves a refusal."""
    if not 400 <= response.status < 500 or response.status in _MAY_HAVE_WORKED:
        return False
    # A module compiles what it imports, each time. Most tasks are refused nothing.
    from .whole_body import is_whole_body  # pylint: disable=import-outside-toplevel

    if not is_whole_body(response):
        return False
    value = response.value
    if _shows_result(value):
        return False
    if isinstance(value, dict):
        return names_error(value) or _only_of_errors(value)
    return response.status in TURNED_AWAY or _is_fault(parse_fault(response.body))


def _shows_result(value: t.Any) -> bool:
    """Whether a JSON value contains a result anywhere."""
    if isinstance(value, list):
        return any(map(_shows_result, value))
    if not isinstance(value, dict):
        return False
    if any(held and name.lower().replace("_", "") in _RESULTS for name, held in value.items()):
        return True
    # Anything else with a list may list what was done.
    strange = any(held and isinstance(held, list) for name, held in value.items() if name.lower() not in _OF_ERRORS)
    return strange or any(map(_shows_result, value.values()))


def _only_of_errors(value: dict[str, t.Any]) -> bool:
    if "success" in str(value.get("status")).lower():
        return False
    return all(name.lower() in _OF_ERRORS for name, held in value.items() if held)


def _is_fault(fault: Fault) -> bool:
    """Whether markup is a gateway error (documented as XML for 403) and not some other page."""
    return fault.gateway and bool(fault.code)
