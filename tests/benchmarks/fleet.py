# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan without changes over 50 accounts with 10 forks, by the real playbook: its requests, and how well it spreads.

Requests are those of one login for all forks and exactly the pages of each account's lists.

The figure for the time is 1.3 x chain x accounts / forks. The chain is what one account takes by itself: the same
playbook, fleet files, inventory and latency with C(--limit) to that account, logged in already; the slowest of some
accounts, each at its best. Both are times of the whole command, with Ansible's start and with what is done once for all
accounts. Forks cannot be faster than the processors that they share: so it is told beside the figure how long the CPU
of the run takes on all of them. On a machine with far fewer processors than forks that alone can be more than the
figure allows. The CPU for each further account is a figure of its own, in seconds, because it is what Ansible's worker
and the module in it cost.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

from fleet_estate import Estate
from processes import Used, Workspace, best
from stand import Simulator
from table import Row, at_most, equal

NAME = "fleet"
WALL = 1.3
EACH = 0.40
"""Seconds of CPU for each further account."""
ALONE = 3
"""Accounts that are planned alone, to find a slow one."""


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Plan FOTA licenses; then these with removal candidates and SIM-Secure licenses."""
    accounts, devices, forks, rounds = (6, 2_000, 3, 1) if quick else (50, 2_000, 10, 2)
    for title, everything in (("FOTA", False), ("all kinds", True)):
        estate = Estate(space, accounts, devices, everything=everything)
        with Simulator(space.folder, seed=estate.seed, latency=latency, max_seconds=3600) as simulator:
            yield from _measure(space, simulator, estate, f"{title}, {accounts} accounts", forks, rounds, quick=quick)


def _measure(
    space: Workspace, simulator: Simulator, estate: Estate, title: str, forks: int, rounds: int, *, quick: bool
) -> t.Iterator[Row]:
    runtime = space.fresh("runtime")
    _plan(space, simulator, estate, runtime, "--limit", estate.names[0])  # logs in, and leaves compiled files behind
    alone: dict[str, list[Used]] = {name: [] for name in estate.names[:: len(estate.names) // ALONE][:ALONE]}
    for _round in range(rounds):
        for name, runs in alone.items():
            runs.append(_plan(space, simulator, estate, runtime, "--limit", name))
    simulator.begin()
    whole = _plan(space, simulator, estate, space.fresh("runtime"), "--forks", forks)
    yield from _requests(estate, title, simulator.control("GET", "requests/summary")["operations"])
    idle = space.playbook("empty.yml", simulator)
    yield from _times(title, estate, forks, whole, [best(runs) for runs in alone.values()], idle, quick=quick)


def _plan(space: Workspace, simulator: Simulator, estate: Estate, runtime: Path, *arguments: object) -> Used:
    """Run the playbook; it fails if there is anything to change."""
    given = {**estate.variables, "fleet_dest": str(space.fresh("plan")), "fleet_fail_on": "changes"}
    program = Path(sys.executable).with_name("ansible-playbook")
    return space.run(
        [program, "-i", estate.inventory, "-e", json.dumps(given), *arguments, "thingspace.licensing.plan"],
        timeout=900.0,
        THINGSPACE_BASE_URL=simulator.base_url,
        THINGSPACE_RUNTIME_DIR=runtime,
    )


def _requests(estate: Estate, title: str, counts: dict[str, int]) -> t.Iterator[Row]:
    needed = {"oauth_token": 1, "session_login": 1, **estate.pages}
    note = ", ".join(f"{count} {operation}" for operation, count in sorted(counts.items()))
    yield equal(NAME, f"{title}: requests", sum(counts.values()), sum(needed.values()), note)
    off = sum(counts.get(name, 0) != needed.get(name, 0) for name in {*counts, *needed})
    yield equal(NAME, f"{title}: operations with another count than that", off, 0)


def _times(
    title: str, estate: Estate, forks: int, whole: Used, alone: t.Sequence[Used], idle: Used, *, quick: bool
) -> t.Iterator[Row]:
    slowest = max(alone, key=lambda used: used.wall)
    shares, processors = len(estate.names) / forks, len(os.sched_getaffinity(0))
    spread, bound = slowest.wall * shares, whole.cpu / processors
    note = f"{whole.wall:.1f} s; chain {slowest.wall:.2f} s from start to end; {forks} forks"
    row = at_most(NAME, f"{title}: wall / (chain x accounts / forks)", whole.wall / spread, WALL, "", note)
    # So few accounts are mostly start-up.
    yield Row(NAME, row.what, row.measured) if quick else row
    each = (whole.cpu - slowest.cpu) / (len(estate.names) - 1)
    yield at_most(NAME, f"{title}: CPU for each further account", each, EACH, "s", f"{whole.cpu:.1f} s in all")
    told = f"{whole.wall / bound:.2f}; the CPU alone makes the figure at least {bound / spread:.2f}"
    yield Row(NAME, f"{title}: wall / (CPU / {processors} processors)", told)
    beyond = (whole.wall - idle.wall) / (slowest.wall - idle.wall) / shares
    yield Row(NAME, f"{title}: the same beyond an empty playbook", f"{beyond:.2f} (which takes {idle.wall:.2f} s)")
