# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure assignments: how many requests, how long beyond what has to be, what the journal costs, the SDK instead.

What has to be is the latency of the writes, as many at a time as allowed. Start-up is the same task in check mode: the
interpreter, the options, both logins, one reading of the counts, the plan and the rows of the result, but no write.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import time
import typing as t
from pathlib import Path

from processes import HERE, Used, Workspace, best
from stand import ACCOUNT, Simulator, imeis
from table import Row, at_most, equal, faster

NAME = "simsec"
SKU = "SIMSec-IoT"
BATCH = 100
CONCURRENCY = 4
WALL = 1.25
JOURNAL = 1.10
FLUSHES = 200


@dataclasses.dataclass
class Runs:
    """What was measured, by the way it was done; and what was found amiss with it."""

    used: dict[str, list[Used]] = dataclasses.field(default_factory=dict)
    writes: list[int] = dataclasses.field(default_factory=list)
    again: int = 0

    def add(self, way: str, used: Used) -> Used:
        """Keep one run, without the rows that it printed."""
        self.used.setdefault(way, []).append(dataclasses.replace(used, output=""))
        return used


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Assign all devices in each way, in turns, and compare the best of each."""
    devices, rounds = (1_000, 1) if quick else (10_000, 6)
    fleet = space.devices_file(imeis(0, devices))
    runs = Runs()
    # Results come after the run only, so that making them takes no time from the one who is measured.
    with Simulator(space.folder, devices=devices, latency=latency, simsec_delay=3600) as simulator:
        for number in range(rounds):
            _round(space, simulator, runs, fleet, devices, with_sdk=number == 0)
    least = {way: best(many) for way, many in runs.used.items()}
    yield from _requests(runs, devices)
    yield from _beyond(least, devices, latency, quick=quick)
    yield from _journal(space, least, quick=quick)
    race = faster(NAME, "against the SDK script, 100 at a time", least["journal"].wall, least["SDK"].wall)
    yield Row(NAME, race.what, race.measured) if quick else race


def _round(space: Workspace, simulator: Simulator, runs: Runs, fleet: Path, devices: int, *, with_sdk: bool) -> None:
    """Every way once, each with logins of its own."""
    options: dict[str, t.Any] = {"module": "simsec_license", "sku": SKU, "devices_file": fleet}
    journal = space.fresh("journal")
    runs.add("empty", space.empty())
    simulator.begin(reset=True)
    runs.add("check", space.module(simulator, **options, journal=journal, _ansible_check_mode=True))
    runs.add("journal", space.module(simulator, **options, journal=journal))
    runs.writes.append(simulator.counts()[1])
    again = runs.add("again", space.module(simulator, **options, journal=journal))
    runs.again += simulator.counts()[1] - runs.writes[-1] + again.result()["changed"]
    _done(simulator, devices)
    simulator.begin(reset=True)
    runs.add("bare", space.module(simulator, **options))
    _done(simulator, devices)
    if with_sdk:
        simulator.begin(reset=True)
        script = [sys.executable, HERE / "simsec_sdk.py", simulator.base_url, ACCOUNT, SKU, fleet]
        runs.add("SDK", space.run(script))
        _done(simulator, devices)


def _done(simulator: Simulator, devices: int) -> None:
    """Make sure that every device holds a license in the end."""
    holders = simulator.holders(SKU)
    if holders != devices:
        raise SystemExit(f"{holders} instead of {devices} devices hold a license")


def _requests(runs: Runs, devices: int) -> t.Iterator[Row]:
    needed = math.ceil(devices / BATCH)
    writes = next((count for count in runs.writes if count != needed), needed)
    yield equal(NAME, f"{devices:,} assignments: writes", writes, needed, f"{len(runs.writes)} runs")
    yield equal(NAME, "writes of a second run", runs.again, 0)


def _beyond(least: dict[str, Used], devices: int, latency: float, *, quick: bool) -> t.Iterator[Row]:
    must = math.ceil(devices / BATCH) * latency / CONCURRENCY
    ours = least["journal"].wall
    yield Row(NAME, "sum of write latencies / concurrency", f"{must:.2f} s ({CONCURRENCY} at a time)")
    ratio = at_most(
        NAME,
        "wall beyond start-up / that",
        (ours - least["check"].wall) / must,
        WALL,
        note=f"{ours:.2f} s, of which start-up {least['check'].wall:.2f} s",
    )
    yield Row(NAME, ratio.what, ratio.measured) if quick else ratio
    others = (("second run", "again"), ("empty module", "empty"))
    told = ", ".join(f"{(ours - least[way].wall) / must:.2f} beyond the {what}" for what, way in others)
    yield Row(NAME, "the same by other start-ups", told)


def _journal(space: Workspace, least: dict[str, Used], *, quick: bool) -> t.Iterator[Row]:
    with_it, without = least["journal"], least["bare"]
    note = f"{with_it.wall:.2f} s and {without.wall:.2f} s; a flush to this disk takes {_flush(space) * 1000:.2f} ms"
    wall = at_most(NAME, "wall with / without a journal", with_it.wall / without.wall, JOURNAL, note=note)
    more = with_it.cpu - without.cpu
    note = f"{with_it.cpu:.2f} s and {without.cpu:.2f} s"
    cpu = at_most(NAME, "CPU that the journal adds / wall of the run", more / without.wall, JOURNAL - 1, note=note)
    yield from (Row(NAME, one.what, one.measured) if quick else one for one in (wall, cpu))


def _flush(space: Workspace) -> float:
    """Seconds to bring a little to the disk for good; a commit takes one of these."""
    path = space.fresh("flush")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        began = time.perf_counter()
        for _number in range(FLUSHES):
            os.write(handle, bytes(8192))
            os.fdatasync(handle)
        return (time.perf_counter() - began) / FLUSHES
    finally:
        os.close(handle)
        path.unlink()
