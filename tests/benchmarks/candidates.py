# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal candidate list: what it costs to find it right, to change it, and to foresee an eviction."""

from __future__ import annotations

import math
import typing as t

from processes import Workspace, best
from stand import ACCOUNT, Simulator, imeis
from table import Row, at_most, equal

NAME = "candidates"
PAGE = 1000
SHARED = 1
"""Records that are on two pages, because pages by record number overlap."""
WALL = 0.40
"""Reading the list, in its page latencies one after the other, beyond an empty module."""

LOGIN = 2
"""A token and a session, when nobody has logged in before."""


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """A list of 50,000 that is right, one device off and one on, and the forecast for half of it."""
    listed = 5_000 if quick else 50_000
    devices = list(imeis(0, listed))
    seed = {"accounts": [{"name": ACCOUNT, "devices": 2 * listed, "licenses": 2 * listed, "candidates": devices}]}
    pages = math.ceil((listed - SHARED) / (PAGE - SHARED))
    whole, fewer = space.devices_file(devices), space.devices_file(devices[1:])
    empty = best([space.empty() for _round in range(3)])
    with Simulator(space.folder, seed=seed, latency=latency) as simulator:
        for state in ("present", "exact"):
            used, total, writes = _measure(space, simulator, devices_file=whole, state=state)
            note = f"{listed:,} entries, {pages} pages, a token and a session; {used.wall:.2f} s"
            yield at_most(NAME, f"{state}, nothing to do: requests", total, pages + LOGIN, note=note)
            yield equal(NAME, f"{state}, nothing to do: writes", writes + used.result()["changed"], 0)
            beyond = (used.wall - empty.wall - LOGIN * latency) / (pages * latency)
            ratio = at_most(NAME, f"{state}, nothing to do: wall / page latencies", beyond, WALL)
            yield Row(NAME, ratio.what, ratio.measured) if quick else ratio
        used, total, writes = _measure(space, simulator, devices=devices[:1], state="absent")
        needed = math.ceil((listed - 1) / 10_000)
        note = f"the list is read before the plan, before the rewrite and after it; {used.wall:.2f} s"
        yield at_most(NAME, "absent, one device: requests", total, 3 * pages + needed + LOGIN, note=note)
        yield equal(NAME, "absent, one device: writes", writes, needed)
        used, total, writes = _measure(space, simulator, devices_file=fewer, state="exact")
        yield equal(NAME, "exact, what is left: writes", writes + used.result()["changed"], 0, f"{used.wall:.2f} s")
        used, total, writes = _measure(
            space, simulator, "swm_removal_candidates_info", shrink_to=listed // 2, report="none"
        )
        foreseen = used.result()["forecast"]["evicted"]
        note = f"{foreseen:,} evictions among {2 * listed:,} licenses; {used.wall:.2f} s, {used.rss:.0f} MB"
        # The list, the licenses, and as many pages of the device list, which says which devices were upgraded.
        most = pages + 2 * math.ceil(2 * listed / PAGE) + LOGIN
        yield at_most(NAME, "forecast: requests", total, most, note=note)


def _measure(
    space: Workspace, simulator: Simulator, module: str = "swm_removal_candidates", **options: t.Any
) -> tuple[t.Any, int, int]:
    simulator.begin()
    used = space.module(simulator, space.fresh("runtime"), module=module, **options)
    return (used, *simulator.counts())
