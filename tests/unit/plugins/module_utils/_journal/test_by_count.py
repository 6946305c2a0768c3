# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can have changed the account's count since a run, according to the journal."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.clock import after, ago, now
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope, Window
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import write

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
ICCIDS = FLEX._replace(kind="iccid")
BUNDLE = FLEX._replace(sku="TS-BUNDLE-KTO-SIMSEC-MRC")


def send(journal: Journal, devices: list[str], scope: Scope = FLEX, action: Action = "assign", before: int = 7) -> int:
    """Send a run of one request, which is accepted under an id like C(r1)."""
    run = journal.begin_run(scope, action, before)
    request = journal.intend(run, scope, action, devices, "1-234")
    journal.accepted(request, f"r{request}")
    return request


def report(journal: Journal, request: int, *devices: str, status: t.Literal["success", "failed"] = "success") -> None:
    journal.confirm([Confirmation(f"r{request}", (("imei", one),), status, "") for one in devices])


def window(journal: Journal, scope: Scope = FLEX) -> Window:
    """The one of the newest run that has anything without a report."""
    return journal.windows(ACCOUNT, scope.sku)[0]


@pytest.mark.slow
def test_each_device_counts_once_and_both_kinds_of_ids_do(journal: Journal) -> None:
    first = send(journal, imeis(3))
    second = send(journal, [imei(1)])
    send(journal, ["89148000000800139708"], ICCIDS)
    other = send(journal, [imei(5)], action="remove")
    send(journal, imeis(9), BUNDLE)
    found = journal.windows(ACCOUNT, FLEX.sku)
    assert [one.most for one in found] == [{"assign": 4, "remove": 1}] * 4, "all of it was sent within the hour"
    assert (found[-1].waiting["assign"], found[-1].waiting["remove"]) == ([first, second, 3], [other])
    assert not any(one.alone for one in found)
    assert (found[0].missing("assign", 9), found[0].missing("remove", 9)) == (2, 3)


@pytest.mark.parametrize(
    ("what", "most"),
    [("failed", 2), ("success", 3), ("rejected", 0), ("not_sent", 0), ("no_effect", 3), ("unknown", 3)],
)
def test_what_certainly_did_not_happen_does_not_count(journal: Journal, what: t.Any, most: int) -> None:
    request = send(journal, imeis(3))
    if what in ("failed", "success"):
        report(journal, request, imei(0), status=what)
    else:
        journal.settle(request, what, "words")
    waiting = send(journal, [imei(9)], ICCIDS)
    found = window(journal)
    assert found.most["assign"] == most + 1
    assert found.waiting["assign"] == ([request, waiting] if what in ("failed", "success", "unknown") else [waiting])


def test_what_an_earlier_count_showed_is_in_the_next_one(journal: Journal) -> None:
    """But not what the same run shows later, or what ThingSpace reported: the count may be slower than the report."""
    counted, reported = send(journal, imeis(2)), send(journal, imeis(1, 5))
    report(journal, reported, imei(5))
    journal.keep_counted([counted], now(), watched=True)
    fresh = send(journal, [imei(9)])
    found = window(journal)
    assert (found.most, found.waiting, found.alone) == ({"assign": 2}, {"assign": [fresh]}, False)
    write(journal, "UPDATE request SET sent = ? WHERE id = ?", ago(datetime.timedelta(hours=2)), reported)
    assert (window(journal).most, window(journal).alone) == ({"assign": 1}, True)


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("action", ["assign", "remove"])
def test_only_a_count_that_was_watched_ends_a_request(journal: Journal, action: t.Any, watched: bool) -> None:
    """Others may have caused the other one. Then the request may be carried out during a run of the next seven days."""
    counted = send(journal, imeis(2), action=action)
    journal.keep_counted([counted], now(), watched=watched)
    send(journal, [imei(9)])
    assert (window(journal).most, window(journal).alone) == ({"assign": 1}, watched)
    assert journal.holders(ACCOUNT, FLEX.sku, "proved") == {"imei": 2 if watched and action == "assign" else 0}
    aged(journal, counted, 6.9)
    assert window(journal).alone is watched
    aged(journal, counted, 7.1)
    assert window(journal).alone, "it is too old to be carried out"


def aged(journal: Journal, request: int, days: float) -> None:
    """It was sent so many days earlier."""
    write(journal, "UPDATE request SET sent = ? WHERE id = ?", ago(datetime.timedelta(days=days)), request)


@pytest.mark.parametrize(("days", "counts"), [(0.1, True), (6.9, True), (7.1, False)])
@pytest.mark.parametrize("what", ["accepted", "unknown", "no_effect", "rejected", "failed", "success"])
def test_what_is_open_for_long_may_still_be_carried_out(
    journal: Journal, what: t.Any, days: float, counts: bool
) -> None:
    """The journal knows of it, so it is no stranger."""
    old = send(journal, imeis(2))
    if what in ("failed", "success"):
        report(journal, old, *imeis(2), status=what)
    elif what != "accepted":
        journal.settle(old, what, "words")
    aged(journal, old, days)
    fresh = send(journal, [imei(9)])
    open_, sent = counts and what in ("accepted", "unknown", "no_effect"), what in ("accepted", "unknown")
    found = window(journal)
    assert (found.most["assign"], found.alone) == (3 if open_ else 1, not open_)
    assert found.waiting["assign"] == ([old, fresh] if counts and sent else [fresh])


@pytest.mark.parametrize(
    ("later", "open_"),
    [
        (["assign"], False),
        (["remove"], True),
        (["assign", "remove"], True),
        (["remove", "assign"], False),
        (["assign, failed"], True),
        (["assign", "remove, refused"], False),
        (["remove, late", "assign"], True),
        (["remove, open", "assign"], True),
    ],
)
def test_a_device_that_got_its_license_otherwise_is_not_open(journal: Journal, later: list[str], open_: bool) -> None:
    """To carry out the old request as well would change nothing."""
    aged(journal, send(journal, imeis(1)), 3)
    late = []
    for what in later:
        action, _comma, end = what.partition(", ")
        request = send(journal, imeis(1), action=t.cast(Action, action))
        if end == "refused":
            journal.settle(request, "rejected", "words")
        elif end == "late":
            late.append(request)
        elif end != "open":
            report(journal, request, imei(0), status="failed" if end else "success")
        aged(journal, request, 2)
    for request in late:
        report(journal, request, imei(0))
    send(journal, [imei(9)])
    assert window(journal).most["assign"] == 1 + open_


@pytest.mark.parametrize("state", ["accepted", "rejected"])
def test_a_lost_request_is_judged_with_what_is_open_for_long(journal: Journal, state: t.Any) -> None:
    old = send(journal, imeis(2))
    journal.settle(old, state, "words")
    aged(journal, old, 2)
    lost = send(journal, [imei(9)])
    journal.settle(lost, "unknown", "it broke")
    assert journal.snapshot(FLEX, []).moved[0].others.most == (2 if state == "accepted" else 0)


def test_nothing_without_a_count_and_nothing_old(journal: Journal) -> None:
    run = journal.begin_run(FLEX, "assign", None)
    journal.accepted(journal.intend(run, FLEX, "assign", imeis(1), "1-234"), "x")
    assert journal.windows(ACCOUNT, FLEX.sku) == []
    request = send(journal, imeis(2))
    assert len(journal.windows(ACCOUNT, FLEX.sku)) == 1
    write(journal, "UPDATE request SET sent = ? WHERE id = ?", ago(datetime.timedelta(days=8)), request)
    assert journal.windows(ACCOUNT, FLEX.sku) == []


def test_a_failure_after_the_count_shows_that_others_changed_it(journal: Journal) -> None:
    """Then the count confirms nothing."""
    request, when = send(journal, imeis(2)), now()
    report(journal, request, imei(0), status="failed")
    journal.keep_counted([request], when, watched=True)
    assert journal.attempts(FLEX, [imei(1)])[imei(1)][0].outcome is None
    journal.keep_counted([request], after(now(), 6), watched=True)
    assert journal.attempts(FLEX, [imei(1)])[imei(1)][0].outcome == "success"


def test_only_accepted_requests_are_confirmed(journal: Journal) -> None:
    accepted, lost = send(journal, imeis(2)), send(journal, imeis(2, 5))
    journal.settle(lost, "unknown", "it broke")
    report(journal, accepted, imei(1), status="failed")
    journal.keep_counted([accepted, lost], after(now(), 6), watched=False)
    tried = journal.attempts(FLEX, [*imeis(2), *imeis(2, 5)])
    assert [tried[one][0].outcome for one in imeis(2)] == ["success", "failed"]
    assert [tried[one][0].outcome for one in imeis(2, 5)] == [None, None]
