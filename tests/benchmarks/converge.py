# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests it takes to change M of N licensed devices, counted by the simulator; a second run only reads."""

from __future__ import annotations

import math
import typing as t
from pathlib import Path

from processes import Workspace
from stand import Simulator, imeis
from table import Row, at_most, equal

NAME = "converge"
PAGE = 1000
BATCH = 100
EXTRA = 3
FEW_PAGES = 3
"""Refusals are foreseen with so many pages of the device list, or as many as the list of licenses has."""


class Case(t.NamedTuple):
    """A run: options, who holds a license afterward, how many are assigned and removed."""

    title: str
    options: dict[str, t.Any]
    after: set[str]
    assigned: int
    removed: int


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Converge with every API version and state."""
    licensed, changes = (2000, 200) if quick else (5000, 1000)
    with Simulator(space.folder, devices=2 * licensed, licensed=licensed, latency=latency) as simulator:
        for case in _cases(space, licensed, changes, ("v3",) if quick else ("v1", "v2", "v3")):
            yield from _measure(space, simulator, case, licensed)


def _cases(space: Workspace, licensed: int, changes: int, versions: tuple[str, ...]) -> t.Iterator[Case]:
    held = set(imeis(0, licensed))
    new = list(imeis(licensed, changes))
    for version in versions:
        named = space.devices_file(new)
        options: dict[str, t.Any] = {"devices_file": named, "api_version": version, "batch_size": BATCH}
        yield Case(f"{version} present", options, held | set(new), changes, 0)
        removed = changes * 2 // 5
        kept = [*imeis(removed, licensed - removed), *new[removed:]]
        exact = {**options, "devices_file": space.devices_file(kept), "state": "exact"}
        yield Case(f"{version} exact", exact, set(kept), changes - removed, removed)
    whole = {"devices_file": space.devices_file(new), "lookup": "list", "api_version": "v3"}
    yield Case("v3 present, listed, default batch", whole, held | set(new), changes, 0)


def _measure(space: Workspace, simulator: Simulator, case: Case, licensed: int) -> t.Iterator[Row]:
    simulator.begin(reset=True)
    runtime: Path = space.fresh("runtime")
    result = space.module(simulator, runtime, **case.options).result()
    total, writes = simulator.counts()
    batch = case.options.get("batch_size", 1000)
    needed = math.ceil(case.assigned / batch) + math.ceil(case.removed / batch)
    pages = math.ceil(licensed / PAGE)
    done = result["summary"]["assigned"], result["summary"]["removed"]
    if done != (case.assigned, case.removed) or simulator.licensed() != case.after:
        yield Row(NAME, case.title, "wrong", "right", f"{case.title}: wrong outcome {result['summary']}")
        return
    note = f"{pages} pages, {writes} writes; N={licensed:,}, M={case.assigned + case.removed:,}"
    foreseen = math.ceil(case.assigned / PAGE) + (max(FEW_PAGES, pages) if case.removed else 0)
    if case.options["api_version"] != "v3" and case.assigned:
        foreseen = max(FEW_PAGES, pages)
    yield at_most(NAME, f"{case.title}: requests", total, pages + needed + EXTRA + foreseen, note=note)
    simulator.begin()
    again = space.module(simulator, runtime, **case.options).result()
    total, writes = simulator.counts()
    yield equal(NAME, f"{case.title}: writes of a second run", writes + again["changed"], 0, f"{total} requests")
