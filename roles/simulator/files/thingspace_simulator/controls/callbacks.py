# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control for callback messages: see them, make them due, forget them."""

from __future__ import annotations

from typing import Any

from ..http.messages import Request
from ..simulation import Simulation
from .control import Controls, Refused, body_of


def _report(simulation: Simulation, _request: Request) -> Any:
    """Return counts and the last messages; ``requests`` is how many are accepted and not done."""
    return {"requests": len(simulation.jobs), **simulation.callbacks.report()}


def _flush(simulation: Simulation, request: Request) -> Any:
    """Make everything due now: results first, then messages. ``wait`` says how long to wait for the listeners."""
    given = body_of(request)
    if not isinstance(given, dict) or given.get("flush") is not True or not given.keys() <= {"flush", "wait"}:
        raise Refused(['give {"flush": true}, with "wait" (seconds) if wanted'])
    seconds = given.get("wait", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 60:
        raise Refused([f"wait: must be a number from 0 to 60, not {seconds!r}"])
    simulation.jobs.rush()
    simulation.callbacks.rush(seconds)
    return _report(simulation, request)


def _forget(simulation: Simulation, _request: Request) -> Any:
    """Forget all messages and counts; what is waiting is not sent any more."""
    return {"cleared": simulation.callbacks.clear()}


CONTROLS: Controls = {
    "/_simulator/callbacks": {"GET": _report, "POST": _flush, "DELETE": _forget},
}
