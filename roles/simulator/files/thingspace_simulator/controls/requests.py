# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for requests: the faults that wait for them, and the journal of those that came."""

from __future__ import annotations

from typing import Any

from ..apis.router import OPERATIONS
from ..fields import Choice, Kind, string
from ..http import faults
from ..http.messages import Request
from ..simulation import Simulation
from .control import Controls, Refused, body_of, fields_of

_FILTERS: dict[str, Kind] = {"operation": string, "write": Choice(("true", "false"))}


def _post_faults(simulation: Simulation, request: Request) -> Any:
    """Let one fault or a list of them wait."""
    added, problems = faults.read(body_of(request), OPERATIONS)
    if problems:
        raise Refused(problems)
    simulation.faults.add(added)
    return simulation.faults.listing()


def _requests(simulation: Simulation, request: Request) -> Any:
    """Return the journal, filtered by operation and by write."""
    query = fields_of(request.query, _FILTERS, "filter")
    write = query["write"] == "true" if "write" in query else None
    return simulation.journal.listing(query.get("operation"), write)


CONTROLS: Controls = {
    "/_simulator/faults": {
        "GET": lambda simulation, _request: simulation.faults.listing(),
        "POST": _post_faults,
        "DELETE": lambda simulation, _request: {"cleared": simulation.faults.clear()},
    },
    "/_simulator/requests": {
        "GET": _requests,
        "DELETE": lambda simulation, _request: {"cleared": simulation.journal.clear()},
    },
    "/_simulator/requests/summary": {"GET": lambda simulation, _request: simulation.journal.summary()},
}
