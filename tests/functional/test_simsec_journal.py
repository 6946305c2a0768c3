# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input to SIM-Secure tasks, and journals that are gone, damaged, full, locked, foreign, old or from the future."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.file import APPLICATION_ID
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.schema import SCHEMA
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Module,
    Outcome,
    Simulator,
    iccids,
    imei,
    imeis,
)

pytestmark = pytest.mark.usefixtures("heard")

FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
OTHER = "0000123456-00002"
AS_OWNER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Takes from root what lets it write everywhere."""

restricted = pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere, and there is no setpriv"
)
PREFIX = AS_OWNER if os.geteuid() == 0 else ()

CASES: dict[str, tuple[Json, str, tuple[str, ...]]] = {
    "no sku": ({"sku": None}, "invalid_options", ("sku",)),
    "empty sku": ({"sku": ""}, "invalid_sku", ("is invalid", FLEX)),
    "misspelt sku": ({"sku": "simsec-iot"}, "invalid_sku", ("spells it 'SIMSec-IoT'",)),
    "sku with a path": ({"sku": "../x"}, "invalid_sku", ("is invalid",)),
    "request id": ({"request_id": "X-Request-ID2"}, "invalid_request_id", ("one digit, a hyphen",)),
    "short request id": ({"request_id": "1-12"}, "invalid_request_id", ("one digit, a hyphen",)),
    "long request id": ({"request_id": "1-" + "1" * 31}, "invalid_request_id", ("one digit, a hyphen",)),
    "request id of two lines": ({"request_id": "1-12345\n"}, "invalid_request_id", ("one digit, a hyphen",)),
    "other digits": ({"request_id": "1-\u0661\u0662\u0663"}, "invalid_request_id", ("one digit, a hyphen",)),
    "iccid as imei": ({"devices": iccids(1)}, "invalid_devices", ("may be an ICCID",)),
    "imei as iccid": ({"kind": "iccid"}, "invalid_devices", ("may be an IMEI",)),
    "mixed": ({"devices": [imei(1), *iccids(1)]}, "invalid_devices", ("entry 2",)),
    "twice": ({"devices": [imei(1), f" {imei(1)} "]}, "invalid_devices", ("named twice",)),
    "kind": ({"kind": "IMEI"}, "invalid_options", ("imei, iccid",)),
    "exact": ({"state": "exact"}, "invalid_options", ("present, absent",)),
    "wait without journal": ({"wait": True}, "invalid_options", ("'wait' needs 'journal'",)),
    "no time to wait": ({"wait_timeout": 0}, "invalid_options", ("'wait_timeout' is 0",)),
    "no batch": ({"batch_size": 0}, "invalid_options", ("'batch_size' is 0", "1 and 100")),
    "large batch": ({"batch_size": 101}, "invalid_options", ("'batch_size' is 101",)),
    "journal nowhere": ({"journal": "/no/journal.db"}, "journal_unusable", ("/no does not exist",)),
    "journal is a folder": ({"journal": "/"}, "journal_unusable", ("it is a directory",)),
    "journal is a device": ({"journal": "/dev/null"}, "journal_unusable", ("/dev/null",)),
}


@pytest.mark.parametrize("case", list(CASES))
def test_nothing_is_sent(simulator: Simulator, module: Module, case: str) -> None:
    options, code, words = CASES[case]
    outcome = module("simsec_license", **{"devices": imeis(2), "sku": FLEX, **options})
    assert outcome.code == code
    assert not outcome.result.get("changed")
    for word in words:
        assert word in outcome.message
    assert simulator.requests() == []


def test_all_at_once(simulator: Simulator, module: Module) -> None:
    outcome = module(
        "simsec_license",
        sku="simsec-iot",
        devices=["1", imei(1), imei(1)],
        request_id="x",
        batch_size=0,
        lifetime_consent=-1,
        wait_timeout=-1,
        journal="/no/journal.db",
        account="a/b",
        reserve=-1,
        password=None,
    )
    assert outcome.code == "invalid_options"
    assert outcome.result["failure"]["problem_count"] == 11
    assert simulator.requests() == []


class Task:
    """Runs C(simsec_license) with the same options each time, but for what is named."""

    def __init__(self, module: Module, journal: Path) -> None:
        self._module = module
        self.journal = journal
        self.options: Json = {"sku": FLEX, "report": "all", "journal": str(journal), "devices": imeis(20)}

    def __call__(self, **more: t.Any) -> Outcome:
        return self._module("simsec_license", **{**self.options, **more})

    def rows(self) -> int:
        with contextlib.closing(sqlite3.connect(self.journal)) as db:
            return int(db.execute("SELECT count(*) FROM entry").fetchone()[0])


@pytest.fixture
def task(module: Module, tmp_path: Path) -> Task:
    (tmp_path / "journals").mkdir()
    return Task(module, tmp_path / "journals" / "journal.db")


def test_each_request_has_a_name_of_its_own(simulator: Simulator, task: Task) -> None:
    simulator.quirks(x_request_id="require")
    assert not task(request_id="1-123", batch_size=7).failed
    assert sorted(r["x_request_id"] for r in simulator.requests("simsec_assign")) == [
        "1-1230001",
        "1-1230002",
        "1-1230003",
    ]
    simulator.forget_requests()
    assert not task(devices=imeis(20, 25), request_id="1-" + "9" * 30).failed
    assert [request["x_request_id"] for request in simulator.requests("simsec_assign")] == ["1-" + "9" * 30]
    long = task(devices=imeis(30, 50), request_id="1-" + "9" * 27, batch_size=10)
    assert long.code == "invalid_request_id"
    assert simulator.count("simsec_assign") == 1


def test_each_part_of_a_refused_request_has_a_name_of_its_own(simulator: Simulator, task: Task) -> None:
    simulator.quirks(simsec_checks="sync", x_request_id="require")
    simulator.devices({"imei": imei(1), "state": "suspend"})
    assert task(devices=imeis(4), request_id="1-" + "9" * 30).code == "devices_failed"
    names = [request["x_request_id"] for request in simulator.requests("simsec_assign")]
    assert all(re.fullmatch(r"[0-9]-[0-9]{3,30}", name) for name in names)
    assert len(set(names)) == len(names)


def spoil_text(journal: Path) -> None:
    journal.write_text("dear diary\n" * 500, encoding="utf-8")


def spoil_foreign(journal: Path) -> None:
    journal.unlink()
    with contextlib.closing(sqlite3.connect(journal)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
        db.commit()


def spoil_truncated(journal: Path) -> None:
    os.truncate(journal, journal.stat().st_size // 2)


def spoil_middle(journal: Path) -> None:
    size = journal.stat().st_size
    with journal.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 8192))


def spoil_newer(journal: Path) -> None:
    with contextlib.closing(sqlite3.connect(journal)) as db:
        db.execute(f"PRAGMA user_version = {len(SCHEMA) + 1}")


SPOILT: dict[str, tuple[t.Callable[[Path], t.Any], str]] = {
    "text": (spoil_text, "journal_damaged"),
    "another program's": (spoil_foreign, "journal_unusable"),
    "truncated": (spoil_truncated, "journal_damaged"),
    "overwritten": (spoil_middle, "journal_damaged"),
    "emptied": (lambda journal: os.truncate(journal, 0), "journal_damaged"),
    "deleted": (lambda journal: journal.unlink(), "journal_damaged"),
    "newer": (spoil_newer, "journal_newer"),
}


@pytest.mark.parametrize("case", list(SPOILT))
def test_a_journal_that_was_good_once(simulator: Simulator, task: Task, case: str) -> None:
    spoil, code = SPOILT[case]
    assert not task().failed
    spoil(task.journal)
    before = task.journal.read_bytes() if task.journal.exists() else None
    simulator.forget_requests()
    for options in ({}, {"check": True}, {"devices": imeis(30, 40)}):
        outcome = task(**options)
        assert outcome.code == code
        assert str(task.journal) in outcome.message
        assert not outcome.changed
    assert simulator.requests() == []
    assert (task.journal.read_bytes() if task.journal.exists() else None) == before


@restricted
def test_a_journal_that_cannot_be_written(simulator: Simulator, task: Task) -> None:
    assert not task().failed
    simulator.forget_requests()
    task.journal.chmod(0o400)
    assert task(prefix=PREFIX, devices=imeis(30, 32)).code == "journal_unusable"
    task.journal.chmod(0o600)
    task.journal.parent.chmod(0o500)
    try:
        assert task(prefix=PREFIX, devices=imeis(30, 32)).code == "journal_unusable"
        assert simulator.writes() == []
        checked = task(prefix=PREFIX, check=True)
        assert not checked.failed, "reading is enough for check mode"
        assert not checked.changed
    finally:
        task.journal.parent.chmod(0o700)
    task.journal.chmod(0)
    assert task(prefix=PREFIX, check=True).code == "journal_unusable"


@restricted
def test_a_fixed_place_for_a_new_journal(simulator: Simulator, task: Task) -> None:
    task.journal.parent.chmod(0o500)
    try:
        assert task(prefix=PREFIX).code == "journal_unusable"
    finally:
        task.journal.parent.chmod(0o700)
    assert simulator.requests() == []


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit")
@pytest.mark.parametrize("size", [30_000, 60_000, 75_000])
def test_no_room_for_the_journal(simulator: Simulator, task: Task, size: int) -> None:
    """Whatever is sent is written down, or said."""
    assert not task(devices=imeis(1)).failed
    simulator.forget_requests()
    options: Json = {"devices": imeis(1, 60), "batch_size": 1, "max_concurrency": 1, "sku": LIFETIME, "settle_time": 0}
    outcome = task(prefix=("prlimit", f"--fsize={size}"), lifetime_consent=59, **options)
    assert outcome.failed
    assert outcome.code in ("journal_full", "journal_unusable", "not_recorded", "outcome_unknown")
    sent = simulator.sends()
    told = outcome.rows if "devices" in outcome.result else {}
    assert {device for device, row in told.items() if row in ("accepted", "unknown")} == set(sent)
    again = task(lifetime_consent=59, **options)
    assert max((sent + simulator.sends() - sent).values(), default=1) == 1
    assert max(simulator.sends().values()) == 1
    assert set(again.rows.values()) <= {"accepted", "unknown", "unchanged"}
    confirmed = {device for device, outcome in again.rows.items() if outcome == "unchanged"}
    assert confirmed <= simulator.holders(LIFETIME)


def test_two_jobs_of_one_account(simulator: Simulator, module: Module, task: Task) -> None:
    simulator.quirks(latency=0.1)
    jobs = [module.start("simsec_license", **task.options, batch_size=5, max_concurrency=1) for _job in range(8)]
    outcomes = [job.wait() for job in jobs]
    assert [outcome.code for outcome in outcomes] == [None] * 8
    assert sum(outcome.changed for outcome in outcomes) == 1
    assert simulator.sends() == dict.fromkeys(imeis(20), 1)


def test_two_jobs_that_name_the_journal_differently(simulator: Simulator, module: Module, task: Task) -> None:
    assert not task(devices=[imei(40)]).failed
    simulator.forget_requests()
    alias = task.journal.parent.parent / "alias.db"
    alias.symlink_to(task.journal)
    simulator.quirks(latency=0.3)
    jobs = [module.start("simsec_license", **{**task.options, "journal": str(path)}) for path in (task.journal, alias)]
    assert [job.wait().code for job in jobs] == [None, None]
    assert simulator.sends() == dict.fromkeys(imeis(20), 1)


def test_a_job_that_never_ends(simulator: Simulator, module: Module, task: Task) -> None:
    simulator.faults({"operation": "simsec_assign", "action": "stall", "seconds": 60})
    module.start("simsec_license", **task.options)
    end = time.monotonic() + 20
    while not simulator.faults()[0]["fired"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    second = task(deadline=2)
    assert second.code == "journal_locked"
    assert ACCOUNT in second.message
    assert second.seconds < 8
    assert simulator.count("simsec_assign") == 1
    checked = task(check=True, deadline=5)
    assert checked.code != "journal_locked", "check mode waits for nobody"
    assert checked.seconds < 8


def test_accounts_do_not_wait_for_each_other(simulator: Simulator, module: Module, task: Task) -> None:
    skus = [{"sku": FLEX, "purchased": 20}]
    accounts = [{"name": name, "devices": 20, "skus": skus} for name in (ACCOUNT, OTHER)]
    simulator.state(accounts=accounts)
    fleets = {
        account["name"]: [device["imei"] for device in account["devices"]] for account in simulator.state()["accounts"]
    }
    simulator.faults({"operation": "simsec_assign", "action": "stall", "seconds": 60})
    module.start("simsec_license", **{**task.options, "devices": fleets[ACCOUNT]})
    end = time.monotonic() + 20
    while not simulator.faults()[0]["fired"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    other = task(account=OTHER, devices=fleets[OTHER])
    assert not other.failed
    assert other.changed


def old_journal(path: Path) -> None:
    """A journal of the first schema: one device confirmed, one pending, one lost."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for statement in SCHEMA[0]:
            db.execute(statement)
        db.execute(
            "INSERT INTO identity VALUES ('11111111-2222-3333-4444-555555555555', '2026-01-01T00:00:00.000000Z')"
        )
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO scope VALUES (1, ?, ?, 'imei')", (ACCOUNT, LIFETIME))
        moment = "2026-01-01T00:00:00.000000Z"
        db.execute(
            "INSERT INTO run VALUES (1, ?, ?, 'assign', NULL, 'host', 1, ?, ?)", (ACCOUNT, LIFETIME, moment, moment)
        )
        for key, state, answer in ((1, "accepted", "r1"), (2, "accepted", "r2"), (3, "sending", None)):
            db.execute(
                "INSERT INTO request VALUES (?, 1, 1, 'assign', 1, ?, ?, ?, ?, NULL, '')",
                (key, f"1-00{key}", answer, state, moment),
            )
        entries = [(imei(0), 1, "success"), (imei(1), 2, None), (imei(2), 3, None)]
        for device, request, result in entries:
            db.execute(
                "INSERT INTO entry VALUES (1, ?, ?, ?, '', ?, NULL)",
                (device, request, result, moment if result else None),
            )


def test_an_old_journal_is_upgraded(simulator: Simulator, task: Task) -> None:
    old_journal(task.journal)
    before = task.journal.read_bytes()
    expected = {imei(0): "unchanged", imei(1): "accepted", imei(2): "unknown"}
    options: Json = {"sku": LIFETIME, "devices": imeis(3)}
    assert task(check=True, **options).rows == expected
    assert task.journal.read_bytes() == before
    assert task(**options).rows == expected
    with contextlib.closing(sqlite3.connect(task.journal)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(SCHEMA)
        assert db.execute("SELECT uuid FROM identity").fetchone()[0].startswith("11111111")
        assert db.execute("SELECT count(*) FROM request").fetchone()[0] == 3
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'callback'").fetchone()
    assert simulator.writes() == []


def test_check_mode_leaves_nothing_beside_the_journal(task: Task) -> None:
    """Files of whoever only looked would lock the owner of the journal out."""
    assert not task().failed
    before = sorted(path.name for path in task.journal.parent.iterdir())
    assert not task(check=True).failed
    assert sorted(path.name for path in task.journal.parent.iterdir()) == before


def test_another_journal_in_its_place(simulator: Simulator, task: Task, tmp_path: Path) -> None:
    """With the wrong journal, everything would be sent again."""
    assert not task().failed
    other = tmp_path / "other.db"
    assert not task(journal=str(other), devices=[imei(50)]).failed
    other.replace(task.journal)
    simulator.forget_requests()
    for check in (True, False):
        outcome = task(check=check)
        assert outcome.code == "journal_damaged"
        assert ".id" in outcome.message
    assert simulator.requests() == []


def test_an_older_copy_of_the_journal(simulator: Simulator, task: Task, tmp_path: Path) -> None:
    """It looks like the newest, but the account counts more lifetime licenses than it knows of."""
    simulator.quirks(simsec_delay=0)
    assert not task(devices=[imei(1)], sku=LIFETIME, lifetime_consent=1).failed
    backup = tmp_path / "backup.db"
    backup.write_bytes(task.journal.read_bytes())
    assert not task(devices=[imei(2)], sku=LIFETIME, lifetime_consent=1).failed
    simulator.control("POST", "callbacks", {"flush": True})
    backup.replace(task.journal)
    simulator.forget_requests()
    assert task(devices=[imei(2)], sku=LIFETIME, lifetime_consent=1, lifetime_elsewhere=1).code == "journal_behind"
    task.journal.with_name(task.journal.name + ".id").unlink()
    for device in (imei(2), imei(3)):
        assert task(devices=[device], sku=LIFETIME, lifetime_consent=1).code == "journal_behind"
    assert simulator.writes() == []
    assert not task(devices=[imei(3)], sku=LIFETIME, lifetime_consent=1, lifetime_elsewhere=1, settle_time=0).failed
