# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that lead from a request to its reply. Knows no socket."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from .apis import login, router
from .apis.call import Call
from .controls import answer as controls
from .http import mishaps
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
        """Find the route, note the request, limit the rate, delay, apply a fault, do the work."""
        simulation, world = self.simulation, self.simulation.world
        found = router.find(request, world.quirks)
        call = Call(world, simulation.jobs, request, *found) if found else None
        time, account = iso(world.clock.now_ms()), call.names.get("account") if call else None
        operation, write = (call.route.operation, call.route.is_write) if call else (None, False)
        entry = simulation.journal.open(request, time, operation, write, account)
        wait = self._rate.wait(world.quirks.count("rate_limit"))
        self.stopping.wait(world.quirks.number("latency"))
        if wait:
            reply = too_many(world.quirks.word("retry_after"), wait)
        else:
            fault = simulation.faults.pick(operation, request.method, request.path)
            entry.fault = fault.action if fault else None
            reply = self._with_fault(request, call, fault)
        entry.status = None if reply.wire in ("reset", "stall") else reply.status
        return reply

    def _with_fault(self, request: Request, call: Call | None, fault: Fault | None) -> Reply:
        """Do the work with the fault: before it, after it, or not at all."""
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
        """Check the caller and run the handler, with the state locked."""
        if call is None:
            return router.missing(request.path, self.simulation.world.quirks)
        try:
            with call.world.lock:
                login.check(call)
                reply = call.route.handler(call)
        except ApiError as error:
            return error.reply
        if call.route.operation in LISTS:
            self._pages[call.route.operation, call.names["account"]] = mishaps.rows_of(reply)
        return reply
