# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control for callback messages: see them, make them due, forget them."""

from __future__ import annotations

from typing import Any

from ..fields import Kind, Number, must
from ..http.messages import Request
from ..simulation import Simulation
from .control import Controls, body_of, fields_of


def _yes(value: Any) -> bool:
    """Take true and nothing else."""
    if value is not True:
        raise must("true", value)
    return True


_FLUSH: dict[str, Kind] = {"flush": _yes, "wait": Number(high=60, whole=False)}


def _report(simulation: Simulation, _request: Request) -> Any:
    """Return counts and the last messages; ``requests`` is how many are accepted and not done."""
    return {"requests": len(simulation.jobs), **simulation.callbacks.report()}


def _flush(simulation: Simulation, request: Request) -> Any:
    """Make everything due now: results first, then messages. ``wait`` says how long to wait for the listeners."""
    given = fields_of(body_of(request), _FLUSH, "callbacks", required=("flush",))
    simulation.jobs.rush()
    simulation.callbacks.rush(given.get("wait", 0))
    return _report(simulation, request)


CONTROLS: Controls = {
    "/_simulator/callbacks": {
        "GET": _report,
        "POST": _flush,
        "DELETE": lambda simulation, _request: {"cleared": simulation.callbacks.clear()},
    },
}
