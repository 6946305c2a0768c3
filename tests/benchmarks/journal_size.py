# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module pays for a journal that grew large: a plan without changes for some of its devices."""

from __future__ import annotations

import sys
import typing as t

from processes import HERE, Used, Workspace, best
from stand import ACCOUNT, FIRST_IMEI, Simulator
from table import Row, at_most, equal

NAME = "journal-size"
SKU = "SIMSec-IoT"
SECONDS = 2.0
ROUNDS = 3


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Plan devices from all over the journal."""
    rows, devices = (50_000, 1_000) if quick else (1_000_000, 10_000)
    journal = space.fresh("journal")
    made = space.run([sys.executable, HERE / "fill_journal.py", journal, ACCOUNT, SKU, FIRST_IMEI, rows, "confirmed"])
    wanted = space.devices_file(str(FIRST_IMEI + index) for index in range(0, rows, rows // devices))
    options: dict[str, t.Any] = {"journal": journal, "sku": SKU}
    ways: dict[str, dict[str, t.Any]] = {
        "plan": {"module": "simsec_license", "devices_file": wanted},
        "one": {"module": "simsec_license", "devices": [str(FIRST_IMEI)]},
        "info": {"module": "simsec_license_info", "journal_only": True},
    }
    runs: dict[str, list[Used]] = {way: [] for way in ways}
    with Simulator(space.folder, devices=1, latency=latency) as simulator:
        for number in range(ROUNDS):
            for way, own in ways.items():
                if way != "info" or number == 0:
                    runs[way].append(space.module(simulator, **options, **own))
        writes = simulator.counts()[1]
    least = {way: best(many) for way, many in runs.items()}
    size, seconds = made.result()["bytes"], made.result()["seconds"]
    each = f"{size / rows:.0f} B a row, written in {seconds:.0f} s"
    yield Row(NAME, f"journal of {rows:,} devices", f"{size / 1048576:.0f} MB ({each})")
    right = all(run.result()["plan"]["unchanged"] == devices for run in runs["plan"])
    right = right and all(run.result()["journal"][0]["confirmed"] == rows for run in runs["info"])
    yield equal(NAME, "writes and wrong results", writes + (not right), 0)
    plan, one, info_ = least["plan"], least["one"], least["info"]
    note = f"CPU {plan.cpu:.2f} s, RSS {plan.rss:.0f} MB; for one device {one.wall:.2f} s"
    wall = at_most(NAME, f"plan for {devices:,} of them, nothing to do", plan.wall, SECONDS, " s", note)
    yield Row(NAME, wall.what, wall.measured) if quick else wall
    told = f"{info_.wall:.2f} s ({info_.wall / rows * 1e6:.1f} us a row, RSS {info_.rss:.0f} MB)"
    yield Row(NAME, "simsec_license_info, journal_only", told)
