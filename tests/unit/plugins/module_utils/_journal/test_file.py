# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal as a file: made, upgraded, opened to read, and everything that can be wrong with it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import file as journal_file
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.errors import guarded
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.file import APPLICATION_ID, connect
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.lock import remember_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.schema import SCHEMA
from ansible_collections.thingspace.licensing.tests.support.journals import never


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def make(path: Path) -> None:
    connect(str(path), write=True, told=never).close()


def refused(path: Path | str, *, write: bool, patience: float = 0.1) -> LicensingError:
    with pytest.raises(LicensingError) as caught:
        connect(str(path), write=write, patience=patience, told=never).close()
    assert str(path) in caught.value.message
    return caught.value


def pragma(db: sqlite3.Connection, name: str) -> t.Any:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_one(path: Path) -> None:
    db = connect(str(path), write=True, told=never)
    assert [pragma(db, name) for name in ("application_id", "user_version", "journal_mode", "synchronous")] == [
        APPLICATION_ID,
        len(SCHEMA),
        "wal",
        2,
    ]
    uuid = db.execute("SELECT uuid FROM identity").fetchone()[0]
    db.close()
    assert path.with_name("journal.db.id").read_text() == uuid + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "its device ids are nobody else's business"
    db = connect(str(path), write=True, told=never)
    assert db.execute("SELECT uuid FROM identity").fetchall() == [(uuid,)]
    db.close()


def test_reading_makes_nothing(path: Path) -> None:
    db = connect(str(path), write=False, told=never)
    assert db.execute("SELECT count(*) FROM run").fetchone() == (0,)
    db.close()
    assert os.listdir(path.parent) == []


def test_reading_changes_nothing(path: Path) -> None:
    make(path)
    before = path.read_bytes()
    db = connect(str(path), write=False, told=never)
    with pytest.raises(LicensingError) as caught, guarded(str(path)):
        db.execute("INSERT INTO scope (account, sku, kind) VALUES ('a', 'b', 'c')")
    assert "read-only" in caught.value.message
    db.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
def test_upgrade_from_the_first_schema(path: Path, write: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as old:
        old.setattr(journal_file, "SCHEMA", SCHEMA[:1])
        db = connect(str(path), write=True, told=never)
        db.execute("INSERT INTO scope (account, sku, kind) VALUES ('a', 'b', 'imei')")
        uuid = db.execute("SELECT uuid FROM identity").fetchone()
        db.close()
    before = path.read_bytes()
    db = connect(str(path), write=write, told=never)
    assert pragma(db, "user_version") == len(SCHEMA)
    assert db.execute("SELECT account FROM scope").fetchall() == [("a",)]
    assert db.execute("SELECT count(*) FROM callback").fetchone() == (0,)
    assert db.execute("SELECT uuid FROM identity").fetchone() == uuid
    db.close()
    if not write:
        assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_one(path: Path, write: bool) -> None:
    make(path)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(SCHEMA) + 1}")
    db.close()
    assert refused(path, write=write).code == "journal_newer"


@pytest.mark.parametrize("write", [True, False])
def test_a_file_of_another_program(path: Path, write: bool) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.commit()
    db.close()
    before = path.read_bytes()
    error = refused(path, write=write)
    assert error.code == "journal_unusable"
    assert "another program" in error.message
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("content", [b"imei\n990000000000001\n" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_what_is_no_database_is_left_alone(path: Path, write: bool, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path, write=write).code == "journal_unusable"
    remember_journal(str(path), "there was one")
    assert refused(path, write=write).code == "journal_damaged"
    assert path.read_bytes() == content


@pytest.mark.parametrize("write", [True, False])
def test_damage_is_noticed_and_left_as_it_is(path: Path, write: bool) -> None:
    db = connect(str(path), write=True, told=never)
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO scope (account, sku, kind) VALUES (?, ?, 'imei')", [(f"a{n}", "s" * 200) for n in range(500)]
    )
    db.execute("COMMIT")
    db.close()
    content = bytearray(path.read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half : half + 8192] = os.urandom(1) * 8192
    path.write_bytes(content)
    error = refused(path, write=write)
    assert error.code == "journal_damaged"
    assert ".recover" in error.message
    assert path.read_bytes() == content


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("empty", [True, False])
def test_one_that_vanished_is_not_begun_anew(path: Path, write: bool, empty: bool) -> None:
    make(path)
    path.unlink()
    if empty:
        path.write_bytes(b"")
    error = refused(path, write=write)
    assert (error.code, f"{path}.id" in error.message) == ("journal_damaged", True)
    assert path.exists() is empty
    path.with_name("journal.db.id").unlink()
    connect(str(path), write=write, told=never).close()


def test_an_empty_file_becomes_one(path: Path) -> None:
    path.touch()
    connect(str(path), write=False, told=never).close()
    assert path.read_bytes() == b""
    make(path)
    assert path.read_bytes()[:15] == b"SQLite format 3"


def test_a_copy_elsewhere_is_the_same_journal(path: Path, tmp_path: Path) -> None:
    make(path)
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    make(copy)
    assert copy.with_name("copy.db.id").read_text() == path.with_name("journal.db.id").read_text()


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(("name", "word"), [("", "is a directory"), ("none/j.db", "does not exist")])
def test_places_that_cannot_be(tmp_path: Path, name: str, word: str, write: bool) -> None:
    error = refused(tmp_path / name, write=write)
    assert (error.code, word in error.message) == ("journal_unusable", True)


@pytest.mark.parametrize("name", ["a b.db", "a?b#c%d.db", "J-ä.db", "a'b;c.db"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    make(tmp_path / name)
    connect(str(tmp_path / name), write=False, told=never).close()
    assert {file for file in os.listdir(tmp_path) if not file.endswith(("-wal", "-shm"))} == {name, name + ".id"}


def test_a_lock_that_is_kept(path: Path) -> None:
    make(path)
    holder = connect(str(path), write=True, told=never)
    holder.execute("BEGIN IMMEDIATE")
    waiting = connect(str(path), write=True, patience=0.05, told=never)
    with pytest.raises(LicensingError) as caught, guarded(str(path)):
        waiting.execute("BEGIN IMMEDIATE")
    assert caught.value.code == "journal_locked"
    reader = connect(str(path), write=False, patience=0.05, told=never)
    assert reader.execute("SELECT count(*) FROM run").fetchone() == (0,), "reading goes on"
    for db in (holder, waiting, reader):
        db.close()


def test_a_folder_that_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to make the log's shared memory, the file is read as it lies on the disk."""
    make(path)
    real = os.access
    folder = str(path.parent)
    monkeypatch.setattr(
        os, "access", lambda place, mode: not (place == folder and mode == os.W_OK) and real(place, mode)
    )
    connect(str(path), write=False, told=never).close()
    assert sorted(os.listdir(path.parent)) == ["journal.db", "journal.db.id"]


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_may_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch, write: bool) -> None:
    make(path)
    monkeypatch.setattr(os, "access", lambda _place, _mode: False)
    if not write:
        assert "not readable" in refused(path, write=write).message


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("database is locked", "journal_locked", "Run again"),
        ("database or disk is full", "journal_full", "Make room"),
        ("attempt to write a readonly database", "journal_unusable", "read-only"),
        ("database disk image is malformed", "journal_damaged", ".recover"),
        ("file is not a database", "journal_unusable", "not a journal"),
        ("unable to open database file", "journal_unusable", "cannot be opened"),
        ("disk I/O error", "journal_unusable", "disk I/O error"),
    ],
)
def test_every_error_of_sqlite_has_a_name(text: str, code: str, word: str) -> None:
    with pytest.raises(LicensingError) as caught, guarded("j.db"):
        raise sqlite3.OperationalError(text)
    assert (caught.value.code, word in caught.value.message) == (code, True)


def test_a_python_without_sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "sqlite3", None)
    with pytest.raises(LicensingError) as caught:
        connect(str(path), write=True, told=never)
    assert caught.value.code == "missing_library"


def test_a_large_one_is_checked_only_after_a_run_that_did_not_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path)
    monkeypatch.setattr(journal_file, "CHECKED_BELOW", 0)
    looked: list[str] = []
    real = sqlite3.connect

    def watched(*args: t.Any, **options: t.Any) -> sqlite3.Connection:
        db: sqlite3.Connection = real(*args, **options)
        db.set_trace_callback(looked.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", watched)
    db = connect(str(path), write=True, told=never)
    assert not any("quick_check" in line for line in looked)
    db.execute("INSERT INTO run (account, sku, action, host, pid, started) VALUES ('a', 's', 'assign', 'h', 1, 'x')")
    db.close()
    connect(str(path), write=False, told=never).close()
    assert any("quick_check" in line for line in looked)
