# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report on a large account in all formats: reading everything, then joining, counting, and writing it."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from processes import HERE, Used, Workspace, best
from stand import ACCOUNT, FIRST_IMEI, Simulator
from table import Row, at_most, equal

NAME = "report"
SECONDS = 10.0
ROUNDS = 3
SKU = "SIMSec-IoT"


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Report on devices of which all hold a FOTA license and every second one a SIM-Secure license."""
    devices = 5_000 if quick else 100_000
    folder = space.fresh("report")
    folder.mkdir()
    fleet, journal = _fleet(folder, devices), folder / "journal.db"
    space.run([sys.executable, HERE / "fill_journal.py", journal, ACCOUNT, SKU, FIRST_IMEI, devices // 2, "confirmed"])
    runs: list[Used] = []
    with Simulator(space.folder, devices=devices, licensed=devices, latency=latency) as simulator:
        about: dict[str, t.Any] = {
            "src": [str(fleet)],
            "journal": journal,
            "dest": folder / "lists",
            "shrink_to": devices * 9 // 10,
        }
        reading = space.module(simulator, module="fleet_account_info", **about)
        simulator.begin()
        for _round in range(ROUNDS):
            options: dict[str, t.Any] = {"account": None, "accounts": [reading.result()], "src": [str(fleet)]}
            runs.append(space.module(simulator, module="fleet_report", dest=folder / "out", idle_days=60, **options))
        requests = sum(simulator.counts())
    totals = runs[-1].result()["totals"]
    lines = sum(1 for _line in (folder / "out" / "report.csv").open(encoding="utf-8"))
    wrong = (totals["drift"]["missing"], totals["drift"]["extra"]) != (1, 1) or lines != 1 + devices + 1 + devices // 2
    yield equal(NAME, "requests and wrong results", requests + wrong, 0)
    read = f"CPU {reading.cpu:.2f} s, RSS {reading.rss:.0f} MB"
    yield Row(NAME, f"read {devices:,} devices for it", f"{reading.wall:.2f} s ({read})")
    least = best(runs)
    sizes = ", ".join(f"{path.suffix[1:]} {path.stat().st_size / 1048576:.1f}" for path in sorted(folder.glob("out/*")))
    note = f"CPU {least.cpu:.2f} s, RSS {least.rss:.0f} MB; MB: {sizes}"
    row = at_most(NAME, f"report on {devices:,} devices, all formats", least.wall, SECONDS, " s", note)
    yield Row(NAME, row.what, row.measured) if quick else row


def _fleet(folder: Path, devices: int) -> Path:
    """A fleet file that wants the next device in place of the first one."""
    with (folder / "devices.csv").open("w", encoding="ascii") as stream:
        stream.writelines(f"{FIRST_IMEI + number}\n" for number in range(1, devices + 1))
    sets = [{"name": "all", "file": "devices.csv", "fota": True}]
    path = folder / "fleet.yml"
    path.write_text(json.dumps({"account": ACCOUNT, "devices": sets}), encoding="utf-8")
    return path
