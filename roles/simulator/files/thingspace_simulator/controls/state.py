# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for what the service knows: the whole state, the quirks, the clock, tokens and sessions."""

from __future__ import annotations

import math
from typing import Any

from .. import quirks
from ..fields import Invalid, read
from ..simulation import Simulation
from ..world.clock import iso, parse_ms
from ..world.state import keep_passwords, read_state


def put_state(simulation: Simulation, given: Any) -> Any:
    """Apply what is named: accounts replace all accounts, quirks and credentials are merged."""
    world = simulation.world
    wanted = read_state(given, world.clock.now_ms())
    with world.lock:
        if wanted.accounts is not None:
            keep_passwords(world.accounts, wanted.accounts)
            simulation.replace(wanted.accounts)
        world.quirks.merge(wanted.quirks)
        world.auth.credentials = {**world.auth.credentials, **wanted.credentials}
    return {"accounts": [{"name": one.name, "devices": len(one.devices)} for one in world.accounts.values()]}


def reset_state(simulation: Simulation, _query: Any) -> Any:
    """Restore the first state."""
    with simulation.world.lock:
        simulation.reset()
    return {"reset": True}


def put_quirks(simulation: Simulation, given: Any) -> Any:
    """Set some switches."""
    checked = read("quirks", given, quirks.KINDS)
    with simulation.world.lock:
        simulation.world.quirks.merge(checked)
    return simulation.world.quirks.dump()


def clock(simulation: Simulation, _given: Any) -> Any:
    """Return the simulated time."""
    return {"now": iso(simulation.world.clock.now_ms())}


def move_clock(simulation: Simulation, given: Any) -> Any:
    """Move the clock by some seconds, or to a time."""
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= {"advance", "now"}:
        raise Invalid("give either advance (seconds) or now (ISO 8601 time)")
    try:
        if "advance" in given:
            seconds = float(given["advance"])
            if not math.isfinite(seconds) or abs(seconds) > 1e9:
                raise ValueError("out of range")
            simulation.world.clock.advance(seconds)
        else:
            simulation.world.clock.set(parse_ms(given["now"]) / 1000)
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid(f"clock: {error}") from error
    simulation.jobs.settle()
    return clock(simulation, given)


def reset_clock(simulation: Simulation, query: Any) -> Any:
    """Return to wall time."""
    simulation.world.clock.reset()
    return clock(simulation, query)


def clear_sessions(simulation: Simulation, _query: Any) -> Any:
    """End the token and all sessions, and unlock all users."""
    simulation.world.auth.reset()
    return simulation.world.auth.report()
