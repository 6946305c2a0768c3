# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A journal moves between a file and a database: whole, once, and never in use at both ends."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import move as move_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.inventory import history_rows
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move import TABLES, Moved, move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import rows
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import proxied

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")


class Killed(BaseException):
    """What C(kill -9) does to a process."""


@pytest.fixture
def places(tmp_path: Path) -> t.Iterator[dict[str, str]]:
    """A file and a database, both without a journal."""
    with postgres.new_journal() as address:
        yield {"file": str(tmp_path / "j.db"), "database": address, "other": str(tmp_path / "other.db")}


WAYS = [("file", "database"), ("database", "file"), ("file", "other")]


def moved(source: str, target: str, *, check: bool = False) -> Moved:
    return move(source, target, patience=1, check=check)


@contextlib.contextmanager
def opened(place: str, *, write: bool = True) -> t.Iterator[Journal]:
    with contextlib.closing(open_journal(place, write=write, patience=2)) as journal:
        yield journal


def fill(place: str) -> list[t.Any]:
    """Everything that a journal can hold."""
    with opened(place) as journal:
        run = journal.begin_run(FLEX, "assign", 7)
        requests = [journal.intend(run, FLEX, "assign", imeis(20, 20 * number), "1-234") for number in range(1, 5)]
        journal.accepted(requests[0], "r1")
        journal.settle(requests[1], "unknown", "it broke: ä % \\ \n\t 'quoted'")
        journal.settle(requests[2], "rejected", "no")
        told = [Confirmation("r1", (("imei", device),), "success", "") for device in imeis(20, 20)]
        journal.confirm([*told, *(one._replace(request_id="foreign") for one in told)])
        journal.end_run(run)
    return known(place)


def known(place: str) -> list[t.Any]:
    with opened(place, write=False) as journal:
        return [list(history_rows(journal, ACCOUNT, None)), journal.snapshot(FLEX, imeis(100))]


def refused(place: str, *, write: bool) -> str:
    with pytest.raises(LicensingError) as caught:
        open_journal(place, write=write)
    assert caught.value.code == "journal_moved"
    return caught.value.message


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_everything_moves_and_the_old_one_is_refused(places: dict[str, str], source: str, target: str) -> None:
    old, new = places[source], places[target]
    before = fill(old)
    asked = moved(old, new, check=True)
    assert known(old) == before
    done = moved(old, new)
    assert done == asked
    assert (done.changed, set(done.rows)) == (True, set(TABLES))
    assert (done.rows["entry"], done.rows["request"], done.rows["callback"]) == (80, 4, 20)
    assert known(new) == before
    for write in (True, False):
        assert f"was moved to {new}" in refused(old, write=write)
    with opened(new) as journal:
        assert rows(journal, "SELECT uuid FROM identity") == [(done.identity,)]
        run = journal.begin_run(FLEX, "assign", 7)
        assert (run, journal.intend(run, FLEX, "assign", imeis(1), "1-235")) == (2, 5), "numbers go on"
    assert moved(old, new) == done._replace(changed=False), "nothing is overwritten by doing it again"
    with opened(new) as journal:
        assert len(journal.ids(FLEX)) == 81


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_whoever_has_the_old_one_open_records_nothing_in_it_any_more(
    places: dict[str, str], source: str, target: str
) -> None:
    """A receiver, whose callback ThingSpace repeats; what it recorded before has moved."""
    old, new = places[source], places[target]
    fill(old)
    late = Confirmation("late", (("imei", imeis(1)[0]),), "success", "")
    with opened(old) as receiver:
        receiver.confirm([late])
        moved(old, new)
        for _again in range(2):
            with pytest.raises(LicensingError) as caught:
                receiver.confirm([late._replace(request_id="later")])
            assert caught.value.code == "journal_moved"
    with opened(new) as journal:
        assert rows(journal, "SELECT count(*) FROM callback WHERE request_id = 'late'") == [(1,)]
        assert rows(journal, "SELECT count(*) FROM callback WHERE request_id = 'later'") == [(0,)]


def send_something(place: str, end: t.Any) -> None:
    """What a job of another process does."""
    with opened(place) as job, job.account_lock(ACCOUNT, 1):
        end.send("locked")
        end.recv()
        job.begin_run(FLEX, "assign", 0)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_it_waits_for_jobs(places: dict[str, str], source: str, target: str) -> None:
    fill(places[source])
    context = multiprocessing.get_context("fork")
    end, theirs = context.Pipe()
    job = context.Process(target=send_something, args=(places[source], theirs))
    job.start()
    assert end.recv() == "locked"
    with pytest.raises(LicensingError) as caught:
        moved(places[source], places[target])
    assert caught.value.code == "journal_locked"
    end.send("go on")
    job.join(30)
    assert moved(places[source], places[target]).rows["run"] == 2


STEPS = {
    "old marked": ("set_mark", 1, False),
    "new marked": ("_copy", 0, False),
    "half copied": ("_count", 3 * len(TABLES), False),
    "compared": ("clear_mark", 0, False),
    "let go": ("_copy", 0, True),
}
"""The function in which it is killed, in which of its calls, and whether as the call ends."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_killed_anywhere_it_is_finished_by_the_same_call(
    places: dict[str, str], source: str, target: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = places[source], places[target]
    before = fill(old)
    name, number, after = STEPS[step]
    real, calls = getattr(move_module, name), itertools.count()

    def killed(*given: t.Any) -> t.Any:
        now = next(calls) == number
        if now and not after:
            raise Killed
        result = real(*given)
        if now:
            raise Killed
        return result

    monkeypatch.setattr(move_module, name, killed)
    with pytest.raises(Killed):
        moved(old, new)
    monkeypatch.undo()
    for write in (True, False):
        assert "was moved to" in refused(old, write=write)
        if step not in ("old marked", "let go"):
            assert "is being filled from" in refused(new, write=write)
    assert moved(old, new).rows["entry"] == 80
    assert known(new) == before
    with opened(new):
        pass


def test_the_connection_is_cut_while_it_copies(places: dict[str, str]) -> None:
    before = fill(places["file"])
    with proxied(postgres.server()) as proxy:
        database = places["database"].partition("@/")[2].partition("?")[0]
        behind = proxy.url(database, sslmode="disable", gssencmode="disable")
        proxy.cut_at("COPY entry", arrives=False)
        with pytest.raises(LicensingError) as caught:
            moved(places["file"], behind)
        assert caught.value.code == "journal_unreachable"
        moved(places["file"], behind)
    assert known(places["database"]) == before


def test_two_journals_are_not_merged(places: dict[str, str]) -> None:
    before = fill(places["file"]), fill(places["database"])
    for check in (True, False):
        with pytest.raises(LicensingError) as caught:
            moved(places["file"], places["database"], check=check)
        assert "Two journals cannot be merged" in caught.value.message
    assert (known(places["file"]), known(places["database"])) == before


def test_nor_is_one_moved_to_two_places(places: dict[str, str]) -> None:
    fill(places["file"])
    moved(places["file"], places["database"])
    with pytest.raises(LicensingError) as caught:
        moved(places["file"], places["other"])
    assert caught.value.code == "journal_moved"


@pytest.mark.parametrize("kind", ["file", "database"])
def test_nothing_and_itself(places: dict[str, str], kind: str) -> None:
    with pytest.raises(LicensingError) as caught:
        moved(places[kind], places["other"], check=True)
    assert "There is no journal" in caught.value.message
    before = fill(places[kind])
    with pytest.raises(LicensingError) as caught:
        moved(places[kind], places[kind])
    assert "the same journal" in caught.value.message
    assert known(places[kind]) == before


def test_a_copy_that_differs_is_not_used(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = fill(places["file"])
    real, once = move_module._digest, itertools.count()
    monkeypatch.setattr(move_module, "_digest", lambda row: real(row) + ("ä" in str(row) and next(once)))
    with pytest.raises(LicensingError) as caught:
        moved(places["file"], places["database"])
    assert caught.value.code == "journal_damaged"
    monkeypatch.undo()
    moved(places["file"], places["database"])
    assert known(places["database"]) == before


def test_there_and_back(places: dict[str, str]) -> None:
    before = fill(places["file"])
    moved(places["file"], places["database"])
    moved(places["database"], places["other"])
    assert known(places["other"]) == before
    assert "was moved to" in refused(places["database"], write=True)
