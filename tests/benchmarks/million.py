# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory and time of the modules that plan and apply one large account, without latency.

Once few devices change, and once all of them do: then each has a row in the plan and in the record.
"""

from __future__ import annotations

import json
import typing as t

from processes import Used, Workspace
from stand import ACCOUNT, Simulator, imeis
from table import Row, at_most, number

NAME = "million"
PLAN_MB, PLAN_SECONDS, APPLY_MB = 700, 45, 1000


def run(space: Workspace, *, quick: bool, latency: float) -> t.Iterator[Row]:
    """Plan and apply; a small account is only told."""
    del latency
    devices = 2_000 if quick else 1_000_000
    fleet = _fleet(space, devices)
    for changes in (devices // 1000, devices):
        with Simulator(space.folder, devices=devices, licensed=devices - changes, max_seconds=3600) as simulator:
            plan, apply = _measure(space, simulator, fleet)
        title = f"{number(changes)} of {number(devices)} devices change"
        rows = [
            at_most(NAME, f"{title}: RSS of the plan", _rss(plan), PLAN_MB, " MB", _each(plan)),
            at_most(NAME, f"{title}: time of the plan", sum(used.wall for used in plan.values()), PLAN_SECONDS, " s"),
            at_most(NAME, f"{title}: RSS of the apply", _rss(apply), APPLY_MB, " MB", _each(apply)),
        ]
        yield from (Row(NAME, row.what, row.measured) if quick else row for row in rows)


def _fleet(space: Workspace, devices: int) -> str:
    """The fleet files of an account whose devices should all have a license."""
    folder = space.fresh("fleet")
    folder.mkdir()
    with (folder / "all.csv").open("w", encoding="ascii") as stream:
        stream.write("imei\n")
        stream.writelines(f"{device}\n" for device in imeis(0, devices))
    wanted = {"account": ACCOUNT, "devices": [{"name": "all", "file": "all.csv", "fota": True}]}
    (folder / "all.yml").write_text(json.dumps(wanted), encoding="utf-8")
    return str(folder)


def _measure(space: Workspace, simulator: Simulator, fleet: str) -> tuple[dict[str, Used], dict[str, Used]]:
    """What the modules of a plan and of its apply used, as the role runs them one after another."""
    runtime, dest, reports = (space.fresh(name) for name in ("runtime", "dest", "reports"))

    def ran(module: str, **options: t.Any) -> Used:
        return space.module(simulator, runtime, module=module, reports=reports, **options)

    planned = ran("fleet_account", src=[fleet], _ansible_check_mode=True)
    account = _returned(planned)
    plan = space.module(
        simulator, runtime, module="fleet_plan", account=None, accounts=[account], dest=dest, state="applying"
    )
    run = {"account": None, "dest": dest, "history": dest / "history"}
    started = ran("fleet_run", state="started", plan=dest / "plan.json", accounts=plan.result()["accounts"], **run)
    begun = started.result()
    done = ran("fleet_account", src=[fleet], planned=account, mark=begun["mark"], approved=True)
    ended = ran("fleet_run", state="ended", run=begun["run"], accounts=[_returned(done)], **run)
    if ended.result()["remaining"]:
        raise SystemExit(f"Not everything was applied: {ended.result()['remaining']}")
    return {"account": planned, "plan": plan}, {"started": started, "account": done, "ended": ended}


def _returned(used: Used) -> dict[str, t.Any]:
    return {key: value for key, value in used.result().items() if key != "invocation"}


def _rss(used: dict[str, Used]) -> float:
    return max(one.rss for one in used.values())


def _each(used: dict[str, Used]) -> str:
    return ", ".join(f"{name} {one.rss:.0f} MB and CPU {one.cpu:.1f} s" for name, one in used.items())
