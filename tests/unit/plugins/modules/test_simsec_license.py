# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module simsec_license, from options to result, over an account that lives in memory."""

from __future__ import annotations

import csv
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import client, stop
from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import wait as simsec_wait
from ansible_collections.thingspace.licensing.plugins.modules import simsec_license
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    ACCOUNT,
    BASE,
    Clock,
    as_bytes,
    imei,
    imeis,
)
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner

SUMMARY = dict.fromkeys(OUTCOMES, 0)
TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}
FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
WRITE, COUNT = "/m2m/v1/devices/license/actions/assign", "/m2m/v1/accounts/subscriptions/actions/list"
LISTENERS = "/m2m/v1/callbacks/"
LISTENER = {"serviceName": "CarrierService", "url": "https://callbacks.example.com/", "password": "accepted"}
DEVICES = "/m2m/v1/devices/actions/list"


class Space:
    """A transport in front of an account that carries everything out at once, and reports nothing by itself.

    :param faults: what happens to the next writes: 'lose' before or 'lost' after they took effect, or a status.
    """

    def __init__(self) -> None:
        self.held: dict[str, set[str]] = {FLEX: set(), LIFETIME: set()}
        self.types = {FLEX: "Flexible", LIFETIME: "Lifetime"}
        self.total = 100
        self.listeners: tuple[int, t.Any] = (200, [LISTENER])
        self.asked = 0
        self.more: list[dict[str, t.Any]] = []
        self.faults: list[str | int] = []
        self.inactive: set[str] = set()
        self.writes: list[tuple[str, str, list[str], str]] = []
        self.reads = 0
        self.status_of_requests: str | None = None

    def play(self, _connection: t.Any, _mask: t.Any) -> Space:
        """Take the place of the transport."""
        return self

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, request: Request, _limit: float) -> Response:
        """See C(Exchange)."""
        status, body = self._answer(request, request.url.removeprefix(BASE))
        return Response(request.operation, status, {}, as_bytes(body))

    def _answer(self, request: Request, path: str) -> tuple[int, t.Any]:
        if path == WRITE:
            return self._write(request)
        if path.startswith(LISTENERS):
            self.asked += 1
            return self.listeners
        self.reads += 1
        if path == COUNT:
            return 200, {"subscriptionList": [*(self._count(sku) for sku in self.held), *self.more]}
        if path == DEVICES:
            found = [{"deviceIds": [{"id": one, "kind": "imei"}], **self._state(one)} for one in imeis(20)]
            return 200, {"hasMoreData": False, "devices": found}
        assert path.endswith("/status"), path
        return (200, {"status": self.status_of_requests}) if self.status_of_requests else (404, {"errorCode": "X"})

    def _state(self, device: str) -> dict[str, t.Any]:
        return {"carrierInformations": [{"state": "suspend" if device in self.inactive else "active"}]}

    def _count(self, sku: str) -> dict[str, t.Any]:
        row = {"skuNumber": sku, "licenseType": self.types[sku], "licensePurchased": self.total}
        return {**row, "licenseAssigned": len(self.held[sku]), "licenseAvailable": self.total - len(self.held[sku])}

    def _write(self, request: Request) -> tuple[int, t.Any]:
        body = t.cast("dict[str, t.Any]", request.json)
        devices = [device["deviceIds"][0]["id"] for device in body["devices"]]
        name = dict(request.headers or {})["X-Request-ID"]
        self.writes.append((request.method, body["skuNumber"], devices, name))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return fault, {"errorCode": "X", "errorMessage": "sorry"}
        if fault != "lose":
            held = self.held[body["skuNumber"]]
            held.update(devices) if request.method == "POST" else held.difference_update(devices)
        if fault:
            raise TransportError("It broke.", code="connection_failed", sent=True)
        return 200, {"requestId": f"r{len(self.writes)}"}


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> Space:
    space = Space()
    monkeypatch.setattr(client, "Transport", space.play)
    monkeypatch.delenv("THINGSPACE_JOURNAL", raising=False)
    return space


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    (tmp_path / "journals").mkdir()
    return tmp_path / "journals" / "j.db"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waiting takes no time."""
    clock = Clock()
    monkeypatch.setattr(stop.Stop, "sleep", lambda stop, seconds: clock.sleep(seconds))
    monkeypatch.setattr(simsec_wait.Waiting.__init__, "__defaults__", (clock.sleep, clock, None))
    return clock


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], space: Space, journal: Path, clock: Clock
) -> Run:
    assert clock.slept == []
    defaults = {"account": ACCOUNT, "sku": FLEX, "journal": str(journal), "retries": 0, "report": "all", **TOKENS}
    return runner(simsec_license.main, None, monkeypatch, capsys, **defaults)


def confirm(journal: Path, request_id: str, *devices: str, status: str = "success", reason: str = "") -> None:
    """What a receiver writes."""
    opened = open_journal(str(journal), write=True)
    opened.confirm([Confirmation(request_id, (("imei", one),), t.cast(t.Any, status), reason) for one in devices])
    opened.close()


def rows(result: dict[str, t.Any], *fields: str) -> list[tuple[str, ...]]:
    return [tuple(row[field] for field in fields or ("outcome",)) for row in result["devices"]]


def test_assign_and_again(run: Run, space: Space, journal: Path) -> None:
    first = run(devices=imeis(3), batch_size=2, _ansible_diff=True)
    assert (first["changed"], first["lookup"]) == (True, "journal")
    assert first["summary"] == {**SUMMARY, "accepted": 3}
    assert rows(first, "device_id", "outcome", "reason", "request_id") == [
        (imei(0), "accepted", "", "r1"),
        (imei(1), "accepted", "", "r1"),
        (imei(2), "accepted", "", "r2"),
    ] or {row[3] for row in rows(first, "device_id", "outcome", "reason", "request_id")} == {"r1", "r2"}
    assert first["licenses"] == {"total": 100, "assigned": 3, "available": 97}
    assert first["diff"]["after"].split() == imeis(3)
    assert {**first["plan"], "digest": ""} == {
        "state": "present",
        "assign": 3,
        "remove": 0,
        "unchanged": 0,
        "digest": "",
    }
    second = run(devices=imeis(3))
    assert (second["changed"], second["summary"]) == (False, {**SUMMARY, "accepted": 3})
    assert "not confirmed yet" in second["devices"][0]["reason"]
    for number in (1, 2):
        confirm(journal, f"r{number}", *imeis(3))
    third = run(devices=imeis(3))
    assert (third["changed"], third["summary"]) == (False, {**SUMMARY, "unchanged": 3})
    assert len(space.writes) == 2


def test_only_what_is_missing_is_sent(run: Run, space: Space, journal: Path) -> None:
    run(devices=imeis(2))
    confirm(journal, "r1", *imeis(2))
    run(devices=imeis(4))
    assert [write[2] for write in space.writes] == [imeis(2), imeis(2, 2)]


def test_remove_and_again(run: Run, space: Space, journal: Path) -> None:
    run(devices=imeis(2))
    confirm(journal, "r1", *imeis(2))
    removed = run(devices=imeis(2), state="absent", _ansible_diff=True)
    assert (removed["changed"], removed["plan"]["remove"], removed["diff"]["before"].split()) == (True, 2, imeis(2))
    assert space.writes[-1][:3] == ("DELETE", FLEX, imeis(2))
    confirm(journal, "r2", *imeis(2))
    again = run(devices=imeis(2), state="absent")
    assert (again["changed"], again["summary"]["unchanged"]) == (False, 2)
    assert run(devices=imeis(1))["summary"]["accepted"] == 1


def test_skus_kinds_and_accounts_are_kept_apart(run: Run, space: Space, journal: Path) -> None:
    run(devices=imeis(1))
    confirm(journal, "r1", imei(0))
    assert run(devices=imeis(1), sku=LIFETIME, lifetime_consent=1)["changed"] is True
    assert run(devices=imeis(1), account="0000123456-00002")["changed"] is True
    assert run(devices=["89148000000800139708"], kind="iccid")["changed"] is True
    assert run(devices=imeis(1))["changed"] is False


def scenario(run: Run, space: Space, journal: Path, name: str) -> dict[str, t.Any]:
    """Something that happened before, and the options of the run in question."""
    if name == "fresh":
        return {"devices": imeis(4)}
    run(devices=imeis(3))
    if name == "pending":
        return {"devices": imeis(4)}
    confirm(journal, "r1", imei(0))
    confirm(journal, "r1", imei(1), status="failed", reason="no")
    if name == "absent":
        confirm(journal, "r1", imei(2))
        return {"devices": [imei(0), imei(2), imei(5)], "state": "absent"}
    if name == "lost":
        space.faults = ["lose"]
        run(devices=imeis(5), settle_time=0)
    return {"devices": imeis(7), "settle_time": 0, "retry_failed": name == "retry"}


@pytest.mark.parametrize("name", ["fresh", "pending", "mixed", "retry", "absent", "lost"])
def test_check_mode_says_the_same(run: Run, space: Space, journal: Path, name: str) -> None:
    options = scenario(run, space, journal, name)
    writes, files = list(space.writes), sorted(file.name for file in journal.parent.iterdir())
    content = journal.read_bytes() if journal.exists() else b""
    dry = run(**options, _ansible_check_mode=True, _ansible_diff=True)
    assert space.writes == writes
    assert (journal.read_bytes() if journal.exists() else b"") == content
    assert sorted(file.name for file in journal.parent.iterdir()) == files
    real = run(**options, _ansible_diff=True)
    assert len(space.writes) > len(writes)
    for field in ("changed", "plan", "summary", "licenses", "diff", "lookup"):
        assert dry[field] == real[field], field
    assert rows(dry, "device_id", "outcome", "reason") == rows(real, "device_id", "outcome", "reason")


def test_check_mode_refuses_what_the_real_run_refuses(run: Run, space: Space) -> None:
    options = {"devices": imeis(4), "batch_size": 2, "request_id": "1-" + "2" * 30}
    failures = [run(**options, _ansible_check_mode=check)["failure"]["code"] for check in (True, False)]
    assert failures == ["invalid_request_id"] * 2
    assert space.writes == []


def test_request_ids(run: Run, space: Space) -> None:
    run(devices=imeis(4), batch_size=2, request_id="1-234")
    assert sorted(write[3] for write in space.writes) == ["1-2340001", "1-2340002"]
    run(devices=imeis(1, 9), request_id="1-234")
    assert space.writes[-1][3] == "1-234"


def test_without_a_journal_it_is_honest(run: Run, space: Space) -> None:
    for _time in range(2):
        result = run(devices=imeis(2), journal=OMIT)
        assert (result["changed"], result["lookup"]) == (True, "direct")
        assert "Without 'journal', it is unknown" in str(result["warnings"])
    assert len(space.writes) == 2


@pytest.mark.parametrize(("consent", "sent"), [(OMIT, False), (0, False), (2, False), (3, True), (99, True)])
@pytest.mark.parametrize("check_mode", [True, False])
def test_consent(run: Run, space: Space, consent: t.Any, sent: bool, check_mode: bool) -> None:
    result = run(sku=LIFETIME, devices=imeis(3), lifetime_consent=consent, _ansible_check_mode=check_mode)
    assert ("failure" not in result) is sent
    assert bool(space.writes) is (sent and not check_mode)
    if not sent:
        failure = result["failure"]
        assert (failure["code"], failure["planned"], failure["devices"]) == ("lifetime_consent", 3, imeis(3))
        assert result["changed"] is False


@pytest.mark.parametrize("journal_given", [True, False])
def test_a_license_type_that_speaks_of_a_lifetime_counts(run: Run, space: Space, journal_given: bool) -> None:
    space.held["NEW-SKU"], space.types["NEW-SKU"] = set(), "Perpetual"
    options = {"sku": "NEW-SKU", "devices": imeis(2)} | ({} if journal_given else {"journal": OMIT})
    assert run(**options)["failure"]["code"] == "lifetime_consent"
    assert run(**options, state="absent")["failure"]["code"] == "lifetime_not_removable"
    assert space.writes == []
    assert run(**options, lifetime_consent=2, lifetime_without_journal=True)["changed"] is True


def test_lifetime_is_never_removed(run: Run, space: Space, journal: Path) -> None:
    result = run(sku=LIFETIME, devices=imeis(1), state="absent", retry_unknown=True, lifetime_consent=9)
    assert result["failure"]["code"] == "lifetime_not_removable"
    assert (space.writes, space.reads, journal.exists()) == ([], 0, False)


@pytest.mark.parametrize(
    ("sku", "fault", "then"),
    [
        (FLEX, "lost", "accepted"),
        (FLEX, "lose", "accepted"),
        (LIFETIME, "lost", "accepted"),
        (LIFETIME, "lose", "unknown"),
    ],
)
def test_a_lost_request(run: Run, space: Space, sku: str, fault: str, then: str) -> None:
    space.faults = [fault]
    options = {"sku": sku, "devices": imeis(3), "lifetime_consent": 3, "settle_time": 0}
    first = run(**options)
    assert (first["failure"]["code"], first["summary"]["unknown"], first["changed"]) == ("outcome_unknown", 3, True)
    second = run(**options)
    assert second["summary"][then] == 3
    sent_again = (sku, fault) == (FLEX, "lose")
    assert len(space.writes) == 1 + sent_again
    assert second["changed"] is sent_again
    if then == "unknown":
        assert run(**options, retry_unknown=True)["summary"]["accepted"] == 3


def test_a_lost_request_of_others_is_not_judged_too_early(run: Run, space: Space) -> None:
    """A minute may pass until it shows in the count; until then it is not called one without effect."""
    space.faults = ["lose"]
    run(devices=imeis(2))
    run(devices=imeis(2, 10))
    result = run(devices=imeis(2), _ansible_check_mode=True)
    assert result["summary"]["unknown"] == 2
    assert "too early" in result["devices"][0]["reason"]


def test_failures_are_reported_until_retried(run: Run, space: Space, journal: Path) -> None:
    run(devices=imeis(2))
    confirm(journal, "r1", imei(0))
    confirm(journal, "r1", imei(1), status="failed", reason="REQUEST_FAILED")
    second = run(devices=imeis(2))
    assert (second["changed"], second["failure"]["code"]) == (False, "devices_failed")
    assert second["devices"][1]["reason"].startswith("REQUEST_FAILED")
    assert len(space.writes) == 1
    assert run(devices=imeis(2), retry_failed=True)["summary"] == {**SUMMARY, "unchanged": 1, "accepted": 1}
    assert space.writes[-1][2] == [imei(1)]


def test_wait(run: Run, space: Space, journal: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(seconds: float) -> None:
        clock.now += seconds
        confirm(journal, "r1", imei(0))
        confirm(journal, "r1", imei(1), status="failed", reason="no")

    monkeypatch.setattr(simsec_wait.Waiting.__init__, "__defaults__", (receive, clock, None))
    result = run(devices=imeis(2), wait=True)
    assert (result["changed"], result["failure"]["code"]) == (True, "devices_failed")
    assert rows(result, "outcome", "reason") == [("assigned", ""), ("failed", "no")]
    assert result["licenses"]["assigned"] == 2, "read after waiting"


def test_wait_in_vain(run: Run, space: Space, clock: Clock) -> None:
    result = run(devices=imeis(2), wait=True, wait_timeout=50)
    assert (result["changed"], result["failure"]["code"]) == (True, "unconfirmed")
    assert result["failure"]["pending"] == imeis(2)
    assert sum(clock.slept) == pytest.approx(50)
    run(devices=imeis(2), wait=True, wait_timeout=50)
    assert len(space.writes) == 1


@pytest.mark.parametrize(("said", "outcome"), [("Success", "assigned"), ("Failed", "failed")])
def test_wait_for_a_single_device_without_a_journal(run: Run, space: Space, said: str, outcome: str) -> None:
    space.status_of_requests = said
    assert rows(run(devices=imeis(1), wait=True, journal=OMIT)) == [(outcome,)]


def test_eligibility(run: Run, space: Space) -> None:
    space.inactive = {imei(1)}
    result = run(devices=[imei(0), imei(1), imei(50)], check_eligibility=True)
    failure = result["failure"]
    assert (failure["code"], list(failure["devices"])) == ("not_eligible", [imei(1), imei(50)])
    assert "is not active (its state is 'suspend')" in failure["message"]
    assert result["summary"]["skipped"] == 3
    assert space.writes == []


def test_guards_and_approval(run: Run, space: Space) -> None:
    result = run(devices=imeis(4), max_changes=3)
    assert (result["failure"]["code"], result["summary"]["skipped"]) == ("guard_tripped", 4)
    digest = result["failure"]["digest"]
    assert run(devices=imeis(5), max_changes=3, approved_plan=digest)["failure"]["code"] == "plan_changed"
    assert space.writes == []
    assert run(devices=imeis(4), max_changes=3, approved_plan=digest)["changed"] is True
    space.total = 5
    assert run(devices=imeis(3, 10))["failure"]["code"] == "pool_exhausted"


def test_a_sku_that_was_not_bought(run: Run, space: Space) -> None:
    failure = run(devices=imeis(1), sku="TS-BUNDLE-KTO-SIMSEC-MRC")["failure"]
    assert failure["code"] == "sku_not_subscribed"
    assert f"{FLEX}, {LIFETIME}" in failure["message"]
    assert space.writes == []


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [
        ({"sku": "simsec-iot"}, "invalid_sku", 1),
        ({"sku": "a b"}, "invalid_sku", 1),
        ({"request_id": "x"}, "invalid_request_id", 1),
        ({"batch_size": 101}, "invalid_options", 1),
        ({"lifetime_consent": -1}, "invalid_options", 1),
        ({"wait_timeout": 0}, "invalid_options", 1),
        ({"wait": True, "journal": OMIT}, "invalid_options", 1),
        ({"devices": [imei(1), imei(1)]}, "invalid_devices", 1),
        ({"kind": "iccid"}, "invalid_devices", 2),
        ({"journal": "/none/j.db"}, "journal_unusable", 1),
        ({"devices_report": "/none/x.csv"}, "report_unwritable", 1),
        ({"sku": "", "batch_size": 0, "request_id": "", "account": "/", "journal": "/none/j"}, "invalid_options", 5),
    ],
)
def test_bad_input(run: Run, space: Space, journal: Path, options: dict[str, t.Any], code: str, count: int) -> None:
    result = run(**{"devices": imeis(2), **options})
    assert (result["failure"]["code"], result["failure"]["problem_count"]) == (code, count)
    assert "Nothing was sent" in result["msg"]
    assert (space.writes, space.reads) == ([], 0)
    assert list(journal.parent.iterdir()) == [], "nor is a journal made"


@pytest.mark.parametrize("options", [{"kind": "mdn"}, {"state": "exact"}, {"sku": OMIT}, {"devices": OMIT}])
def test_options_that_are_missing_or_unknown(run: Run, space: Space, options: dict[str, t.Any]) -> None:
    assert run(**{"devices": imeis(1), **options})["failure"]["code"] == "invalid_options"


def test_a_refused_request_is_changed_by_nothing(run: Run, space: Space) -> None:
    space.faults = [403]
    result = run(devices=imeis(2))
    assert (result["changed"], rows(result)) == (False, [("failed",)] * 2)


def test_mixed_result(run: Run, space: Space, tmp_path: Path) -> None:
    space.faults = [400, 400]
    report = tmp_path / "rows.csv"
    result = run(devices=imeis(2), devices_report=str(report))
    assert (result["changed"], result["failure"]["code"], rows(result)) == (
        True,
        "devices_failed",
        [("failed",), ("accepted",)],
    )
    with report.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == result["devices"]


def test_no_device(run: Run, space: Space) -> None:
    result = run(devices=[])
    assert (result["changed"], result["summary"]) == (False, SUMMARY)
    assert space.writes == []
