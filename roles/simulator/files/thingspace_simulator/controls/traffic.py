# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls for traffic: the faults that wait for requests, the journal of requests, the callback messages."""

from __future__ import annotations

from typing import Any

from ..apis.router import OPERATIONS
from ..fields import Choice, Kind, Number, kind, read, string
from ..http import faults
from ..simulation import Simulation

_FILTERS: dict[str, Kind] = {"operation": string, "write": Choice(("true", "false"))}
_FLUSH: dict[str, Kind] = {
    "flush": kind("true", lambda value: value is True),
    "wait": Number(high=60, whole=False),
}


def add_faults(simulation: Simulation, given: Any) -> Any:
    """Add one fault or a list of them."""
    simulation.faults.add(faults.read(given, OPERATIONS))
    return simulation.faults.listing()


def journal(simulation: Simulation, query: Any) -> Any:
    """Return the journal, filtered by operation and by write."""
    wanted = read("filter", query, _FILTERS)
    write = wanted["write"] == "true" if "write" in wanted else None
    return simulation.journal.listing(wanted.get("operation"), write)


def callbacks(simulation: Simulation, _given: Any) -> Any:
    """Return counts and the last messages. ``requests`` counts the accepted requests that are not done."""
    return {"requests": len(simulation.jobs), **simulation.callbacks.report()}


def flush_callbacks(simulation: Simulation, given: Any) -> Any:
    """Make everything due now: results first, then messages. ``wait`` limits the seconds to wait for listeners."""
    wanted = read("callbacks", given, _FLUSH, required=("flush",))
    simulation.jobs.rush()
    simulation.callbacks.rush(wanted.get("wait", 0))
    return callbacks(simulation, given)
