# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Confirmations per second through the real receiver: taken over HTTP, and on the disk before they are answered."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import typing as t

from processes import COLLECTION, HERE, Workspace
from stand import ACCOUNT, FIRST_IMEI, WORD
from table import Row, at_least, equal

NAME = "confirmations"
SKU = "SIMSec-IoT"
PER_SECOND = 1_000


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Send callbacks on fifty connections, and on one."""
    del latency
    journal = space.fresh("journal")
    yield from rates(space, journal, NAME, quick=quick, confirmed=lambda: _confirmed(space, journal))


def rates(
    space: Workspace, journal: t.Any, bench: str, *, quick: bool, confirmed: t.Callable[[], int]
) -> t.Iterator[Row]:
    """What a receiver takes for a journal.

    :param confirmed: how many devices the journal calls confirmed.
    """
    count, rounds = (500, 1) if quick else (2_000, 3)
    devices = count * (rounds + 1)
    space.run([sys.executable, HERE / "fill_journal.py", journal, ACCOUNT, SKU, FIRST_IMEI, devices, "waiting"])
    many: list[dict[str, t.Any]] = []
    with _receiver(space, journal) as port:

        def send(begin: int, connections: int) -> dict[str, t.Any]:
            script = [sys.executable, HERE / "post_callbacks.py", port, FIRST_IMEI, begin, count, connections, WORD]
            return space.run(script).result()

        for number in range(rounds):
            many.append(send(number * count, 50))
        single = send(rounds * count, 1)
    answered = sum(one["good"] for one in (*many, single))
    yield equal(bench, "callbacks not answered with 200", devices - answered, 0)
    yield equal(bench, "callbacks not in the journal", devices - confirmed(), 0)
    rate = count / min(one["seconds"] for one in many)
    row = at_least(bench, "confirmations a second, 50 connections", rate, PER_SECOND, note=f"{count:,} callbacks")
    yield Row(bench, row.what, row.measured) if quick else row
    yield Row(bench, "confirmations a second, 1 connection", f"{count / single['seconds']:.0f}")


@contextlib.contextmanager
def _receiver(space: Workspace, journal: t.Any) -> t.Iterator[int]:
    """The receiver as a process; gives its port."""
    ready = space.fresh("ready")
    program = space.folder.joinpath("tree", *COLLECTION.split("."), "extensions", "receiver", "thingspace_receiver.py")
    own = ("--journal", journal, "--port", 0, "--ready-file", ready, "--max-seconds", 120)
    secrets = {f"THINGSPACE_CALLBACK_{name}": WORD for name in ("USERNAME", "PASSWORD")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("THINGSPACE_")}
    command = [sys.executable, str(program), *map(str, own)]
    with space.fresh("log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**kept, **secrets})
    try:
        end = time.monotonic() + 30
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("The receiver did not start.")
            time.sleep(0.02)
        yield json.loads(ready.read_text(encoding="utf-8"))["port"]
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _confirmed(space: Workspace, journal: t.Any) -> int:
    """How many devices the journal calls confirmed; asked of another process, which is the one to load SQLite."""
    query = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"
    counted = "SELECT count(*) FROM entry WHERE outcome = 'success'"
    return int(space.run([sys.executable, "-c", query, journal, counted]).output)
