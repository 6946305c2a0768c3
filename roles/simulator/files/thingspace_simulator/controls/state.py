# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for what the service knows: the whole state, quirks, the clock, tokens and sessions."""

from __future__ import annotations

import math
from typing import Any

from .. import quirks
from ..http.messages import Request
from ..simulation import Simulation
from ..world import listeners
from ..world.clock import iso, parse_ms
from ..world.world import dump_state, read_state
from .control import Controls, Refused, body_of


def _put_state(simulation: Simulation, request: Request) -> Any:
    """Apply what is named: accounts replace all accounts, quirks and credentials merge.

    With the accounts goes what was under way for them: accepted requests and waiting messages.
    """
    world = simulation.world
    wanted, problems = read_state(body_of(request), world.clock.now_ms())
    if problems:
        raise Refused(problems)
    with world.lock:
        if wanted.accounts is not None:
            listeners.keep_passwords(world.accounts, wanted.accounts)
            simulation.replace(wanted.accounts)
        world.quirks.merge(wanted.quirks)
        world.auth.credentials = {**world.auth.credentials, **wanted.credentials}
    return {"accounts": [{"name": one.name, "devices": len(one.devices)} for one in world.accounts.values()]}


def _reset_state(simulation: Simulation, _request: Request) -> Any:
    """Return to the start."""
    with simulation.world.lock:
        simulation.reset()
    return {"reset": True}


def _put_quirks(simulation: Simulation, request: Request) -> Any:
    """Set some switches."""
    checked, problems = quirks.check(body_of(request))
    if problems:
        raise Refused(problems)
    with simulation.world.lock:
        simulation.world.quirks.merge(checked)
    return simulation.world.quirks.dump()


def _clock(simulation: Simulation, _request: Request) -> Any:
    """Return the simulated time."""
    return {"now": iso(simulation.world.clock.now_ms())}


def _post_clock(simulation: Simulation, request: Request) -> Any:
    """Move the clock by seconds, or to a moment."""
    given, clock = body_of(request), simulation.world.clock
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {"advance", "now"}:
        raise Refused(["give either advance (seconds) or now (ISO 8601 time)"])
    try:
        if "advance" in given:
            seconds = float(given["advance"])
            if not math.isfinite(seconds) or abs(seconds) > 1e9:
                raise ValueError("out of range")
            clock.advance(seconds)
        else:
            clock.set(parse_ms(given["now"]) / 1000)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused([f"clock: {error}"]) from error
    simulation.jobs.settle()
    return _clock(simulation, request)


def _reset_clock(simulation: Simulation, request: Request) -> Any:
    """Return to wall time."""
    simulation.world.clock.reset()
    return _clock(simulation, request)


def _clear_sessions(simulation: Simulation, _request: Request) -> Any:
    """End the token and all sessions, and unlock everyone."""
    simulation.world.auth.reset()
    return simulation.world.auth.report()


CONTROLS: Controls = {
    "/_simulator/state": {
        "GET": lambda simulation, _request: dump_state(simulation.world),
        "PUT": _put_state,
        "DELETE": _reset_state,
    },
    "/_simulator/quirks": {"GET": lambda simulation, _request: simulation.world.quirks.dump(), "PUT": _put_quirks},
    "/_simulator/clock": {"GET": _clock, "POST": _post_clock, "DELETE": _reset_clock},
    "/_simulator/sessions": {
        "GET": lambda simulation, _request: simulation.world.auth.report(),
        "DELETE": _clear_sessions,
    },
}
