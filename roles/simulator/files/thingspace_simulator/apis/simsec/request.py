# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SIM-Secure request and everything that can be wrong with it at once (assign and unassign pages, SDK limits)."""

from __future__ import annotations

import re
from typing import Any

from ...background.jobs import Wanted
from ...http.messages import ApiError, Reply
from ...world.account import Account
from ...world.directory import Ids
from ...world.skus import LIFETIME, Sku, skus_of
from .. import errors
from ..call import Call
from ..m2m import account_of, body_of, read_ids, text_of

MAX_DEVICES = 100
MAX_IDS = 100
REQUEST_ID = re.compile(r"[0-9]-[0-9]{3,32}")
ERROR_URL = "https://thingspace.verizon.com/documentation"


def check_header(call: Call, required: bool) -> None:
    """Check X-Request-ID, which only the SDK knows, as the quirk says."""
    how, given = call.world.quirks.word("x_request_id"), call.request.headers.get("x-request-id")
    if how == "ignore" or (given is None and not (required and how == "require")):
        return
    if given is None or len(given) > 32 or not REQUEST_ID.fullmatch(given):
        raise errors.m2m("INPUT_INVALID.RequestId.Invalid", "X-Request-ID is missing or not valid.")


def read(call: Call, removing: bool) -> Wanted:
    """Read the request; no document says which code an SKU error has, so that one is ours."""
    given = body_of(call)
    account = account_of(call, given.get("accountName"))
    return Wanted(account, _sku(account, text_of(given, "skuNumber"), removing), _devices(given.get("devices")))


def _sku(account: Account, name: str | None, removing: bool) -> Sku:
    """Return the SKU of the request."""
    sku = skus_of(account).get(name or "")
    if sku is None:
        text = "The account has no subscription to this SKU." if name else "The SKU number is missing."
        raise errors.m2m("INPUT_INVALID.SkuNumber.Invalid", text)
    if removing and sku.sku == LIFETIME:
        raise errors.m2m("INPUT_INVALID.SkuNumber.Invalid", "A lifetime license cannot be removed.")
    return sku


def _devices(given: Any) -> list[Ids]:
    """Return the identifiers of each device."""
    if given is None or given == []:
        raise errors.m2m("INPUT_INVALID.RequestUndefined", "The list of devices is missing.")
    if not isinstance(given, list):
        raise errors.m2m("DeserializationFailed", "devices must be a list.")
    if len(given) > MAX_DEVICES:
        raise errors.m2m("INPUT_INVALID.NumberofDevices", f"A request has {MAX_DEVICES} devices at most.")
    return [read_ids(entry, MAX_IDS) for entry in given]


def in_form(call: Call, error: ApiError) -> ApiError:
    """Return an error in the form that the quirk says; that of the SDK has no room for dots or spaces."""
    if call.world.quirks.word("security_errors") == "m2m":
        return error
    code = str(error.reply.data["errorCode"])
    text = re.sub(r"[^A-Za-z0-9]", "", code.partition(".")[2].partition(".")[2] or code)[:32]
    status = error.reply.status
    return ApiError(Reply(status, {"errorCode": str(status), "errorMessage": text, "errorUrl": ERROR_URL}))
