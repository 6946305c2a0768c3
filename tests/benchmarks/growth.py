# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CPU and memory of an exact run without changes as the account grows, without latency."""

from __future__ import annotations

import typing as t

from processes import Used, Workspace, best
from stand import Simulator, imeis
from table import Row, at_most, number

NAME = "growth"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)
LINEAR = 1.5


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Measure each size; judge the last step."""
    del latency
    empty = best([space.empty() for _round in range(3)])
    sizes = QUICK_SIZES if quick else SIZES
    used: list[Used] = []
    for devices in sizes:
        wanted = space.devices_file(imeis(0, devices))
        with Simulator(space.folder, devices=devices, licensed=devices) as simulator:
            runs = [
                space.module(simulator, devices_file=wanted, state="exact")
                for _round in range(1 if devices > 100_000 or quick else 3)
            ]
            memory, start = simulator.peak_rss_mb, simulator.start_seconds
        wanted.unlink()
        used.append(best(runs))
        yield _row(devices, used[-1], empty, f"simulator ready in {start:.1f} s, {memory:.0f} MB")
    if not quick:
        yield from _judge(used, empty)


def _row(devices: int, used: Used, empty: Used, note: str) -> Row:
    cpu, rss = used.cpu - empty.cpu, used.rss - empty.rss
    each = f"{cpu / devices * 1e6:.1f} us and {rss / devices * 1048576:.0f} B a device"
    return Row(NAME, f"{number(devices)} devices", f"CPU {cpu:.2f} s, RSS {rss:.0f} MB, {each} ({note})")


def _judge(used: list[Used], empty: Used) -> t.Iterator[Row]:
    """Compare the cost of a device at a million with that at a hundred thousand."""
    small, large = used[-2:]
    ratio = SIZES[-1] / SIZES[-2]
    for what, measure in (("CPU", "cpu"), ("peak RSS", "rss")):
        base, low, high = (float(getattr(one, measure)) for one in (empty, small, large))
        extra = (high - low) / (SIZES[-1] - SIZES[-2]) * (1e6 if measure == "cpu" else 1048576)
        note = f"each further device: {extra:.1f} {'us' if measure == 'cpu' else 'B'}"
        growth = (high - base) / (low - base) / ratio
        yield at_most(NAME, f"{what} per device, 1,000,000 / 100,000", growth, LINEAR, note=note)
