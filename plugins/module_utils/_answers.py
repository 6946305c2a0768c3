# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Understanding answers: the four families of error bodies, expired tokens in every documented form, JSON objects.

The families are {errorCode, errorMessage}; {"fault": {...}} of the gateway; {error, error_description} of OAuth;
and XML or HTML. Nothing here sends anything.
"""

from __future__ import annotations

import json
import re
import typing as t

from ._errors import ApiError
from ._transport import Response

TokenKind = t.Literal["access", "session"]


class Fault(t.NamedTuple):
    """What an error body says; empty strings where it says nothing.

    :param code: errorCode, the gateway's fault code, or the OAuth error.
    :param gateway: whether the gateway answered, not the service behind it.
    """

    code: str
    message: str
    gateway: bool = False

    @property
    def text(self) -> str:
        """Code and message for people."""
        return ": ".join(part for part in (self.code, self.message) if part) or "no explanation was given"


Mask = t.Callable[[str], str]

_MAX_TEXT = 300


def parse_json(body: bytes) -> t.Any:
    """The JSON value of a body, or None when it is none (also when it is not UTF-8)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_fault(body: bytes, mask: Mask = str) -> Fault:
    """Read an error body of any family; never raises.

    :param mask: takes secrets out of a text.
    """
    value = parse_json(body)
    if isinstance(value, dict):
        inner = value.get("fault")
        if isinstance(inner, dict):
            message = _join(mask, inner.get("message"), inner.get("description"))
            return Fault(one_line(inner.get("code"), mask), message, gateway=True)
        if "error" in value:
            message = _join(mask, value.get("error_description"), value.get("cause"))
            return Fault(one_line(value["error"], mask), message)
        return Fault(one_line(value.get("errorCode"), mask), one_line(value.get("errorMessage"), mask))
    return _parse_markup(body, mask)


def expired_token(response: Response) -> TokenKind | None:
    """Which token this answer calls expired or invalid, in any of the documented forms; None for neither.

    Sources: Synchronous Error Messages (400 SessionToken codes, gateway 900901/900902), the error pages of the sibling
    services location (400 "UWS verification failure (The Session has expired.)"), diagnostics (401 INVALID_ACCOUNT)
    and cloud connector ({"error": "unauthorized", ... UWS ...}).
    """
    if response.status < 400:
        return None
    fault = parse_fault(response.body, response.mask)
    text = f"{fault.code} {fault.message}".lower()
    if "sessiontoken" in text or "session token" in text or "session has expired" in text:
        return "session"
    if fault.gateway:
        return "access" if fault.code in ("900901", "900902", "900903") else None
    if "uws" in text and ("unauthorized" in text or response.status == 401):
        return "session"
    if response.status == 401:
        return "access" if fault.code == "invalid_token" else "session"
    return None


def decode(response: Response) -> dict[str, t.Any]:
    """The JSON object of a good answer.

    :raises ApiError: any other answer, each with its own code.
    """
    value = _good(response)
    if not isinstance(value, dict):
        raise _garbled(response, value, "an object")
    return t.cast("dict[str, t.Any]", value)


def decode_list(response: Response) -> list[dict[str, t.Any]]:
    """The JSON array of objects of a good answer.

    :raises ApiError: any other answer, each with its own code.
    """
    value = _good(response)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _garbled(response, value, "an array of objects")
    return t.cast("list[dict[str, t.Any]]", value)


def _good(response: Response) -> t.Any:
    """The JSON value of an answer with a good status, None when it is no JSON."""
    what, status = response.operation, response.status
    if 200 <= status < 300:
        value = parse_json(response.body)
        if isinstance(value, dict) and ("fault" in value or "errorCode" in value):
            raise _refused(response, parse_fault(response.body, response.mask))
        return value
    if 300 <= status < 400:
        raise ApiError(
            f"'{what}' was answered with a redirect (HTTP {status}), which the API never does. Check 'base_url'; "
            "a proxy's login page may be in between. It was not followed.",
            code="redirected",
            status=status,
            effect_possible=True,
        )
    fault = parse_fault(response.body, response.mask)
    if status == 429:
        raise ApiError(
            f"ThingSpace kept answering 'too many requests' (HTTP 429) to '{what}', also after waiting. Set "
            "'rate_limit' or lower 'max_concurrency'; running again continues where this run stopped.",
            code="rate_limited",
            status=status,
            api_code=fault.code,
            api_message=fault.message,
        )
    if status >= 500 or status == 408:
        raise ApiError(
            f"ThingSpace answered '{what}' with a server error (HTTP {status}: {fault.text}). Run again later.",
            code="server_error",
            status=status,
            effect_possible=True,
            api_code=fault.code,
            api_message=fault.message,
        )
    raise _refused(response, fault)


def _refused(response: Response, fault: Fault) -> ApiError:
    code, advice = _refusal(response.status, fault)
    if expired_token(response):
        code = "auth_rejected"
        advice = "It refuses the tokens, also right after logging in again; check the user and the application."
    return ApiError(
        f"ThingSpace refused '{response.operation}' (HTTP {response.status}): {fault.text.rstrip('.')}. {advice}",
        code=code,
        status=response.status,
        api_code=fault.code,
        api_message=fault.message,
    )


def _refusal(status: int, fault: Fault) -> tuple[str, str]:
    text = f"{fault.code} {fault.message}".lower()
    if fault.gateway and fault.code in ("900901", "900902", "900903"):
        return "auth_rejected", "The access token is not accepted; check 'client_id' and 'client_secret'."
    if status in (401, 403):
        return "auth_rejected", "Check that the user and the application may use this API."
    if "could not find account" in text or ("account" in text and ("notfound" in text or "not found" in text)):
        return "account_not_found", "Check 'account', and that this user may see it."
    if "account name" in text:
        return "invalid_account", "An account looks like 0000123456-00001."
    if status in (404, 405) or fault.gateway:
        return "api_rejected", "Check 'base_url' (it ends in /api) and 'api_version'."
    return "api_rejected", "Correct what the message names and run again."


def _garbled(response: Response, value: t.Any, wanted: str) -> ApiError:
    if not response.body.strip():
        seen = "nothing"
    elif value is not None:
        seen = f"a JSON {type(value).__name__}, not {wanted}"
    elif response.body.lstrip()[:1] == b"<":
        seen = "an HTML or XML page"
    else:
        seen = "something that is not JSON"
    return ApiError(
        f"'{response.operation}' was answered with HTTP {response.status} and {seen}, which is no ThingSpace answer. "
        "Check 'base_url' and any proxy in between.",
        code="bad_answer",
        status=response.status,
        effect_possible=True,
    )


def _parse_markup(body: bytes, mask: Mask) -> Fault:
    text = body[:20_000].decode("utf-8", "replace")
    code = re.search(r"<(?:\w+:)?code>\s*([^<]*?)\s*<", text)
    gateway = re.search(r"<(?:\w+:)?fault\b", text)
    parts = re.findall(r"<(?:\w+:)?(?:message|description|title|h1)\b[^>]*>\s*([^<]*?)\s*<", text)
    if code or parts:
        message = one_line(". ".join(dict.fromkeys(parts)), mask)
        return Fault(one_line(code.group(1) if code else "", mask), message, bool(gateway))
    return Fault("", one_line(re.sub(r"<[^>]*>", " ", mask(text)), mask))


def _join(mask: Mask, *values: t.Any) -> str:
    return one_line(". ".join(str(value).strip().rstrip(".") for value in values if value), mask)


def one_line(value: t.Any, mask: Mask = str) -> str:
    """One printable line of bounded length.

    :param mask: takes out secrets, before cleaning and cutting make them unrecognisable.
    """
    if value is None:
        return ""
    clean = _clean(mask(str(value)))
    return clean if len(clean) <= _MAX_TEXT else clean[: _MAX_TEXT - 3] + "..."


def _clean(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
