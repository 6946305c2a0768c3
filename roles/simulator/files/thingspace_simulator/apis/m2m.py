# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all connectivity-management calls check first: body, account, identifiers (Error Messages page)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..fields import is_digits
from ..http.messages import ApiError
from ..world.account import Account
from ..world.device import Ids
from .call import Call, m2m_error

FORBIDDEN = set("'<\\")
# The kinds of id that find a device, with their greatest length. An IMEI may be shorter than 15.
LENGTHS = {"imei": 15, "iccid": 20}
_MIN_LENGTH = 3


def blank() -> ApiError:
    """Build the error for a request that says nothing."""
    return m2m_error("INPUT_INVALID.RequestUndefined", "Request cannot be blank. Please provide request details.")


def object_of(call: Call) -> dict[str, Any]:
    """Return the body of a request, which must be a JSON object."""
    if not call.request.body.strip():
        raise blank()
    try:
        given = call.request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise m2m_error("DeserializationFailed", "The request could not be read.")
    return given


def body_of(call: Call) -> dict[str, Any]:
    """Return the body of a request, without forbidden characters."""
    given = object_of(call)
    if any(FORBIDDEN & set(text) for text in _strings(given)):
        text = "There was an invalid character (' or < or \\) in your input."
        raise m2m_error("INPUT_INVALID.Request.InvalidCharacter", text)
    return given


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def account_of(call: Call, name: Any) -> Account:
    """Return the account of a request by its name."""
    accounts = call.world.accounts
    if name is None or name == "":
        if call.world.quirks.word("account_name") == "required":
            raise m2m_error("INPUT_INVALID.Account.NotDefined", "The account name is missing.")
        if len(accounts) != 1:
            code = "MultipleAccounts" if accounts else "NoAccounts"
            raise m2m_error(f"REQUEST_FAILED.{code}", f"The user has {len(accounts)} accounts.")
        name = next(iter(accounts))
    account = accounts.get(name) if isinstance(name, str) else None
    if account is None:
        raise m2m_error("REQUEST_FAILED.AccountNotFound", "The account could not be found.")
    if not account.active:
        raise m2m_error("REQUEST_FAILED.AccountName", "The user is not tied to the account.")
    return account


def text_of(given: dict[str, Any], name: str) -> str | None:
    """Return a field that must be a string or missing."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise m2m_error("DeserializationFailed", f"{name} must be a string.")
    return value


def list_of(given: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a field that must be a list of objects or missing."""
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise m2m_error("DeserializationFailed", f"{name} must be a list of objects.")
    return value


def read_id(given: Any) -> tuple[str, str]:
    """Return the kind (lower case) and the id of one identifier. No document mentions a check digit."""
    given = given if isinstance(given, dict) else {}
    kind, value = given.get("kind"), given.get("id")
    if not isinstance(kind, str) or kind.lower() not in LENGTHS:
        raise m2m_error("INPUT_INVALID.Device.Kind.Invalid", f"The device identifier kind {kind} is not valid.")
    kind = kind.lower()
    if not is_digits(value, _MIN_LENGTH, LENGTHS[kind]):
        raise m2m_error("INPUT_INVALID.Device.Identifier.Invalid", f"The device identifier {value} is not valid.")
    return kind, str(value)


def read_ids(entry: Any, limit: int = 0) -> Ids:
    """Return the identifiers of one device."""
    given = entry.get("deviceIds") if isinstance(entry, dict) else None
    if not isinstance(given, list) or not given:
        raise m2m_error("INPUT_INVALID.Device.Identifier.Invalid", "A device has no identifier.")
    if limit and len(given) > limit:
        raise m2m_error("INPUT_INVALID.Device.Identifier.Invalid", f"A device has more than {limit} identifiers.")
    return tuple(read_id(one) for one in given)
