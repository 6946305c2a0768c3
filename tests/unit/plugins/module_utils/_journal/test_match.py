# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching confirmations with requests: early, late, twice, contradictory, foreign, in any order."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import journal as journal_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import match
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import (
    Confirmation,
    ReportedStatus,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.match import Recorded
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    BY_COUNT,
    DeviceStatus,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
ICCID = "89148000000800139708"


def send(journal: Journal, devices: list[str], scope: Scope = FLEX) -> int:
    return journal.intend(journal.begin_run(scope, "assign", 0), scope, "assign", devices, "1-234")


def accept(journal: Journal, devices: list[str], request_id: str, scope: Scope = FLEX) -> None:
    journal.accepted(send(journal, devices, scope), request_id)


def report(request_id: str, device: str, status: ReportedStatus = "success", kind: str = "imei") -> Confirmation:
    return Confirmation(request_id, ((kind, device),), status, "" if status == "success" else "words")


def confirm(journal: Journal, *confirmations: Confirmation) -> list[str]:
    return [one.outcome for one in journal.confirm(confirmations)]


def status_of(journal: Journal, device: str, scope: Scope = FLEX) -> DeviceStatus:
    return fold(journal.attempts(scope, [device]).get(device, []))


def result_of(journal: Journal, device: str, scope: Scope = FLEX) -> str:
    return status_of(journal, device, scope).result


@pytest.mark.parametrize("kind", ["imei", "iccid"])
def test_any_id_of_the_device_matches(journal: Journal, kind: str) -> None:
    device = {"imei": imei(1), "iccid": ICCID}[kind]
    scope = FLEX._replace(kind=kind)
    accept(journal, [device], "r1", scope)
    names = (("mdn", "5551234567"), ("iccid", ICCID), ("eid", "x"), ("imei", imei(1)))
    found = journal.confirm([Confirmation("r1", names, "success", "")])
    assert found == [Recorded("recorded", ACCOUNT, "SIMSec-IoT", device, kind, "assign")]
    assert result_of(journal, device, scope) == "confirmed"


def test_the_same_digits_as_another_kind_are_another_device(journal: Journal) -> None:
    accept(journal, [imei(1)], "r1")
    assert confirm(journal, report("r1", imei(1), kind="meid")) == ["unmatched"]
    assert result_of(journal, imei(1)) == "pending"


def test_duplicates(journal: Journal) -> None:
    accept(journal, [imei(1)], "r1")
    assert confirm(journal, *[report("r1", imei(1))] * 4) == ["recorded", "duplicate", "duplicate", "duplicate"]


@pytest.mark.parametrize("order", [("success", "failed"), ("failed", "success")])
@pytest.mark.parametrize("early", [True, False])
def test_success_wins_over_a_contradiction(
    journal: Journal, order: tuple[ReportedStatus, ReportedStatus], early: bool
) -> None:
    confirmations = [report("r1", imei(1), one) for one in order]
    request = send(journal, [imei(1)])
    if early:
        confirm(journal, *confirmations)
    journal.accepted(request, "r1")
    if not early:
        confirm(journal, *confirmations)
    assert result_of(journal, imei(1)) == "confirmed"


def test_neither_success_nor_failure_is_kept_and_changes_nothing(journal: Journal) -> None:
    accept(journal, [imei(1)], "r1")
    pending = report("r1", imei(1), "other")
    assert confirm(journal, pending, pending) == ["recorded", "duplicate"]
    assert result_of(journal, imei(1)) == "pending"
    assert confirm(journal, report("r1", imei(1))) == ["recorded"]


def test_faster_than_the_answer(journal: Journal) -> None:
    request = send(journal, imeis(2))
    assert confirm(journal, report("r1", imei(0))) == ["unmatched"]
    journal.accepted(request, "r1")
    assert [result_of(journal, device) for device in imeis(2)] == ["confirmed", "pending"]
    assert confirm(journal, report("r1", imei(0))) == ["duplicate"]
    assert journal.attempts(FLEX, [imei(0)])[imei(0)][0].request_id == "r1"


def test_of_unknown_requests_are_kept_and_adopted_later(journal: Journal) -> None:
    """A report may come before the answer."""
    request = send(journal, imeis(3))
    assert confirm(journal, report("r1", imei(1)), report("r1", imei(1)), report("r2", imei(1))) == [
        "unmatched",
        "duplicate",
        "unmatched",
    ]
    assert journal.accepted(request, "r1")
    assert [result_of(journal, device) for device in imeis(3)] == ["pending", "confirmed", "pending"]
    assert rows(journal, "SELECT request_id, matched FROM callback ORDER BY id") == [
        ("r1", 1),
        ("r2", 0),
    ]


@pytest.mark.parametrize("status", ["success", "failed", "other"])
def test_a_request_id_that_was_reported_on_before_is_that_of_another_request(
    journal: Journal, status: ReportedStatus
) -> None:
    """The answer is a copy of one that was lost. What was reported is not about this request."""
    confirm(journal, report("r1", imei(0), status))
    request = send(journal, imeis(3))
    assert not journal.accepted(request, "r1")
    assert [result_of(journal, device) for device in imeis(3)] == ["unknown"] * 3


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_a_report_under_an_unknown_id_decides_nothing(journal: Journal, state: RequestState) -> None:
    request = send(journal, imeis(2))
    if state != "sending":
        journal.settle(request, state, "it broke")
    assert confirm(journal, *[report("r1", imei(0))] * 2) == ["unmatched", "duplicate"]
    assert [result_of(journal, device) for device in imeis(2)] == ["unknown"] * 2


def test_a_late_success_puts_it_in_doubt_that_there_was_no_effect(journal: Journal) -> None:
    """ThingSpace was slower than anybody thought; or somebody else did something with the device."""
    journal.settle(send(journal, imeis(2)), "no_effect", "the count shows it")
    assert confirm(journal, report("r1", imei(1), "failed"), report("r1", imei(0))) == ["unmatched"] * 2
    assert [result_of(journal, device) for device in imeis(2)] == ["unknown"] * 2
    (lost,) = journal.snapshot(FLEX, imeis(2)).lost
    assert {device: hint.status for device, hint in lost.hints.items()} == {imei(0): "success", imei(1): "failed"}
    assert confirm(journal, report("r1", imei(0))) == ["duplicate"]


@pytest.mark.parametrize("refused", [True, False])
def test_a_report_under_an_unknown_id_does_not_outweigh_a_later_request(journal: Journal, refused: bool) -> None:
    journal.settle(send(journal, [imei(0)]), "no_effect", "the count shows it")
    if refused:
        journal.refused(send(journal, [imei(0)]), "400", "it is not active")
    else:
        accept(journal, [imei(0)], "r2")
    confirm(journal, report("r1", imei(0)))
    if not refused:
        assert confirm(journal, report("r2", imei(0), "failed")) == ["recorded"]
    status = status_of(journal, imei(0))
    assert (status.result, status.held, status.proved) == ("failed", None, False)


def counted(journal: Journal, devices: list[str]) -> None:
    """A request whose answer was lost, and of which the count showed that it took effect."""
    journal.settle(send(journal, devices), "accepted", "the count shows it")


def test_devices_of_a_counted_request_are_matched_one_by_one(journal: Journal) -> None:
    counted(journal, imeis(3))
    assert confirm(journal, report("r1", imei(0))) == ["recorded"]
    assert [result_of(journal, device) for device in imeis(3)] == ["confirmed", "pending", "pending"]
    assert journal.attempts(FLEX, [imei(0)])[imei(0)][0].request_id == "r1"
    assert confirm(journal, report("r1", imei(0))) == ["duplicate"]
    assert confirm(journal, report("another", imei(0))) == ["unmatched"]


@pytest.mark.parametrize("state", ["rejected", "not_sent"])
def test_a_request_that_certainly_changed_nothing_is_matched_by_nothing(journal: Journal, state: RequestState) -> None:
    journal.settle(send(journal, [imei(1)]), state, "no")
    assert confirm(journal, report("r1", imei(1))) == ["unmatched"]
    assert result_of(journal, imei(1)) == "none"


def at(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    """Let the journal write down times of some minutes ago."""
    earlier = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
    for module in (journal_module, match):
        monkeypatch.setattr(module, "now", lambda: earlier.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


@pytest.mark.parametrize(("minutes", "outcome"), [(58, "recorded"), (62, "unmatched"), (60 * 24 * 30, "unmatched")])
def test_reports_are_taken_for_those_of_a_counted_request_within_an_hour(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, minutes: float, outcome: str
) -> None:
    at(monkeypatch, minutes)
    counted(journal, [imei(1)])
    at(monkeypatch, 0)
    assert confirm(journal, report("r1", imei(1))) == [outcome]
    assert result_of(journal, imei(1)) == ("confirmed" if outcome == "recorded" else "pending")


@pytest.mark.parametrize("behind", [0.01, 0.15, 0.2])
def test_a_report_is_later_than_the_requests_that_it_may_be_about(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, behind: float
) -> None:
    """The clock of the receiver may be ten seconds behind. More is a wrong clock."""
    journal.settle(send(journal, imeis(2)), "unknown", "it broke")
    accept(journal, [imei(2)], "r1")
    at(monkeypatch, behind)
    journal.confirm([report("unknown", imei(0)), report("r1", imei(2))])
    at(monkeypatch, 0)
    (lost,) = journal.snapshot(FLEX, []).lost
    (known,) = journal.attempts(FLEX, [imei(2)])[imei(2)]
    assert (set(lost.hints), known.confirmed > known.sent) == (({imei(0)}, True) if behind < 0.17 else (set(), False))


def test_a_known_request_is_matched_however_old(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 60 * 24 * 30)
    accept(journal, [imei(1)], "r1")
    at(monkeypatch, 0)
    assert confirm(journal, report("r1", imei(1))) == ["recorded"]


def test_the_own_request_comes_before_a_counted_one(journal: Journal) -> None:
    accept(journal, [imei(1)], "r1")
    counted(journal, [imei(1)])
    assert confirm(journal, report("r1", imei(1), "failed")) == ["recorded"]
    attempts = journal.attempts(FLEX, [imei(1)])[imei(1)]
    assert [one.outcome for one in attempts] == ["failed", None]


def test_a_foreign_report_does_not_outlive_the_own_answer(journal: Journal) -> None:
    """The listener hears of every request about the device, also of those that others made."""
    request = send(journal, [imei(1)])
    confirm(journal, report("foreign", imei(1)))
    journal.accepted(request, "r1")
    assert result_of(journal, imei(1)) == "pending"
    confirm(journal, report("r1", imei(1), "failed"))
    assert result_of(journal, imei(1)) == "failed"


STEPS = ("answer", "success", "again", "foreign-request", "foreign-report")


@given(st.permutations(STEPS), st.sampled_from(["success", "failed"]))
def test_any_order_of_answer_and_reports_ends_in_the_same_status(order: list[str], told: ReportedStatus) -> None:
    journal = open_journal("", write=True, told=never)
    try:
        request = send(journal, [imei(1), imei(2)])
        for step in order:
            if step == "answer":
                journal.accepted(request, "r1")
            elif step == "foreign-request":
                confirm(journal, report("r9", imei(9)))
            elif step == "foreign-report":
                confirm(journal, report("r8", imei(2)), report("r8", imei(1), "success"))
            else:
                confirm(journal, report("r1", imei(1), told))
        found = journal.attempts(FLEX, [imei(1), imei(2)])
        first, second = found[imei(1)][0], found[imei(2)][0]
        assert (first.state, first.outcome, first.request_id) == ("accepted", told, "r1")
        assert (second.state, second.outcome, second.request_id) == ("accepted", None, "r1")
    finally:
        journal.close()


@given(st.permutations(["success", "failed", "other", "success", "failed"]), st.integers(0, 5))
def test_any_order_of_contradictions_ends_in_success(order: list[ReportedStatus], answered: int) -> None:
    journal = open_journal("", write=True, told=never)
    try:
        request = send(journal, [imei(1)])
        for number, told in enumerate(order):
            if number == answered:
                journal.accepted(request, "r1")
            confirm(journal, report("r1", imei(1), told))
        if answered == len(order):
            journal.accepted(request, "r1")
        assert result_of(journal, imei(1)) == "confirmed"
    finally:
        journal.close()


@given(st.permutations(["answer-1", "report-1", "answer-2", "report-2"]))
def test_two_requests_under_way_for_one_device_keep_their_reports(order: list[str]) -> None:
    """Two SKUs at once, each with its own result."""
    lifetime = FLEX._replace(sku="SIMSec-IoT-Lt")
    journal = open_journal("", write=True, told=never)
    try:
        requests = {"1": send(journal, [imei(1)]), "2": send(journal, [imei(1)], lifetime)}
        results: dict[str, ReportedStatus] = {"1": "success", "2": "failed"}
        for step in order:
            what, number = step.split("-")
            if what == "answer":
                journal.accepted(requests[number], f"r{number}")
            else:
                confirm(journal, report(f"r{number}", imei(1), results[number]))
        assert (result_of(journal, imei(1)), result_of(journal, imei(1), lifetime)) == ("confirmed", "failed")
    finally:
        journal.close()


def test_what_is_reported_under_the_own_id_is_told_from_what_was_inferred(journal: Journal) -> None:
    """Early or late, the id of the request proves it. What was judged by the count does not, whatever comes later."""
    first, second, third, fourth = imeis(4)
    accept(journal, [first], "r1")
    request = send(journal, [second])
    confirm(journal, report("r1", first), report("r2", second))
    assert journal.accepted(request, "r2")
    send(journal, [third])
    confirm(journal, report("others", third))
    (hinted,) = journal.snapshot(FLEX, [third]).lost
    journal.keep([hinted], [])
    send(journal, [fourth])
    (counted,) = journal.snapshot(FLEX, [fourth]).lost
    journal.keep([counted], [])
    confirm(journal, report("unknown", fourth))
    found = {one: status_of(journal, one) for one in imeis(4)}
    assert [one.result for one in found.values()] == ["confirmed"] * 4
    assert [one.proved for one in found.values()] == [True, True, False, False]


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("told", [("success", "failed"), ("failed", "success")], ids=" then ".join)
def test_what_is_contradicted_counts_and_proves_nothing(
    journal: Journal, told: tuple[ReportedStatus, ReportedStatus], early: bool
) -> None:
    """In any order, before or after the answer; another device of the same request has nothing to do with it."""
    reports = [*(report("r1", imei(0), one) for one in told), report("r1", imei(1)), report("r1", imei(1))]
    request = send(journal, imeis(2))
    if early:
        confirm(journal, *reports)
    assert journal.accepted(request, "r1")
    if not early:
        confirm(journal, *reports)
    found = [status_of(journal, one) for one in imeis(2)]
    assert [(one.result, one.held, one.proved) for one in found] == [
        ("confirmed", True, False),
        ("confirmed", True, True),
    ]


@pytest.mark.parametrize("count", [False, True])
def test_a_failure_under_an_unknown_id_puts_a_counted_request_in_doubt(journal: Journal, count: bool) -> None:
    """The count may have been changed by others, or the report may be about what others did."""
    counted(journal, imeis(2))
    if count:
        journal.keep_counted([1], "2026-01-01T00:00:00.000000Z", watched=True)
    assert confirm(journal, *[report("r1", imei(0), "failed")] * 2) == ["unmatched", "duplicate"]
    assert [result_of(journal, device) for device in imeis(2)] == ["unknown"] * 2
    (lost,) = journal.snapshot(FLEX, imeis(2)).lost
    assert [lost.hints[imei(0)].status, imei(1) in lost.hints] == ["failed", False]


COUNT = "count"
ORDERS: dict[tuple[str, ...], tuple[str, bool, str]] = {
    (COUNT,): ("confirmed", True, "confirmed"),
    (COUNT, "success"): ("confirmed", True, "confirmed"),
    ("success", COUNT): ("confirmed", True, "confirmed"),
    (COUNT, "failed"): ("failed", False, "pending"),
    ("failed", COUNT): ("failed", False, "confirmed"),
    (COUNT, "failed", COUNT): ("failed", False, "confirmed"),
    # ThingSpace contradicts itself: done, but no proof.
    (COUNT, "failed", "success"): ("confirmed", False, "pending"),
    (COUNT, "success", "failed"): ("confirmed", False, "confirmed"),
    (COUNT, "other"): ("confirmed", True, "confirmed"),
}
"""What is then known of the device, whether that is proof if the run watched, and what is known of the other one."""


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_a_report_overrides_the_count(journal: Journal, order: tuple[str, ...], watched: bool) -> None:
    """Whatever comes first. A failure shows that others changed the count, so it confirms nothing else, either."""
    accept(journal, imeis(2), "r1")
    for number, word in enumerate(order):
        if word == COUNT:
            journal.keep_counted([1], f"2099-01-0{number + 1}T00:00:00.000000Z", watched=watched)
        else:
            confirm(journal, report("r1", imei(0), t.cast(ReportedStatus, word)))
    status = status_of(journal, imei(0))
    result, proved, other = ORDERS[order]
    assert (status.result, result_of(journal, imei(1))) == (result, other)
    assert status.proved is (proved and (watched or "success" in order))
    assert status.last is not None
    assert status.last.request_id == "r1"
    if other == "confirmed":
        assert status_of(journal, imei(1)).proved is watched
    if order[-1] == COUNT and status.result == "confirmed" and len(order) == 1:
        assert status.last.reason == BY_COUNT


def test_a_failure_revokes_only_what_that_count_confirmed(journal: Journal) -> None:
    """Of both kinds of ids, because it is one count; what another count confirmed, or of another SKU, stays."""
    iccid, bundle = FLEX._replace(kind="iccid"), FLEX._replace(sku="TS-BUNDLE-KTO-SIMSEC-MRC")
    accept(journal, imeis(1), "r1")
    accept(journal, [ICCID], "r2", iccid)
    accept(journal, [imei(3)], "r3")
    accept(journal, [imei(4)], "r4", bundle)
    first, second = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"
    journal.keep_counted([1, 2, 4], first, watched=True)
    journal.keep_counted([3], second, watched=True)
    confirm(journal, report("r1", imei(0), "failed"))
    assert result_of(journal, ICCID, iccid) == "pending"
    assert (result_of(journal, imei(3)), result_of(journal, imei(4), bundle)) == ("confirmed", "confirmed")


def test_a_counted_removal_is_over_only_if_it_was_watched(journal: Journal) -> None:
    """Otherwise it may be carried out later, after the license was assigned again."""
    for watched in (True, False):
        device = imei(int(watched))
        removal = journal.intend(journal.begin_run(FLEX, "remove", 1), FLEX, "remove", [device], "1-234")
        journal.accepted(removal, f"removal {watched}")
        journal.keep_counted([removal], "2026-01-01T00:00:00.000000Z", watched=watched)
        accept(journal, [device], f"r{watched}")
        confirm(journal, report(f"r{watched}", device))
        status = status_of(journal, device)
        assert (status.held, status.proved, status.overlaid) == (True, watched, not watched)


def test_the_count_is_no_latency(journal: Journal) -> None:
    accept(journal, imeis(2), "r1")
    journal.keep_counted([1], "2099-01-01T00:00:00.000000Z", watched=True)
    assert journal.snapshot(FLEX, []).latency is None


def test_a_report_under_an_unknown_id_belongs_to_the_request_that_it_fits(journal: Journal) -> None:
    """A removal that the count shows, and not the later assignment that had no effect."""
    accept(journal, [imei(0)], "r1")
    confirm(journal, report("r1", imei(0)))
    removal = journal.intend(journal.begin_run(FLEX, "remove", 1), FLEX, "remove", [imei(0)], "1-235")
    journal.settle(removal, "accepted", "the count shows it")
    journal.settle(send(journal, [imei(0)]), "no_effect", "the count shows it")
    assert confirm(journal, report("r2", imei(0))) == ["recorded"]
    status = status_of(journal, imei(0))
    assert (status.result, status.held, status.last and status.last.request) == ("confirmed", False, removal)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_reports_under_unknown_ids_the_failure_counts(journal: Journal, order: int) -> None:
    send(journal, imeis(2))
    reports = [report("r1", imei(0)), report("r2", imei(0), "failed"), report("r3", imei(1))]
    confirm(journal, *reports[::order])
    (lost,) = journal.snapshot(FLEX, imeis(2)).lost
    assert {device: hint.status for device, hint in lost.hints.items()} == {imei(0): "failed", imei(1): "success"}
