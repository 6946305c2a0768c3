# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""The one reader of answers: the JSON value of a good one, and the fields of that value.

Any other answer becomes an error with a code, a cause, and advice. The spelling of fields differs between versions, and
their types differ from the documents.
"""

from __future__ import annotations

import typing as t

from .._errors import ApiError
from .fault import TOKEN_REFUSED, Fault, parse_fault
from .request_result import RequestResult, expired_token, result_of
from .response import Response

Object = t.Mapping[str, t.Any]
Usable = t.Callable[[t.Any], object]
"""Judges one row of a list."""

LARGEST = 10**12
"""No count is larger than this. A larger number would break later code."""


def decode(response: Response) -> dict[str, t.Any]:
    """The JSON object of a good answer.

    :raises ApiError: any other answer, each with its own code.
    """
    value = _good(response, "an object")
    if not isinstance(value, dict):
        raise _garbled(response, value, "an object")
    return t.cast("dict[str, t.Any]", value)


def decode_list(response: Response) -> list[dict[str, t.Any]]:
    """The JSON array of objects of a good answer.

    :raises ApiError: any other answer, each with its own code.
    """
    value = _good(response, "an array of objects")
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _garbled(response, value, "an array of objects")
    return t.cast("list[dict[str, t.Any]]", value)


def _good(response: Response, wanted: str) -> t.Any:
    """The JSON value of an answer that confirms the request; None if the body is not JSON."""
    result, status = result_of(response), response.status
    if result is RequestResult.DONE:
        return response.value
    in_doubt = result is RequestResult.IN_DOUBT
    if 300 <= status < 400:
        raise ApiError(
            f"'{response.operation}' was answered with a redirect (HTTP {status}), which the API never does. Check "
            "'base_url'; a proxy's login page may be in between. It was not followed.",
            code="redirected",
            status=status,
            in_doubt=in_doubt,
        )
    fault = parse_fault(response.body, response.mask)
    if result is RequestResult.THROTTLED:
        raise _api_error(
            fault,
            f"ThingSpace kept answering 'too many requests' (HTTP 429) to '{response.operation}', also after waiting. "
            "Set 'rate_limit' or lower 'max_concurrency'; running again continues where this run stopped.",
            code="rate_limited",
            status=status,
        )
    if status >= 500 or status == 408:
        raise _api_error(
            fault,
            f"ThingSpace answered '{response.operation}' with a server error (HTTP {status}: {fault.text}). Run again "
            "later.",
            code="server_error",
            status=status,
            in_doubt=in_doubt,
        )
    if in_doubt and status != 409:
        raise _garbled(response, response.value, wanted)
    raise _refused(response, fault, in_doubt)


def _refused(response: Response, fault: Fault, in_doubt: bool) -> ApiError:
    code, advice = _refusal(response.status, fault)
    if expired_token(response):
        code = "auth_rejected"
        advice = "It refuses the tokens, also right after logging in again; check the user and the application."
    return _api_error(
        fault,
        f"ThingSpace refused '{response.operation}' (HTTP {response.status}): {fault.text.rstrip('.')}. {advice}",
        code=code,
        status=response.status,
        in_doubt=in_doubt,
    )


def _api_error(fault: Fault, message: str, **facts: t.Any) -> ApiError:
    """An error that also carries ThingSpace's own code and text."""
    return ApiError(message, api_code=fault.code, api_message=fault.message, **facts)


def _refusal(status: int, fault: Fault) -> tuple[str, str]:
    said = f"{fault.code} {fault.message}".lower()
    if fault.gateway and fault.code in TOKEN_REFUSED:
        return "auth_rejected", "The access token is not accepted; check 'client_id' and 'client_secret'."
    if status in (401, 403):
        return "auth_rejected", "Check that the user and the application may use this API."
    if "could not find account" in said or ("account" in said and ("notfound" in said or "not found" in said)):
        return "account_not_found", "Check 'account', and that this user may see it."
    if "account name" in said:
        return "invalid_account", "An account looks like 0000123456-00001."
    if status in (404, 405) or fault.gateway:
        return "api_rejected", "Check 'base_url' (it ends in /api) and 'api_version'."
    return "api_rejected", "Correct what the message names and run again."


def _garbled(response: Response, value: t.Any, wanted: str) -> ApiError:
    if not response.body.strip():
        seen = "nothing"
    elif isinstance(value, dict):
        seen = "a JSON object that contradicts itself or that status"
    elif value is not None:
        seen = f"a JSON {type(value).__name__}, not {wanted}"
    elif response.body.lstrip()[:1] == b"<":
        seen = "an HTML or XML page"
    else:
        seen = "something that is not JSON"
    return ApiError(
        f"'{response.operation}' was answered with HTTP {response.status} and {seen}, which is not a ThingSpace "
        "answer. Check 'base_url' and any proxy in between.",
        code="bad_answer",
        status=response.status,
        in_doubt=True,
    )


def number(value: Object, names: tuple[str, ...]) -> int | None:
    """The whole number in the first of these fields that has one, even as a string; None if no field has one."""
    for name in names:
        found: t.Any = value.get(name)
        if isinstance(found, bool):
            continue
        try:
            number_found = int(found)
            if abs(number_found) <= LARGEST:
                return number_found
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def truth(found: object) -> bool | None:
    """A truth value, even as a string. None for anything else, which must not count as false."""
    if isinstance(found, str):
        return {"true": True, "false": False}.get(found.strip().lower())
    return found if isinstance(found, bool) else None


def text(value: Object, names: tuple[str, ...]) -> str:
    """The first of these fields that exists, as text."""
    for name in names:
        if value.get(name) is not None:
            return str(value[name])
    return ""


class Reader(t.NamedTuple):
    """Reads what a good answer to one operation must have.

    :param what: the operation, as messages name it.
    :param check: the option that is wrong if answers are of another kind; empty where none is.
    """

    what: str
    check: str = ""

    def lacking(self, part: str, *, in_doubt: bool = False) -> ApiError:
        """The error of an answer without this part.

        :param in_doubt: whether the operation writes, and so may have been carried out all the same.
        """
        advice = f" Check '{self.check}'." if self.check else ""
        return ApiError(
            f"The answer to '{self.what}' lacks {part}, so nothing can be concluded from it.{advice}",
            code="bad_answer",
            status=200,
            in_doubt=in_doubt,
        )

    def rows(self, value: Object, name: str, usable: Usable, *, optional: bool) -> list[t.Any]:
        """The list of this name.

        :param optional: whether no list means that it is empty.
        :raises ApiError: C(bad_answer), it is not a list, or a row is not usable.
        """
        rows = value.get(name)
        if rows is None and optional:
            return []
        if not isinstance(rows, list) or not all(map(usable, rows)):
            raise self.lacking(f"a usable '{name}'")
        return rows

    def page(self, value: Object, name: str, usable: Usable, unsaid: bool | None = None) -> tuple[list[t.Any], bool]:
        """The list of this name, and whether more of it follows. Only the last page may leave it out.

        :param unsaid: what it means that C(hasMoreData) is not there; None makes it an error.
        :raises ApiError: C(bad_answer), one of the two is not usable.
        """
        said = value.get("hasMoreData")
        more = truth(said)
        rows = self.rows(value, name, usable, optional=more is False)
        if said is None:
            more = unsaid
        if more is None:
            raise self.lacking("a usable 'hasMoreData'")
        return rows, more
