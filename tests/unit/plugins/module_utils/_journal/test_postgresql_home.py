# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a database are not a second journal."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.stop import Stop
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move import move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.one_at_a_time import one_at_a_time
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.postgresql_settle import settle_here
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.schema import SCHEMA
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.shared_state import share
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import require_usable
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows

LIFETIME = Scope(ACCOUNT, "SIMSec-IoT-Lt", "imei")
Copy = t.Callable[[], str]


@pytest.fixture
def database() -> t.Iterator[str]:
    """The name of a database with a journal in which something was sent."""
    name = postgres.server().new_database()
    with contextlib.closing(open_journal(postgres.server().url(name), write=True, told=never)) as journal:
        journal.intend(journal.begin_run(LIFETIME, "assign", 0), LIFETIME, "assign", imeis(3), "1")
    yield name
    postgres.server().run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["a copy"])
def copy(request: pytest.FixtureRequest, database: str) -> t.Iterator[Copy]:
    """Copies the database; returns the address of the copy."""
    with contextlib.ExitStack() as stack:

        def make() -> str:
            server = here = postgres.server()
            if request.param == "a copy":
                name = here.copied(database)
            else:
                server = _another_server()
                name = here.restored(database, server)
            stack.callback(server.run, f"DROP DATABASE {name} WITH (FORCE)")
            return server.url(name)

        yield make


@functools.cache
def _another_server() -> postgres.Server:
    return postgres.Server()


def sent(address: str) -> list[str]:
    """The devices for which something was sent, according to the journal. It is written, too."""
    with contextlib.closing(open_journal(address, write=True, told=never, patience=2)) as journal:
        journal.end_run(journal.begin_run(LIFETIME, "assign", 0))
        return journal.ids(LIFETIME)


def looked_at(address: str, *, write: bool) -> None:
    store = require_usable(address, write=write, told=never, patience=2)
    if store is not None:
        store.close()


def refusals(address: str) -> set[str]:
    """The codes with which everybody who would use the journal is refused; empty for those who may."""
    codes = set()
    for write in (True, False):
        for act in (
            lambda write: looked_at(address, write=write),
            lambda write: open_journal(address, write=write, told=never, patience=2).close(),
            lambda _write: share(address, pytest.fail, told=never).close(),
        ):
            try:
                act(write)
                codes.add("")
            except LicensingError as error:
                codes.add(error.code)
    return codes


def homeless(database: str) -> None:
    """Let the journal be as one of an earlier release."""
    table = "thingspace_licensing.journal_schema"
    statements = (
        "ALTER TABLE thingspace_licensing.fleet_run DROP COLUMN approved",
        f"ALTER TABLE {table} DROP COLUMN home",
        f"UPDATE {table} SET version = 3",
    )
    postgres.server().run(*statements, database=database)


@pytest.mark.slow
@pytest.mark.parametrize("copy", ["a copy", "a restored dump"], indirect=True)
def test_a_copy_is_refused_until_it_is_said_to_be_the_journal(database: str, copy: Copy) -> None:
    one, another = copy(), copy()
    for address in (one, another):
        assert refusals(address) == {"journal_copied"}
    with pytest.raises(LicensingError, match=r"Nothing was sent.*'new_home: true'"):
        open_journal(one, write=True, told=never)
    assert settle_here(one, told=never, patience=2, check=True)
    assert refusals(one) == {"journal_copied"}
    assert settle_here(one, told=never, patience=2, check=False)
    assert not settle_here(one, told=never, patience=2, check=False)
    assert (refusals(one), refusals(another)) == ({""}, {"journal_copied"})
    assert sent(one) == sent(postgres.server().url(database)) == imeis(3)


def test_one_of_an_earlier_release_takes_its_home_when_it_is_written(database: str, copy: Copy) -> None:
    homeless(database)
    before = copy()
    with contextlib.closing(open_journal(postgres.server().url(database), write=False, told=never)) as journal:
        assert rows(journal, "SELECT version, home FROM journal_schema") == [(len(SCHEMA), None)]
    assert sent(postgres.server().url(database)) == imeis(3)
    assert refusals(copy()) == {"journal_copied"}
    assert refusals(before) == {""}, "that it is a copy cannot be known"


def test_who_only_counts_requests_gives_no_home(database: str, copy: Copy) -> None:
    """It may be a role that may not."""
    homeless(database)
    shared = share(postgres.server().url(database), pytest.fail, told=never)
    assert shared is not None
    shared.close()
    assert refusals(copy()) == {""}


def test_another_name_is_no_other_home(database: str) -> None:
    renamed = f"renamed_{os.getpid()}"
    postgres.server().run(f"ALTER DATABASE {database} RENAME TO {renamed}")
    try:
        assert refusals(postgres.server().url(renamed)) == {""}
    finally:
        postgres.server().run(f"ALTER DATABASE {renamed} RENAME TO {database}")


@pytest.mark.slow
def test_nor_is_a_standby_that_takes_over(database: str) -> None:
    with postgres.server().standby() as standby:
        address = postgres.server().url(database).replace(str(postgres.server().host), standby.host)
        with contextlib.closing(open_journal(address, write=False, told=never)) as journal:
            assert journal.ids(LIFETIME) == imeis(3)
        # Nobody at the primary would see a lock that is taken here.
        with (
            pytest.raises(LicensingError) as caught,
            one_at_a_time(address, ACCOUNT, "FOTA", stop=Stop(), patience=lambda seconds: seconds),
        ):
            pass
        assert (caught.value.code, "replica" in caught.value.message) == ("journal_unusable", True)
        standby.promote()
        assert sent(address) == imeis(3)


def test_a_connection_that_comes_back_to_a_copy(database: str) -> None:
    """The address may lead elsewhere after a failover, while a task waits."""
    address = postgres.server().url(database)
    with contextlib.closing(open_journal(address, write=True, told=never)) as journal:
        postgres.server().end_sessions(database)
        for old, new in ((postgres.server().copied(database), f"{database}_new"), (database, f"{database}_old")):
            postgres.server().run(f"ALTER DATABASE {old} RENAME TO {new}")
        postgres.server().run(f"ALTER DATABASE {database}_new RENAME TO {database}")
        try:
            with pytest.raises(LicensingError) as caught:
                journal.ids(LIFETIME)
            assert caught.value.code == "journal_copied"
        finally:
            postgres.server().run(f"DROP DATABASE {database}_old WITH (FORCE)")


def test_a_copy_of_what_was_moved_stays_refused(database: str, copy: Copy, tmp_path: Path) -> None:
    move(postgres.server().url(database), str(tmp_path / "j.db"), told=never, patience=2, check=False)
    address = copy()
    for check in (True, False):
        with pytest.raises(LicensingError) as caught:
            settle_here(address, told=never, patience=2, check=check)
        assert caught.value.code == "journal_moved"
    for source, target in ((address, str(tmp_path / "again.db")), (str(tmp_path / "j.db"), address)):
        with pytest.raises(LicensingError) as caught:
            move(source, target, told=never, patience=2, check=False)
        assert caught.value.code == "journal_copied"
    assert sent(str(tmp_path / "j.db")) == imeis(3)


def test_where_there_is_none_none_is_made() -> None:
    with postgres.new_journal() as address:
        for check in (True, False):
            with pytest.raises(LicensingError) as caught:
                settle_here(address, told=never, patience=2, check=check)
            assert (caught.value.code, "there is none" in caught.value.message) == ("journal_unusable", True)
        with contextlib.closing(open_journal(address, write=False, told=never)) as journal:
            assert journal.missing


@pytest.fixture
def role(database: str) -> t.Iterator[t.Callable[[str, str], str]]:
    """Makes a role with these rights to all tables; returns the address by which it uses a database."""
    made: list[tuple[str, str]] = []

    def make(name: str, rights: str) -> str:
        role = f"{rights[:6]}_of_{name}".lower()
        schema = "SCHEMA thingspace_licensing"
        grants = (f"GRANT USAGE ON {schema} TO {role}", f"GRANT {rights} ON ALL TABLES IN {schema} TO {role}")
        postgres.server().run(f"CREATE ROLE {role} LOGIN", *grants, database=name)
        made.append((name, role))
        return postgres.server().url(name, user=role)

    yield make
    for name, role in made:
        postgres.server().run(f"DROP OWNED BY {role} CASCADE", database=name)
        postgres.server().run(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_roles_with_no_more_than_they_need(database: str, role: t.Callable[[str, str], str]) -> None:
    """As docs/simsec.md has it. The function that tells the server apart is for everybody, unless it was revoked."""
    writer, reader = role(database, "INSERT, SELECT, UPDATE, DELETE"), role(database, "SELECT")
    copied = postgres.server().copied(database)
    here = {
        who: postgres.server().url(copied, user=who.partition("//")[2].partition("@")[0]) for who in (writer, reader)
    }
    try:
        open_journal(reader, write=False, told=never).close()
        with pytest.raises(LicensingError) as caught:
            open_journal(here[reader], write=False, told=never)
        assert caught.value.code == "journal_copied"
        with pytest.raises(LicensingError) as caught:
            settle_here(here[reader], told=never, patience=2, check=True)
        assert "GRANT INSERT, UPDATE, DELETE ON ALL TABLES" in caught.value.message
        assert settle_here(here[writer], told=never, patience=2, check=False)
        assert sent(here[writer]) == sent(writer) == imeis(3)
        postgres.server().run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC", database=copied)
        with pytest.raises(LicensingError) as caught:
            open_journal(here[writer], write=True, told=never)
        assert caught.value.code == "journal_unusable"
        assert "pg_control_system" in caught.value.message
        name = writer.partition("//")[2].partition("@")[0]
        postgres.server().run(f"GRANT EXECUTE ON FUNCTION pg_control_system() TO {name}", database=copied)
        assert sent(here[writer]) == imeis(3)
    finally:
        postgres.server().run(f"DROP DATABASE {copied} WITH (FORCE)")


@pytest.mark.parametrize("table", ["journal_schema", "identity"])
def test_a_dump_that_was_restored_into_another_journal_is_refused(database: str, table: str) -> None:
    """As psql does that goes on after an error. Which of the two it is, nobody knows."""
    server = postgres.server()
    server.run(
        f"INSERT INTO thingspace_licensing.{table} SELECT * FROM thingspace_licensing.{table}", database=database
    )
    for write in (True, False):
        with pytest.raises(LicensingError) as caught:
            open_journal(server.url(database), write=write, told=never)
        assert (caught.value.code, table in caught.value.message) == ("journal_damaged", True)
