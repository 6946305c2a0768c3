# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a CarrierService callback says: which request, which device, success or failure, and who claims to have sent it.

For SIM-Secure, only the envelope is documented, so only these fields are used: requestId, deviceIds, status, and
faultResponse. Error messages name fields and never quote them, because the body contains a password in clear text.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from .._client.secrets import SecretRegister
from .._errors import LicensingError

ReportedStatus = t.Literal["success", "failed", "other"]
CallbackBody = dict[str, t.Any]

MAX_DEVICE_IDS = 100
MAX_ID = 128
MAX_REASON = 300


class Confirmation(t.NamedTuple):
    """The result of a request for one device.

    :param devices: all names of the device: pairs of the kind in lower case (imei, iccid, mdn, ...) and the id.
    :param status: C(other) is neither success nor failure: pending, on hold, or an unknown word.
    :param reason: the reason, one line of limited length; empty for a plain success.
    """

    request_id: str
    devices: tuple[tuple[str, str], ...]
    status: ReportedStatus
    reason: str


@dataclasses.dataclass(frozen=True, repr=False)
class Caller:
    """The credentials in a body, as received; empty strings if there are none. No repr can show them."""

    username: str
    password: str


def parse_body(body: bytes) -> CallbackBody:
    """The JSON object of a body. Numbers become strings exactly as they are written, so that long ids keep every digit.

    :raises LicensingError: C(bad_callback).
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=str)
    except UnicodeDecodeError as error:
        raise _bad(f"it is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        seen = f"line {error.lineno}, column {error.colno}" if body.strip() else "it is empty"
        raise _bad(f"it is not JSON ({seen})") from None
    except RecursionError:
        raise _bad("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise _bad("it is JSON, but not an object")
    return t.cast("CallbackBody", value)


def caller_in(value: CallbackBody) -> Caller:
    """Who claims to have sent it."""
    username, password = value.get("username"), value.get("password")
    return Caller(username if isinstance(username, str) else "", password if isinstance(password, str) else "")


def confirmation_in(value: CallbackBody) -> Confirmation:
    """The content of a callback.

    :raises LicensingError: C(bad_callback).
    """
    request_id = _word(value.get("requestId"))
    if not request_id:
        raise _bad(f"'requestId' is {_amiss(value.get('requestId'))}")
    status, reason = _result(value)
    return Confirmation(request_id, _devices(value.get("deviceIds")), status, _line(reason, caller_in(value)))


def _devices(given: t.Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, list) or not given:
        raise _bad("'deviceIds' is not a list of {id, kind}" if given else "'deviceIds' is missing or empty")
    if len(given) > MAX_DEVICE_IDS:
        raise _bad(f"'deviceIds' has {len(given)} entries, more than the {MAX_DEVICE_IDS} a device can have")
    pairs: dict[tuple[str, str], None] = {}
    for number, entry in enumerate(given):
        if not isinstance(entry, dict) or "id" not in entry:
            raise _bad(f"'deviceIds[{number}]' is not an object with 'id' and 'kind'")
        kind, name = _word(entry.get("kind")), _word(entry["id"])
        if name and kind:
            pairs[kind.lower(), name] = None
        elif entry["id"] not in (None, ""):  # a SIM without a phone number may have an empty one
            field = "kind" if name else "id"
            raise _bad(f"'deviceIds[{number}].{field}' is {_amiss(entry.get(field))}")
    if not pairs:
        raise _bad("'deviceIds' names no device: every id in it is empty")
    return tuple(pairs)


def _result(value: CallbackBody) -> tuple[ReportedStatus, str]:
    """Status and reason. A fault overrides the status."""
    word = value.get("status")
    word = word.strip() if isinstance(word, str) else ""
    fault = fault_in(value)
    if not fault and word.lower() in ("failed", "failure"):
        fault = "no reason was given"
    if fault:
        return "failed", fault
    if word.lower() == "success":
        return _SUCCESS
    return "other", f"status {word}" if word else "no status was given"


_SUCCESS: tuple[ReportedStatus, str] = ("success", "")

_NO_FAULT = re.compile(r"0*|null|none|n/a|ok|success", re.IGNORECASE)
"""Texts that say that there is no fault."""


def fault_in(value: t.Mapping[str, t.Any]) -> str:
    """The text of the C(faultResponse) in an answer or a report; empty if there is none or if it says nothing."""
    given = value.get("faultResponse")
    if not isinstance(given, dict):
        return "" if isinstance(given, bool) else _said(given)
    code, text = _said(given.get("faultcode")), _said(given.get("faultstring"))
    if code or text:
        return ": ".join(part for part in (code, text) if part)
    return "a fault without code and text" if any(map(_said, given.values())) else ""


def _said(value: t.Any) -> str:
    """A text, or an empty one if it says nothing."""
    text = str(value).strip()
    return "" if _NO_FAULT.fullmatch(text) or not value else text


def _word(value: t.Any) -> str:
    """An id or kind; empty if the value cannot be one."""
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= MAX_ID and text.isprintable() and " " not in text else ""


def _amiss(value: t.Any) -> str:
    if value is None or value == "":
        return "missing or empty"
    return "not plain text of bearable length" if isinstance(value, str) else "not a string"


def _line(text: str, caller: Caller) -> str:
    """One printable line of limited length, without the credentials if a fault repeats them."""
    register = SecretRegister(lambda _form: None)
    # Shorter ones would remove ordinary syllables from the text.
    register.remember(*(secret for secret in (caller.username, caller.password) if len(secret) >= _TELLING))
    printable = "".join(char if char.isprintable() else " " for char in register.mask(text))
    clean = " ".join(printable.split())
    return clean if len(clean) <= MAX_REASON else clean[: MAX_REASON - 3] + "..."


_TELLING = 4


def _bad(why: str) -> LicensingError:
    return LicensingError(
        f"A callback cannot be understood: {why}. Check that only the CarrierService of ThingSpace is registered here.",
        code="bad_callback",
    )
