# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a whole: takes a request, returns a reply, knows nothing of sockets."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

from .apis import access, login
from .apis import callbacks as m2m_callbacks
from .apis.devices import listing as device_list
from .apis.fota import routes as fota
from .apis.router import Call, Router
from .apis.simsec import licenses as simsec
from .apis.simsec import request_status, subscriptions
from .background.callbacks import Callbacks
from .background.jobs import Work
from .controls import answer as controls
from .http import bodies, mishaps
from .http.faults import LISTS, TOKENS, Fault, Faults
from .http.journal import Entry, Journal
from .http.messages import ApiError, Reply, Request
from .http.rate_limit import RateLimit, too_many
from .quirks import Quirks
from .world.account import World
from .world.auth import CREDENTIALS, Auth
from .world.clock import Clock, iso

# A later API adds its routes here, and its piece of an account to statefile.PARTS.
ROUTES = (
    *login.ROUTES,
    *fota.ROUTES,
    *simsec.ROUTES,
    *subscriptions.ROUTES,
    *device_list.ROUTES,
    *request_status.ROUTES,
    *m2m_callbacks.ROUTES,
)
OPERATIONS = {route.operation for route in ROUTES}


class BadSeed(Exception):
    """The state to start from is wrong; the message names every problem."""


class Service:
    """Holds all state and leads each request through the same steps."""

    def __init__(self, seed: Any) -> None:
        self.seed = seed
        self.operations = OPERATIONS
        self.world = World()
        self.clock = Clock()
        self.quirks = Quirks()
        self.auth = Auth(self.clock)
        self.faults = Faults()
        self.journal = Journal()
        self.stopping = threading.Event()
        self.work = Work(self)
        self.callbacks = Callbacks(self)
        self._router = Router(ROUTES)
        self._rate = RateLimit()
        self._pages: dict[tuple[str, str], list[Any]] = {}
        self.reset()

    def reset(self) -> None:
        """Return accounts, quirks and credentials to the start, and forget tokens and refused logins."""
        # Read anew each time: requests change the accounts in place.
        accounts, switches, credentials, problems = controls.check_state(self.seed, self.clock.now_ms())
        if problems:
            raise BadSeed("; ".join(problems))
        self.cancel()
        self.world.replace(accounts)
        self.quirks.merge({**Quirks().dump(), **switches})
        self.auth.credentials = {**dict.fromkeys(CREDENTIALS, "simulator"), **credentials}
        self.auth.reset()

    def cancel(self) -> None:
        """Forget what is under way: accepted requests and waiting messages."""
        self.work.cancel()
        self.callbacks.clear()

    def answer(self, request: Request) -> Reply:
        """Answer any request: a control, or the API."""
        try:
            if request.path.startswith("/_simulator"):
                return controls.answer(self, request)
            return self._api(request)
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc(file=sys.stderr)
            return Reply(500, {"errorCode": "INTERNAL_SYSTEM_ERROR", "errorMessage": "The simulator has a bug."})

    def _api(self, request: Request) -> Reply:
        """Find the route, keep the journal, limit, delay, let a fault happen, do the work."""
        found = self._router.find(request, self.quirks)
        call = Call(self, request, *found) if found else None
        entry = self._note(request, call)
        wait = self._rate.wait(self.quirks.count("rate_limit"))
        self.stopping.wait(self.quirks.number("latency"))
        if wait:
            reply = too_many(self.quirks.word("retry_after"), wait)
        else:
            fault = self.faults.pick(entry.operation, request.method, request.path)
            entry.fault = fault.action if fault else None
            reply = self._with_fault(request, call, fault)
        entry.status = None if reply.wire in ("reset", "stall") else reply.status
        return reply

    def _note(self, request: Request, call: Call | None) -> Entry:
        """Open the journal entry."""
        write = call is not None and call.route.is_write
        body = bodies.facts(request)
        return self.journal.open(
            time=iso(self.clock.now_ms()),
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
            self.auth.expire_sessions()
        else:
            self.auth.revoke()

    def _work(self, request: Request, call: Call | None) -> Reply:
        """Check the caller and run the handler, alone on the state."""
        if call is None:
            return self._router.missing(request.path)
        try:
            with self.world.lock:
                access.check(call)
                reply = call.route.handler(call)
        except ApiError as error:
            return error.reply
        if call.route.operation in LISTS:
            self._pages[call.route.operation, call.names["account"]] = mishaps.rows_of(reply)
        return reply
