# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A journal moves between a file and a database: whole, once, and never in use at both ends."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing
import shutil
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Stop, Told
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import move as move_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import move_copy, move_end
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import one_at_a_time as one_at_a_time_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.fleet_plans import FleetPlans
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.give_up import give_up
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.inventory import history_rows
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move import Moved, move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move_end import TABLES, end_of
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.moved import (
    VERSION,
    Mark,
    MarkGone,
    clear_mark,
    read_now,
    require_here,
    set_mark,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.one_at_a_time import one_at_a_time
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.postgresql_transaction import (
    PostgresTransaction,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.schema import SCHEMA
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.sqlite_transaction import SqliteTransaction
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.store import Store, Transaction
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store
from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import is_database
from ansible_collections.thingspace.licensing.tests.support import journals, postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import proxied

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")


class Killed(BaseException):
    """What C(kill -9) does to a process."""


def killed(*_given: object) -> t.NoReturn:
    raise Killed


@pytest.fixture
def places(tmp_path: Path) -> t.Iterator[dict[str, str]]:
    """A file and a database, both without a journal."""
    with postgres.new_journal() as address:
        yield {"file": str(tmp_path / "j.db"), "database": address, "other": str(tmp_path / "other.db")}


WAYS = [("file", "database"), ("database", "file"), ("file", "other")]


def moved(source: str, target: str, *, check: bool = False) -> Moved:
    return move(source, target, patience=1, check=check, told=never)


@contextlib.contextmanager
def opened(place: str, *, write: bool = True) -> t.Iterator[Journal]:
    with contextlib.closing(open_journal(place, write=write, told=never, patience=2)) as journal:
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
        open_journal(place, write=write, told=never)
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
        run = job.begin_run(FLEX, "assign", 0)
        end.send("locked")
        end.recv()
        job.accepted(job.intend(run, FLEX, "assign", imeis(1, 90), "1-236"), "r9")
        job.end_run(run)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_it_waits_for_jobs_and_meanwhile_nobody_else_begins(places: dict[str, str], source: str, target: str) -> None:
    old, new = places[source], places[target]
    fill(old)
    context = multiprocessing.get_context("fork")
    end, theirs = context.Pipe()
    job = context.Process(target=send_something, args=(old, theirs))
    job.start()
    assert end.recv() == "locked"
    with pytest.raises(LicensingError) as caught:
        moved(old, new)
    assert caught.value.code == "journal_locked"
    for write in (True, False):
        assert f"is being moved to {new}" in refused(old, write=write)
        assert f"is being filled from {old}" in refused(new, write=write)
    end.send("go on")
    job.join(30)
    assert job.exitcode == 0, "it recorded what it sent"
    done = moved(old, new)
    assert (done.rows["run"], done.rows["request"]) == (2, 5)
    with opened(new) as journal:
        assert rows(journal, "SELECT state FROM request WHERE request_id = 'r9'") == [("accepted",)]


@pytest.mark.slow
def test_it_waits_for_the_first_job_of_an_account_too(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """That job opened the journal before, and begins after the move has looked for accounts."""
    old, new = places["database"], places["file"]
    fill(old)
    real, scope = move_module._let_jobs_end, FLEX._replace(account="another")
    with opened(old) as job:

        def late(*given: t.Any) -> None:
            job.begin_run(scope, "assign", 0)
            real(*given)

        with job.account_lock(scope.account, 1):
            monkeypatch.setattr(move_module, "_let_jobs_end", late)
            with pytest.raises(LicensingError) as caught:
                moved(old, new)
            monkeypatch.undo()
            assert (caught.value.code, "another" in caught.value.message) == ("journal_locked", True)
    assert moved(old, new).rows["run"] == 2


def change_fota(place: str, end: t.Any = None) -> None:
    """What a job does whose licenses ThingSpace lists, so that the journal records nothing of it."""
    if not is_database(place):
        one_at_a_time_module.require_usable_file(place, told=never, patience=lambda _most: 1.0)
    with one_at_a_time(place, ACCOUNT, "FOTA", stop=Stop(), patience=lambda _most: 1.0):
        if end:
            end.send("locked")
            end.recv()


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_it_waits_for_jobs_that_record_nothing(places: dict[str, str], source: str, target: str) -> None:
    """At the new place, others would begin beside them."""
    old, new = places[source], places[target]
    fill(old)
    context = multiprocessing.get_context("fork")
    ends = [context.Pipe() for _job in range(2)]
    jobs = [
        context.Process(target=change_fota if number else send_something, args=(old, theirs))
        for number, (_end, theirs) in enumerate(ends)
    ]
    for job, (end, _theirs) in zip(jobs, ends, strict=True):
        job.start()
        assert end.recv() == "locked", "they do not wait for each other"
    for job, (end, _theirs) in zip(jobs, ends, strict=True):
        with pytest.raises(LicensingError) as caught:
            moved(old, new)
        assert caught.value.code == "journal_locked"
        for place in (old, new):
            with pytest.raises(LicensingError) as caught:
                change_fota(place)
            assert caught.value.code == "journal_moved"
        end.send("go on")
        job.join(30)
        assert job.exitcode == 0
    assert moved(old, new).rows["run"] == 2
    change_fota(new)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_job_that_records_nothing_does_not_begin_where_the_journal_was(
    places: dict[str, str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found the journal there before, and got its locks after that had moved."""
    old, new = places[source], places[target]
    fill(old)
    last = "open_store" if source == "database" else "account_lock"
    real = getattr(one_at_a_time_module, last)

    def slow(*given: t.Any, **named: t.Any) -> t.Any:
        result = real(*given, **named)
        assert moved(old, new).changed
        return result

    monkeypatch.setattr(one_at_a_time_module, last, slow)
    with pytest.raises(LicensingError) as caught:
        change_fota(old)
    assert (caught.value.code, new in caught.value.message) == ("journal_moved", True)


@pytest.mark.parametrize("place", ["database", "file"])
def test_a_move_that_ends_while_its_mark_is_read_is_no_damage(
    places: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version was read before, and the mark is not there any more."""
    given = places[place]
    mark, ended = Mark("leaving", "elsewhere"), list[int]()
    with opened_to_move(given) as one, opened_to_move(given) as other:
        kind = PostgresTransaction if place == "database" else SqliteTransaction
        real = kind.version

        def slow(db: t.Any) -> int:
            version = real(db)
            if version == VERSION and not ended:
                ended.append(version)
                with other.writing() as there:
                    clear_mark(there, len(SCHEMA))
            return version

        reads: tuple[t.Callable[[Transaction], t.Any], ...] = (
            functools.partial(require_here, one.name),
            lambda db: end_of(db).mark.state,
        )
        for number, read in enumerate(reads):
            ended.clear()
            with one.writing() as db:
                set_mark(db, mark)
            with monkeypatch.context() as patch:
                patch.setattr(kind, "version", slow)
                if place == "database":
                    assert not read_now(one, read)
                else:
                    # It shows one state, in which the mark is still there.
                    with pytest.raises(LicensingError) if number == 0 else contextlib.nullcontext():
                        assert read_now(one, read) == "leaving"
            assert ended == [VERSION]
        if place == "database":
            with one.writing() as db:
                set_mark(db, mark)
                db.execute("DROP TABLE moved")
            with pytest.raises(MarkGone, match="restore the journal from a backup"):
                read_now(one, end_of)
            with pytest.raises(MarkGone):
                open_store(given, write=False, told=never)


@pytest.mark.parametrize("target", ["file", "database"])
@pytest.mark.parametrize("seen", ["target", "source"])
def test_two_calls_that_began_together_do_not_keep_the_journal_for_ever(
    places: dict[str, str], target: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target has the mark of one, and the source that of the other one. Then, the same command still goes on."""
    old, new = places["other"], places[target]
    before = fill(old)
    real = move_module._let_jobs_end

    def late(*given: t.Any) -> None:
        # The second call has marked the target again, because it saw no mark at the source.
        with opened_to_move(new) as store, store.writing() as db:
            set_mark(db, Mark("filling", old, identity_of(old), "of the second call"))
        real(*given)
        if seen == "source":
            raise Killed

    monkeypatch.setattr(move_module, "_let_jobs_end", late)
    with pytest.raises((LicensingError, Killed)):
        moved(old, new)
    monkeypatch.undo()
    assert not usable(new)
    assert moved(old, new).changed
    assert known(new) == before


@pytest.mark.parametrize(("one", "other"), [("file", "database"), ("file", "other")])
@pytest.mark.parametrize("then", ["", "killed"])
def test_two_moves_in_opposite_directions_at_once_leave_no_place_refused(
    places: dict[str, str], one: str, other: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each marks its target before it sees that its source is one. Then, either of the two commands goes on."""
    both = places[one], places[other]
    for place in both:
        with opened(place):
            pass
    claim, together = move_module._claim, threading.Barrier(2, timeout=20)

    def late(*given: t.Any) -> t.Any:
        together.wait()
        return claim(*given)

    monkeypatch.setattr(move_module, "_claim", late)
    if then == "killed":
        monkeypatch.setattr(move_module, "_withdraw", killed)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        going = [pool.submit(moved, *ends) for ends in (both, both[::-1])]
        failed = [one.exception(60) for one in going]
    monkeypatch.undo()
    assert [type(error) for error in failed].count(Killed) == (2 if then == "killed" else 0)
    assert [usable(place) for place in both].count(True) == 0 if then == "killed" else any(map(usable, both))
    # It may be the one that has moved it.
    assert moved(*both, check=True).changed or not then
    assert moved(*both).changed or not then
    assert [usable(place) for place in both] == [False, True]


@contextlib.contextmanager
def opened_to_move(place: str) -> t.Iterator[Store]:
    with contextlib.closing(open_store(place, write=True, told=never, moving=Mark("filling"))) as store:
        yield store


def identity_of(place: str) -> str:
    with opened_to_move(place) as store, store.reading() as db:
        return str(db.execute("SELECT uuid FROM identity").fetchone()[0])


@pytest.mark.parametrize("source", ["file", "another database"])
def test_a_database_in_which_others_have_logged_in_takes_a_journal(places: dict[str, str], source: str) -> None:
    """The longer state of both knows of more refused logins."""
    with postgres.new_journal() as another:
        old, new = another if source == "another database" else places["file"], places["database"]
        before = fill(old)
        states = {old: {"one": "refused", "two": "", "budget": "old"}, new: {"one": "new", "two": "refused"}}
        for place, given in states.items():
            with opened(place) as journal:
                for name, state in given.items():
                    journals.write(
                        journal, "INSERT INTO shared_state VALUES (?, ?, ?)", name, state, "2026-01-01T00:00:00Z"
                    )
        assert moved(old, new).changed
        assert known(new) == before
        with opened(new, write=False) as journal:
            found = rows(journal, "SELECT name, state FROM shared_state ORDER BY name")
        assert found == [("budget", "old"), ("one", "refused"), ("two", "refused")]


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("again", ["marks the source", "waits for jobs", "does not come so far"])
def test_a_slow_move_that_was_given_up_copies_nothing(
    places: dict[str, str], source: str, target: str, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the same move was begun again. What was recorded in the meantime is part of what moves at last."""
    old, new = places[source], places[target]
    fill(old)
    real = {name: getattr(move_module, name) for name in ("copy_rows", "_let_jobs_end", "_claim")}
    stops = {"marks the source": "_let_jobs_end", "waits for jobs": "copy_rows", "does not come so far": "_claim"}

    def slow(*given: t.Any) -> None:
        monkeypatch.setattr(move_module, "copy_rows", real["copy_rows"])
        assert give_up(old, told=never, patience=1, check=False)
        # Of the other accounts, the move has the lock.
        sends(old, FLEX._replace(account="another"))
        with monkeypatch.context() as patch:
            patch.setattr(move_module, stops[again], killed)
            # It may still wait for the locks that the slow one has.
            with contextlib.suppress(Killed, LicensingError):
                moved(old, new)
        real["copy_rows"](*given)

    monkeypatch.setattr(move_module, "copy_rows", slow)
    with pytest.raises(LicensingError) as caught:
        moved(old, new)
    assert caught.value.code == "journal_moved"
    assert not usable(new)
    assert moved(old, new).rows["request"] == 5
    with opened(new) as journal:
        assert journal.ids(FLEX._replace(account="another")) == imeis(1)


def sends(place: str, scope: Scope = FLEX) -> None:
    """What a job does from its plan on."""
    with opened(place) as job, job.account_lock(scope.account, 1):
        last = job.snapshot(scope, imeis(1)).last_run
        run = job.begin_run(scope, "assign", 0, planned_after=last)
        job.accepted(job.intend(run, scope, "assign", imeis(1), "1-237"), "r8")
        job.end_run(run)


@pytest.mark.parametrize("way", ["to and fro", "filled"])
@pytest.mark.parametrize(("mine", "away"), [*WAYS, ("other", "file")])
def test_a_job_that_planned_before_the_journal_came_does_not_send(
    places: dict[str, str], way: str, mine: str, away: str
) -> None:
    """It is slow: others send in the journal while it is elsewhere, and the slow job has no part in that."""
    here, there = places[mine], places[away]
    with opened(here):
        pass
    with opened(here) as slow, slow.account_lock(ACCOUNT, 1):
        known = slow.snapshot(FLEX, imeis(1))
        assert known.attempts == {}
        if way == "to and fro":
            moved(here, there)
        sends(there)
        moved(there, here)
        with pytest.raises(LicensingError) as caught:
            slow.begin_run(FLEX, "assign", 0, planned_after=known.last_run)
        assert caught.value.code == "journal_locked"
        again = slow.snapshot(FLEX, imeis(1))
        assert set(again.attempts) == set(imeis(1))
        slow.begin_run(FLEX, "assign", 0, planned_after=again.last_run)


class Killer:
    """Kills a move at one of the points at which something stays: before and after each commit and each note."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._points, self._at = itertools.count(), -1
        real = move_end.open_store

        def watched(*given: t.Any, **named: t.Any) -> Store:
            store = real(*given, **named)
            if named["write"]:
                self._watch(store)
                self._point()
            return store

        monkeypatch.setattr(move_end, "open_store", watched)

    def kills(self, source: str, target: str, at: int) -> bool:
        """Whether there was such a point."""
        self._points, self._at = itertools.count(), at
        try:
            moved(source, target)
        except Killed:
            return True
        finally:
            self._at = -1
        return False

    def _point(self) -> None:
        if next(self._points) == self._at:
            raise Killed

    def _watch(self, store: t.Any) -> None:
        writing, note_place = store.writing, store.note_place

        @contextlib.contextmanager
        def watched_writing() -> t.Iterator[Transaction]:
            with writing() as db:
                yield db
                self._point()
            self._point()

        def watched_note(*given: str) -> None:
            self._point()
            note_place(*given)
            self._point()

        store.writing, store.note_place = watched_writing, watched_note


def usable(place: str) -> bool:
    codes = set()
    for write in (False, True):
        try:
            with opened(place, write=write):
                codes.add("")
        except LicensingError as error:
            codes.add(error.code)
    assert codes in ({""}, {"journal_moved"})
    return codes == {""}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("file", "database"), ("file", "other")])
def test_killed_anywhere_there_or_back_it_is_finished_by_the_same_call(
    places: dict[str, str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fill(places[source])
    moved(places[source], places[target])
    moved(places[target], places[source])
    killer = Killer(monkeypatch)
    ways = [(places[source], places[target]), (places[target], places[source])]
    for point in itertools.count():
        killed = []
        for old, new in ways:
            killed.append(killer.kills(old, new, point))
            found = usable(old), usable(new)
            assert found in ((True, False), (False, False), (False, True))
            if any(found):
                assert known(old if found[0] else new) == before
            assert moved(old, new).rows["entry"] == 80
            assert not usable(old)
            assert known(new) == before
        if not any(killed):
            break
    assert point >= 20, "six transactions, two notes, four openings"


def gives_up(place: str) -> bool:
    """Whether the move of a journal could be given up. Check mode says the same before."""
    told = []
    for check in (True, False):
        try:
            told.append(give_up(place, told=never, patience=1, check=check))
        except LicensingError as error:
            told.append(error.code)
    assert told[0] == told[1]
    return told[0] != "journal_moved"


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("file", "database"), ("database", "file")])
def test_killed_anywhere_it_is_given_up_unless_the_target_may_be_used(
    places: dict[str, str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target that turns up again is refused, and a new move fills it with what was sent since."""
    killer, ends = Killer(monkeypatch), set[tuple[bool, bool, bool]]()
    old, new = places[source], places[target]
    fill(old)
    # Before the first point, there is no target.
    for point in itertools.count(1):
        killed = killer.kills(old, new, point)
        given = gives_up(old)
        ends.add((given, usable(old), usable(new)))
        if not given:
            moved(old, new)
            assert (usable(old), usable(new)) == (False, True)
            old, new = new, old
        if not killed:
            break
        with opened(old) as journal:
            run = journal.begin_run(FLEX, "assign", 7)
            journal.intend(run, FLEX, "assign", imeis(1, 100 + point), "1-235")
            assert len(journal.ids(FLEX)) == 80 + point
    assert ends == {(True, True, False), (False, False, False), (False, False, True)}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("step", ["_let_jobs_end", "copy_rows", "_finish"])
def test_a_command_that_goes_on_after_its_move_was_given_up_fails(
    places: dict[str, str], source: str, target: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = places[source], places[target]
    before = fill(old)
    real = getattr(move_module, step)

    def late(*given: t.Any) -> t.Any:
        assert give_up(old, told=never, patience=1, check=False) == new
        return real(*given)

    monkeypatch.setattr(move_module, step, late)
    with pytest.raises(LicensingError) as caught:
        moved(old, new)
    assert caught.value.code == "journal_moved"
    assert (usable(old), usable(new)) == (True, False)
    with pytest.raises(LicensingError) as caught:
        give_up(new, told=never, patience=1, check=False)
    assert f"To use {old} again" in caught.value.message, "the half that was made is not to be used"
    monkeypatch.undo()
    assert known(old) == before
    moved(old, new)
    assert known(new) == before


def test_a_backup_from_the_time_of_the_move_is_not_used_again(
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(places["file"])
    fill(str(path))
    monkeypatch.setattr(move_module, "_finish", killed)
    with pytest.raises(Killed):
        moved(str(path), places["database"])
    monkeypatch.undo()
    for one in tmp_path.glob("j.db-*"):
        assert one.stat().st_size == 0 or one.name.endswith("shm"), "everything is in the file"
    shutil.copy(path, tmp_path / "backup")
    moved(str(path), places["database"])
    shutil.copy(tmp_path / "backup", path)
    with pytest.raises(LicensingError) as caught:
        give_up(str(path), told=never, patience=1, check=False)
    assert f"was moved to {places['database']}" in caught.value.message
    assert (usable(str(path)), usable(places["database"])) == (False, True)


def test_nothing_is_given_up_where_nothing_is_moved(places: dict[str, str]) -> None:
    for place in (places["file"], places["database"]):
        with pytest.raises(LicensingError) as caught:
            give_up(place, told=never, patience=1, check=False)
        assert "There is no journal" in caught.value.message
        before = fill(place)
        assert give_up(place, told=never, patience=1, check=False) == ""
        assert known(place) == before


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_what_it_creates_is_never_used_before_it_is_filled(
    places: dict[str, str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = places[source], places[target]
    before = fill(old)
    assert Killer(monkeypatch).kills(old, new, 1)
    assert (usable(old), usable(new)) == (True, False)
    moved(old, new)
    assert known(new) == before


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_rows_that_came_to_the_target_are_not_deleted(
    places: dict[str, str], source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if they came after all checks."""
    old, new = places[source], places[target]
    fill(old)
    real = move_module.copy_rows

    def late(source: Store, target: Store, mark: Mark, told: Told) -> None:
        with target.writing() as db:
            db.execute("INSERT INTO scope (account, sku, kind) VALUES ('late', '', '')")
        real(source, target, mark, told)

    monkeypatch.setattr(move_module, "copy_rows", late)
    for _again in range(2):
        with pytest.raises(LicensingError) as caught:
            moved(old, new)
        assert "Two journals cannot be merged" in caught.value.message
        monkeypatch.undo()
    assert not usable(new)


@pytest.mark.parametrize("kept", ["its files", "nothing but the file", "its backup"])
def test_a_file_that_moved_is_refused_whatever_is_restored(places: dict[str, str], tmp_path: Path, kept: str) -> None:
    path, backup = Path(places["file"]), tmp_path / "backup"
    before = fill(str(path))
    shutil.copy(path, backup)
    moved(str(path), places["database"])
    if kept != "its files":
        for end in ("-wal", "-shm", ".lock"):
            Path(f"{path}{end}").unlink(missing_ok=True)
        path.unlink()
        if kept == "its backup":
            shutil.copy(backup, path)
    for write in (True, False):
        assert f"was moved to {places['database']}" in refused(str(path), write=write)
    if kept == "its backup":
        for one, another in ((str(path), places["other"]), (places["database"], str(path))):
            with pytest.raises(LicensingError):
                moved(one, another)
        assert not usable(str(path))
        return
    moved(places["database"], str(path))
    assert known(str(path)) == before
    assert not usable(places["database"])


@pytest.mark.parametrize("point", ["copied", "finished"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_the_same_address_may_be_another_place(
    places: dict[str, str], source: str, target: str, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a service is, or a file on another machine: what was there is not there, but it may be in use."""
    old, new = places[source], places[target]
    fill(old)
    if point == "finished":
        moved(old, new)
    else:
        monkeypatch.setattr(move_module, "_finish", killed)
        with pytest.raises(Killed):
            moved(old, new)
        monkeypatch.undo()
    if new == places["database"]:
        database = new.partition("@/")[2].partition("?")[0]
        postgres.server().run("DROP SCHEMA thingspace_licensing CASCADE", database=database)
    else:
        for one in tmp_path.glob(Path(new).name + "*"):
            one.unlink()
    for check in (True, False):
        with pytest.raises(LicensingError) as caught:
            moved(old, new, check=check)
        assert caught.value.code == "journal_moved"
    with opened(new, write=False) as journal:
        assert journal.missing


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


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_place_with_plans_only_takes_a_journal(places: dict[str, str], source: str, target: str) -> None:
    """A plan that is tried in an empty database is kept there. Nothing was sent with it, and it can be made again."""
    old, new = places[source], places[target]
    before = fill(old)
    with opened(old) as journal:
        FleetPlans(journal._store).keep("a" * 64, ["the one of the journal"])
    with opened(new) as journal:
        for digest in ("a" * 64, "b" * 64):
            FleetPlans(journal._store).keep(digest, ["a try"])
    assert moved(old, new, check=True).changed
    with opened(new, write=False) as journal:
        assert FleetPlans(journal._store).plan("b" * 64, 1000) == "a try"
    assert moved(old, new).changed
    assert known(new) == before
    with opened(new, write=False) as journal:
        plans = FleetPlans(journal._store)
        assert (plans.plan("a" * 64, 1000), plans.plan("b" * 64, 1000)) == ("the one of the journal", None)


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
    real, once = move_copy._digest, itertools.count()
    monkeypatch.setattr(move_copy, "_digest", lambda row: real(row) + ("ä" in str(row) and next(once)))
    with pytest.raises(LicensingError) as caught:
        moved(places["file"], places["database"])
    assert caught.value.code == "journal_damaged"
    monkeypatch.undo()
    moved(places["file"], places["database"])
    assert known(places["database"]) == before


def test_around_and_back_with_what_was_sent_meanwhile(places: dict[str, str]) -> None:
    fill(places["file"])
    for number, (source, target) in enumerate([("file", "database"), ("database", "other"), ("other", "file")]):
        moved(places[source], places[target])
        with opened(places[target]) as journal:
            run = journal.begin_run(FLEX, "assign", 7)
            journal.intend(run, FLEX, "assign", imeis(1, 100 + number), "1-235")
            assert len(journal.ids(FLEX)) == 81 + number
    assert [usable(places[one]) for one in ("file", "database", "other")] == [True, False, False]
