# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An exact run that has nothing to change on a large account: how little it adds to reading the pages."""

from __future__ import annotations

import sys
import typing as t

from processes import HERE, Used, Workspace, best
from stand import ACCOUNT, Simulator, imeis
from table import Row, at_most, equal

NAME = "no-op"
WALL = 0.40
MORE_REQUESTS = 4
CPU_SECONDS = 2.0
RSS_MB = 200.0
LOGIN = 2
"""A token and a session, when nobody has logged in before."""


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Measure process and playbook, each beside the empty module and the bare loop, in turns."""
    devices, rounds = (5_000, 1) if quick else (100_000, 3)
    wanted = space.devices_file(imeis(0, devices))
    bare: list[dict[str, t.Any]] = []
    runs: dict[str, list[Used]] = {"ours": [], "empty": [], "play": [], "empty play": []}
    with Simulator(space.folder, devices=devices, licensed=devices, latency=latency) as simulator:
        space.module(simulator, devices=["990000000000000"])  # leaves compiled files behind
        simulator.begin()
        for _round in range(rounds):
            bare.append(_bare(space, simulator))
            runs["empty"].append(space.empty())
            simulator.begin()
            runs["ours"].append(space.module(simulator, devices_file=wanted, state="exact"))
        requests, writes = simulator.counts()
        for _round in range(rounds - 1):
            runs["empty play"].append(space.playbook("empty.yml", simulator))
            runs["play"].append(space.playbook("ours.yml", simulator, devices_file=wanted, state="exact"))
    if any(run.result()["changed"] for run in runs["ours"]):
        writes += 1
    least = {name: best(many) for name, many in runs.items() if many}
    more = requests - bare[0]["pages"] - LOGIN
    yield from _rows(least, min(one["seconds"] for one in bare), bare[0]["pages"], (more, writes), quick=quick)


def _bare(space: Workspace, simulator: Simulator) -> dict[str, t.Any]:
    return space.run([sys.executable, HERE / "bare_loop.py", simulator.base_url, ACCOUNT]).result()


def _rows(least: dict[str, Used], pages: float, count: int, sent: tuple[int, int], *, quick: bool) -> t.Iterator[Row]:
    ours, empty = least["ours"], least["empty"]
    beyond = ours.wall - empty.wall
    yield Row(NAME, "sum of page latencies", f"{pages:.2f} s ({count} pages, bare loop over one kept-alive session)")
    more, writes = sent
    yield equal(NAME, "writes", writes, 0)
    yield at_most(NAME, "requests beyond the pages and the login", more, MORE_REQUESTS)
    ratio = at_most(NAME, "wall / page latencies", beyond / pages, WALL, note=f"{beyond:.2f} s beyond the empty module")
    # A handful of pages does not outweigh logging in.
    yield Row(NAME, ratio.what, ratio.measured) if quick else ratio
    yield Row(NAME, "the same with interpreter start", f"{ours.wall / pages:.2f} ({ours.wall:.2f} s)")
    cpu, rss = f"{ours.cpu:.2f} s in all", f"{ours.rss:.0f} MB in all"
    yield at_most(NAME, "CPU beyond the empty module", ours.cpu - empty.cpu, CPU_SECONDS, " s", cpu)
    yield at_most(NAME, "peak RSS beyond the empty module", ours.rss - empty.rss, RSS_MB, " MB", rss)
    if quick:
        return
    play, idle = least["play"], least["empty play"]
    extra = f"{(play.wall - idle.wall) / pages:.2f} x the page latencies, CPU {play.cpu - idle.cpu:+.2f} s"
    yield Row(NAME, "ansible-playbook beyond the same play, empty", f"{play.wall - idle.wall:.2f} s ({extra})")
