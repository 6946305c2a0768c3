# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses: accepted at once, done later (assign and unassign pages; both have one path)."""

from __future__ import annotations

from ...background import results
from ...background.jobs import Wanted, expected
from ...http.messages import ApiError, Reply
from .. import errors
from ..call import Call, Route
from ..m2m import account_of
from .request import check_header, in_form, read

PATH = "/m2m/v1/devices/license/actions/assign"
STATUS_PATH = "/m2m/v1/accounts/{account}/requests/{request}/status"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def assign(call: Call) -> Reply:
    """Accept a request to assign."""
    return _answer(call, removing=False)


def unassign(call: Call) -> Reply:
    """Accept a request to unassign: a DELETE with a body, which the public SDKs do not send."""
    return _answer(call, removing=True)


def _answer(call: Call, removing: bool) -> Reply:
    """Check, accept, answer with the id of the request."""
    try:
        check_header(call, required=removing)
        if removing and not call.request.body.strip() and call.world.quirks.word("simsec_bodyless") == "accept":
            return Reply(data={"requestId": NOWHERE})
        wanted = read(call, removing)
        _check(call, wanted, removing)
    except ApiError as error:
        raise in_form(call, error) from error
    return Reply(data={"requestId": call.jobs.accept(wanted, removing)})


def _check(call: Call, wanted: Wanted, removing: bool) -> None:
    """Refuse the whole request for what is usually the result of one device, where a quirk says so."""
    quirks = call.world.quirks
    if quirks.word("simsec_checks") == "sync":
        for ids in wanted.devices:
            fault = results.refusal(results.device_of(wanted.account, ids), removing)
            if fault:
                raise errors.m2m(fault.code, fault.text)
    if quirks.word("simsec_exhausted") == "reject" and not removing:
        left = wanted.sku.free - max(0, wanted.sku.pending)
        if expected(wanted, removing) > left:
            raise errors.m2m(results.EXHAUSTED.code, results.EXHAUSTED.text)


def status(call: Call) -> Reply:
    """Answer with the status of a request, if the quirk lets it be known; the error code is ours.

    It is documented for requests of other kinds with one device only (request status page).
    """
    account = account_of(call, call.names["account"])
    quirks = call.world.quirks
    which = quirks.word("request_status")
    job = call.jobs.job(call.names["request"]) if which != "never" else None
    if job is None or job.wanted.account is not account or (which == "single" and len(job.wanted.devices) != 1):
        raise errors.m2m("REQUEST_FAILED.RequestNotFound", "The status of the request is not available.")
    word = "Pending"
    if job.done:
        word = quirks.word("status_words") if job.failed else "Success"
    return Reply(data={"requestId": job.request_id, "status": word})


ROUTES = (
    Route("simsec_assign", "POST", PATH, assign, is_write=True),
    Route("simsec_unassign", "DELETE", PATH, unassign, is_write=True),
    Route("request_status", "GET", STATUS_PATH, status),
)
