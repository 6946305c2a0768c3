# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that moves and prunes a journal."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.modules import simsec_journal, simsec_license_info
from ansible_collections.thingspace.licensing.tests.support import journals, postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
OLD, NEW = "2020-01-01T00:00:00.000000Z", "2021-01-01T00:00:00.000000Z"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(simsec_journal.main, None, monkeypatch, capsys)


@pytest.fixture
def info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(simsec_license_info.main, None, monkeypatch, capsys, account=ACCOUNT, journal_only=True)


@pytest.fixture(params=journals.STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[str]:
    """A journal in which ten devices wait for two requests."""
    with contextlib.ExitStack() as stack:
        made = str(tmp_path / "j.db") if request.param == "sqlite" else stack.enter_context(postgres.new_journal())
        with contextlib.closing(open_journal(made, write=True, told=never)) as journal:
            run = journal.begin_run(FLEX, "assign", 0)
            for number in range(2):
                journal.accepted(journal.intend(run, FLEX, "assign", imeis(5, 5 * number), "1"), f"r{number}")
            journal.confirm([Confirmation("r0", (("imei", device),), "success", "") for device in imeis(4)])
            journal.end_run(run)
        yield made


def test_it_moves_to_a_file_and_says_what_it_did(run: Run, info: Run, place: str, tmp_path: Path) -> None:
    target = str(tmp_path / "new.db")
    before = info(journal=place)["journal_status"]
    asked = run(journal=target, from_journal=place, _ansible_check_mode=True)
    assert not Path(target).exists()
    done, again = run(journal=target, from_journal=place), run(journal=target, from_journal=place)
    assert (asked["changed"], done["changed"], again["changed"]) == (True, True, False)
    assert asked["moved"] == done["moved"] == again["moved"]
    assert (done["place"], done["moved"]["from"], done["moved"]["rows"]["entry"]) == (target, place, 10)
    after = info(journal=target)["journal_status"]
    changes = {"place": target, "store": "sqlite", "size": after["size"]}
    assert after == {**before, **changes}
    assert info(journal=place)["failure"]["code"] == "journal_moved"


def test_facts(info: Run, place: str) -> None:
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal:
        journals.write(journal, "UPDATE request SET sent = ? WHERE request_id = 'r0'", OLD)
        journals.write(journal, "UPDATE request SET sent = ? WHERE request_id = 'r1'", NEW)
        journals.write(journal, "UPDATE run SET started = ?", OLD)
    found = info(journal=place)["journal_status"]
    assert (found["place"], found["oldest_unconfirmed"], found["last_run"]) == (place, OLD, OLD)
    assert found["size"] > 10_000
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal:
        journal.confirm([Confirmation("r0", (("imei", imei(4)),), "success", "")])
    assert info(journal=place)["journal_status"]["oldest_unconfirmed"] == NEW


def test_it_prunes_what_nobody_needs(run: Run, place: str) -> None:
    def kept() -> list[str]:
        with contextlib.closing(open_journal(place, write=False, told=never)) as journal:
            return [name for (name,) in journals.rows(journal, "SELECT request_id FROM callback ORDER BY id")]

    reports = ("foreign", "foreign, after a request without an answer", "r0", "yesterday")
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal:
        told = [Confirmation(name, (("imei", imei(0)),), "failed", "") for name in reports]
        journal.confirm(told)
        journals.write(journal, "UPDATE callback SET received = ?", OLD)
        journals.write(journal, "UPDATE callback SET received = ? WHERE request_id LIKE 'foreign,%'", NEW)
        idle = journal.begin_run(FLEX, "assign", 0)
        journals.write(journal, "UPDATE run SET ended = ?, started = ?", OLD, OLD)
        lost = journal.intend(idle, FLEX, "assign", [imei(9)], "1")
        journals.write(journal, "UPDATE request SET sent = ? WHERE id = ?", NEW.replace("2021-01", "2020-06"), lost)
        journal.confirm([told[3]._replace(devices=(("imei", imei(1)),))])
        journal.end_run(journal.begin_run(FLEX, "assign", 0))
        journals.write(journal, "UPDATE run SET ended = ? WHERE id > ?", OLD, idle)
    assert kept() == [*reports, "yesterday"]
    asked = run(journal=place, prune_days=2, _ansible_check_mode=True)
    assert kept() == [*reports, "yesterday"]
    done, again = run(journal=place, prune_days=2), run(journal=place, prune_days=2)
    assert asked["pruned"] == done["pruned"] == {"callbacks": 2, "runs": 1, "fleet_runs": 0}
    assert (done["changed"], again["changed"], again["pruned"]) == (
        True,
        False,
        {"callbacks": 0, "runs": 0, "fleet_runs": 0},
    )
    assert kept() == ["foreign, after a request without an answer", "r0", "yesterday"]


def test_nothing_is_created_by_pruning(run: Run, tmp_path: Path) -> None:
    result = run(journal=str(tmp_path / "none.db"), prune_days=30)
    assert result["failure"]["code"] == "journal_unusable"
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_the_journal_once_that_is_said(run: Run, info: Run) -> None:
    server = postgres.server()
    database = server.new_database()
    open_journal(server.url(database), write=True, told=never).close()
    copy = server.url(server.copied(database))
    assert run(journal=copy, prune_days=30)["failure"]["code"] == "journal_copied"
    assert run(journal=server.url(database), new_home=True)["changed"] is False
    for check in (True, False):
        assert info(journal=copy)["failure"]["code"] == "journal_copied"
        assert run(journal=copy, new_home=True, _ansible_check_mode=check)["changed"] is True
    assert run(journal=copy, new_home=True) == {**run(journal=copy, new_home=True), "changed": False, "place": copy}
    assert info(journal=copy)["journal_status"]["place"] == copy


def test_a_move_to_a_place_that_is_lost(run: Run, info: Run, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.new_journal() as lost, monkeypatch.context() as patch:
        before = info(journal=place)["journal_status"]
        patch.setattr(move, "_finish", None)
        assert run(journal=lost, from_journal=place)["failure"]["code"] == "internal_error"
    assert run(journal=lost, from_journal=place)["failure"]["code"] == "journal_unreachable"
    refused = info(journal=place)["failure"]
    assert (refused["code"], "'give_up_move: true'" in refused["message"]) == ("journal_moved", True)
    asked = run(journal=place, give_up_move=True, _ansible_check_mode=True)
    assert info(journal=place)["failure"]["code"] == "journal_moved"
    done, again = run(journal=place, give_up_move=True), run(journal=place, give_up_move=True)
    assert (asked["changed"], done["changed"], again["changed"]) == (True, True, False)
    assert (asked["given_up"], done["given_up"], again["given_up"]) == (lost, lost, "")
    assert {**info(journal=place)["journal_status"], "size": 0} == {**before, "size": 0}
