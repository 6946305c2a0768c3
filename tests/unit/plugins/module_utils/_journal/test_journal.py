# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what is written down before, while and after requests are sent, and what can be read from it."""

from __future__ import annotations

import itertools
import multiprocessing
import re
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.changes import changes_since
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Lost, Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import RequestState, fold
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows, sqlite_of

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
OTHERS = [FLEX._replace(account="0000123456-00002"), FLEX._replace(sku="SIMSec-IoT-Lt"), FLEX._replace(kind="iccid")]


def send(journal: Journal, devices: list[str], scope: Scope = FLEX, action: Action = "assign") -> int:
    """A request that is under way."""
    return journal.intend(journal.begin_run(scope, action, 7), scope, action, devices, "1-234")


def accept(journal: Journal, devices: list[str], request_id: str, scope: Scope = FLEX) -> int:
    request = send(journal, devices, scope)
    journal.accepted(request, request_id)
    return request


def confirmed(request_id: str, device: str, status: str = "success") -> Confirmation:
    return Confirmation(request_id, (("imei", device),), t.cast(t.Any, status), "" if status == "success" else "no")


def lost(journal: Journal, scope: Scope = FLEX) -> list[Lost]:
    return journal.snapshot(scope, []).lost


def moved(journal: Journal, run: int) -> tuple[int | None, int, int]:
    """The count before a run, and by how much it can have changed since."""
    with journal._store.reading() as db:
        found = changes_since(db, run, FLEX.account, FLEX.sku)
        return found.before, *found.others


def states(journal: Journal, device: str, scope: Scope = FLEX) -> list[tuple[str, str | None]]:
    return [(one.state, one.outcome) for one in journal.attempts(scope, [device]).get(device, [])]


def test_what_was_written_is_there_after_a_kill(place: str) -> None:
    first = open_journal(place, write=True, told=never)
    accept(first, [imei(1)], "r1")
    send(first, [imei(2)])
    # Not closed: another process sees all the same.
    second = open_journal(place, write=False, told=never)
    assert [states(second, imei(number)) for number in (1, 2, 3)] == [[("accepted", None)], [("sending", None)], []]
    second.close()
    first.close()


def test_many_devices_at_once(journal: Journal) -> None:
    """More than one query takes."""
    many = imeis(10_500)
    for number, part in enumerate((many[:1], many[899:901], many[-2:])):
        accept(journal, part, f"r{number}")
    assert set(journal.attempts(FLEX, many)) == {many[0], *many[899:901], *many[-2:]}
    assert journal.attempts(OTHERS[0], many) == {}


def test_an_attempt_tells_everything(journal: Journal) -> None:
    accept(journal, [imei(1)], "r1")
    journal.confirm([confirmed("r1", imei(1), "failed")])
    found = journal.attempts(FLEX, [imei(1)])[imei(1)][0]
    assert found[1:7] == ("assign", "accepted", "failed", "no", "r1", "1-234")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found.sent)
    assert found.confirmed >= found.sent


@pytest.mark.parametrize("state", ["rejected", "not_sent", "unknown"])
def test_what_else_became_of_a_request(journal: Journal, state: RequestState) -> None:
    requests = [send(journal, [imei(1)]), send(journal, [imei(2)])]
    for request in requests:
        journal.settle(request, state, "in ThingSpace's words")
    found = journal.attempts(FLEX, [imei(1), imei(2)])
    assert {(one[0].state, one[0].reason) for one in found.values()} == {(state, "in ThingSpace's words")}


@pytest.mark.parametrize("other", OTHERS)
def test_accounts_skus_and_kinds_are_kept_apart(journal: Journal, other: Scope) -> None:
    accept(journal, [imei(1)], "r1")
    journal.confirm([confirmed("r1", imei(1))])
    assert journal.attempts(other, [imei(1)]) == {}
    accept(journal, [imei(1)], "r2", other)
    assert (states(journal, imei(1)), states(journal, imei(1), other)) == (
        [("accepted", "success")],
        [("accepted", None)],
    )


def test_more_devices_than_sqlite_takes_parameters(journal: Journal) -> None:
    devices = imeis(2500)
    accept(journal, devices, "r1")
    found = journal.attempts(FLEX, devices)
    assert len(found) == 2500


def test_walk(journal: Journal) -> None:
    accept(journal, [imei(2), imei(1)], "r1")
    accept(journal, [imei(1)], "r2")
    for other in OTHERS:
        accept(journal, [imei(3)], "r3", other)
    rows = [(scope, device, len(attempts)) for scope, device, attempts in journal.walk(ACCOUNT, None)]
    iccid, lifetime = OTHERS[2], OTHERS[1]
    assert rows == [(iccid, imei(3), 1), (FLEX, imei(1), 2), (FLEX, imei(2), 1), (lifetime, imei(3), 1)]
    assert [row[0] for row in journal.walk(ACCOUNT, "SIMSec-IoT-Lt")] == [lifetime]
    assert list(journal.walk("nobody", None)) == []


STEPS: list[tuple[Action, str]] = [
    (action, what)
    for action in t.get_args(Action)
    for what in ("success", "failed", "accepted", "rejected", "not_sent", "no_effect", "unknown")
]


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_how_many_hold_a_license(journal: Journal, order: tuple[int, ...]) -> None:
    """The store counts whom the fold over their attempts calls holders, after every history of three requests.

    :param order: in which they are reported.
    """
    histories = list(itertools.product(STEPS, repeat=3))
    devices = imeis(len(histories))
    reports: list[list[Confirmation]] = [[], [], []]
    for place in range(3):
        for step in STEPS:
            named = [device for device, history in zip(devices, histories, strict=True) if history[place] == step]
            action, what = step
            request = send(journal, named, action=action)
            if what in ("success", "failed"):
                journal.accepted(request, f"{action}-{what}-{place}")
                reports[place].extend(confirmed(f"{action}-{what}-{place}", device, what) for device in named)
            elif what == "accepted":
                journal.accepted(request, f"{action}-{what}-{place}")
            elif what == "rejected":
                journal.refused(request, "no", "no")
            else:
                journal.settle(request, t.cast(RequestState, what), "why")
    for place in order:
        journal.confirm(reports[place])
    tried = [attempts for _scope, _device, attempts in journal.walk(ACCOUNT, FLEX.sku)]
    statuses = [fold(attempts) for attempts in tried]
    assert len(statuses) == len(histories)
    held, proved = sum(one.held is True for one in statuses), sum(one.proved for one in statuses)
    assert 0 < proved < held < len(statuses)
    assert journal.holders(ACCOUNT, FLEX.sku) == {"imei": held}
    overtaken = sum(one.result == "overtaken" for one in statuses)
    pending = sum(one.open is not None and one.open.action == "remove" for one in statuses)
    assert (overtaken > 0) is (order != (0, 1, 2))
    most = journal.holders(ACCOUNT, FLEX.sku, "overtaken")["imei"]
    assert held + overtaken <= most <= sum(one.may_hold for one in statuses) - pending
    assert journal.holders(ACCOUNT, FLEX.sku, "proved") == {"imei": proved}
    assert journal.holders(ACCOUNT, "SIMSec-IoT-Lt") == {}


def test_lost_requests(journal: Journal) -> None:
    requests = [send(journal, imeis(3, 10 * number)) for number in range(5)]
    journal.settle(requests[1], "unknown", "it broke")
    journal.accepted(requests[2], "r2")
    journal.settle(requests[3], "rejected", "no")
    found = lost(journal)
    assert [one.request for one in found] == [requests[0], requests[1], requests[4]]
    assert found[1].devices == imeis(3, 10)
    assert (found[0].run, found[0].action) == (1, "assign")
    assert [lost(journal, other) for other in OTHERS[:2]] == [[], []]


def test_a_lost_request_is_about_those_that_nothing_else_is_known_of(journal: Journal) -> None:
    journal.settle(send(journal, imeis(4)), "unknown", "it broke")
    accept(journal, [imei(0), imei(1)], "r1")
    journal.settle(send(journal, [imei(2)]), "rejected", "no")
    assert [one.devices for one in lost(journal)] == [[imei(2), imei(3)]]


def test_reports_under_unknown_ids_are_hints(journal: Journal) -> None:
    """They may be about something else, so they decide nothing until the count proves the request."""
    journal.confirm([confirmed("r0", imei(1))])
    journal.settle(send(journal, imeis(3)), "unknown", "it broke")
    journal.confirm([confirmed("r9", imei(1), "failed"), confirmed("r9", imei(2)), confirmed("r9", imei(7))])
    found = lost(journal)[0]
    assert {device: tuple(hint) for device, hint in found.hints.items()} == {
        imei(1): ("failed", "no", "r9"),
        imei(2): ("success", "", "r9"),
    }
    assert [states(journal, device) for device in imeis(3)] == [[("unknown", None)]] * 3


def test_keeping_that_a_request_took_effect(journal: Journal) -> None:
    journal.settle(send(journal, imeis(3)), "unknown", "it broke")
    journal.confirm([confirmed("r9", imei(1), "failed"), confirmed("r9", imei(2))])
    journal.keep(lost(journal), [])
    assert [states(journal, device) for device in imeis(3)] == [
        [("accepted", None)],
        [("accepted", "failed")],
        [("accepted", "success")],
    ]
    assert journal.attempts(FLEX, [imei(2)])[imei(2)][0].request_id == "r9"
    assert lost(journal) == []
    # From now on its id is known by its devices: the third report, and one of those repeated.
    told = journal.confirm([confirmed("r9", imei(0)), confirmed("r9", imei(2))])
    assert [one.outcome for one in told] == ["recorded", "duplicate"]


def test_keeping_that_a_request_had_no_effect(journal: Journal) -> None:
    journal.settle(send(journal, imeis(2)), "unknown", "it broke")
    accept(journal, [imei(5)], "r1")
    journal.keep([], lost(journal))
    assert [states(journal, device) for device in (imei(0), imei(5))] == [[("no_effect", None)], [("accepted", None)]]
    assert lost(journal) == []


def test_a_judgment_does_not_overwrite_an_answer_that_came_meanwhile(journal: Journal) -> None:
    request = send(journal, [imei(1)])
    before = lost(journal)
    journal.accepted(request, "r1")
    journal.keep([], before)
    assert states(journal, imei(1)) == [("accepted", None)]


def test_a_device_that_is_refused_alone_has_failed(journal: Journal) -> None:
    journal.refused(send(journal, [imei(1)]), "'assign' was refused: no such device", "no such device")
    found = journal.attempts(FLEX, [imei(1)])[imei(1)]
    assert (fold(found).result, found[0].state, found[0].reason) == ("failed", "rejected", "no such device")


@pytest.mark.parametrize(
    ("actions", "sure", "perhaps"),
    [
        (["assign", "assign"], (1, 1), (0, 1)),
        (["assign", "remove", "assign"], (1, 1), (0, 1)),
        (["remove", "remove", "assign", "assign"], (1, 1), (0, 1)),
        (["assign", "remove"], (0, 0), (0, 1)),
        (["remove"], (0, 0), (0, 0)),
    ],
)
@pytest.mark.parametrize("reported", [True, False])
def test_a_device_changes_the_count_by_one_at_most(
    journal: Journal, actions: list[Action], sure: tuple[int, int], perhaps: tuple[int, int], reported: bool
) -> None:
    """Otherwise it would hide that a lost request took effect, so that it is sent again."""
    first = journal.begin_run(FLEX, "assign", 0)
    for number, action in enumerate(actions):
        request = journal.intend(journal.begin_run(FLEX, action, 0), FLEX, action, [imei(1)], "1-234")
        journal.accepted(request, f"r{number}")
        if reported:
            journal.confirm([confirmed(f"r{number}", imei(1))])
    assert moved(journal, first) == (0, *(sure if reported else perhaps))


@pytest.mark.parametrize(
    ("count", "known"), [(2, True), (3, False), (1, False), (None, False)], ids=["explained", "more", "less", "none"]
)
@pytest.mark.parametrize("action", t.get_args(Action))
def test_whoever_changed_the_account_before_may_have_changed_this_device(
    journal: Journal, count: int | None, known: bool, action: Action
) -> None:
    """Then a report of success may be about no change, whatever the journal knows of the device."""
    accept(journal, imeis(2), "r1")
    journal.confirm([confirmed("r1", device) for device in imeis(2)])
    run = journal.begin_run(FLEX, action, count)
    journal.accepted(journal.intend(run, FLEX, action, [imei(5 if action == "assign" else 1)], "1-235"), "r2")
    journal.confirm([confirmed("r2", imei(5 if action == "assign" else 1))])
    least, most = ((1, 1) if known else (0, 1)) if action == "assign" else ((-1, -1) if known else (-1, 0))
    assert moved(journal, run) == (count, least, most)


def test_a_count_of_none_does_not_show_that_no_device_held_a_license(journal: Journal) -> None:
    """The journal knows of two. Others may have taken them away, or the count is not up to date."""
    accept(journal, imeis(2), "r1")
    journal.confirm([confirmed("r1", device) for device in imeis(2)])
    run = journal.begin_run(FLEX, "remove", 0)
    journal.accepted(journal.intend(run, FLEX, "remove", [imei(1)], "1-235"), "r2")
    journal.confirm([confirmed("r2", imei(1))])
    assert moved(journal, run) == (0, -1, 0)


def test_usual_latency(journal: Journal) -> None:
    assert journal.snapshot(FLEX, []).latency is None
    accept(journal, [imei(1)], "r1")
    assert journal.snapshot(FLEX, []).latency is None
    journal.confirm([confirmed("r1", imei(1))])
    assert 0 <= (journal.snapshot(FLEX, []).latency or -1) < 60
    assert journal.snapshot(OTHERS[0], []).latency is None


def test_moved_since(journal: Journal) -> None:
    first = send(journal, imeis(3))
    journal.settle(first, "unknown", "it broke")
    accept(journal, imeis(4, 10), "r1")
    journal.confirm([confirmed("r1", imei(10)), confirmed("r1", imei(11), "failed")])
    journal.settle(send(journal, imeis(5, 20)), "rejected", "no")
    accept(journal, [imei(30)], "r2", OTHERS[1])
    assert moved(journal, 1) == (7, 0, 6), "somebody else has seven licenses, maybe these devices"
    assert moved(journal, 2) == (7, 0, 6)
    # Those of shortly before a run may have moved the count after it began, unless they were confirmed before.
    assert moved(journal, 3) == (7, 0, 5)


def test_what_was_under_way_when_a_run_began_can_move_the_count_too(journal: Journal) -> None:
    """Ten were accepted before; they are confirmed after the run that lost its answer had read the count."""
    accept(journal, imeis(10), "r1")
    run = journal.begin_run(FLEX, "assign", 0)
    journal.settle(journal.intend(run, FLEX, "assign", imeis(10, 50), "1-235"), "unknown", "it broke")
    journal.confirm([confirmed("r1", device) for device in imeis(10)])
    assert moved(journal, run) == (0, 10, 20)


def test_a_full_disk_has_a_name_and_leaves_the_journal_whole(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "j.db"), write=True, told=never)
    accept(journal, imeis(1), "r1")
    pages = sqlite_of(journal).execute("PRAGMA page_count").fetchone()[0]
    sqlite_of(journal).execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LicensingError) as caught:
        send(journal, imeis(5000))
    assert caught.value.code == "journal_full"
    assert "Requests that cannot be recorded are not sent" in caught.value.message
    sqlite_of(journal).execute("PRAGMA max_page_count = 100000")
    assert journal.attempts(FLEX, imeis(5000)).keys() == {imei(0)}, "all or nothing"
    send(journal, imeis(5000))
    assert len(journal.attempts(FLEX, imeis(5000))) == 5000
    journal.close()


def test_confirmations_are_written_all_or_none(journal: Journal) -> None:
    accept(journal, imeis(2), "r1")
    broken = Confirmation("r1", (("imei", t.cast(str, object())),), "success", "")
    with pytest.raises(LicensingError):
        journal.confirm([confirmed("r1", imei(0)), broken])
    assert [states(journal, device) for device in imeis(2)] == [[("accepted", None)]] * 2


def test_threads_share_a_journal(journal: Journal) -> None:
    threads = [
        threading.Thread(target=accept, args=(journal, imeis(20, 20 * number), f"r{number}")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.attempts(FLEX, imeis(160))) == 160


def open_together(path: str, barrier: t.Any, told: t.Any) -> None:
    barrier.wait(30)
    try:
        open_journal(path, write=True, told=never).close()
        told.put("")
    except LicensingError as error:
        told.put(error.message)


@pytest.mark.slow
def test_several_processes_may_make_the_journal_at_once(tmp_path: Path) -> None:
    """As the first run over several accounts does, with one journal for all."""
    context = multiprocessing.get_context("fork")
    for number in range(10):
        barrier, told = context.Barrier(4), context.SimpleQueue()
        path = str(tmp_path / f"j{number}.db")
        processes = [context.Process(target=open_together, args=(path, barrier, told)) for _number in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        assert [told.get() for _process in processes] == [""] * 4


def write_much(path: str, number: int) -> None:
    """What a job of another process does."""
    journal = open_journal(path, write=True, told=never)
    for round_ in range(10):
        request_id = f"r{number}-{round_}"
        device = imei(100 * number + round_)
        request = send(journal, [device], FLEX._replace(account=f"0000123456-1000{number}"))
        journal.confirm([confirmed(request_id, device)])
        journal.accepted(request, request_id)
    journal.close()


def test_processes_share_a_journal(place: str) -> None:
    open_journal(place, write=True, told=never).close()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_much, args=(place, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    journal = open_journal(place, write=False, told=never)
    accounts = [f"0000123456-1000{number}" for number in range(3)]
    walks = [journal.walk(account, None) for account in accounts]
    rows = [fold(attempts).result for walk in walks for _scope, _device, attempts in walk]
    journal.close()
    assert rows == ["confirmed"] * 30


def test_an_end_is_noted(journal: Journal) -> None:
    run = journal.begin_run(FLEX, "assign", None)
    assert rows(journal, "SELECT ended FROM run WHERE id = ?", run) == [(None,)]
    journal.end_run(run)
    assert rows(journal, "SELECT ended FROM run WHERE id = ?", run)[0][0]
