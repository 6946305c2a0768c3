# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request status: documented for requests of other kinds with one device only (request status page)."""

from __future__ import annotations

from ...http.messages import Reply
from .. import errors
from ..call import Call, Route
from ..m2m import account_of


def status(call: Call) -> Reply:
    """Answer with the status of a SIM-Secure request, if the quirk lets it be known. The error code is ours."""
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


PATH = "/m2m/v1/accounts/{account}/requests/{request}/status"
ROUTES = (Route("request_status", "GET", PATH, status, "/m2m/v1", "v1"),)
