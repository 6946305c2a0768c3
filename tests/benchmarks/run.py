# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the collection against the simulator over real HTTP; exits with 1 when a figure is missed.

Everything happens on this machine: the simulator listens on a loopback address and adds the latency. All ratios are
of runs that took turns within one go; of repeated runs the best counts, because other programs only ever add.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import alternatives
import budget
import candidates
import confirmations
import converge
import fleet
import growth
import journal_database
import journal_size
import million
import no_op
import report
import simsec
from processes import Workspace
from table import Row, render

_ORDER = (
    converge,
    no_op,
    alternatives,
    growth,
    budget,
    journal_size,
    journal_database,
    simsec,
    confirmations,
    candidates,
    fleet,
    million,
    report,
)
BENCHES = {bench.NAME: bench.run for bench in _ORDER}


def _options(arguments: t.Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the collection against the simulator.")
    parser.add_argument("--quick", action="store_true", help="small sizes; judges counts, not times")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per request (default %(default)s)")
    parser.add_argument("--only", choices=list(BENCHES), action="append", help="this bench; repeatable")
    return parser.parse_args(arguments)


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Run the benches, print the table, say what was missed."""
    options = _options(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="thingspace-bench-") as folder:
        space = Workspace(Path(folder))
        for name in options.only or BENCHES:
            began = time.monotonic()
            rows += BENCHES[name](space, quick=options.quick, latency=options.latency)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    latency = f"{options.latency * 1000:.0f} ms (benches growth and million: none)"
    print(f"Latency added to each request: {latency}. Python {sys.version.split()[0]}.\n")
    print(render(rows))
    missed = [row for row in rows if row.missed]
    for row in missed:
        print(f"missed: {row.bench}, {row.missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
