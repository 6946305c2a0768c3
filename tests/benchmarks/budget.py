# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten modules at a time on one shared budget against a server with a limit: when the 429 answers stop.

Warm-up is the time in which the budget can only learn: from the first request until WARM_UP seconds after the first
429. Each later 429 counts as avoidable, because the limit stays the same all the time.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import math
import typing as t

from processes import Workspace
from stand import FIRST_IMEI, Simulator
from table import Row, equal

NAME = "budget"
WARM_UP = 10.0
FORKS = 10
PAGE = 10
BIN = 5.0
ACCOUNT_STEP = 100_000_000


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Each fork lists an account of its own in small pages and licenses a tenth of it."""
    limit, licensed = (40, 100) if quick else (20, 1000)
    seed: dict[str, list[dict[str, t.Any]]] = {"accounts": [_account(index, licensed) for index in range(FORKS)]}
    with Simulator(space.folder, seed=seed, rate_limit=limit, page_size=PAGE, latency=latency) as simulator:
        shared = space.fresh("runtime")

        def fork(index: int) -> dict[str, t.Any]:
            ids = [str(FIRST_IMEI + index * ACCOUNT_STEP + number) for number in range(licensed + licensed // 10)]
            options = {"account": seed["accounts"][index]["name"], "devices": ids, "batch_size": PAGE}
            return space.module(simulator, shared, **options, state="exact", retries=50).result()

        with concurrent.futures.ThreadPoolExecutor(FORKS) as pool:
            results = list(pool.map(fork, range(FORKS)))
        requests = simulator.control("GET", "requests")
    if not all(result["summary"]["assigned"] == licensed // 10 for result in results):
        raise SystemExit(f"The accounts did not converge: {[result['summary'] for result in results]}")
    yield from _rows([(_seconds(one["time"]), one["status"] == 429) for one in requests], limit, quick=quick)


def _account(index: int, licensed: int) -> dict[str, t.Any]:
    first = FIRST_IMEI + index * ACCOUNT_STEP
    devices = licensed + licensed // 10
    return {
        "name": f"0000123456-{index + 1:05}",
        "subscription": {"license_count": devices},
        "devices": devices,
        "licenses": [str(first + number) for number in range(licensed)],
    }


def _seconds(time: str) -> float:
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def _rows(requests: list[tuple[float, bool]], limit: int, *, quick: bool) -> t.Iterator[Row]:
    began, ended = requests[0][0], requests[-1][0]
    refused = [moment - began for moment, was in requests if was]
    bins = [0] * (math.floor((ended - began) / BIN) + 1)
    passed = bins.copy()
    for moment, was in requests:
        (bins if was else passed)[math.floor((moment - began) / BIN)] += 1
    each = f"every {BIN:.0f} s"
    rate = (len(requests) - len(refused)) / (ended - began)
    yield Row(NAME, f"passed {each}, {FORKS} forks, limit {limit}/s", " ".join(map(str, passed)))
    yield Row(NAME, f"answered with 429 {each}", " ".join(map(str, bins)))
    learned = (refused[0] if refused else 0.0) + WARM_UP
    early = sum(moment <= learned for moment in refused)
    yield Row(NAME, f"429 during warm-up (first {learned:.1f} s)", str(early))
    late = equal(NAME, "429 after warm-up", len(refused) - early, 0)
    # Too short to say anything about the time after warm-up.
    yield Row(NAME, late.what, late.measured) if quick else late
    yield Row(NAME, "use of the limit", f"{rate / limit:.0%} ({rate:.1f}/s over {ended - began:.0f} s)")
