# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report on a large account in all formats, from what the info modules wrote: reading, joining, counting, writing."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from processes import Used, Workspace, best
from stand import ACCOUNT, FIRST_IMEI, Simulator
from table import Row, at_most, equal

NAME = "report"
SECONDS = 10.0
ROUNDS = 3
SKU = "SIMSec-IoT"
TODAY = datetime.datetime.now(datetime.timezone.utc)


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Report on devices of which all hold a FOTA license and every second one a SIM-Secure license."""
    devices = 5_000 if quick else 100_000
    folder = space.fresh("report")
    folder.mkdir()
    entry = _inputs(folder, devices)
    runs: list[Used] = []
    with Simulator(space.folder, devices=1, latency=latency) as simulator:
        for _round in range(ROUNDS):
            options: dict[str, t.Any] = {"account": None, "accounts": [entry], "dest": folder / "out", "idle_days": 60}
            runs.append(space.module(simulator, module="fleet_report", **options))
        requests = sum(simulator.counts())
    totals = runs[-1].result()["totals"]
    lines = sum(1 for _line in (folder / "out" / "report.csv").open(encoding="utf-8"))
    wrong = (totals["drift"]["missing"], totals["drift"]["extra"]) != (1, 1) or lines != 1 + devices + 1 + devices // 2
    yield equal(NAME, "requests and wrong results", requests + wrong, 0)
    least = best(runs)
    sizes = ", ".join(f"{path.suffix[1:]} {path.stat().st_size / 1048576:.1f}" for path in sorted(folder.glob("out/*")))
    note = f"CPU {least.cpu:.2f} s, RSS {least.rss:.0f} MB; MB: {sizes}"
    row = at_most(NAME, f"report on {devices:,} devices, all formats", least.wall, SECONDS, " s", note)
    yield Row(NAME, row.what, row.measured) if quick else row


def _inputs(folder: Path, devices: int) -> dict[str, t.Any]:
    """What the info modules would have written and returned, line by line."""

    def write(name: str, head: str, count: int, line: t.Callable[[int], str]) -> None:
        with (folder / name).open("w", encoding="utf-8") as stream:
            stream.writelines([head + "\n"] if head else [])
            stream.writelines(line(number) + "\n" for number in range(count))

    def when(number: int) -> str:
        moment = TODAY - datetime.timedelta(days=number % 300, seconds=number)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    heads = "imei,iccid,state,last_connected_at"
    names = "sku,kind,device_id,state,action,confirmed,held"
    one = FIRST_IMEI
    write("fota.csv", "device_id,assigned_at", devices, lambda number: f"{one + number},{when(number)}")
    write("devices.csv", heads, devices, lambda number: f"{one + number},{number},active,{when(number)}")
    half = devices // 2
    write("simsec.csv", names, half, lambda number: f"{SKU},imei,{one + number},assigned,assign,{when(number)},yes")
    write("removal_candidates.csv", "place,device_id", devices // 100, lambda number: f"{number},{one + number * 100}")
    write("fota.txt", "", devices, lambda number: str(one + number + 1))
    write("simsec.txt", "", half, lambda number: str(one + number))
    pool = {"total": devices + 100, "assigned": devices, "available": 100}
    wanted = {
        "account": ACCOUNT,
        "file": "fleet.yml",
        "fota": {"state": "exact"},
        "removal_candidates": None,
        "simsec": [{"sku": SKU, "kind": "imei", "state": "exact", "count": half, "list": "simsec"}],
        "lists": {name: str(folder / f"{name}.txt") for name in ("fota", "simsec")},
    }
    return {
        "account": ACCOUNT,
        "reports": str(folder),
        "shrink_to": devices - devices // 10,
        "wanted": {"accounts": [wanted]},
        "fota": {"licenses": pool, "subscription": {"purchase_type": "TS-HFOTA-MRC"}},
        "removal_candidates": {"candidate_count": devices // 100},
        "devices": {"count": devices},
        "simsec": {
            "subscriptions": [{"sku": SKU, "purchased": devices, "assigned": half, "available": half}],
            "journal": [],
            "drift": [],
        },
    }
