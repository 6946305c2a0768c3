# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases that cannot hold a journal: one clear message each, with a stable code and without the password."""

from __future__ import annotations

import concurrent.futures
import contextlib
import ssl
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import (
    postgresql_connection,
    postgresql_schema,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.schema import SCHEMA
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import require_usable
from ansible_collections.thingspace.licensing.tests.support import postgres
from ansible_collections.thingspace.licensing.tests.support.journals import never, rows
from ansible_collections.thingspace.licensing.tests.support.postgres_proxy import Proxy, proxied

SECRET = "s3cret-w0rd"
ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def empty() -> t.Iterator[str]:
    """A database without a journal."""
    with postgres.new_journal() as address:
        yield address


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    with proxied(postgres.server()) as made:
        yield made


def name_of(address: str) -> str:
    return address.partition("@/")[2].partition("?")[0]


def refusal(address: str, *, write: bool = True) -> LicensingError:
    """Why a journal there is refused: when it is looked at first, and when it is opened."""
    told = []
    for act in (require_usable, open_journal):
        with pytest.raises(LicensingError) as caught:
            act(address, write=write, told=never, patience=2.0)
        told.append((caught.value.code, caught.value.message))
        assert SECRET not in caught.value.message
        assert "\n" not in caught.value.message
    assert told[0][0] == told[1][0]
    return caught.value


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        (f"postgresql://u:{SECRET}@127.0.0.1:1/d", "journal_unreachable", "does not answer"),
        (f"host=127.0.0.1 port=1 password={SECRET}", "journal_unreachable", "does not answer"),
        (f"postgresql://u:{SECRET}@no-such-host.invalid/d", "journal_unreachable", "host is not known"),
        (f"postgresql://u:{SECRET}@127.0.0.1:port/d", "journal_unusable", "the address is wrong"),
        (f"postgresql://u:pa@{SECRET}@127.0.0.1:1/d", "journal_unreachable", "Percent-encode"),
        (f"postgresql://u:{SECRET}/d", "journal_unreachable", "Percent-encode"),
        (f"postgresql://127.0.0.1:1/d?password=pa&{SECRET}", "journal_unusable", "address is wrong"),
        (f"postgresql://127.0.0.1:1/d?password=pa={SECRET}", "journal_unusable", "address is wrong"),
        (f"postgresql://127.0.0.1:1/d?p%61ssword=pa%{SECRET}", "journal_unusable", "address is wrong"),
        (f"postgresql://u:pa?ss={SECRET}@127.0.0.1:1/d", "journal_unreachable", "does not answer"),
        (f"postgresql://127.0.0.1:1/d?p%61ssword=pa#{SECRET}", "journal_unreachable", "does not answer"),
        (f"host=127.0.0.1 port=1 password=pa {SECRET}", "journal_unusable", "address is wrong"),
        (f"host=127.0.0.1 port=1 password='pa'{SECRET}'", "journal_unusable", "address is wrong"),
        (f"scram_client_key={SECRET} host=127.0.0.1 port=1", "journal_un", ""),
        (f"host=127.0.0.1 port=1 passphrase={SECRET}", "journal_unusable", "address is wrong"),
        ("foo=bar host=127.0.0.1", "journal_unusable", "address is wrong"),
        (f"postgresql+psycopg://u:{SECRET}@127.0.0.1/d", "journal_unusable", "neither"),
        (f"'postgresql://u:{SECRET}@127.0.0.1/d'", "journal_unusable", "neither"),
        (f"postgresql://u:{SECRET}@127.0.0.1/d?no_such_option=1", "journal_unusable", "address is wrong"),
        (f"host=h password='{SECRET}", "journal_unusable", "address is wrong"),
        (f"postgresql://u:{SECRET}@[::1/d", "journal_unusable", "address is wrong"),
        ("service=no-such-service", "journal_un", "service"),
    ],
)
def test_wrong_addresses(address: str, code: str, words: str) -> None:
    found = refusal(address)
    assert found.code.startswith(code)
    assert words in found.message


def test_a_database_that_is_missing() -> None:
    assert "no such database" in refusal(postgres.server().url("no_such_database")).message


def test_a_role_that_is_missing() -> None:
    assert "does not know the role" in refusal(postgres.server().url(user="nobody")).message


@pytest.fixture
def roles(empty: str) -> t.Iterator[t.Callable[[str], str]]:
    """Makes roles that may log in, and gives the address by which they use the database."""
    made: list[str] = []
    database = name_of(empty)

    def make(name: str) -> str:
        role = f"{name}_of_{database}"
        postgres.server().run(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
        made.append(role)
        return role

    yield make
    for role in made:
        postgres.server().run(f"DROP OWNED BY {role} CASCADE", database=database)
        postgres.server().run(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_a_wrong_password(empty: str, roles: t.Callable[[str], str]) -> None:
    role, hba = roles("locked"), postgres.server().folder / "data" / "pg_hba.conf"
    before = hba.read_text()
    try:
        hba.write_text(f"local all {role} scram-sha-256\n{before}")
        postgres.server().run("SELECT pg_reload_conf()")
        wrong = empty.replace("postgres@", f"{role}:{SECRET}-wrong@")
        assert "refuses the role or its password" in refusal(wrong).message
        assert "refuses the role or its password" in refusal(empty.replace("postgres@", f"{role}@")).message
        right = empty.replace("postgres@", f"{role}:{SECRET}@")
        assert refusal(right).code == "journal_unusable", "it may log in, but create nothing"
    finally:
        hba.write_text(before)
        postgres.server().run("SELECT pg_reload_conf()")


RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def test_each_right_is_needed_and_together_they_are_enough(empty: str, roles: t.Callable[[str], str]) -> None:
    """As docs/simsec.md has it: an owner, a writer and a reader."""
    database = name_of(empty)
    owner, writer, reader = roles("owner"), roles("writer"), roles("reader")

    def run(*statements: str) -> None:
        postgres.server().run(*statements, database=database)

    def by(role: str) -> str:
        return empty.replace("postgres@", f"{role}@")

    assert "must be created first" in refusal(by(writer)).message
    run(f"GRANT CREATE ON DATABASE {database} TO {owner}")
    open_journal(by(owner), write=True, told=never).close()
    run(f"REVOKE CREATE ON DATABASE {database} FROM {owner}")
    open_journal(by(owner), write=True, told=never).close()
    for role, rights, write in ((writer, RIGHTS, True), (reader, RIGHTS[:1], False)):
        assert f"GRANT USAGE ON SCHEMA thingspace_licensing TO {role};" in refusal(by(role), write=write).message
        run(f"GRANT USAGE ON SCHEMA thingspace_licensing TO {role}")
        for right in rights:
            assert refusal(by(role), write=write).code == "journal_unusable"
            run(f"GRANT {right} ON ALL TABLES IN SCHEMA thingspace_licensing TO {role}")
        open_journal(by(role), write=write, told=never).close()
        for right in rights:
            run(f"REVOKE {right} ON thingspace_licensing.entry FROM {role}")
            assert f"GRANT {right} ON ALL TABLES" in refusal(by(role), write=write).message
            run(f"GRANT {right} ON thingspace_licensing.entry TO {role}")
    assert "GRANT INSERT, UPDATE, DELETE ON ALL TABLES" in refusal(by(reader)).message


def test_a_role_without_connect(empty: str, roles: t.Callable[[str], str]) -> None:
    role = roles("stranger")
    postgres.server().run(f"REVOKE CONNECT ON DATABASE {name_of(empty)} FROM PUBLIC")
    assert "may not use the database" in refusal(empty.replace("postgres@", f"{role}@")).message


def test_a_database_that_only_reads(empty: str) -> None:
    open_journal(empty, write=True, told=never).close()
    postgres.server().run(f"ALTER DATABASE {name_of(empty)} SET default_transaction_read_only = on")
    assert "read-only" in refusal(empty).message
    open_journal(empty, write=False, told=never).close()


def test_a_replica(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one server only, so this one is told that it is a replica."""
    facts = postgresql_connection.Facts
    monkeypatch.setattr(postgresql_connection, "Facts", lambda *told: facts(*told)._replace(replica=True))
    assert "read-only replica" in refusal(empty).message


def test_clocks_that_differ(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timestamps decide about lost requests."""
    real = postgresql_connection._now
    monkeypatch.setattr(postgresql_connection, "_now", lambda: real() - 4)
    open_journal(empty, write=True, told=never).close()
    for ahead in (-6, 7):
        monkeypatch.setattr(postgresql_connection, "_now", lambda ahead=ahead: real() + ahead)
        assert "the clocks of the server and of this machine differ" in refusal(empty).message
        open_journal(empty, write=False, told=never).close()


def test_an_old_server(empty: str, proxy: Proxy) -> None:
    proxy.version = "13.9"
    found = refusal(proxy.url(name_of(empty)))
    assert "PostgreSQL 13" in found.message
    proxy.version = "14.0"
    open_journal(proxy.url(name_of(empty)), write=True, told=never).close()


def test_a_pooler(empty: str, proxy: Proxy) -> None:
    proxy.pooler = True
    assert "pooler" in refusal(proxy.url(name_of(empty))).message


def test_a_pooler_leaves_no_tables_in_another_schema(empty: str, proxy: Proxy) -> None:
    """A session of its own would create them where it searches."""
    proxy.elsewhere = b"BEGIN"
    with pytest.raises(LicensingError) as caught:
        open_journal(proxy.url(name_of(empty)), write=True, told=never)
    assert "pooler" in caught.value.message
    found = "SELECT count(*) FROM pg_class WHERE relname IN ('journal_schema', 'run')"
    assert postgres.server().run(found, database=name_of(empty)) == [(0,)]


@pytest.mark.parametrize("value", ["sslmode=verify", "port=70000", "target_session_attrs=reader"])
def test_a_value_that_libpq_does_not_know(value: str) -> None:
    """No server was asked, so nothing is said about one."""
    error = refusal(f"host=127.0.0.1 dbname=x {value}")
    assert error.code == "journal_unusable"
    assert "the address is wrong" in error.message


def test_tls_that_cannot_be_trusted(empty: str, proxy: Proxy, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    for one, name in ((authority, "ours.pem"), (stranger, "theirs.pem")):
        one.cert_pem.write_to_path(tmp_path / name)
    no_tls = proxy.url(name_of(empty), sslmode="verify-full", sslrootcert=f"{tmp_path}/ours.pem")
    assert "TLS cannot be trusted" in refusal(no_tls).message
    proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(proxy.tls)
    wrong = proxy.url(name_of(empty), sslmode="verify-full", sslrootcert=f"{tmp_path}/theirs.pem")
    assert "TLS cannot be trusted" in refusal(wrong).message
    assert "TLS cannot be trusted" in refusal(no_tls.replace("127.0.0.1", "localhost")).message
    open_journal(no_tls, write=True, told=never).close()


def test_a_database_without_all_characters() -> None:
    name = "latin_journal"
    how = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    postgres.server().run(f"CREATE DATABASE {name} {how}")
    try:
        assert "encoding is LATIN1" in refusal(postgres.server().url(name)).message
    finally:
        postgres.server().run(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_service_with_its_password_in_a_file(
    empty: str, roles: t.Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no password is in a repository, and none is shown."""
    role = roles("served")
    postgres.server().run(f"GRANT CREATE ON DATABASE {name_of(empty)} TO {role}")
    lines = {"host": postgres.server().host, "dbname": name_of(empty), "user": role, "password": SECRET}
    text = "[licensing]\n" + "".join(f"{name}={value}\n" for name, value in lines.items())
    (tmp_path / "service.conf").write_text(text)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service.conf"))
    with contextlib.closing(open_journal("service=licensing", write=True, told=never)) as journal:
        assert journal.path == "service=licensing"
        assert rows(journal, "SELECT current_user") == [(role,)]


THEIRS = {
    "other tables": "TABLE thingspace_licensing.run (id INT)",
    "a table of the name": "TABLE thingspace_licensing.journal_schema (id INT)",
    "its version is a text": "TABLE thingspace_licensing.journal_schema AS SELECT 'one' AS version",
    "a view of the name": "VIEW thingspace_licensing.journal_schema AS SELECT 1::BIGINT AS version",
}


@pytest.mark.parametrize("theirs", THEIRS)
def test_a_schema_of_another_program(empty: str, theirs: str) -> None:
    postgres.server().run("CREATE SCHEMA thingspace_licensing", f"CREATE {THEIRS[theirs]}", database=name_of(empty))
    for write in (True, False):
        assert "another program" in refusal(empty, write=write).message


@pytest.mark.parametrize("table", ["journal_schema", "identity"])
def test_a_table_that_lost_its_only_row(empty: str, table: str) -> None:
    with contextlib.closing(open_journal(empty, write=True, told=never)) as before:
        postgres.server().run(f"DELETE FROM thingspace_licensing.{table}", database=name_of(empty))
        for write in (True, False):
            found = refusal(empty, write=write)
            assert found.code == "journal_damaged"
            assert f"its table {table} is empty" in found.message
        if table == "journal_schema":
            with pytest.raises(LicensingError) as caught:
                before.end_run(1)
            assert caught.value.code == "journal_damaged"


def test_a_newer_schema(empty: str) -> None:
    open_journal(empty, write=True, told=never).close()
    postgres.server().run(
        f"UPDATE thingspace_licensing.journal_schema SET version = {len(SCHEMA) + 1}", database=name_of(empty)
    )
    for write in (True, False):
        assert refusal(empty, write=write).code == "journal_newer"


def test_a_missing_one_is_empty_to_a_reader_and_not_created(empty: str) -> None:
    require_usable(empty, write=True, patience=2, told=never)
    journal = open_journal(empty, write=False, told=never)
    assert (journal.missing, journal.scopes("0000123456-00001"), journal.path) == (True, [], empty)
    journal.close()
    assert postgres.server().run(
        "SELECT count(*) FROM pg_namespace WHERE nspname = 'thingspace_licensing'", database=name_of(empty)
    ) == [(0,)]


def test_an_older_schema_is_upgraded_by_any_number_at_once(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_schema, "SCHEMA", SCHEMA[:1])
    open_journal(empty, write=True, told=never).close()
    with contextlib.closing(open_journal(empty, write=True, told=never)) as old, pytest.raises(LicensingError):
        rows(old, "SELECT 1 FROM callback")
    monkeypatch.setattr(postgresql_schema, "SCHEMA", SCHEMA)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for journal in pool.map(lambda number: open_journal(empty, write=number % 2 == 0, told=never), range(6)):
            assert rows(journal, "SELECT version FROM journal_schema") == [(len(SCHEMA),)]
            journal.close()


def test_a_schema_that_could_not_be_finished_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_schema, "SCHEMA", (*SCHEMA, ("CREATE NONSENSE",)))
    with pytest.raises(LicensingError):
        open_journal(empty, write=True, told=never)
    monkeypatch.setattr(postgresql_schema, "SCHEMA", SCHEMA)
    assert open_journal(empty, write=False, told=never).missing
    open_journal(empty, write=True, told=never).close()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = refusal("service=licensing")
    assert found.code == "missing_library"
    assert "'psycopg[binary]'" in found.message


def test_without_a_database_the_library_is_not_imported() -> None:
    """A task starts as fast as before."""
    program = (
        "import sys; from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import "
        "open_journal; open_journal('', write=True, told=bool).close(); print('psycopg' in sys.modules)"
    )
    root = str(ROOT.parents[2]) if ROOT.parts[-3:] == ("ansible_collections", "thingspace", "licensing") else None
    path = [root] if root else [one for one in sys.path if (Path(one) / "ansible_collections" / "thingspace").exists()]
    told = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(path)}, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"
