# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls under ``/_simulator/``: no authentication, JSON, never hit by faults, latency or the journal."""

from __future__ import annotations

import os
from typing import Any

from .. import NAME, VERSION
from ..http.messages import Reply, Request
from ..simulation import Simulation
from . import callbacks, devices, requests, state, subscription
from .control import Controls, Refused


def answer(simulation: Simulation, request: Request) -> Reply:
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
        return Reply(data=control(simulation, request))
    except Refused as refused:
        return Reply(400, {"error": "; ".join(refused.problems), "problems": refused.problems})


def _health(_simulation: Simulation, _request: Request) -> Any:
    """Say who is here."""
    return {"name": NAME, "version": VERSION, "pid": os.getpid(), "controls": sorted(CONTROLS)}


CONTROLS: Controls = {
    "/_simulator": {"GET": _health},
    **state.CONTROLS,
    **requests.CONTROLS,
    **callbacks.CONTROLS,
    **devices.CONTROLS,
    **subscription.CONTROLS,
}
