# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leads each request through the same steps to its reply; knows nothing of sockets."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from .apis import access, router
from .apis.call import Call
from .controls import answer as controls
from .http import journal, mishaps
from .http.faults import LISTS, TOKENS, Fault
from .http.gateway import RateLimit, too_many
from .http.messages import ApiError, Reply, Request
from .simulation import Simulation
from .world.clock import iso


class Service:
    """Answers requests for a simulation."""

    def __init__(self, seed: Any) -> None:
        self.simulation = Simulation(seed)
        self.stopping = self.simulation.world.stopping
        self._rate = RateLimit()
        self._pages: dict[tuple[str, str], list[Any]] = {}

    def answer(self, request: Request) -> Reply:
        """Answer any request: a control, or the API."""
        try:
            if request.path.startswith("/_simulator"):
                return controls.answer(self.simulation, request)
            return self._api(request)
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc(file=sys.stderr)
            return Reply(500, {"errorCode": "INTERNAL_SYSTEM_ERROR", "errorMessage": "The simulator has a bug."})

    def _api(self, request: Request) -> Reply:
        """Find the route, keep the journal, limit, delay, let a fault happen, do the work."""
        simulation, world = self.simulation, self.simulation.world
        found = router.find(request, world.quirks)
        call = Call(world, simulation.jobs, request, *found) if found else None
        entry = self._note(request, call)
        wait = self._rate.wait(world.quirks.count("rate_limit"))
        self.stopping.wait(world.quirks.number("latency"))
        if wait:
            reply = too_many(world.quirks.word("retry_after"), wait)
        else:
            fault = simulation.faults.pick(entry.operation, request.method, request.path)
            entry.fault = fault.action if fault else None
            reply = self._with_fault(request, call, fault)
        entry.status = None if reply.wire in ("reset", "stall") else reply.status
        return reply

    def _note(self, request: Request, call: Call | None) -> journal.Entry:
        """Open the journal entry."""
        write = call is not None and call.route.is_write
        body = journal.facts(request)
        return self.simulation.journal.open(
            time=iso(self.simulation.world.clock.now_ms()),
            method=request.method,
            path=request.path,
            query=request.query,
            operation=call.route.operation if call else None,
            write=write,
            status=None,
            account=call.names.get("account", body.account) if call else None,
            devices=body.devices if write else None,
            sku=body.sku,
            fault=None,
            has_token="authorization" in request.headers,
            has_session=access.SESSION_HEADER in request.headers,
            x_request_id=request.headers.get("x-request-id"),
            user_agent=request.headers.get("user-agent", ""),
            content_type=request.headers.get("content-type", ""),
        )

    def _with_fault(self, request: Request, call: Call | None, fault: Fault | None) -> Reply:
        """Do the work around the fault: before it, after it, or not at all."""
        if fault is None:
            return self._work(request, call)
        if fault.action in TOKENS and fault.effect == "none":
            self._expire(fault)
        before = self._pages.get((call.route.operation, call.names.get("account", "")), []) if call else []
        works = mishaps.lets_work(fault, call is not None and call.route.is_write)
        reply = self._work(request, call) if works else Reply(data={"deviceList": []})
        if fault.action in TOKENS and fault.effect == "done":
            self._expire(fault)
        cursor = (call.names.get("cursor") if call else None) or request.query.get("lastSeenDeviceId") or "0"
        return mishaps.spoil(fault, reply, cursor, before)

    def _expire(self, fault: Fault) -> None:
        """End the sessions or the token."""
        if fault.action == "expire_session":
            self.simulation.world.auth.expire_sessions()
        else:
            self.simulation.world.auth.revoke()

    def _work(self, request: Request, call: Call | None) -> Reply:
        """Check the caller and run the handler, alone on the state."""
        if call is None:
            return router.missing(request.path)
        try:
            with call.world.lock:
                access.check(call)
                reply = call.route.handler(call)
        except ApiError as error:
            return error.reply
        if call.route.operation in LISTS:
            self._pages[call.route.operation, call.names["account"]] = mishaps.rows_of(reply)
        return reply
