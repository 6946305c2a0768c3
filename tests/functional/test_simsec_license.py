# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure licenses from the first run to the confirmed end: waiting, second runs, check mode, pool, eligibility."""

from __future__ import annotations

import contextlib
import csv
import re
import sqlite3
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

pytestmark = pytest.mark.usefixtures("heard")

FLEX, LIFETIME, BUNDLE = "SIMSec-IoT", "SIMSec-IoT-Lt", "TS-BUNDLE-KTO-SIMSEC-MRC"
FLEET = 250
IDS = {"imei": imeis, "iccid": iccids}


@pytest.fixture
def simulator(start_simulator: t.Callable[..., Simulator]) -> Simulator:
    """An account with 250 devices and as many licenses of each SKU."""
    simulator = start_simulator("--devices", str(FLEET))
    simulator.quirks(simsec_delay=0.2)
    return simulator


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "journal.db"


@pytest.fixture(autouse=True)
def _folder(journal: Path) -> None:
    journal.parent.mkdir()


@pytest.fixture
def receiver(tmp_path: Path, journal: Path, simulator: Simulator) -> t.Iterator[Receiver]:
    """Writes into C(journal) what C(simulator) reports."""
    made = Receiver(tmp_path, journal, simulator)
    yield made
    made.stop()


class Task:
    """Runs C(simsec_license) with the same options each time, but for what is named."""

    def __init__(self, module: Module, **options: t.Any) -> None:
        self._module = module
        self.options = {"sku": FLEX, "report": "all", "wait_timeout": 20, **options}

    def __call__(self, **more: t.Any) -> Outcome:
        return self._module("simsec_license", **{**self.options, **more})


def rows(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(row["device_id"], row["outcome"], row["reason"]) for row in outcome.result.get("devices", [])]


def counted(outcome: Outcome) -> dict[str, int]:
    return {name: count for name, count in outcome.result["summary"].items() if count}


def licenses(total: int, assigned: int) -> dict[str, int]:
    return {"total": total, "assigned": assigned, "available": total - assigned}


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("kind", ["imei", "iccid"])
def test_the_life_of_a_fleet(simulator: Simulator, module: Module, journal: Path, kind: str) -> None:
    devices = IDS[kind](FLEET)
    bad = [devices[7], devices[249]]
    simulator.devices(*({"imei": imei(number), "state": "suspend"} for number in (7, 249)))
    task = Task(module, devices=devices, kind=kind, journal=str(journal), wait=True)

    first = task()
    assert first.code == "devices_failed"
    assert first.changed
    assert counted(first) == {"assigned": 248, "failed": 2}
    assert "Device is not active" in next(row[2] for row in rows(first) if row[0] == bad[0])
    assert [row[0] for row in rows(first) if row[1] == "failed"] == bad
    assert all(row["request_id"] for row in first.result["devices"])
    assert first.result["licenses"] == licenses(FLEET, 248)
    assert len(simulator.holders(FLEX)) == 248
    assert sorted(len(request["devices"]) for request in simulator.requests("simsec_assign")) == [50, 100, 100]

    simulator.forget_requests()
    second = task()
    assert simulator.writes() == []
    assert not second.changed
    assert second.code == "devices_failed"
    assert counted(second) == {"unchanged": 248, "failed": 2}
    assert "Device is not active" in second.message
    assert "retry_failed" in second.message

    simulator.devices(*({"imei": imei(number), "state": "active"} for number in (7, 249)))
    third = task(retry_failed=True)
    assert not third.failed
    assert third.changed
    assert [request["devices"] for request in simulator.requests("simsec_assign")] == [bad]
    assert counted(third) == {"unchanged": 248, "assigned": 2}

    simulator.forget_requests()
    gone = task(state="absent", devices=devices[:150])
    assert not gone.failed
    assert gone.changed
    assert counted(gone) == {"removed": 150}
    assert gone.result["licenses"] == licenses(FLEET, 100)
    assert sorted((request["method"], len(request["devices"])) for request in simulator.writes()) == [
        ("DELETE", 50),
        ("DELETE", 100),
    ]
    assert len(simulator.holders(FLEX)) == 100
    simulator.forget_requests()
    assert not task(state="absent", devices=devices[:150]).changed
    assert simulator.writes() == []


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize(
    "quirks",
    [
        {"callback_kinds": "upper", "callback_status": "Failure", "callback_response": "keyed"},
        {"callback_kinds": "lower", "callback_copies": 2, "simsec_reassign": "failed"},
        {"callback_listener": "first", "callback_interval": 0.01, "simsec_bodyless": "accept"},
    ],
    ids=" ".join,
)
def test_results_in_every_form_that_the_documents_leave_open(
    simulator: Simulator, module: Module, journal: Path, quirks: Json
) -> None:
    simulator.quirks(**quirks)
    simulator.devices({"imei": imei(1), "state": "suspend"})
    task = Task(module, devices=imeis(3), journal=str(journal), wait=True)
    assert counted(task()) == {"assigned": 2, "failed": 1}
    assert simulator.holders(FLEX) == {imei(0), imei(2)}
    assert counted(task(state="absent", devices=[imei(0)])) == {"removed": 1}
    assert simulator.holders(FLEX) == {imei(2)}


@pytest.mark.usefixtures("receiver")
def test_removing_what_is_not_there(simulator: Simulator, module: Module, journal: Path) -> None:
    task = Task(module, devices=imeis(3), journal=str(journal), wait=True, state="absent")
    outcome = task()
    assert outcome.code == "devices_failed"
    assert not outcome.changed
    assert "Device has no such license" in outcome.reasons
    assert not outcome.result.get("diff")
    assert simulator.holders(FLEX) == set()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def compared(outcome: Outcome) -> Json:
    result = outcome.result
    keys = ("changed", "plan", "summary", "licenses", "lookup", "diff")
    return {**{key: result.get(key) for key in keys}, "rows": rows(outcome), "code": outcome.code}


CHECKS: dict[str, Json] = {
    "without a journal": {},
    "with a journal": {"journal": True},
    "waiting": {"journal": True, "wait": True},
    "lifetime": {"journal": True, "wait": True, "sku": LIFETIME, "lifetime_consent": 20},
    "no consent": {"journal": True, "sku": LIFETIME, "lifetime_consent": 19},
    "short": {"journal": True, "reserve": FLEET},
    "numbered": {"journal": True, "request_id": "1-" + "7" * 30, "batch_size": 10},
    "no such sku": {"journal": True, "sku": "SIMSec-None"},
}


@pytest.mark.parametrize("case", list(CHECKS))
@pytest.mark.usefixtures("receiver")
def test_check_mode(simulator: Simulator, module: Module, journal: Path, case: str) -> None:
    options = dict(CHECKS[case])
    if options.pop("journal", False):
        options["journal"] = str(journal)
    task = Task(module, devices=imeis(20), **options)
    before = snapshot(journal.parent)
    checked = task(check=True, diff=True)
    assert snapshot(journal.parent) == before
    assert simulator.writes() == []
    assert compared(checked) == compared(task(diff=True))


def test_check_mode_makes_no_journal(simulator: Simulator, module: Module, journal: Path) -> None:
    assert Task(module, devices=imeis(2), journal=str(journal))(check=True).changed
    assert list(journal.parent.iterdir()) == []
    assert simulator.writes() == []


@pytest.mark.parametrize("then", ["present", "absent"])
@pytest.mark.usefixtures("receiver")
def test_check_mode_over_what_is_known(simulator: Simulator, module: Module, journal: Path, then: str) -> None:
    """Some are confirmed, some failed, some new."""
    simulator.devices({"imei": imei(3), "state": "suspend"})
    task = Task(module, journal=str(journal), wait=True)
    task(devices=imeis(10))
    before = snapshot(journal.parent)
    simulator.forget_requests()
    devices = imeis(5, 15) if then == "present" else imeis(10)
    checked = task(devices=devices, state=then, check=True, diff=True)
    assert snapshot(journal.parent) == before
    assert simulator.writes() == []
    real = task(devices=devices, state=then, diff=True)
    if then == "present":
        assert compared(checked) == compared(real)
    else:
        told = {row[0]: row[1] for row in rows(checked)}
        assert [(device, outcome) for device, outcome in told.items() if device != imei(3)] == [
            (device, outcome) for device, outcome in real.rows.items() if device != imei(3)
        ]


def test_check_mode_predicts_the_wait_for_earlier_requests(
    simulator: Simulator, module: Module, journal: Path, tmp_path: Path
) -> None:
    simulator.quirks(simsec_delay=600)
    receiver = Receiver(tmp_path, journal, simulator)
    try:
        task = Task(module, devices=imeis(4), journal=str(journal))
        assert counted(task()) == {"accepted": 4}
        checked = task(wait=True, check=True)
        running = module.start("simsec_license", **task.options, wait=True, progress_file=str(tmp_path / "progress"))
        running.until_it_waits(tmp_path / "progress")
        simulator.control("POST", "callbacks", {"flush": True, "wait": 10})
        real = running.wait()
        assert counted(task(wait=True, check=True)) == {"unchanged": 4}
        assert (checked.changed, checked.rows) == (real.changed, real.rows)
    finally:
        receiver.stop()


def test_nothing_is_confirmed_in_time(simulator: Simulator, module: Module, journal: Path) -> None:
    task = Task(module, devices=imeis(30), journal=str(journal), wait=True, wait_timeout=1)
    outcome = task()
    assert outcome.code == "unconfirmed"
    assert outcome.changed
    assert counted(outcome) == {"accepted": 30}
    assert outcome.result["failure"]["pending"] == imeis(30)
    again = task()
    assert again.code == "unconfirmed"
    assert not again.changed
    assert simulator.count("simsec_assign") == 1
    assert not task(wait=False).changed
    opposite = task(state="absent", wait=False)
    assert opposite.failed
    assert counted(opposite) == {"skipped": 30}
    assert simulator.count("simsec_unassign") == 0


@pytest.mark.parametrize("words", ["Failed", "Failure"])
def test_waiting_for_one_device_without_a_journal(simulator: Simulator, module: Module, words: str) -> None:
    simulator.quirks(request_status="single", status_words=words, simsec_delay=0)
    good = Task(module, devices=imeis(1), wait=True)()
    assert not good.failed
    assert good.rows == {imei(0): "assigned"}
    assert good.result["licenses"] == licenses(FLEET, 1)
    simulator.devices({"imei": imei(1), "state": "suspend"})
    bad = Task(module, devices=[imei(1)], wait=True, wait_timeout=12)()
    assert bad.code == "devices_failed"
    assert bad.rows == {imei(1): "failed"}
    assert not bad.changed


def test_a_status_that_is_not_told_is_no_failure(simulator: Simulator, module: Module) -> None:
    outcome = Task(module, devices=imeis(1), wait=True, wait_timeout=1)()
    assert outcome.code == "unconfirmed"
    assert outcome.rows == {imei(0): "accepted"}
    assert outcome.changed
    assert simulator.count("request_status") == 1


def test_without_a_journal_it_is_honest(simulator: Simulator, module: Module) -> None:
    task = Task(module, devices=imeis(5))
    for _run in range(2):
        outcome = task()
        assert not outcome.failed
        assert outcome.changed
        assert "Without 'journal'" in outcome.warnings
        assert outcome.result["lookup"] == "direct"
    assert simulator.count("simsec_assign") == 2


def test_eligibility(simulator: Simulator, module: Module, journal: Path) -> None:
    simulator.devices({"imei": imei(1), "state": "suspend"}, {"imei": imei(2), "state": "pre-active"})
    strange = ["123456789012345", "999999999999999"]
    task = Task(module, devices=[*imeis(5), *strange], journal=str(journal), check_eligibility=True)
    for check in (True, False):
        outcome = task(check=check)
        assert outcome.code == "not_eligible"
        assert not outcome.changed
        assert set(outcome.result["failure"]["devices"]) == {imei(1), imei(2), *strange}
        for device in outcome.result["failure"]["devices"]:
            assert device in outcome.message
        assert "'suspend'" in outcome.message
        assert "'pre-active'" in outcome.message
        assert outcome.message.count("is not a device of the account") == 2
        assert counted(outcome) == {"skipped": 7}
    assert simulator.writes() == []
    assert not task(devices=[imei(0), imei(3)]).failed
    assert not Task(module, devices=iccids(3, 5), kind="iccid", check_eligibility=True)().failed


def test_the_pool_is_too_small(simulator: Simulator, module: Module, journal: Path) -> None:
    skus = [{"sku": FLEX, "purchased": 10, "licenses": imeis(100, 104)}]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": FLEET, "skus": skus}])
    task = Task(module, devices=imeis(8), journal=str(journal))
    short = task()
    assert short.code == "pool_exhausted"
    assert "6 of 10 are free: 2 too few" in short.message
    assert f"{imei(6)}, {imei(7)}" in short.message
    assert imei(5) not in short.message
    reserved = task(devices=imeis(5), reserve=2)
    assert reserved.code == "guard_tripped"
    assert simulator.writes() == []
    approved = task(devices=imeis(5), reserve=2, approved_plan=reserved.result["plan"]["digest"])
    assert not approved.failed
    assert approved.result["licenses"] == licenses(10, 9)
    assert task(devices=imeis(20, 30), approved_plan=reserved.result["plan"]["digest"]).code == "plan_changed"


@pytest.mark.parametrize("how", ["callback", "reject"])
def test_the_pool_runs_dry_meanwhile(
    simulator: Simulator, module: Module, journal: Path, tmp_path: Path, how: str
) -> None:
    """Others took what the count still shows as free."""
    skus = [{"sku": FLEX, "purchased": 10}]
    simulator.state(accounts=[{"name": ACCOUNT, "devices": FLEET, "skus": skus}])
    receiver = Receiver(tmp_path, journal, simulator)
    simulator.quirks(simsec_exhausted=how, simsec_delay=600)
    assert not Task(module, devices=imeis(100, 106))().failed, "accepted, not counted yet"
    simulator.forget_requests()
    options: Json = {"devices": imeis(8), "journal": str(journal), "wait": True, "wait_timeout": 20, "report": "all"}
    running = module.start("simsec_license", sku=FLEX, **options, progress_file=str(tmp_path / "progress"))
    running.until_it_waits(tmp_path / "progress")
    simulator.control("POST", "callbacks", {"flush": True, "wait": 10})
    outcome = running.wait()
    receiver.stop()
    assert outcome.code == "devices_failed"
    assert outcome.changed
    assert counted(outcome) == {"assigned": 4, "failed": 4}
    assert "No license is available" in outcome.reasons
    assert simulator.holders(FLEX) == {*imeis(4), *imeis(100, 106)}
    assert max(simulator.sends().values()) == 1
    simulator.forget_requests()
    assert not Task(module, **options)().changed
    assert simulator.writes() == []


@pytest.mark.usefixtures("receiver")
def test_what_was_refused_at_once_is_left_alone_like_any_failure(
    simulator: Simulator, module: Module, journal: Path
) -> None:
    simulator.quirks(simsec_checks="sync")
    simulator.devices({"imei": imei(1), "state": "suspend"})
    task = Task(module, devices=imeis(4), journal=str(journal), wait=True)
    first = task()
    assert counted(first) == {"assigned": 3, "failed": 1}
    assert max(simulator.sends().values()) == 1
    simulator.forget_requests()
    second = task()
    assert second.code == "devices_failed"
    assert not second.changed
    assert simulator.writes() == [], "a second run writes nothing without retry_failed"


@pytest.mark.usefixtures("receiver")
def test_no_secret_anywhere(simulator: Simulator, module: Module, journal: Path) -> None:
    words = {"client_id": "the-client", "client_secret": "s3cr3t/one+", "username": "user", "password": "p4ss w0rd"}
    simulator.state(credentials=words)
    simulator.devices({"imei": imei(1), "state": "suspend"})
    outcome = Task(module, devices=imeis(3), journal=str(journal), wait=True, **words)()
    assert outcome.code == "devices_failed"
    kept = b"".join(path.read_bytes() for path in journal.parent.iterdir())
    assert imei(1).encode() in kept
    for secret in (words["client_secret"], words["password"], "callback-secret"):
        assert secret not in outcome.stdout + outcome.stderr
        assert secret.encode() not in kept
    assert journal.stat().st_mode & 0o777 == 0o600


def test_ten_thousand(
    start_simulator: t.Callable[..., Simulator], module: Module, journal: Path, tmp_path: Path
) -> None:
    simulator = start_simulator("--devices", "10000")
    module.simulator = simulator
    fleet = tmp_path / "fleet.csv"
    fleet.write_text("imei\n" + "\n".join(imeis(10_000)), encoding="utf-8")
    report = tmp_path / "report.csv"
    task = Task(module, devices_file=str(fleet), journal=str(journal), report="none", devices_report=str(report))
    outcome = task()
    assert not outcome.failed
    sent = simulator.requests("simsec_assign")
    assert len(sent) == 100
    assert all(0 < len(request["devices"]) <= 100 for request in sent)
    assert sorted(device for request in sent for device in request["devices"]) == imeis(10_000)
    names = [request["x_request_id"] for request in sent]
    assert all(re.fullmatch(r"[0-9]-[0-9]{3,30}", name) for name in names)
    assert len(set(names)) == 100
    assert outcome.result["requests"]["sent"] <= 104
    with report.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [row["device_id"] for row in written] == imeis(10_000)
    assert all(row["outcome"] == "accepted" and row["request_id"] for row in written)
    with contextlib.closing(sqlite3.connect(journal)) as db:
        assert db.execute("SELECT count(DISTINCT x_request_id), sum(devices) FROM request").fetchone() == (100, 10_000)
    simulator.forget_requests()
    second = task()
    assert not second.failed
    assert not second.changed
    assert simulator.writes() == []


@pytest.mark.usefixtures("receiver")
def test_what_is_overdue_and_refused_is_waited_for(simulator: Simulator, module: Module, journal: Path) -> None:
    """Accepted long ago and never confirmed; a repetition was refused. The wait must not end as if all were well."""
    simulator.quirks(callback_loss=1)
    task = Task(module, devices=imeis(2), journal=str(journal))
    assert not task().failed
    with contextlib.closing(sqlite3.connect(journal)) as db:
        db.execute("UPDATE request SET sent = '2020-01-01T00:00:00.000000Z'")
        db.commit()
    simulator.faults({"operation": "simsec_assign", "action": "status", "status": 403, "times": 0})
    assert task(retry_unknown=True).failed
    last = task(wait=True, wait_timeout=1)
    assert counted(last) == {"accepted": 2}
    assert last.code == "unconfirmed"
