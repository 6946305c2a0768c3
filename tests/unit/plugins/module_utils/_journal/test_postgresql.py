# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds only for a journal on PostgreSQL: its locks, its connection, and several machines at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import itertools
import os
import signal
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Interrupted, Stop
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import postgresql, postgresql_watch
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import Confirmation
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.facts import prune
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move import move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.moved import Mark, set_mark
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import fold
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import open_store, require_usable
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import Proxy, proxied

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
OTHER = FLEX._replace(account="0000123456-00002")


@pytest.fixture
def place() -> str:
    return postgres.emptied()


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    with proxied(postgres.server()) as made:
        yield made


@pytest.fixture
def behind(place: str, proxy: Proxy) -> str:
    """The same journal, by way of the proxy."""
    return proxy.url(place.partition("@/")[2].partition("?")[0], sslmode="disable", gssencmode="disable")


@contextlib.contextmanager
def opened(place: str, *, patience: float = 5, told: t.Callable[[], bool] = never) -> t.Iterator[Journal]:
    journal = open_journal(place, write=True, patience=patience, told=told)
    try:
        yield journal
    finally:
        journal.close()


def report(request_id: str, device: str) -> Confirmation:
    return Confirmation(request_id, (("imei", device),), "success", "")


def result(journal: Journal, device: str, scope: Scope = FLEX) -> str:
    return fold(journal.attempts(scope, [device])[device]).result


def test_one_job_of_an_account_at_a_time(place: str) -> None:
    with opened(place) as first, opened(place) as second:
        with first.account_lock(ACCOUNT, 1):
            with second.account_lock(OTHER.account, 1):
                assert (first.lock_lost(), second.lock_lost()) == ("", "")
            with pytest.raises(LicensingError) as caught, second.account_lock(ACCOUNT, 0.2):
                pass
            assert caught.value.code == "journal_locked"
        with second.account_lock(ACCOUNT, 1):
            pass


def test_the_lock_of_a_lost_machine_is_released(place: str, behind: str, proxy: Proxy) -> None:
    with opened(behind) as lost, opened(place) as next_, lost.account_lock(ACCOUNT, 1):
        proxy.cut()
        with next_.account_lock(ACCOUNT, 5):
            assert "may be lost" in lost.lock_lost()


@pytest.mark.parametrize("how", ["cut", "ended by the server"])
def test_nothing_is_sent_after_the_lock_was_lost(behind: str, proxy: Proxy, place: str, how: str) -> None:
    """Not even by a new connection: somebody else may have the lock by now."""
    stop = Stop()
    with opened(behind) as journal, journal.account_lock(ACCOUNT, 1), stop.when(journal.lock_lost):
        run = journal.begin_run(FLEX, "assign", 0)
        journal.intend(run, FLEX, "assign", [imei(1)], "1-234")
        stop.require(reading=False)
        if how == "cut":
            proxy.cut()
        else:
            postgres.server().end_sessions(place.partition("@/")[2].partition("?")[0])
        connections = proxy.connections
        with pytest.raises(Interrupted) as caught:
            stop.require(reading=False)
        assert caught.value.code == "interrupted"
        with pytest.raises(LicensingError) as refused:
            journal.intend(run, FLEX, "assign", [imei(2)], "1-235")
        assert refused.value.code == "journal_unreachable"
        assert proxy.connections == connections
    with opened(place) as after:
        assert sorted(after.ids(FLEX)) == [imei(1)]


def test_a_lock_in_another_session_is_no_lock(behind: str, proxy: Proxy) -> None:
    """A pooler may run a statement elsewhere, and only that one."""
    with opened(behind) as journal:
        proxy.elsewhere = b"pg_try_advisory_lock"
        with pytest.raises(LicensingError) as caught, journal.account_lock(ACCOUNT, 1):
            pass
        assert caught.value.code == "journal_unusable"
        assert "pooler" in caught.value.message


@pytest.mark.parametrize(
    ("words", "act"),
    [("READ ONLY", lambda journal: journal.ids(FLEX)), ("READ WRITE", lambda journal: journal.end_run(1))],
)
def test_a_transaction_in_another_session_is_a_pooler_and_no_damage(
    behind: str, proxy: Proxy, words: str, act: t.Callable[[Journal], object]
) -> None:
    """It would not find the tables, and whoever restored a backup then would lose what is in them."""
    with opened(behind) as journal:
        journal.begin_run(FLEX, "assign", 0)
        proxy.elsewhere = words.encode()
        with pytest.raises(LicensingError) as caught:
            act(journal)
        assert caught.value.code == "journal_unusable"
        assert "pooler" in caught.value.message
        proxy.elsewhere = b""
        assert journal.ids(FLEX) == []


@pytest.mark.parametrize("words", ["journal_schema", "identity"])
def test_what_opens_a_journal_finds_it_in_any_session(behind: str, proxy: Proxy, words: str) -> None:
    """A pooler that changes the session before the first transaction makes a journal seem neither damaged nor new."""
    with opened(behind) as journal:
        journal.begin_run(FLEX, "assign", 0)
    proxy.elsewhere = words.encode()
    with opened(behind) as journal:
        assert rows(journal, "SELECT count(*) FROM run") == [(1,)]


def test_two_clients_of_one_session_never_have_the_lock_both(place: str) -> None:
    """A session that has the lock gets it again, whoever asks. So does a pooler with one session."""
    with opened(place) as one, opened(place) as other:
        other._store.close()
        other._store._db = one._store._db  # type: ignore[attr-defined]
        with one.account_lock(ACCOUNT, 1):
            with pytest.raises(LicensingError) as caught, other.account_lock(ACCOUNT, 1):
                pass
            assert (caught.value.code, one.lock_lost()) == ("journal_unusable", "")
            assert "pooler" in caught.value.message
            # What a pooler does before it gives the session to the next client.
            rows(one, "SELECT pg_advisory_unlock_all()")
            assert "may be lost" in one.lock_lost()


def test_the_same_statements_again_need_nothing_of_the_session(place: str) -> None:
    """Prepared statements would stay there, and meet those of another client of a pooler."""
    with opened(place) as journal, journal.account_lock(ACCOUNT, 1):
        run = journal.begin_run(FLEX, "assign", 0)
        for number in range(8):
            journal.accepted(journal.intend(run, FLEX, "assign", [imei(number)], "1-234"), f"r{number}")
            assert journal.lock_lost() == ""
        assert rows(journal, "SELECT count(*) FROM pg_prepared_statements") == [(0,)]


def test_a_request_costs_few_round_trips(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many devices it has. Each trip makes the next request wait."""
    with opened(place) as journal, journal.account_lock(ACCOUNT, 1):
        run = journal.begin_run(FLEX, "assign", 0)
        db = journal._store._db  # type: ignore[attr-defined]
        trips = itertools.count()
        wait = db.wait
        monkeypatch.setattr(db, "wait", lambda *given, **named: (next(trips), wait(*given, **named))[1])
        for number in (0, 1):
            request = journal.intend(run, FLEX, "assign", imeis(2000)[number * 1000 :][:1000], f"1-23{number}")
            assert journal.accepted(request, f"r{number}")
        assert next(trips) <= 2 * 9
        assert len(journal.attempts(FLEX, imeis(10_000))) == 2000
        assert next(trips) <= 2 * 9 + 5


def test_what_was_looked_at_is_not_opened_again(place: str, behind: str, proxy: Proxy) -> None:
    """Unless something must be changed before it is used. In the meantime, it may have moved."""
    look = functools.partial(require_usable, behind, write=True, told=never, patience=2)
    with postgres.new_journal() as empty:
        assert require_usable(empty, write=True, told=never, patience=2) is None
        assert require_usable(empty, write=False, told=never, patience=2) is None
    with opened(place) as journal:
        accept(journal, imei(1), "r1")
    for moved in (False, True):
        store = look()
        assert store is not None
        connections = proxy.connections
        with contextlib.closing(store):
            if moved:
                with contextlib.closing(open_store(place, write=True, told=never)) as other, other.writing() as db:
                    set_mark(db, Mark("moved", "elsewhere"))
                with pytest.raises(LicensingError) as caught:
                    open_journal(behind, write=True, told=never, ready=store)
                assert caught.value.code == "journal_moved"
            else:
                journal = open_journal(behind, write=True, told=never, ready=store)
                assert accept(journal, imei(2), "r2")
        assert proxy.connections == connections


def accept(journal: Journal, device: str, request_id: str) -> bool:
    return journal.accepted(
        journal.intend(journal.begin_run(FLEX, "assign", 0), FLEX, "assign", [device], "1-2"), request_id
    )


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no test waits long."""
    for module in (postgresql, postgresql_watch):
        monkeypatch.setattr(module, "GRACE", 0.5)
    monkeypatch.setattr(postgresql_watch, "_LOOK_EVERY", 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["pg_locks", "BEGIN", "INSERT INTO request", "COMMIT\0"])
def test_a_database_that_hangs_does_not_make_the_job_hang(
    behind: str, proxy: Proxy, place: str, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """It is not asked again, and what was sent before stays recorded."""
    quick(monkeypatch)
    with opened(behind, patience=0.2) as journal, journal.account_lock(ACCOUNT, 1):
        run = journal.begin_run(FLEX, "assign", 0)
        journal.intend(run, FLEX, "assign", [imei(1)], "1-234")
        connections = proxy.connections
        proxy.cut_at(words, arrives=False, hold=True)
        if words == "pg_locks":
            assert "did not answer within" in journal.lock_lost()
        with pytest.raises(LicensingError) as caught:
            journal.intend(run, FLEX, "assign", [imei(2)], "1-235")
        assert caught.value.code == "journal_unreachable"
        assert words == "pg_locks" or "did not answer within" in caught.value.message
        assert "may be lost" in journal.lock_lost()
        assert (proxy.connections, proxy.reached.is_set()) == (connections, True)
    with opened(place) as after:
        assert [one.devices for one in after.snapshot(FLEX, []).lost] == [[imei(1)]]


@pytest.mark.parametrize("locked", [True, False])
def test_a_signal_ends_the_wait_for_a_database_that_hangs(
    behind: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    quick(monkeypatch)
    stop = Stop()
    stop.install()
    try:
        with contextlib.ExitStack() as stack:
            journal = stack.enter_context(opened(behind, patience=500, told=lambda: stop.told))
            if locked:
                stack.enter_context(journal.account_lock(ACCOUNT, 1))
            proxy.cut_at("UPDATE run", arrives=False, hold=True)

            def end() -> None:
                proxy.reached.wait(30)
                os.kill(os.getpid(), signal.SIGTERM)

            threading.Thread(target=end, daemon=True).start()
            begun = time.monotonic()
            with pytest.raises(LicensingError) as caught:
                journal.end_run(1)
            assert caught.value.code == "journal_unreachable"
            assert time.monotonic() - begun < 60
            assert "SIGTERM" in stop.why
            if not locked:
                journal.end_run(1)
                assert journal.is_new_to(ACCOUNT), "it connects again"
    finally:
        stop.close()


@pytest.mark.slow
def test_a_slow_answer_is_waited_for(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report may take longer than a job waits under a lock."""
    quick(monkeypatch)
    with opened(place, patience=0.1) as journal:
        assert rows(journal, "SELECT 1 FROM pg_sleep(1.2)") == [(1,)]


def test_without_a_lock_the_next_transaction_connects_again(behind: str, proxy: Proxy) -> None:
    with opened(behind) as journal:
        run = journal.begin_run(FLEX, "assign", 0)
        journal.accepted(journal.intend(run, FLEX, "assign", imeis(2), "1-234"), "r1")
        proxy.cut()
        journal.confirm([report("r1", imei(0))])
        proxy.cut()
        assert result(journal, imei(0)) == "confirmed"
        proxy.cut()
        with journal.account_lock(ACCOUNT, 1):
            assert journal.lock_lost() == ""


COMMIT = "COMMIT\0"
"""The whole statement."""

LOST, ANSWER_LOST = False, True


@pytest.mark.parametrize(
    ("words", "arrives"),
    [
        *(("BEGIN", arrives) for arrives in (LOST, ANSWER_LOST)),
        *(("UPDATE entry", arrives) for arrives in (LOST, ANSWER_LOST)),
        *((COMMIT, arrives) for arrives in (LOST, ANSWER_LOST)),
    ],
)
def test_a_confirmation_is_recorded_once_wherever_the_connection_is_cut(
    behind: str, proxy: Proxy, place: str, words: str, arrives: bool
) -> None:
    """ThingSpace repeats what was not answered with success."""
    with opened(behind) as journal, opened(place) as other:
        run = journal.begin_run(FLEX, "assign", 0)
        journal.accepted(journal.intend(run, FLEX, "assign", imeis(2), "1-234"), "r1")
        proxy.cut_at(words, arrives=arrives)
        failed: list[str] = []
        while len(failed) < 2:
            try:
                (told,) = journal.confirm([report("r1", imei(0))])
                break
            except LicensingError as error:
                failed.append(error.code)
        assert failed == ([] if words == "BEGIN" else ["journal_unreachable"])
        assert told.outcome == ("duplicate" if words == COMMIT and arrives else "recorded")
        assert [result(other, device) for device in imeis(2)] == ["confirmed", "pending"]


@pytest.mark.parametrize(
    ("words", "arrives"),
    [
        ("BEGIN", LOST),
        ("INSERT INTO request", LOST),
        ("INSERT INTO request", ANSWER_LOST),
        ("INSERT INTO entry", LOST),
        (COMMIT, LOST),
        (COMMIT, ANSWER_LOST),
    ],
)
def test_a_request_that_may_not_be_recorded_is_not_sent(
    behind: str, proxy: Proxy, place: str, words: str, arrives: bool
) -> None:
    """What was recorded all the same counts as lost, so that the account's count decides about it."""
    with opened(behind) as journal, journal.account_lock(ACCOUNT, 1):
        run = journal.begin_run(FLEX, "assign", 0)
        proxy.cut_at(words, arrives=arrives)
        with pytest.raises(LicensingError) as caught:
            journal.intend(run, FLEX, "assign", imeis(3), "1-234")
        assert caught.value.code == "journal_unreachable"
    with opened(place) as after:
        lost = [one.devices for one in after.snapshot(FLEX, []).lost]
        assert lost == ([imeis(3)] if words == COMMIT and arrives else [])


@pytest.mark.slow
def test_a_restart_of_the_server_loses_nothing(place: str) -> None:
    with opened(place) as journal:
        run = journal.begin_run(FLEX, "assign", 0)
        journal.accepted(journal.intend(run, FLEX, "assign", imeis(2), "1-234"), "r1")
        postgres.server().restart()
        journal.confirm([report("r1", imei(1))])
        assert [result(journal, device) for device in imeis(2)] == ["pending", "confirmed"]


def test_another_database_is_not_taken_for_the_first_one(behind: str, proxy: Proxy) -> None:
    with opened(behind) as journal:
        database = behind.rpartition("/")[2].partition("?")[0]
        identity = "UPDATE thingspace_licensing.identity SET uuid = "
        ((before,),) = postgres.server().run("SELECT uuid FROM thingspace_licensing.identity", database=database)
        postgres.server().run(f"{identity}'restored'", database=database)
        try:
            proxy.cut()
            with pytest.raises(LicensingError) as caught:
                journal.end_run(1)
            assert caught.value.code == "journal_damaged"
        finally:
            postgres.server().run(f"{identity}'{before}'", database=database)


def test_answers_and_confirmations_at_once_never_miss_each_other(place: str) -> None:
    """A confirmation may arrive before, while, and after the answer to its request is recorded, on another machine."""
    with opened(place) as sending, opened(place) as one, opened(place) as other:
        run = sending.begin_run(FLEX, "assign", 0)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for number in range(40):
                request = sending.intend(run, FLEX, "assign", imeis(2), f"1-{number:05d}")
                request_id, barrier = f"r{number}", threading.Barrier(3)

                def at_once(act: t.Callable[[], t.Any], barrier: threading.Barrier = barrier) -> t.Any:
                    barrier.wait(10)
                    return act()

                done = [
                    pool.submit(at_once, functools.partial(sending.accepted, request, request_id)),
                    pool.submit(at_once, functools.partial(one.confirm, [report(request_id, imei(0))])),
                    pool.submit(at_once, functools.partial(other.confirm, [report(request_id, imei(1))])),
                ]
                accepted, *_recorded = [future.result(30) for future in done]
                assert accepted is True
        found = sending.attempts(FLEX, imeis(2))
        assert {attempt.outcome for attempts in found.values() for attempt in attempts} == {"success"}
        assert rows(sending, "SELECT count(*) FROM callback WHERE matched = 0") == [(0,)]


def test_a_writer_that_does_not_end_has_a_name(place: str) -> None:
    with opened(place) as first, opened(place, patience=0.2) as second, first._store.writing():
        with pytest.raises(LicensingError) as caught:
            second.confirm([report("r1", imei(0))])
        assert caught.value.code == "journal_locked"


def test_two_requests_never_have_one_id(place: str) -> None:
    with opened(place) as one, opened(place) as other:
        runs = [(one, one.begin_run(FLEX, "assign", 0)), (other, other.begin_run(OTHER, "assign", 0))]
        requests = [
            journal.intend(run, scope, "assign", [imei(0)], "1-234")
            for (journal, run), scope in zip(runs, (FLEX, OTHER), strict=True)
        ]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            taken = [pool.submit(one.accepted, requests[0], "r1"), pool.submit(other.accepted, requests[1], "r1")]
            assert sorted(future.result(30) for future in taken) == [False, True]


def test_a_long_callback_is_kept_once(place: str) -> None:
    """An index of PostgreSQL holds no value of that length."""
    devices = tuple(("imei", f"{number:0128d}") for number in range(100))
    long, other = (Confirmation("r1", some, "success", "") for some in (devices, devices[1:]))
    with opened(place) as journal:
        told = [one.outcome for one in journal.confirm([long, long, other])]
    assert told == ["unmatched", "duplicate", "unmatched"]


def test_settings_of_the_role_do_not_weaken_it(place: str) -> None:
    """What an administrator set for the role or the database applies to other programs."""
    database = place.partition("@/")[2].partition("?")[0]
    weak = {
        "synchronous_commit": "off",
        "idle_session_timeout": "20s",
        "default_transaction_isolation": "serializable",
        "search_path": "public",
        "TimeZone": "Asia/Tokyo",
        "DateStyle": "German",
    }
    server = postgres.server()
    server.run(*(f"ALTER DATABASE {database} SET {name} = '{value}'" for name, value in weak.items()))
    try:
        with opened(place) as journal, journal._store.writing() as db:
            found = {name: db.execute(f"SHOW {name}").fetchone()[0] for name in weak}
    finally:
        server.run(*(f"ALTER DATABASE {database} RESET {name}" for name in weak))
    assert found == {
        "synchronous_commit": "on",
        "idle_session_timeout": "0",
        "default_transaction_isolation": "read committed",
        "search_path": "thingspace_licensing, pg_temp",
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
    }


JOBS = 100


@pytest.mark.slow
def test_many_jobs_at_once_send_each_device_once(place: str) -> None:
    """On as many machines, all with the same plan for two accounts."""
    postgres.server().run(f"ALTER SYSTEM SET max_connections = {JOBS + 20}")
    postgres.server().restart()
    sent: list[tuple[str, str]] = []
    barrier = threading.Barrier(JOBS)

    def job(number: int) -> None:
        scope = (FLEX, OTHER)[number % 2]
        with opened(place, patience=60) as journal:
            barrier.wait(60)
            with journal.account_lock(scope.account, 60):
                left = [device for device in imeis(3) if device not in journal.attempts(scope, imeis(3))]
                run = journal.begin_run(scope, "assign", 0)
                for device in left[:1]:
                    request = journal.intend(run, scope, "assign", [device], "1-234")
                    sent.append((scope.account, device))
                    assert journal.accepted(request, f"r{scope.account}{device}")
                journal.end_run(run)

    open_journal(place, write=True, told=never).close()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for done in [pool.submit(job, number) for number in range(JOBS)]:
            done.result(120)
    assert sorted(sent) == sorted((scope.account, device) for scope in (FLEX, OTHER) for device in imeis(3))


@pytest.mark.slow
@pytest.mark.skipif(postgres.system_binaries() is None, reason="no PostgreSQL is installed on this machine")
def test_the_server_of_the_system_will_do() -> None:
    """It is usually older: every statement of the journal works there, too."""
    binaries = postgres.system_binaries()
    assert binaries is not None
    # The name of a socket may have about a hundred characters.
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="thingspace-"))
        address = stack.enter_context(postgres.system_server(binaries, Path(folder)))
        journal = stack.enter_context(opened(address))
        with journal.account_lock(ACCOUNT, 1):
            run = journal.begin_run(FLEX, "assign", 0)
            requests = [journal.intend(run, FLEX, "assign", imeis(3, 3 * at), "1-234") for at in range(4)]
            journal.confirm([report("r0", imei(0)), report("unknown", imei(3))])
            journal.accepted(requests[0], "r0")
            journal.settle(requests[1], "unknown", "it broke")
            journal.refused(requests[2], "no", "no")
            journal.accepted(requests[3], "r3")
            journal.end_run(run)
            assert journal.lock_lost() == ""
        assert [result(journal, imei(at)) for at in (0, 1, 3, 6, 9)] == [
            "confirmed",
            "pending",
            "unknown",
            "failed",
            "pending",
        ]
        known = journal.snapshot(FLEX, imeis(12))
        assert [(one.devices, list(one.hints)) for one in known.lost] == [(imeis(3, 3), [imei(3)])]
        assert (journal.holders(ACCOUNT, FLEX.sku), journal.named_by("r0")) == ({"imei": 1}, 3)
        assert journal.removed_by_another_kind(FLEX).last == 0
        assert journal.shared(ACCOUNT) == {}
        assert journal.facts(ACCOUNT).size > 0
        assert not any(prune(journal._store, "9999", check=False).values())
        copy = f"{folder}/copy.db"
        assert move(address, copy, patience=5, check=False, told=never).rows["entry"] == 12
