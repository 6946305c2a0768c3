# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls under ``/_simulator/``: no authentication, JSON, never hit by faults, latency or the journal."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import NAME, VERSION, quirks
from ..http import faults
from ..http.messages import Reply, Request
from ..world import listeners
from ..world import state_file as statefile
from ..world.auth import CREDENTIALS
from ..world.clock import iso, parse_ms
from . import later as simsec_controls
from . import subscription as subscription_controls
from .refusal import Refused, body_of

if TYPE_CHECKING:
    from ..service import Service


def answer(service: Service, request: Request) -> Reply:
    """Find the control, run it, and turn what is wrong into one 400."""
    path = request.path.rstrip("/")
    methods = CONTROLS.get(path)
    if methods is None:
        return Reply(404, {"error": f"no such control; there are {', '.join(sorted(CONTROLS))}"})
    control = methods.get(request.method)
    if control is None:
        allowed = ", ".join(sorted(methods))
        return Reply(405, {"error": f"{path} takes {allowed}"}, headers={"Allow": allowed})
    try:
        return Reply(data=control(service, request))
    except Refused as refused:
        return Reply(400, {"error": "; ".join(refused.problems), "problems": refused.problems})


def _health(_service: Service, _request: Request) -> Any:
    """Say who is here."""
    return {"name": NAME, "version": VERSION, "pid": os.getpid(), "controls": sorted(CONTROLS)}


def _state(service: Service, _request: Request) -> Any:
    """Return the whole state, in the format of a seed file."""
    with service.world.lock:
        accounts = [statefile.dump_account(account) for account in service.world.accounts.values()]
        return {"accounts": accounts, "quirks": service.quirks.dump(), "credentials": dict(service.auth.credentials)}


def check_state(given: Any, now_ms: int) -> tuple[list[Any], dict[str, Any], dict[str, str], list[str]]:
    """Read a state completely; return accounts, quirks, credentials, and everything that is wrong."""
    if not isinstance(given, dict):
        return [], {}, {}, ["the state must be an object"]
    known = ("accounts", "quirks", "credentials")
    problems = [f"{name}: unknown; known are {', '.join(known)}" for name in given if name not in known]
    accounts, wrong = statefile.load_accounts(given.get("accounts", []), now_ms)
    problems.extend(wrong)
    switches, wrong = quirks.check(given.get("quirks", {}))
    problems.extend(wrong)
    credentials: Any = given.get("credentials", {})
    if not isinstance(credentials, dict):
        problems.append("credentials: must be an object")
        credentials = {}
    for name, value in credentials.items():
        if name not in CREDENTIALS:
            problems.append(f"credentials.{name}: unknown; known are {', '.join(CREDENTIALS)}")
        elif not isinstance(value, str) or not value:
            problems.append(f"credentials.{name}: must be a non-empty string")
    return accounts, switches, credentials, problems


def _put_state(service: Service, request: Request) -> Any:
    """Apply what is named: accounts replace all accounts, quirks and credentials merge.

    With the accounts goes what was under way for them: accepted requests and waiting messages.
    """
    given = body_of(request)
    accounts, switches, credentials, problems = check_state(given, service.clock.now_ms())
    if problems:
        raise Refused(problems)
    with service.world.lock:
        if "accounts" in given:
            listeners.keep_passwords(service.world.accounts, accounts)
            service.cancel()
            service.world.replace(accounts)
        service.quirks.merge(switches)
        service.auth.credentials = {**service.auth.credentials, **credentials}
    return {"accounts": [{"name": one.name, "devices": len(one.devices)} for one in service.world.accounts.values()]}


def _reset_state(service: Service, _request: Request) -> Any:
    """Return to the start."""
    with service.world.lock:
        service.reset()
    return {"reset": True}


def _quirks(service: Service, _request: Request) -> Any:
    """Return all switches."""
    return service.quirks.dump()


def _put_quirks(service: Service, request: Request) -> Any:
    """Set some switches."""
    checked, problems = quirks.check(body_of(request))
    if problems:
        raise Refused(problems)
    with service.world.lock:
        service.quirks.merge(checked)
    return service.quirks.dump()


def _faults(service: Service, _request: Request) -> Any:
    """Return all faults with their counts."""
    return service.faults.listing()


def _post_faults(service: Service, request: Request) -> Any:
    """Let one fault or a list of them wait."""
    added, problems = faults.read(body_of(request), service.operations)
    if problems:
        raise Refused(problems)
    service.faults.add(added)
    return service.faults.listing()


def _clear_faults(service: Service, _request: Request) -> Any:
    """Drop all faults."""
    return {"cleared": service.faults.clear()}


def _clock(service: Service, _request: Request) -> Any:
    """Return the simulated time."""
    return {"now": iso(service.clock.now_ms())}


def _post_clock(service: Service, request: Request) -> Any:
    """Move the clock by seconds, or to a moment."""
    given = body_of(request)
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {"advance", "now"}:
        raise Refused(["give either advance (seconds) or now (ISO 8601 time)"])
    try:
        if "advance" in given:
            seconds = float(given["advance"])
            if not math.isfinite(seconds) or abs(seconds) > 1e9:
                raise ValueError("out of range")
            service.clock.advance(seconds)
        else:
            service.clock.set(parse_ms(given["now"]) / 1000)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused([f"clock: {error}"]) from error
    service.work.settle()
    return _clock(service, request)


def _reset_clock(service: Service, request: Request) -> Any:
    """Return to wall time."""
    service.clock.reset()
    return _clock(service, request)


def _requests(service: Service, request: Request) -> Any:
    """Return the journal, filtered by operation and by write."""
    query = request.query
    unknown = sorted(query.keys() - {"operation", "write"})
    if unknown:
        raise Refused([f"{name}: unknown filter; known are operation, write" for name in unknown])
    if query.get("write", "true") not in ("true", "false"):
        raise Refused(["write: must be true or false"])
    write = query["write"] == "true" if "write" in query else None
    return service.journal.listing(query.get("operation"), write)


def _clear_requests(service: Service, _request: Request) -> Any:
    """Forget all requests."""
    return {"cleared": service.journal.clear()}


def _summary(service: Service, _request: Request) -> Any:
    """Count the requests."""
    return service.journal.summary()


def _sessions(service: Service, _request: Request) -> Any:
    """Return counts of tokens, sessions and refused logins."""
    return service.auth.report()


def _clear_sessions(service: Service, _request: Request) -> Any:
    """End the token and all sessions, and unlock everyone."""
    service.auth.reset()
    return service.auth.report()


CONTROLS: dict[str, dict[str, Callable[[Service, Request], Any]]] = {
    "/_simulator": {"GET": _health},
    "/_simulator/state": {"GET": _state, "PUT": _put_state, "DELETE": _reset_state},
    "/_simulator/quirks": {"GET": _quirks, "PUT": _put_quirks},
    "/_simulator/faults": {"GET": _faults, "POST": _post_faults, "DELETE": _clear_faults},
    "/_simulator/clock": {"GET": _clock, "POST": _post_clock, "DELETE": _reset_clock},
    "/_simulator/requests": {"GET": _requests, "DELETE": _clear_requests},
    "/_simulator/requests/summary": {"GET": _summary},
    "/_simulator/sessions": {"GET": _sessions, "DELETE": _clear_sessions},
    **simsec_controls.CONTROLS,
    **subscription_controls.CONTROLS,
}
