# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for confirmations, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Stop
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import fold
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import RequestRow
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.api import SimsecApi
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.result import confirmed_row
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.wait import (
    ASK_EVERY,
    POLL,
    Waiting,
    unconfirmed_error,
    wait_problems,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, Clock, Told, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never

SCOPE = Scope(ACCOUNT, "SIMSec-IoT", "imei")
Said: t.TypeAlias = "tuple[str, str] | Exception | None"


@pytest.fixture
def journal(tmp_path: t.Any) -> t.Iterator[Journal]:
    made = open_journal(str(tmp_path / "j.db"), write=True, told=never)
    yield made
    made.close()


class Play:
    """A clock and an API; what happens when is agreed beforehand."""

    def __init__(self, journal: Journal, *said: Said) -> None:
        self.journal = journal
        self.progress = Told()
        self.clock = Clock(0.0)
        self.said = list(said)
        self.asked: list[tuple[float, str]] = []
        self.paused = 0.0
        self.at: dict[float, t.Callable[[], t.Any]] = {}

    def request_status(self, request_id: str) -> tuple[str, str] | None:
        self.asked.append((self.clock.now, request_id))
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, Exception):
            raise said
        return said

    def subscriptions(self) -> list[t.Any]:
        return []

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= POLL
        self.clock.sleep(seconds)
        for due in [due for due in self.at if due <= self.clock.now]:
            self.at.pop(due)()

    def not_counted(self, seconds: float) -> None:
        self.paused += seconds

    def waiting(self, seconds: float) -> Waiting:
        return Waiting(self.journal, SCOPE, t.cast(SimsecApi, self), seconds, self.sleep, self.clock)

    def wait(self, devices: list[str], seconds: float) -> list[str]:
        return self.waiting(seconds).wait(devices)


def accept(journal: Journal, devices: list[str], request_id: str = "r1") -> int:
    request = journal.intend(journal.begin_run(SCOPE, "assign", 0), SCOPE, "assign", devices, "1-234")
    journal.accepted(request, request_id)
    return request


def confirm(journal: Journal, *devices: str, status: str = "success") -> None:
    journal.confirm([Confirmation("r1", (("imei", device),), t.cast(t.Any, status), "") for device in devices])


def test_until_the_last_one_is_reported(journal: Journal) -> None:
    accept(journal, imeis(3))
    play = Play(journal, None)
    play.at = {
        3.0: lambda: confirm(journal, imei(0)),
        7.0: lambda: confirm(journal, imei(1), status="failed"),
        90.0: lambda: confirm(journal, imei(2)),
    }
    assert play.wait(imeis(3), 600) == []
    assert 90.0 <= play.clock.now <= 90.0 + POLL
    assert play.asked == [], "for several devices the status of the request says nothing"
    told = [(0, 3, 0), (1, 3, 0), (1, 3, 1), (2, 3, 1)]
    assert list(dict.fromkeys(play.progress.lines)) == [("devices confirmed", *numbers) for numbers in told]


def test_what_is_confirmed_needs_no_wait(journal: Journal) -> None:
    accept(journal, imeis(2))
    confirm(journal, *imeis(2))
    play = Play(journal, None)
    assert play.wait(imeis(2), 600) == []
    assert play.clock.slept == []


@pytest.mark.parametrize("own", ["success", "failed"])
@pytest.mark.parametrize("later", ["success", "failed", "open"])
@pytest.mark.parametrize("action", ["assign", "remove"])
def test_what_other_tasks_sent_since_is_not_about_this_one(
    journal: Journal, own: str, later: str, action: t.Literal["assign", "remove"]
) -> None:
    """They may send for the same devices while this one waits, because the account is not locked then."""
    newest = accept(journal, imeis(2))
    waiting = (play := Play(journal, None)).waiting(600)
    waiting.newest = newest

    def another() -> None:
        request = journal.intend(journal.begin_run(SCOPE, action, 0), SCOPE, action, [imei(0)], "1-235")
        journal.accepted(request, "r2")
        if later != "open":
            journal.confirm([Confirmation("r2", (("imei", imei(0)),), t.cast(t.Any, later), "")])

    play.at = {1.0: another, 5.0: lambda: confirm(journal, imei(1)), 9.0: lambda: confirm(journal, imei(0), status=own)}
    assert waiting.wait(imeis(2)) == []
    assert play.clock.now >= 9.0
    last = waiting.statuses(imeis(2))[imei(0)].last
    assert last is not None
    assert (last.request, last.outcome) == (newest, own)


def test_what_a_report_puts_in_doubt_meanwhile_is_unknown(journal: Journal) -> None:
    """It is not waited for any more, and it is not green."""
    request = accept(journal, imeis(1))
    waiting = (play := Play(journal, None)).waiting(600)
    play.at = {1.0: lambda: journal.settle(request, "unknown", "why")}
    assert waiting.wait(imeis(1)) == []
    row = RequestRow(imei(0), "accepted", "", "r1")
    assert confirmed_row(row, waiting.statuses(imeis(1))[imei(0)], "assign") == row._replace(
        outcome="unknown", reason="why"
    )


def test_time_runs_out(journal: Journal) -> None:
    accept(journal, imeis(3))
    play = Play(journal, None)
    play.at = {1.0: lambda: confirm(journal, imei(1))}
    assert play.wait(imeis(3), 10.2) == [imei(0), imei(2)]
    assert play.clock.now == pytest.approx(10.2)


def test_several_waits_share_the_time(journal: Journal) -> None:
    """Its own limit bounds the waiting, so the deadline of the requests does not run meanwhile."""
    accept(journal, imeis(3))
    play = Play(journal, None)
    waiting = play.waiting(10.0)
    play.at = {4.0: lambda: confirm(journal, imei(0))}
    assert waiting.wait([imei(0)]) == []
    assert waiting.wait([imei(1)]) == [imei(1)]
    assert play.clock.now == pytest.approx(10.0)
    assert waiting.wait([imei(2)]) == [imei(2)]
    assert play.clock.now == play.paused == pytest.approx(10.0)


def test_what_may_be_amiss_is_not_waited_for(journal: Journal) -> None:
    """As soon as the judgment cannot change any more; a failure uses up what may be left open."""
    accept(journal, imeis(5))
    play = Play(journal, None)
    play.at = {
        1.0: lambda: confirm(journal, imei(0), status="failed"),
        2.0: lambda: confirm(journal, imei(1)),
        3.0: lambda: confirm(journal, imei(2)),
        4.0: lambda: confirm(journal, imei(3)),
    }
    assert play.waiting(600.0).wait(imeis(5), spare=2) == [imei(4)]
    assert play.clock.now == 4.0
    again = play.waiting(600.0)
    assert again.wait(imeis(4), spare=0) == [], "too many failed already: all are waited for"


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (("success", "Success"), "confirmed", ""),
        (("failed", "Failed"), "failed", "the status of the request is Failed"),
        (("failure", "FAILURE"), "failed", "the status of the request is FAILURE"),
    ],
)
def test_asking_for_a_single_device(journal: Journal, said: tuple[str, str], status: str, reason: str) -> None:
    accept(journal, [imei(1)])
    play = Play(journal, ("pending", "Pending"), ("", ""), said)
    assert play.wait([imei(1)], 600) == []
    assert play.asked == [(0.0, "r1"), (ASK_EVERY, "r1"), (2 * ASK_EVERY, "r1")]
    found = fold(journal.attempts(SCOPE, [imei(1)])[imei(1)])
    assert (found.result, found.last and found.last.reason) == (status, reason)


def test_a_request_for_several_devices_is_not_asked_for_the_last_of_them(journal: Journal) -> None:
    """Its status says that it was carried out, not for whom: the failure of the other device was not heard."""
    accept(journal, imeis(2))
    confirm(journal, imei(0))
    play = Play(journal, ("success", "Success"))
    assert play.wait([imei(1)], 10) == [imei(1)]
    assert play.asked == []


@pytest.mark.parametrize("said", [None, TransportError("no", code="timeout", in_doubt=True)])
def test_refused_once_it_is_not_asked_again(journal: Journal, said: Said) -> None:
    accept(journal, [imei(1)])
    play = Play(journal, said)
    play.at = {30.0: lambda: confirm(journal, imei(1))}
    assert play.wait([imei(1)], 600) == []
    assert len(play.asked) == 1
    assert 30.0 <= play.clock.now < 31.0


def test_a_report_counts_more_than_a_pending_status(journal: Journal) -> None:
    accept(journal, [imei(1)])
    play = Play(journal, ("pending", "Pending"))
    play.at = {2.0: lambda: confirm(journal, imei(1))}
    assert play.wait([imei(1)], 600) == []
    assert play.clock.now == 2.0


def test_without_a_request_id_nothing_is_asked(journal: Journal) -> None:
    """The answer was lost, the account's count showed that it took effect; its id is not known."""
    request = journal.intend(journal.begin_run(SCOPE, "assign", 0), SCOPE, "assign", [imei(1)], "1-234")
    journal.settle(request, "accepted", "the count shows it")
    play = Play(journal, None)
    assert play.wait([imei(1)], 10) == [imei(1)]
    assert play.asked == []


@pytest.mark.parametrize("state", ["rejected", "not_sent", "no_effect"])
def test_a_repetition_that_was_turned_away_does_not_confirm_the_first(journal: Journal, state: t.Any) -> None:
    accept(journal, [imei(1)])
    again = journal.intend(journal.begin_run(SCOPE, "assign", 0), SCOPE, "assign", [imei(1)], "1-235")
    journal.settle(again, state, "no")
    play = Play(journal, ("pending", "Pending"))
    assert play.wait([imei(1)], 10) == [imei(1)]
    assert {request_id for _due, request_id in play.asked} == {"r1"}


def test_nobody_can_report_without_a_journal() -> None:
    """When the status cannot be had either, ten minutes of waiting are in vain."""
    journal = open_journal("", write=True, told=never)
    accept(journal, [imei(1)])
    play = Play(journal, None)
    assert play.wait([imei(1)], 600) == [imei(1)]
    assert play.clock.now < 60
    journal.close()


@pytest.mark.parametrize(
    ("options", "devices", "words"),
    [
        ({}, 5, []),
        ({"wait": True, "journal": "j.db"}, 5, []),
        ({"wait": True}, 1, []),
        ({"wait": True}, 2, ["needs 'journal'"]),
        ({"wait_timeout": 0.0}, 2, ["'wait_timeout' is 0.0"]),
        ({"wait": True, "wait_timeout": -1.0}, 2, ["'wait_timeout' is -1.0", "needs 'journal'"]),
        ({"wait": True, "journal": "j.db", "waves": ["1"]}, 5, []),
        ({"waves": ["1"]}, 1, ["'waves' needs journal and wait:"]),
        ({"waves": ["1"], "journal": "j.db"}, 1, ["'waves' needs wait:"]),
    ],
)
def test_options(options: dict[str, t.Any], devices: int, words: list[str]) -> None:
    problems = wait_problems(
        **{"wait": False, "wait_timeout": 600.0, "journal": None, "waves": None, **options}, devices=devices
    )
    assert len(problems) == len(words)
    assert all(word in problem.text for word, problem in zip(words, problems, strict=True))


def test_the_error_names_20_and_counts_the_rest() -> None:
    error = unconfirmed_error(imeis(1500), 3, 600)
    assert error.code == "unconfirmed"
    assert len(error.details["pending"]) == 1000
    assert "1,500 devices were not confirmed within 600 s" in error.message
    assert "3 of them were accepted more than an hour ago" in error.message
    assert f"{imei(19)} and 1480 more" in error.message
    assert "not sent again" in error.message


class ToldToEnd(Stop):
    """Must end from some time on."""

    def __init__(self, clock: Clock, due: float) -> None:
        super().__init__()
        self._now, self._due = clock, due

    @property
    def why(self) -> str:
        return "it got the signal SIGTERM" if self._now.now >= self._due else ""


def test_an_interrupted_task_waits_no_longer(journal: Journal) -> None:
    accept(journal, imeis(3))
    play = Play(journal, None)
    waiting = play.waiting(600)
    waiting._stop = ToldToEnd(play.clock, 7.0)
    assert waiting.interrupted is None
    assert waiting.wait(imeis(3)) == imeis(3)
    assert play.clock.now == pytest.approx(7.0, abs=POLL)
    assert waiting.interrupted is not None
    assert waiting.interrupted.code == "interrupted"
