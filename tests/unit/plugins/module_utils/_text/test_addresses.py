# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values are addresses of databases, and that no spelling of an address shows its password."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.filter.journal_place import journal_place
from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import (
    as_place,
    is_database,
    is_path,
    may_quote,
    passwords_in,
    why_refused,
    without_passwords,
)

DATABASES = (
    "postgresql://db.example.com/licensing",
    "postgres://u@h:5433/d?sslmode=verify-full",
    "service=licensing",
    "host=h dbname=d",
    "host = h  dbname = d",
    "dbname=d",
    "sslmode=require host=h",
    "connect_timeout=5 host=h",
    "requirepeer=postgres host=h",
    "replication=database host=h",
    "a_keyword_of_a_newer_libpq=1 host=h",
    "foo=bar",
    "a=b.db",
)
PATHS = (
    "journal.db",
    "/var/lib/thingspace/journal.db",
    "~/journal.db",
    "./a=b.db",
    "/srv/user:me@home/journal.db",
    "./service=licensing",
    "/srv/host=h.db",
    "postgresql.db",
    "./j:ournal.db",
    "state/journal",
    "my state/2026-11/journal-1.db",
    "journal.sqlite3",
    "",
)
NEITHER = (
    "postgresql+psycopg://u:sec9et@h/db",
    "'postgresql://u:sec9et@h/db'",
    '"postgresql://u:sec9et@h/db"',
    "'host=h password=sec9et'",
    "pgsql://u:sec9et@h/db",
    "mysql://u:sec9et@h/db",
    "jdbc:postgresql://h/db?user=u&password=sec9et",
    "postgres:/u:sec9et@h/db",
    "postgresql:u:sec9et@h/db",
    " postgresql:/u:sec9et@h/db",
    "//u:sec9et@h/db",
    "u:sec9et@h/db",
    "/home/me/postgresql://u:sec9et@h/db",
    "https://u:sec9et@h/db",
    "licensing@db.example.com",
    "db.example.com",
    "journal",
    ".",
    "$NOT_SET",
    "$NOT_SET/journal.db",
    "/srv/${NOT_SET}/journal.db",
    "$u:sec9et@h/db",
    "service:lic",
    "-host=h password=sec9et",
    "host:h password:sec9et",
    "postgres//u:sec9et@h/db",
    "postgresql//u:sec9et@h/db",
    "postgresql;//u:sec9et@h/db",
    "postgresql\uff1a//u:sec9et@h/db",
    "postgresql ://u:sec9et@h/db",
    "\ufeffpostgresql://u:sec9et@h/db",
    "<postgresql://u:sec9et@h/db>",
    "URL: postgresql://u:sec9et@h/db",
    "h:5432/db?user=u&password=sec9et",
    "//h/db?user=u&password=sec9et",
    "db.example.com/licensing?user=u&password=sec9et",
    "/journal\n.db",
    "j\0.db",
)
PLAYBOOKS = sorted(Path(__file__).resolve().parents[5].glob("playbooks/*.yml"))


@pytest.mark.parametrize("value", DATABASES)
def test_databases(value: str) -> None:
    assert is_database(value)
    assert as_place(value) == value


@pytest.mark.parametrize("value", PATHS)
def test_paths(value: str) -> None:
    assert is_path(value)
    assert not is_database(value)
    assert not why_refused(value)
    assert without_passwords(value) == value
    assert passwords_in(value) == set()


def test_a_path_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("STATE", "/state")
    assert [as_place(path) for path in ("~/j.db", "$STATE/j.db", "j.db")] == ["/home/me/j.db", "/state/j.db", "j.db"]


@pytest.mark.parametrize("value", ["", " ", "\n", " \t "])
def test_a_blank_is_nothing(value: str) -> None:
    assert as_place(value) == journal_place(value) == ""
    assert is_path(value)


def test_a_variable_that_holds_an_address_is_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "postgresql://u:sec9et@h")
    for value in ("$PLACE", "$PLACE/journal.db", "${PLACE}/journal.db"):
        assert why_refused(value)
        assert as_place(value) == value


@pytest.mark.parametrize("value", NEITHER)
def test_neither(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a path, it would be an empty journal on each node, and its name would show the password."""
    monkeypatch.delenv("NOT_SET", raising=False)
    assert not is_database(value)
    assert not is_path(value)
    assert as_place(value) == journal_place(value) == value
    assert (value in passwords_in(value)) is bool(re.search(r"[^\w.+-]", value))
    assert "sec9et" not in without_passwords(value) + why_refused(value)
    assert why_refused(value)


@pytest.mark.parametrize(
    "value", [" postgresql://h/d", "postgresql://h/d\n", "\tPostgreSQL://h/d ", "POSTGRESQL://h/d"]
)
def test_addresses_are_pasted(value: str) -> None:
    assert is_database(value)
    assert as_place(value) == journal_place(value) == "postgresql://h/d"


def test_a_pasted_address_is_masked_as_it_was_and_as_it_is_used() -> None:
    for value in (" PostgreSQL://u:pa@sec9et@h/d ", " PostgreSQL://u:pa@h/d "):
        assert {value, as_place(value)} <= passwords_in(value)


def test_the_playbooks_complete_a_path_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert [journal_place(value) for value in (*DATABASES, *NEITHER)] == [*DATABASES, *NEITHER]
    assert journal_place("j.db") == str(tmp_path.resolve() / "j.db")
    assert [journal_place(value) for value in ("~/j.db", "/j.db")] == ["/home/me/j.db", "/j.db"]


def test_every_playbook_uses_this_filter() -> None:
    for path in PLAYBOOKS:
        text = path.read_text(encoding="utf-8")
        assert "fleet_journal is match" not in text
        uses = re.findall(r"fleet_journal \| (?!default\()([\w.]+)", text)
        assert set(uses) <= {"thingspace.licensing.journal_place"}
        assert uses or not re.search(r"^ +\w*journal: .*fleet_journal", text, re.MULTILINE) or path.stem == "demo"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:s3cret@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s3cret@h:1,i:2/d?sslmode=require", "postgresql://u@h:1,i:2/d?sslmode=require"),
        ("postgresql://u:s3cret/@?x@h/d", "postgresql://***"),
        ("postgresql://u:p@s3cret@h/d?application_name=a", "postgresql://***"),
        ("postgresql://u:p?ss=s3cret@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p?ss=s3cret@", "postgresql://u@"),
        ("postgresql://u:p?x=y@s3cret@h:1/d?sslmode=require", "postgresql://***"),
        ("postgresql://u:p=?a@s3cret/q@h/d", "postgresql://***"),
        ("postgresql://u:p#s3cret@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p s3cret@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s3cret/d", "postgresql://***"),
        ("postgresql://u:1/x?user=s3cret@h/d", "postgresql://u:1/x"),
        ("postgresql://u@h/d?user=v&password=p#s3cret", "postgresql://u@h/d?user=v"),
        ("postgresql://h/d?password=p?s3cret&user=u", "postgresql://h/d?user=u"),
        ("postgresql://h/d?p%61ssword=s3cret&user=u", "postgresql://h/d?user=u"),
        ("postgresql://h/d?password=p&s3cret&user=u", "postgresql://***"),
        ("postgresql://h/d?password=p=s3cret", "postgresql://***"),
        ("postgresql://h?password=s3cret@x", "postgresql://h"),
        ("postgresql://h/d?oauth_client_secret=s3cret", "postgresql://h/d"),
        ("postgresql://h/d?scram_client_key=s3cret", "postgresql://h/d"),
        ("postgresql://h/d?dbname=postgresql%3A%2F%2Fu%3As3cret%40h", "postgresql://h/d"),
        ("postgresql://[::1]:5432,h/d?replication=database", "postgresql://[::1]:5432,h/d?replication=database"),
        ("postgresql://u@[s3cret/d", "postgresql://***"),
        ("postgresql://:s3cret@h/d", "postgresql://@h/d"),
        ("postgresql://u@h/d?password=s3cret", "postgresql://u@h/d"),
        ("postgresql://u@h/d?password=s3cret&sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("postgresql://u@h/d?sslmode=require&password=s3cret&port=1", "postgresql://u@h/d?sslmode=require&port=1"),
        ("postgresql://h/d?user=a@b&password=s3cret", "postgresql://h/d"),
        ("postgresql://u@h/d?sslkey=k&sslpassword=s3cret", "postgresql://u@h/d?sslkey=k"),
        ("host=h password=s3cret dbname=d", "host=h dbname=d"),
        ("host=h password = 's3cret and more' dbname=d", "host=h dbname=d"),
        (r"host=h password='s3cret\' and' dbname=d", "host=h dbname=d"),
        (r"password=s3cret\ and host=h", "host=h"),
        ("host=h password='s3cret", "***"),
        ("host=h password=p s3cret", "***"),
        ("host=h password='p's3cret user=u", "***"),
        ("host=h password='p's3cret=u", "***"),
        ("password=s3cret", "***"),
        ("PASSWORD=s3cret host=h", "host=h"),
        ("host=h passphrase=s3cret", "host=h"),
        ("scram_client_key=s3cret host=h", "host=h"),
        ("host=h oauth_client_secret=s3cret", "host=h"),
        ("host=h sslpassword=s3cret sslkey=k", "host=h sslkey=k"),
        ("dbname=postgresql://u:s3cret@h/d", "***"),
        ("service=licensing", "service=licensing"),
        ("host=h;password=s3cret", "***"),
        ("host=h,password=s3cret", "***"),
        ("host=h user=u:s3cret@x", "host=h"),
        ("host=h user=u:s3cret port=1", "host=h port=1"),
        ("host=h options=-cpassword=s3cret", "host=h"),
        ("dbname=postgresql://h/d?password=s3cret", "***"),
        ("host=h,i port=1,2 dbname=d", "host=h,i port=1,2 dbname=d"),
        ("host=/run/pg dbname=d", "host=/run/pg dbname=d"),
        ("hostaddr=::1 dbname=d", "hostaddr=::1 dbname=d"),
        ("postgresql://h/d password=s3cret", "postgresql://***"),
        ("postgresql://u;s3cret@h", "postgresql://***"),
        ("postgresql://u%3As3cret@h", "postgresql://***"),
        ("postgresql://h/d%3Fpassword%3Ds3cret", "postgresql://***"),
        ("postgresql://h/d?user=u:s3cret", "postgresql://h/d"),
        ("postgresql:///d?host=/run/pg", "postgresql:///d?host=/run/pg"),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    assert without_passwords(address) == shown
    assert without_passwords(f" {address} ") == shown
    if "s3cret" in address:
        assert any("s3cret" in one for one in passwords_in(address))
        assert not may_quote("near 's3cret'", address)


@pytest.mark.parametrize("address", ["postgresql://u:pa@h/d", "host=h password=pa", "postgresql://h/d?password=pa"])
def test_a_short_password_is_masked_with_all_of_its_address(address: str) -> None:
    """Masked as a word, it would garble other texts, which then tell it."""
    assert passwords_in(address) == {address}
    assert not may_quote('missing key/value separator "="', address)
    assert may_quote("no route", address)


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_whatever_the_password_is(password: str) -> None:
    """Both as it is written and as it is meant."""
    written = urllib.parse.quote(password, safe="")
    url = f"postgresql://u:{written}@h/d"
    for word in (written, password):
        assert (word if len(word) >= 4 else url) in passwords_in(url)
        assert not may_quote(f"near {word}", url)
    assert without_passwords(f"postgresql://u:{written}@h/d?port=1") == "postgresql://u@h/d?port=1"
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    words = f"host=h password='{quoted}' dbname=d"
    assert (password if len(password) >= 4 else words) in passwords_in(words)
    assert without_passwords(f"host=h password='{quoted}' dbname=d") == "host=h dbname=d"
