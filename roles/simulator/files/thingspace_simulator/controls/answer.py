# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls under ``/_simulator/``: no authentication, JSON, and no faults, latency, or journal."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .. import NAME, VERSION
from ..fields import Invalid
from ..http.messages import Reply, Request
from ..simulation import Simulation
from ..world.state import dump_state
from . import accounts, state, traffic

Control = Callable[[Simulation, Any], Any]
"""Takes the body of a PUT or POST, or else the query, and returns the data to answer with. Raises Invalid."""


def answer(simulation: Simulation, request: Request) -> Reply:
    """Find the control and run it. Whatever is wrong becomes one 400, and nothing is applied."""
    path = request.path.rstrip("/")
    methods = CONTROLS.get(path)
    if methods is None:
        return Reply(404, {"error": f"no such control; there are {', '.join(sorted(CONTROLS))}"})
    control = methods.get(request.method)
    if control is None:
        allowed = ", ".join(sorted(methods))
        return Reply(405, {"error": f"{path} takes {allowed}"}, headers={"Allow": allowed})
    try:
        return Reply(data=control(simulation, _given(request)))
    except Invalid as error:
        return Reply(400, {"error": str(error), "problems": error.problems})


def _given(request: Request) -> Any:
    """Return what a control is given."""
    if request.method not in ("PUT", "POST"):
        return request.query
    try:
        return request.json()
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from error


def _health(_simulation: Simulation, _query: Any) -> Any:
    """Return name, version, and process id."""
    return {"name": NAME, "version": VERSION, "pid": os.getpid(), "controls": sorted(CONTROLS)}


CONTROLS: dict[str, dict[str, Control]] = {
    "/_simulator": {"GET": _health},
    "/_simulator/state": {
        "GET": lambda simulation, _query: dump_state(simulation.world),
        "PUT": state.put_state,
        "DELETE": state.reset_state,
    },
    "/_simulator/quirks": {
        "GET": lambda simulation, _query: simulation.world.quirks.dump(),
        "PUT": state.put_quirks,
    },
    "/_simulator/clock": {"GET": state.clock, "POST": state.move_clock, "DELETE": state.reset_clock},
    "/_simulator/sessions": {
        "GET": lambda simulation, _query: simulation.world.auth.report(),
        "DELETE": state.clear_sessions,
    },
    "/_simulator/faults": {
        "GET": lambda simulation, _query: simulation.faults.listing(),
        "POST": traffic.add_faults,
        "DELETE": lambda simulation, _query: {"cleared": simulation.faults.clear()},
    },
    "/_simulator/requests": {
        "GET": traffic.journal,
        "DELETE": lambda simulation, _query: {"cleared": simulation.journal.clear()},
    },
    "/_simulator/requests/summary": {"GET": lambda simulation, _query: simulation.journal.summary()},
    "/_simulator/callbacks": {
        "GET": traffic.callbacks,
        "POST": traffic.flush_callbacks,
        "DELETE": lambda simulation, _query: {"cleared": simulation.callbacks.clear()},
    },
    "/_simulator/devices": {"PUT": accounts.change_devices},
    "/_simulator/subscription": {"GET": accounts.subscription, "POST": accounts.change_subscription},
}
