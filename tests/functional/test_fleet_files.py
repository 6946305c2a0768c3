# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleet files as an operator meets them: checked anywhere, lists for the modules, devices that ThingSpace selects."""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Receiver,
    Simulator,
    iccids,
    imei,
    imeis,
)

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
POOL = f"simsec-{FLEX}-imei"
AS_OWNER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
LIST = "device_list"


class Task:
    """Runs C(fleet_files) over one file."""

    def __init__(self, module: Module, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.file = folder / "fleet.yml"
        self.journal = folder / "journal.db"

    def __call__(self, *sets: Json, fields: Json | None = None, **options: t.Any) -> Outcome:
        document = {
            "account": ACCOUNT,
            **(fields or {}),
            "devices": [{"name": f"s{n}", **s} for n, s in enumerate(sets)],
        }
        self.file.write_text(json.dumps(document), encoding="utf-8")
        common = {"src": [str(self.file)], "journal": str(self.journal), "account": None}
        return self.module("fleet_files", **{**common, **options})

    def lists(self, outcome: Outcome) -> dict[str, list[str]]:
        paths = outcome.result["accounts"][0]["lists"]
        return {name: Path(path).read_text(encoding="ascii").split() for name, path in paths.items()}

    def simsec(self, devices: list[str], **options: t.Any) -> Outcome:
        return self.module(
            "simsec_license", **{"sku": FLEX, "journal": str(self.journal), "devices": devices, **options}
        )


@pytest.fixture
def task(module: Module, tmp_path: Path) -> Task:
    return Task(module, tmp_path)


def test_lists_that_the_license_modules_take(simulator: Simulator, task: Task) -> None:
    everything = {"ids": imeis(3), "fota": True, "simsec": FLEX, "removal_candidate": True}
    outcome = task(everything, {"ids": [imei(9)], "protected": True}, dest=str(task.folder))
    assert not outcome.failed
    assert simulator.requests() == []
    entry = outcome.result["accounts"][0]
    assert task.lists(outcome) == {
        "fota": imeis(3),
        "candidates": imeis(3),
        "protected": [imei(9)],
        POOL: imeis(3),
        f"{POOL}-remove": [],
    }
    assert not task.module(devices_file=entry["lists"]["fota"], state=entry["fota"]["state"]).failed
    assert simulator.licensed() == set(imeis(3))
    again = task(everything, {"ids": [imei(9)], "protected": True})
    assert again.result["accounts"][0]["digest"] == entry["digest"]
    assert again.result["accounts"][0]["lists"] is None
    assert task(everything).result["accounts"][0]["digest"] != entry["digest"]


def test_protected_devices_of_a_list_that_is_not_managed(task: Task) -> None:
    sets = ({"ids": imeis(3), "fota": True}, {"ids": imeis(2), "protected": True})
    outcome = task(*sets, dest=str(task.folder))
    entry = outcome.result["accounts"][0]
    assert task.lists(outcome) == {"fota": imeis(3), "protected": imeis(2)}
    assert entry["removal_candidates"] is None
    assert task(sets[0]).result["accounts"][0]["digest"] == entry["digest"], "nothing is done about them"


def test_who_is_to_lose_a_license_by_the_journal(simulator: Simulator, task: Task) -> None:
    def losing(*sets: Json, **fields: t.Any) -> list[str]:
        outcome = task(*sets, fields={"simsec": fields}, dest=str(task.folder))
        return task.lists(outcome)[f"{POOL}-remove"] if outcome.result["accounts"][0]["simsec"] else []

    first = {"ids": [imei(0)], "simsec": FLEX}
    assert losing(first) == [], "no journal yet"
    assert not task.simsec(imeis(3)).failed
    receiver = Receiver(task.folder, task.journal, simulator)
    try:
        assert not task.simsec(imeis(3, 5), wait=True, wait_timeout=30).failed
        assert not task.simsec([imei(8)], sku=LIFETIME, lifetime_consent=1, wait=True, wait_timeout=30).failed
    finally:
        receiver.stop()
    assert sorted(losing(first)) == imeis(1, 5), "accepted, and confirmed, but not those held for life"
    assert losing(first, state="present") == []
    unknown, known = task(first, journal=None, dest=str(task.folder)), task(first)
    assert unknown.warnings.count("Without 'journal'") == 1
    assert unknown.result["accounts"][0]["digest"] == known.result["accounts"][0]["digest"], "wanted is wanted"
    by_iccid = task({"ids": iccids(1), "kind": "iccid", "simsec": FLEX})
    assert "They may be the same SIMs, so none of them loses the license" in by_iccid.warnings
    assert [entry["remove"] for entry in by_iccid.result["accounts"][0]["simsec"]] == [0]
    assert task(first, offline=True).result["accounts"][0]["simsec"][0]["remove"] == 0
    # A removal whose answer got lost is not forgotten.
    simulator.faults({"operation": "simsec_unassign", "action": "reset", "effect": "none", "times": 0})
    assert task.simsec([imei(4)], state="absent", retries=0).failed
    simulator.clear_faults()
    assert sorted(losing(first)) == imeis(1, 5)


def test_devices_that_thingspace_selects(simulator: Simulator, task: Task) -> None:
    devices = [
        {"imei": imei(n), "groups": ["meters"] if n < 5 else [], "custom_fields": {"CustomField1": "north"}}
        for n in range(8)
    ]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": [*devices, {"imei": imei(8), "state": "suspend"}]}])
    meters = {"select": {"group": "meters"}, "fota": True}
    north = {"select": {"custom_fields": {"CustomField1": "north"}, "state": "active"}, "simsec": FLEX}
    simulator.faults({"operation": LIST, "action": "status", "status": 503})
    outcome = task(meters, north, dest=str(task.folder))
    assert task.lists(outcome) == {"fota": imeis(5), POOL: imeis(8), f"{POOL}-remove": []}
    assert outcome.result["requests"]["retried"] == 1
    assert simulator.writes() == []
    # What only the selection shows.
    twice = task(meters, {"ids": [imei(4)], "fota": True})
    assert twice.code == "invalid_devices"
    assert "('select') already" in twice.message
    # A selection that finds nothing does not make the licenses unmanaged.
    nothing = task({"select": {"group": "nobody"}, "fota": True})
    assert nothing.result["accounts"][0]["fota"]["count"] == 0
    assert "selects no device" in nothing.warnings
    simulator.faults({"operation": LIST, "action": "status", "status": 500, "times": 0})
    before = sorted(task.folder.rglob("*.txt"))
    failed = task(meters, retries=0, dest=str(task.folder))
    assert failed.code == "server_error"
    assert sorted(task.folder.rglob("*.txt")) == before


def test_lists_of_many_accounts_without_asking(simulator: Simulator, task: Task) -> None:
    """One task makes what it can; who selects devices, or has no usable journal, is left to a task that tells why."""
    named = [f"0000123456-{number:05}" for number in range(1, 5)]
    sets: list[Json] = [
        {"ids": imeis(2), "fota": True},
        {"select": {"group": "meters"}, "fota": True},
        {"ids": imeis(2, 4), "simsec": FLEX},
        {"ids": imeis(4, 5), "fota": True},
    ]
    accounts = [{"account": name, "devices": [{"name": "s", **one}]} for name, one in zip(named, sets, strict=True)]
    task.file.write_text(json.dumps({"accounts": accounts}), encoding="utf-8")
    task.journal.write_text("no journal", encoding="utf-8")
    (task.folder / named[3]).write_text("no directory", encoding="utf-8")
    options = {"src": [str(task.file)], "journal": str(task.journal), "account": None, "dest": str(task.folder)}
    outcome = task.module("fleet_files", offline=True, **options)
    assert not outcome.failed
    assert simulator.requests() == []
    assert outcome.result["journal"] == str(task.journal)
    found = {entry["account"]: entry["lists"] for entry in outcome.result["accounts"]}
    assert found == {named[0]: {"fota": f"{task.folder}/{named[0]}/fota.txt"}, **dict.fromkeys(named[1:])}
    assert task.lists(outcome) == {"fota": imeis(2)}
    assert sorted(path.name for path in task.folder.glob("0000*")) == [named[0], named[3]]
    codes = [task.module("fleet_files", accounts=[name], **options).code for name in named[2:]]
    assert codes == ["journal_unusable", "report_unwritable"]


def test_nothing_is_asked_while_something_is_wrong(simulator: Simulator, task: Task) -> None:
    outcome = task({"select": {"group": "meters"}, "simsec": "simsec-iot"}, {"ids": [], "fota": True})
    assert outcome.result["failure"]["problem_count"] == 2
    assert simulator.requests() == []
    without = task({"select": {"group": "meters"}, "fota": True}, password=None)
    assert without.code == "missing_credentials"
    unneeded = task(
        {"ids": imeis(1), "fota": True}, **dict.fromkeys(("client_id", "client_secret", "username", "password"))
    )
    assert not unneeded.failed


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv, or not to be root")
def test_places_that_cannot_be_used(task: Task) -> None:
    locked = task.folder / "locked"
    locked.mkdir()
    locked.chmod(0)
    one = {"ids": imeis(1), "fota": True}
    try:
        process = task.module.start("fleet_files", src=[str(locked)], account=None, prefix=AS_OWNER)
        unreadable = process.wait()
        assert (unreadable.code, "Permission denied" in unreadable.message) == ("fleet_file_invalid", True)
    finally:
        locked.chmod(0o700)
    for dest in ("/no/such", str(task.file)):
        outcome = task(one, dest=dest)
        assert outcome.code == "report_unwritable"
    (task.folder / ACCOUNT).write_text("in the way", encoding="utf-8")
    assert task(one, dest=str(task.folder)).code == "report_unwritable"
    outcome = task(one, {"ids": imeis(1), "simsec": FLEX}, journal="/no/journal.db", dest=str(task.folder))
    assert outcome.code == "journal_unusable"
    nested = task.folder / "deep.yml"
    nested.write_text("[" * 100_000, encoding="utf-8")
    assert "nested more than" in task(one, src=[str(nested)]).message


def test_a_large_fleet(task: Task) -> None:
    (task.folder / "large.csv").write_text("imei\n" + "\n".join(imeis(100_000)), encoding="utf-8")
    outcome = task({"file": "large.csv", "fota": True, "simsec": FLEX}, dest=str(task.folder))
    assert outcome.result["accounts"][0]["fota"]["count"] == 100_000
    assert outcome.seconds < 20
