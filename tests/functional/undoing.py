# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run records made of what a run reported, and undoing them by the playbook."""

from __future__ import annotations

import csv
import datetime
import json
import re
import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet_record import checksum
from ansible_collections.thingspace.licensing.plugins.module_utils._outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.tests.functional.fleets import Fleet, Ran
from ansible_collections.thingspace.licensing.tests.functional.harness import Json, Simulator

LIFETIME = "SIMSec-IoT-Lt"
STEPS = {"take": "absent", "moved": "absent", "give": "present"}


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

    def __init__(self, fleet: Fleet, simulator: Simulator) -> None:
        self.fleet = fleet
        self._simulator = simulator
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
        """Apply the fleet files, and write the record of that."""
        before = self._candidates()
        started = now()
        ran = self.fleet.apply(dest=dest, approved="", **more)
        self.ran = ran
        return self.write(name, self._recorded(ran.dest, started, before))

    def __call__(self, dest: str, *arguments: str, run: str = "run.json", name: str = "", **more: str) -> Ran:
        """Undo a run; with a name, a record of that is written."""
        before, started = self._candidates(), now()
        ran = self.fleet("undo", dest, "-e", "fleet_licensing_wait_timeout=20", *arguments, env=None, run=run, **more)
        if name:
            self.write(name, self._recorded(ran.dest, started, before, kind="undo", plan=""))
        return ran

    def _candidates(self) -> dict[str, list[str]]:
        return {account["name"]: account["candidates"] for account in self._simulator.state()["accounts"]}

    def _recorded(self, dest: Path, started: str, before: dict[str, list[str]], **changes: t.Any) -> Json:
        after = self._candidates()
        accounts: dict[str, list[Json]] = {}
        for folder in sorted((dest / "lists").iterdir()):
            parts = [_part(path) for path in sorted(folder.glob("apply-*.csv"))]
            for one in parts:
                if one["kind"] == "removal_candidates":
                    one.update(before=before[folder.name], after=after[folder.name])
            accounts[folder.name] = parts
        made = record(accounts, started=started, **changes)
        # Two runs of the same second are two runs.
        made["run"] = f"{made['run'][:-8]}{checksum(made)[:8]}"
        return {**made, "checksum": checksum(made)}


def _part(path: Path) -> Json:
    """What a module reported, as a part of a record."""
    name = path.stem[len("apply-") :]
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [
            row(one["device_id"], one["outcome"], "", one["reason"], one.get("request_id") or "")
            for one in csv.DictReader(stream)
            if one["outcome"] != "unchanged" or one["reason"].startswith("moved")
        ]
    words = name.replace("undo-", "").split("-imei")
    step = words[-1].strip("-") if len(words) > 1 else words[0].split("-")[-1]
    action = STEPS.get(step, "absent" if step == "remove" else "exact")
    if words[0].startswith("simsec-"):
        return part("simsec", rows, words[0][len("simsec-") :], "present" if action == "exact" else action)
    kind = "fota" if words[0].startswith("fota") else "removal_candidates"
    return part(kind, rows, "", action, api_version="v3" if kind == "fota" else "v2")
