# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses: assign, unassign (both on one path), the status of a request, and the counts by SKU.

A request is accepted at once and done later. Nothing but the counts can be read about licenses. Sources: the
assign, unassign, request status and subscription information pages, and the limits of the SDK.
"""

from __future__ import annotations

import re
from typing import Any

from ..background import jobs
from ..background.jobs import Wanted
from ..http.messages import ApiError, Reply
from ..quirks import Quirks
from ..world.account import Account, Sku
from ..world.device import Ids
from ..world.skus import LIFETIME
from .call import Call, m2m_error
from .m2m import account_of, body_of, read_ids, text_of

MAX_DEVICES = 100
MAX_IDS = 100
REQUEST_ID = re.compile(r"[0-9]-[0-9]{3,32}")
ERROR_URL = "https://thingspace.verizon.com/documentation"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def assign(call: Call) -> Reply:
    """Accept a request to assign."""
    return _answer(call, removing=False)


def unassign(call: Call) -> Reply:
    """Accept a request to unassign: a DELETE with a body, which the public SDKs do not send."""
    return _answer(call, removing=True)


def _answer(call: Call, removing: bool) -> Reply:
    """Check and accept the request, and answer with its id."""
    try:
        _check_header(call, required=removing)
        if removing and not call.request.body.strip() and call.world.quirks.word("simsec_bodyless") == "accept":
            return Reply(data={"requestId": NOWHERE})
        wanted = _wanted(call, removing)
        _check(call, wanted)
    except ApiError as error:
        raise _in_form(call, error) from error
    return Reply(data={"requestId": call.jobs.accept(wanted)})


def _check(call: Call, wanted: Wanted) -> None:
    """Refuse the whole request where a quirk says so for what is usually the result of one device."""
    quirks = call.world.quirks
    if quirks.word("simsec_checks") == "sync":
        for ids in wanted.devices:
            fault = jobs.refusal(wanted.account.directory.find_all(ids), wanted.removing)
            if fault:
                raise m2m_error(fault.code, fault.text)
    if quirks.word("simsec_exhausted") == "reject" and not wanted.removing:
        left = wanted.sku.free - max(0, wanted.sku.pending)
        if wanted.change() > left:
            raise m2m_error(jobs.EXHAUSTED.code, jobs.EXHAUSTED.text)


def status(call: Call) -> Reply:
    """Answer with the status of a request if the quirk allows it. The error code is ours.

    The page documents it only for requests of other kinds with one device.
    """
    account = account_of(call, call.names["account"])
    quirks = call.world.quirks
    which = quirks.word("request_status")
    job = call.jobs.job(call.names["request"]) if which != "never" else None
    if job is None or job.wanted.account is not account or (which == "single" and len(job.wanted.devices) != 1):
        raise m2m_error("REQUEST_FAILED.RequestNotFound", "The status of the request is not available.")
    word = "Pending"
    if job.done:
        word = quirks.word("status_words") if job.failed else "Success"
    return Reply(data={"requestId": job.request_id, "status": word})


def subscriptions(call: Call) -> Reply:
    """Answer with the counts of all SKUs or one. An unknown SKU gives an empty list."""
    try:
        _check_header(call, required=False)
        given = body_of(call)
        account = account_of(call, given.get("accountName"))
        wanted = text_of(given, "skuNumber")
    except ApiError as error:
        raise _in_form(call, error) from error
    rows = [_row(one, call.world.quirks) for one in account.skus.values() if wanted in (None, one.sku)]
    return Reply(data={"accountName": account.name, "subscriptionList": rows})


def _row(sku: Sku, quirks: Quirks) -> dict[str, Any]:
    """Return the counts of one SKU."""
    assigned = len(sku.licenses)
    if quirks.word("simsec_counts") == "acceptance":
        assigned = max(0, assigned + sku.pending)
    odd = 1 if quirks.word("available") == "odd" else 0
    return {
        "skuNumber": sku.sku,
        "licenseType": sku.license_type,
        "licensePurchased": sku.purchased,
        "licenseAssigned": assigned,
        "licenseAvailable": max(0, sku.purchased - assigned - odd),
        "extendedAttributes": [],
    }


def _check_header(call: Call, required: bool) -> None:
    """Check X-Request-ID as the quirk says. Only the SDK knows this header."""
    how, given = call.world.quirks.word("x_request_id"), call.request.headers.get("x-request-id")
    if how == "ignore" or (given is None and not (required and how == "require")):
        return
    if given is None or len(given) > 32 or not REQUEST_ID.fullmatch(given):
        raise m2m_error("INPUT_INVALID.RequestId.Invalid", "X-Request-ID is missing or not valid.")


def _wanted(call: Call, removing: bool) -> Wanted:
    """Read the request. No document says which code an SKU error has, so the code is ours."""
    given = body_of(call)
    account = account_of(call, given.get("accountName"))
    sku = _sku(account, text_of(given, "skuNumber"), removing)
    return Wanted(account, sku, _devices(given.get("devices")), removing)


def _sku(account: Account, name: str | None, removing: bool) -> Sku:
    """Return the SKU of the request."""
    sku = account.skus.get(name or "")
    if sku is None:
        text = "The account has no subscription to this SKU." if name else "The SKU number is missing."
        raise m2m_error("INPUT_INVALID.SkuNumber.Invalid", text)
    if removing and sku.sku == LIFETIME:
        raise m2m_error("INPUT_INVALID.SkuNumber.Invalid", "A lifetime license cannot be removed.")
    return sku


def _devices(given: Any) -> list[Ids]:
    """Return the identifiers of each device."""
    if given is None or given == []:
        raise m2m_error("INPUT_INVALID.RequestUndefined", "The list of devices is missing.")
    if not isinstance(given, list):
        raise m2m_error("DeserializationFailed", "devices must be a list.")
    if len(given) > MAX_DEVICES:
        raise m2m_error("INPUT_INVALID.NumberofDevices", f"A request has {MAX_DEVICES} devices at most.")
    return [read_ids(entry, MAX_IDS) for entry in given]


def _in_form(call: Call, error: ApiError) -> ApiError:
    """Return an error in the form that the quirk says. The SDK's form allows no dots and no spaces."""
    if call.world.quirks.word("security_errors") == "m2m":
        return error
    code = str(error.reply.data["errorCode"])
    text = re.sub(r"[^A-Za-z0-9]", "", code.partition(".")[2].partition(".")[2] or code)[:32]
    status = error.reply.status
    return ApiError(Reply(status, {"errorCode": str(status), "errorMessage": text, "errorUrl": ERROR_URL}))
