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

from ansible_collections.thingspace.licensing.plugins.module_utils._text.addresses import (
    as_place,
    is_database,
    passwords_in,
    without_passwords,
)

DATABASES = (
    "postgresql://db.example.com/licensing",
    "postgres://u@h:5433/d?sslmode=verify-full",
    "PostgreSQL://h/d",
    " postgresql://h/d",
    "service=licensing",
    "host=h dbname=d",
    "host = h  dbname = d",
    "dbname=d",
    "sslmode=require host=h",
)
PATHS = (
    "journal.db",
    "/var/lib/thingspace/journal.db",
    "~/journal.db",
    "a=b.db",
    "./service=licensing",
    "/srv/host=h.db",
    "postgresql.db",
    "postgresql:/x",
    "mysql://h/d",
    "",
)
PLAYBOOKS = sorted(Path(__file__).resolve().parents[5].glob("playbooks/*.yml"))


@pytest.mark.parametrize("value", DATABASES)
def test_databases(value: str) -> None:
    assert is_database(value)
    assert as_place(value) == value


@pytest.mark.parametrize("value", PATHS)
def test_paths(value: str) -> None:
    assert not is_database(value)
    assert without_passwords(value) == value
    assert passwords_in(value) == set()


def test_a_path_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("STATE", "/state")
    assert [as_place(path) for path in ("~/j.db", "$STATE/j.db", "j.db")] == ["/home/me/j.db", "/state/j.db", "j.db"]


def test_the_playbooks_tell_them_apart_in_the_same_way() -> None:
    patterns = {
        found for path in PLAYBOOKS for found in re.findall(r"fleet_journal is match\('(.*?)'\)", path.read_text())
    }
    (pattern,) = patterns
    assert [value for value in DATABASES if not re.match(pattern, value)] == ["PostgreSQL://h/d"]
    assert [value for value in PATHS if re.match(pattern, value)] == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:s3cret@h/d", "postgresql://u@h/d"),
        ("postgresql://u:s3cret@h:1,i:2/d?sslmode=require", "postgresql://u@h:1,i:2/d?sslmode=require"),
        ("postgresql://u:s3cret/@?x@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p@s3cret@h/d?application_name=a", "postgresql://u@h/d?application_name=a"),
        ("postgresql://:s3cret@h/d", "postgresql://@h/d"),
        ("postgresql://u@h/d?password=s3cret", "postgresql://u@h/d"),
        ("postgresql://u@h/d?password=s3cret&sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("postgresql://u@h/d?sslmode=require&password=s3cret&port=1", "postgresql://u@h/d?sslmode=require&port=1"),
        ("postgresql://h/d?user=a@b&password=s3cret", "postgresql://h/d?user=a@b"),
        ("postgresql://u@h/d?sslkey=k&sslpassword=s3cret", "postgresql://u@h/d?sslkey=k"),
        ("host=h password=s3cret dbname=d", "host=h dbname=d"),
        ("host=h password = 's3cret and more' dbname=d", "host=h dbname=d"),
        (r"host=h password='s3cret\' and' dbname=d", "host=h dbname=d"),
        (r"password=s3cret\ and host=h", "host=h"),
        ("host=h password='s3cret", "host=h"),
        ("service=licensing", "service=licensing"),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    assert without_passwords(address) == shown
    if "s3cret" in address:
        assert any("s3cret" in one for one in passwords_in(address))


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_whatever_the_password_is(password: str) -> None:
    """Both as it is written and as it is meant."""
    written = urllib.parse.quote(password, safe="")
    assert {written, password} <= passwords_in(f"postgresql://u:{written}@h/d")
    assert without_passwords(f"postgresql://u:{written}@h/d?port=1") == "postgresql://u@h/d?port=1"
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    assert password in passwords_in(f"host=h password='{quoted}' dbname=d")
    assert without_passwords(f"host=h password='{quoted}' dbname=d") == "host=h dbname=d"
