# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run records, and undoing them by the playbook."""

from __future__ import annotations

import datetime
import json
import re
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet, Ran
from ansible_collections.thingspace.licensing.tests.support.harness import Json

LIFETIME = "SIMSec-IoT-Lt"


def now() -> str:
    """This second, as records have it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def part(kind: str, devices: list[Json], sku: str = "", action: str = "exact", **more: t.Any) -> Json:
    """A part of a run."""
    summary = {outcome: sum(row["outcome"] == outcome for row in devices) for outcome in OUTCOMES}
    fixed = {"kind": kind, "sku": sku, "id_kind": "imei", "lifetime": sku == LIFETIME, "action": action}
    return {**fixed, "api_version": "", "summary": summary, "devices": devices, **more}


def row(device: str, outcome: str, planned: str = "", reason: str = "", request_id: str = "") -> Json:
    """A device of a part."""
    planned = planned or (outcome if outcome in ("assigned", "removed", "added") else "")
    return {"device_id": device, "planned": planned, "outcome": outcome, "reason": reason, "request_id": request_id}


def record(accounts: t.Mapping[str, list[Json]], *, started: str, **changes: t.Any) -> Json:
    """A run of these parts of accounts."""
    made = {
        "format": 1,
        "run": re.sub("[-:]", "", started) + "-1a2b3c4d",
        "kind": "apply",
        "started": started,
        "ended": now(),
        "plan": "a" * 64,
        "status": "done",
        "accounts": [{"account": account, "parts": parts} for account, parts in accounts.items()],
        **changes,
    }
    return {**made, "checksum": checksum(made)}


def killed(document: Json) -> Json:
    """The same run, as its record looks when it was killed."""
    parts = [part for account in document["accounts"] for part in account["parts"]]
    for one in parts:
        one["devices"] = [{**row, "outcome": "unknown", "request_id": ""} for row in one["devices"]]
        one["summary"] = {**dict.fromkeys(OUTCOMES, 0), "unknown": len(one["devices"])}
    made = {**document, "status": "running", "ended": None}
    return {**made, "checksum": checksum(made)}


class Undoing:
    """Keeps the record of each run, and undoes one."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.ran: Ran
        # Many small tasks: without files of their own on the way to Python they take half the time.
        fleet.environment["ANSIBLE_PIPELINING"] = "1"
        self.history = fleet.folder / "history"
        self.history.mkdir()

    def write(self, name: str, document: Json) -> Json:
        """Write a record, also where all of them are kept."""
        for path in (self.fleet.folder / name, self.history / f"{document['run']}.json"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(document), encoding="utf-8")
        return document

    def apply(self, name: str = "run.json", dest: str = "apply", **more: t.Any) -> Json:
        """Apply the fleet files, and keep the record of that."""
        kept = json.dumps({"fleet_licensing_history": str(self.history)})
        self.ran = self.fleet.apply("-e", kept, dest=dest, approved="", **more)
        return self.write(name, self.ran.record)

    def __call__(self, dest: str, *arguments: str, run: str = "run.json", name: str = "", **more: str) -> Ran:
        """Undo a run, approved or not; with a name, the record of that is kept under it."""
        if "approved" not in more:
            arguments += ("-e", "fleet_require_approval=false")
        ran = self.fleet("undo", dest, "-e", "fleet_licensing_wait_timeout=20", *arguments, env=None, run=run, **more)
        if name:
            self.write(name, ran.record)
        return ran
