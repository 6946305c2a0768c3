# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nodes share through the store: nothing is lost, whoever is killed, and logins are counted for all of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_answer import LoginRefused
from ansible_collections.thingspace.licensing.plugins.module_utils._client.login_guard import USER, LoginGuard
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import Damaged
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import shared_state
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.shared_state import (
    SharedState,
    open_shared,
    share,
)
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import CREDENTIALS, connection
from ansible_collections.thingspace.licensing.tests.support.journals import never

FORK = multiprocessing.get_context("fork")


@contextlib.contextmanager
def shared(place: str) -> t.Iterator[SharedState]:
    with contextlib.closing(open_shared(place, told=never)) as state:
        yield state


def started(*tasks: t.Callable[[], None]) -> list[t.Any]:
    processes = [FORK.Process(target=task) for task in tasks]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return processes


def guard(state: SharedState, **given: str) -> LoginGuard:
    return LoginGuard(state, connection(**{**CREDENTIALS, **given}), USER)


def log_in(one: LoginGuard, error: LicensingError | None) -> str:
    """How a login ends: C(sent), or the code of the reason why it was not."""
    sent = False
    try:
        with one.attempt(30.0):
            sent = True
            if error is not None:
                raise error
    except LicensingError as found:
        return "sent" if sent else found.code
    return "sent"


def test_ten_nodes_count_together(place: str) -> None:
    open_shared(place, told=never).close()

    def count() -> None:
        with shared(place) as state:
            for _time in range(10):
                with state.transaction("a") as found:
                    found["count"] = found.get("count", 0) + 1

    started(*[count] * 10)
    with shared(place) as state, state.transaction("a") as found, contextlib.suppress(KeyError):
        assert found == {"count": 100}


@pytest.mark.parametrize(
    ("error", "most"),
    [
        (LoginRefused("refused", code="login_refused", status=400), 2),
        (TransportError("lost", code="timeout", in_doubt=True), 4),
    ],
)
def test_ten_nodes_with_a_stale_password(place: str, error: LicensingError, most: int) -> None:
    """All at once, each with a process of its own: five refusals would lock the account."""
    open_shared(place, told=never).close()
    results = FORK.Queue()

    def node() -> None:
        with shared(place) as state:
            results.put([log_in(guard(state), error) for _time in range(2)])

    started(*[node] * 10)
    ends = [end for _node in range(10) for end in results.get(timeout=30)]
    assert ends.count("sent") == most
    assert ends.count("login_blocked") == 20 - most
    with shared(place) as state:
        assert log_in(guard(state, password="another"), None) == ("sent" if most == 2 else "login_blocked")


def test_a_node_that_is_killed_while_it_logs_in_counts_and_lets_the_next_one_in(place: str) -> None:
    def killed() -> None:
        with shared(place) as state, guard(state).attempt(30.0):
            os.kill(os.getpid(), signal.SIGKILL)

    open_shared(place, told=never).close()
    for _time in range(4):
        started(killed)
    with shared(place) as state:
        assert log_in(guard(state), None) == "login_blocked"


def test_a_state_is_kept_although_the_block_fails(place: str) -> None:
    def fail(state: SharedState) -> None:
        with state.transaction("a") as found:
            found["tried"] = True
            raise ZeroDivisionError

    with shared(place) as state:
        with pytest.raises(ZeroDivisionError):
            fail(state)
        with state.transaction("a") as found:
            assert found == {"tried": True}


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"salt": "00"}'])
def test_a_damaged_count_of_logins_blocks(place: str, text: str) -> None:
    with shared(place) as state:
        log_in(guard(state), None)
        with state._store.writing() as db:
            db.execute("UPDATE shared_state SET state = ?", (text,))
        one = guard(state)
        with state.transaction(one._name) as found:
            assert isinstance(found, Damaged) or text == '{"salt": "00"}'
        with pytest.raises(LicensingError, match="shared_state") as raised, one.attempt(1.0):
            pytest.fail("the password was sent")
        assert raised.value.code == "login_blocked"
        one.forget()
        assert log_in(one, None) == "sent"


def test_only_one_at_a_time_has_its_turn(place: str) -> None:
    entered, leave = FORK.Event(), FORK.Event()

    def hold() -> None:
        with shared(place) as state, state.turn("a", 30.0):
            entered.set()
            leave.wait(30)

    process = FORK.Process(target=hold)
    process.start()
    assert entered.wait(30)
    with shared(place) as state:
        with state.turn("b", 0.1):
            pass
        with pytest.raises(LicensingError, match="'a'"), state.turn("a", 0.1):
            pytest.fail("both have their turn")
        leave.set()
        process.join(30)
        with state.turn("a", 30.0):
            pass


@pytest.mark.parametrize("wrong", [0.0, -7200.0, 86_400.0])
def test_everyone_goes_by_the_clock_of_the_database(place: str, wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = shared_state.time.time
    with shared(place) as state:
        now = state.now()
        monkeypatch.setattr("time.time", lambda: right() + wrong)
        with shared(place) as other:
            assert other.now() == pytest.approx(now, abs=5.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01 00:00:00", 1767225600.0),
        ("2026-01-01 00:00:00.25+00", 1767225600.25),
        ("2026-01-01 01:00:00+01", 1767225600.0),
        ("2025-12-31 18:30:00.5-05:30", 1767225600.5),
    ],
)
def test_timestamps_of_databases(text: str, seconds: float) -> None:
    assert shared_state._seconds(text) == seconds


def test_a_role_that_reads_shares_if_it_may(tmp_path: Path) -> None:
    """Otherwise it heeds what others counted, and does not send a refused password again: they do not know of it."""
    with postgres.new_journal() as owned:
        server, role = postgres.server(), f"sharer_{os.getpid()}"
        database = owned.partition("@/")[2].partition("?")[0]
        open_shared(owned, told=never).close()
        server.run(f"CREATE ROLE {role} LOGIN")
        try:
            grants = ("USAGE ON SCHEMA", "SELECT ON ALL TABLES IN SCHEMA")
            server.run(*(f"GRANT {one} thingspace_licensing TO {role}" for one in grants), database=database)
            place, told = owned.replace("postgres@", f"{role}@"), list[str]()
            refused = LoginRefused("refused", code="login_refused", status=400)

            def reads(*, times: int) -> list[str]:
                with contextlib.closing(share(place, told.append, told=never)) as seen:
                    one = LoginGuard(seen, connection(**CREDENTIALS), USER)
                    return [log_in(one, refused) for _time in range(times)]

            assert reads(times=2) == ["sent", "login_blocked"]
            assert "GRANT INSERT, UPDATE ON thingspace_licensing.shared_state TO" in told[0]
            with shared(owned) as state:
                assert log_in(guard(state), refused) == "sent"
            assert reads(times=1) == ["login_blocked"]
            with shared(owned) as state:
                guard(state).forget()
            server.run(f"GRANT INSERT, UPDATE ON thingspace_licensing.shared_state TO {role}", database=database)
            with shared(place) as state:
                assert [log_in(guard(state), refused) for _time in range(3)] == ["sent", "sent", "login_blocked"]
        finally:
            server.run(f"DROP OWNED BY {role}", database=database)
            server.run(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "place",
    [
        "host=127.0.0.1 foo=bar",
        "postgresql://127.0.0.1/d?foo=bar",
        "postgresql+psycopg://127.0.0.1/d",
        "'postgresql://127.0.0.1/d'",
    ],
)
def test_a_wrong_address_is_no_reason_to_count_alone(place: str) -> None:
    with pytest.raises(LicensingError) as raised:
        share(place, pytest.fail, told=never)
    assert raised.value.code == "journal_unusable"


def test_a_role_that_may_not_even_read_is_no_reason_to_count_alone() -> None:
    with postgres.new_journal() as owned:
        server, role = postgres.server(), f"stranger_{os.getpid()}"
        open_shared(owned, told=never).close()
        server.run(f"CREATE ROLE {role} LOGIN")
        try:
            with pytest.raises(LicensingError) as raised:
                share(owned.replace("postgres@", f"{role}@"), pytest.fail, told=never)
            assert raised.value.code == "journal_unusable"
        finally:
            server.run(f"DROP ROLE {role}")


def test_a_database_that_cannot_be_reached_is_no_reason_to_count_alone() -> None:
    with pytest.raises(LicensingError) as raised:
        share("postgresql://127.0.0.1:9/none?connect_timeout=2", pytest.fail, told=never)
    assert raised.value.code == "journal_unreachable"
