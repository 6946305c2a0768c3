# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A device that is neither as wanted nor sent makes the plan incomplete: in its status, its digest and its texts."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import Wish as ListWish
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import make_candidates_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.rows import not_sent, rows_after
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.account_parts import RunOptions
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.approval import difference
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.kept import kept
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_account import PlanAccount
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import failed_account, make_account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_part import PlanRows
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_view import pages_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_words import as_summary
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.rows import predict
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    Attempt,
    DeviceStatus,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.incomplete import is_left_over
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import Outcome, Rows
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Pool, make_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.plan import Wish, make_simsec_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.result import planned
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.skus import sku_of
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.plans import Json, plan

OLD, OVERDUE, NEW = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00", "2026-01-03T00:00:00.000000Z"
FLEX, BUNDLE, LIFETIME = "SIMSec-IoT", "TS-BUNDLE-KTO-SIMSEC-MRC", "SIMSec-IoT-Lt"

ACTIONS: tuple[Action, ...] = ("assign", "remove")
FATES: list[tuple[RequestState, str | None]] = [
    ("accepted", None),
    ("accepted", "success"),
    ("accepted", "failed"),
    ("rejected", "failed"),
    ("rejected", None),
    ("not_sent", None),
    ("unknown", None),
    ("sending", None),
]
HISTORIES = [
    (action, state, outcome, sent, request_id)
    for action in ACTIONS
    for state, outcome in FATES
    for sent in (OLD, NEW)
    for request_id in ("", "r")
]
"""Everything that can have become of the last request for a device."""


def status_of(action: Action, state: RequestState, outcome: str | None, sent: str, request_id: str) -> DeviceStatus:
    words = "words" if outcome == "failed" else ""
    return fold([Attempt(1, action, state, outcome, words, request_id, "1-234", sent, "")])


def as_rows(rows: Rows) -> list[dict[str, str]]:
    return [t.cast("dict[str, str]", row._asdict()) for row in rows]


@pytest.mark.parametrize("stopped", [None, LicensingError("Too many.", code="guard_tripped")], ids=["goes", "stopped"])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("retry_failed", "retry_unknown"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("action", t.get_args(Action))
def test_each_device_is_as_wanted_or_sent_or_told(
    action: Action, retry_failed: bool, retry_unknown: bool, waits: bool, stopped: LicensingError | None
) -> None:
    """By its history; the module's count and the rows of its report say the same."""
    devices = imeis(len(HISTORIES) + 1)
    statuses = {device: status_of(*one) for device, one in zip(devices, HISTORIES, strict=False)}
    wish = Wish(ACCOUNT, sku_of(FLEX), "imei", action, list(devices), retry_unknown, retry_failed, OVERDUE)
    plan = make_simsec_plan(wish, statuses, Pool(100, 3))
    rows = as_rows(planned(plan, Pool(100, 3), stopped=stopped, confirmed=waits).rows)
    told = [row["device_id"] for row in rows if is_left_over(row)]
    assert sorted([*plan.sent, *plan.plan.unchanged, *told]) == sorted(devices)
    assert plan.as_result().get("incomplete", 0) == len(told) > 0
    for device, status in statuses.items():
        holds = status.held is (action == "assign")
        nothing = action == "remove" and not status.may_hold
        if device in plan.plan.unchanged:
            assert holds or nothing


def test_what_other_modules_foresee_is_planned() -> None:
    """They know at once how each device stands, so none is left but a candidate that cannot be one."""
    a, b, c, d = imeis(4)
    plan = make_plan({}, "exact", [a, b], {b, c, d}, Pool(10, 3), frozenset({d}))
    halt = LicensingError("Too many.", code="guard_tripped")
    for applied in (predict(plan, [a, b]), predict(plan, [a, b], halt)):
        assert not any(map(is_left_over, as_rows(applied.rows)))
    wish = ListWish(ACCOUNT, "v2", "exact", [c, b, a], frozenset())
    listed = make_candidates_plan(wish, [b, c, d])
    for rows in (rows_after(wish, listed, listed.target), not_sent(wish, listed, "not sent: the plan was stopped")):
        assert not any(map(is_left_over, as_rows(rows)))
    refused = not_sent(wish, listed, "not sent: the plan was stopped", [a])
    assert [row["device_id"] for row in as_rows(refused) if is_left_over(row)] == [a]


@pytest.mark.parametrize("outcome", [*t.get_args(Outcome), "", "something new"])
def test_a_row_in_doubt_is_told(outcome: str) -> None:
    """What is not certainly as wanted or planned is not."""
    row = {"device_id": "1", "outcome": outcome, "reason": "whatever", "request_id": "r"}
    assert is_left_over(row) is (outcome != "unchanged")


def part(left: int = 0, failure: str = "", **counts: int) -> tuple[Json, PlanRows]:
    """A part as it comes from a module, and its rows."""
    names = imeis(left + sum(counts.values()))
    why = "ThingSpace says <no> (not sent again without 'retry_failed: true')"
    rows = [{"device_id": name, "outcome": "failed", "reason": why} for name in names[:left]]
    rows += [{"device_id": name, "outcome": "accepted", "reason": ""} for name in names[left:]]
    result: Json = {"plan": {"state": "present", "digest": "d", **counts, **({"incomplete": left} if left else {})}}
    if failure:
        result["failure"] = {"code": failure, "message": f"{failure}."}
    return {"kind": "simsec", "sku": FLEX, "list": "one", "result": result}, rows


def account(name: str, *parts: tuple[Json, PlanRows], **more: t.Any) -> PlanAccount:
    made = make_account(name, "a.yml", "w", [one for one, _rows in parts], [rows for _one, rows in parts])
    return made._replace(**more).judged()


@pytest.mark.parametrize(
    ("parts", "status", "left"),
    [
        ([part()], "no_change", 0),
        ([part(1)], "incomplete", 1),
        ([part(), part(2)], "incomplete", 2),
        ([part(2, assign=3)], "changes", 2),
        ([part(assign=3), part(1)], "changes", 1),
        ([part(1, failure="guard_tripped", assign=3)], "guard_tripped", 1),
        ([part(failure="devices_failed")], "incomplete", 1),
        ([part(failure="outcome_unknown", assign=1)], "changes", 1),
    ],
)
def test_no_plan_is_green_that_leaves_something(parts: list[tuple[Json, PlanRows]], status: str, left: int) -> None:
    """Changes come first, because they can be approved; the number tells what stays in any case."""
    whole = account("b", part())
    document = plan(account("a", *parts), whole)
    assert (document.status, document.accounts[0].status, document.incomplete) == (status, status, left)
    assert document.accounts[1].status == "no_change"
    texts = [*pages_of(document).values(), as_summary(document)]
    if left:
        for text in texts:
            assert (
                f"{left} device{' is' if left == 1 else 's are'} not as wanted, which this plan does not change" in text
            )
            assert f"{left} not as wanted" in text
        assert document.digest != plan(account("a", part()), whole).digest
    else:
        assert all("not as wanted" not in text for text in texts)


def test_what_is_told_of_them() -> None:
    """Each with its reason, and how they are sent again in the words of a fleet run."""
    double = {"device_id": "990000000000999", "outcome": "unchanged", "reason": "it holds two"}
    document = plan(account("a", part(2), incomplete=[double]), failed_account("z", {"code": "x"}))
    assert (document.status, document.incomplete) == ("error", 3)
    for text in pages_of(document).values():
        for told in (*imeis(2), "990000000000999", "-e fleet_retry_failed=true", "under &#39;simsec"):
            assert told in text or told.replace("&#39;", "'") in text
        assert "fleet_retry_unknown" not in text
        assert "<no>" not in text


def test_what_became_complete_since_is_no_other_plan() -> None:
    """With the file of a plan, that a request was confirmed meanwhile keeps nothing from being carried out."""
    before, now = (plan(account("a", part(left, assign=1))) for left in (0, 0))
    assert before.digest == now.digest
    waiting = plan(account("a", part(assign=1), part(1)))
    confirmed = plan(account("a", part(assign=1), part()))
    assert waiting.digest != confirmed.digest
    assert difference(confirmed, waiting) is None
    assert difference(confirmed, waiting.digest) is not None
    assert difference(plan(account("a", part())), "0" * 64) is None


FAILED = "ThingSpace says no (not sent again without 'retry_failed: true')"
FATES_NOW: dict[str, tuple[dict[str, str] | None, bool]] = {
    "done": (None, True),
    "on its way": ({"outcome": "accepted", "reason": "sent today, not confirmed yet"}, True),
    "failed": ({"outcome": "failed", "reason": FAILED}, False),
    "unknown": ({"outcome": "unknown", "reason": "It is sent again only with 'retry_unknown: true'"}, False),
    "overdue": ({"outcome": "accepted", "reason": "late. It is sent again only with 'retry_unknown: true'"}, False),
    "left out": ({"outcome": "skipped", "reason": "not sent: it holds no license"}, False),
    "something new": ({"outcome": "new", "reason": ""}, False),
}
"""What is told of a device that the approved plan changes, where the new one does not; whether that is carried out."""


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside what is planned"])
@pytest.mark.parametrize("fate", FATES_NOW)
def test_what_is_neither_planned_nor_done_was_not_carried_out(fate: str, beside: bool) -> None:
    """The approved plan sends a device again. The new one, made without that, has nothing to do about it."""
    row, carried_out = FATES_NOW[fate]
    other = part(assign=1)
    other[0]["list"] = "two"
    others = [other] if beside else []
    approved = plan(account("a", part(assign=1), *others), account("b", part()))
    now_part = part(1) if row else part()
    rows = [{"device_id": imeis(1)[0], **row}] if row else []
    now = plan(account("a", (now_part[0], rows), *others), account("b", part()))
    error = difference(now, approved)
    assert (error is None) is carried_out
    # A digest tells of no device, and covers the whole plan.
    alone = difference(now, approved.digest)
    assert (alone is None) is (carried_out and not beside)
    if error and alone:
        assert error.code == alone.code == "plan_changed"
        assert "These accounts differ: a." in error.message
        for told in (error.message, *([] if beside else [alone.message])):
            assert imeis(1)[0] in told
            for option in ("retry_failed", "retry_unknown"):
                assert (f"-e fleet_{option}=true" in told) is (option in (row or {})["reason"])


@pytest.mark.parametrize("changes", [False, True])
def test_what_is_no_longer_wanted_was_not_carried_out(changes: bool) -> None:
    """The files do not name the devices any more that the approved plan changes, so nothing is to be done."""
    approved = plan(account("a", part(assign=int(changes))))
    now = plan(account("a", part(), wanted="other"))
    assert (difference(now, approved) is None) is not changes


def test_a_device_that_keeps_two_licenses_although_one_was_to_go() -> None:
    """Neither its removal nor its assignment is planned any more."""
    removal = part(remove=1)
    removal[0]["result"]["plan"]["state"] = "absent"
    double = [{"device_id": imeis(1)[0], "outcome": "unchanged", "reason": "it holds two"}]
    approved = plan(account("a", removal))
    assert difference(plan(account("a", incomplete=double)), approved) is not None
    assert difference(plan(account("a")), approved) is None
    added = plan(account("a", part(assign=1)))
    assert difference(plan(account("a", part(), incomplete=double)), added) is None, "it was added"


def options(journal: str | None, *, again: bool = False) -> RunOptions:
    """Those of a run with this journal."""
    return RunOptions("", journal, wait=False, require_listener=None, retries={"retry_failed": again})


@pytest.mark.parametrize("again", [False, True])
def test_devices_that_the_plan_gives_another_license(tmp_path: Path, again: bool) -> None:
    """They have two at the end if the plan does not take the former one away, or cannot."""
    for_life, mover, failed, fresh, one = imeis(5)
    path = str(tmp_path / "journal.db")
    journal = open_journal(path, write=True, told=never)
    for sku, devices in ((LIFETIME, [for_life]), (FLEX, [mover, failed, one]), (BUNDLE, [failed])):
        scope = Scope(ACCOUNT, sku, "imei")
        run = journal.begin_run(scope, "assign", 0)
        for device in devices:
            request = journal.intend(run, scope, "assign", [device], "x")
            if sku == BUNDLE:
                journal.refused(request, "no", "no")
            else:
                journal.accepted(request, f"{sku}{device}")
        journal.end_run(run)
    journal.close()
    lists = {"new": [for_life, mover, failed, fresh], "flex": [one], "gone": [mover], "no": []}
    pools = [
        {"sku": BUNDLE, "kind": "imei", "state": "exact", "count": 4, "list": "new", "remove_list": "no"},
        {"sku": FLEX, "kind": "imei", "state": "exact", "count": 1, "list": "flex", "remove_list": "gone"},
    ]
    found = kept({"account": ACCOUNT, "simsec": pools}, lists, options(path, again=again), told=never)
    assert {row["device_id"] for row in found} == {for_life, *([failed] if again else [])}
    former = {for_life: LIFETIME, failed: FLEX}
    for row in found:
        assert f"holds {former[row['device_id']]}, or may hold it; this plan assigns {BUNDLE}" in row["reason"]


@pytest.mark.parametrize("lost", [False, True])
def test_devices_that_keep_two_licenses(tmp_path: Path, lost: bool) -> None:
    """By the journal, unless the plan takes one of them away; and who holds one under an id that no file names."""
    both, planned_, failed, one, other = imeis(5)
    path = str(tmp_path / "journal.db")
    journal = open_journal(path, write=True, told=never)
    for sku, devices in (
        (FLEX, [both, planned_, failed, one]),
        (LIFETIME, [both, planned_]),
        (BUNDLE, [failed, other]),
    ):
        scope = Scope(ACCOUNT, sku, "imei")
        run = journal.begin_run(scope, "assign", 0)
        for device in devices:
            request = journal.intend(run, scope, "assign", [device], "x")
            if (sku, device) == (BUNDLE, failed):
                journal.refused(request, "no", "no")
            elif lost:
                journal.settle(request, "unknown", "lost")
            else:
                journal.accepted(request, f"{sku}{device}")
        journal.end_run(run)
    journal.close()
    lists = {"gone": [planned_], "named": [], "no": []}
    pools = [
        {"sku": FLEX, "kind": "imei", "state": "present", "list": "named", "remove_list": "gone"},
        {"sku": LIFETIME, "kind": "imei", "state": "present", "list": "no", "remove_list": "no"},
    ]
    wanted = {"account": ACCOUNT, "simsec": pools}
    found = kept(wanted, lists, options(path), told=never)
    assert [row["device_id"] for row in found] == [both]
    assert f"{FLEX} and {LIFETIME}" in found[0]["reason"]
    assert kept({**wanted, "account": "0000123456-99999"}, lists, options(path), told=never) == []
    assert kept(wanted, lists, options(None), told=never) == []


@pytest.mark.parametrize(
    ("named", "state", "told"),
    [("imei", "exact", False), ("iccid", "exact", True), ("both", "exact", True), ("iccid", "present", False)],
)
def test_devices_that_no_file_names_and_that_keep_their_license(
    tmp_path: Path, named: str, state: str, told: bool
) -> None:
    """Files that name a SKU's devices by another kind of id leave its holders alone, and that is no green plan."""
    holder, for_life, another = imeis(3)
    path = str(tmp_path / "journal.db")
    journal = open_journal(path, write=True, told=never)
    for sku, device in ((FLEX, holder), (LIFETIME, for_life), (BUNDLE, another)):
        scope = Scope(ACCOUNT, sku, "imei")
        run = journal.begin_run(scope, "assign", 0)
        journal.accepted(journal.intend(run, scope, "assign", [device], "x"), f"{sku}{device}")
        journal.end_run(run)
    journal.close()
    lists = {"b": [another], "flex": [holder if named == "imei" else "89148000000000000001"], "no": []}
    kind = "imei" if named == "imei" else "iccid"
    pools = [{"sku": FLEX, "kind": kind, "state": state, "count": 1, "list": "flex", "remove_list": "no"}]
    bundle = {"sku": BUNDLE, "kind": "imei", "state": state, "count": 1, "list": "b", "remove_list": "no"}
    pools += [bundle] if named in ("imei", "both") else []
    found = kept({"account": ACCOUNT, "simsec": pools}, lists, options(path), told=never)
    expected = {holder} if named == "both" else {holder, another}
    assert {row["device_id"] for row in found} == (expected if told else set())
    assert all("no file names it" in row["reason"] for row in found)
