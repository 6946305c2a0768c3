# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A journal that is moved while it is used: the job stops, and a job that uses the new name does not send the same."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import sqlite as sqlite_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.file import connect
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal, open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never, sqlite_of

SCOPE = Scope(ACCOUNT, "SIMSec-IoT-Lt", "imei")


def move(path: Path) -> None:
    path.rename(path.with_name("other.db"))


def replace(path: Path) -> None:
    path.with_name("copy.db").write_bytes(path.read_bytes())
    path.with_name("copy.db").replace(path)


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


AWAY: list[t.Callable[[Path], None]] = [move, replace, move_folder, Path.unlink]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "journals").mkdir()
    return tmp_path / "journals" / "j.db"


def begun(path: Path) -> tuple[Journal, int]:
    journal = open_journal(str(path), write=True, told=never)
    return journal, journal.begin_run(SCOPE, "assign", 0)


def intend(journal: Journal, run: int, device: str) -> int:
    return journal.intend(run, SCOPE, "assign", [device], "1-234")


@pytest.mark.parametrize("away", AWAY)
def test_nothing_more_is_sent(path: Path, away: t.Callable[[Path], None]) -> None:
    journal, run = begun(path)
    first = intend(journal, run, imei(0))
    away(path)
    for _time in range(2):
        with pytest.raises(LicensingError) as caught:
            intend(journal, run, imei(1))
        assert caught.value.code == "journal_damaged"
        assert "while this task uses it" in caught.value.message
    assert journal.accepted(first, "r1"), "what was sent is still written down"
    assert sorted(journal.attempts(SCOPE, imeis(3))) == [imei(0)]
    journal.end_run(run)
    journal.close()


@pytest.mark.parametrize("away", [move, move_folder])
def test_what_was_sent_is_in_the_moved_file(path: Path, away: t.Callable[[Path], None]) -> None:
    """Its log stays beside the old name, where nobody looks for it."""
    journal, run = begun(path)
    first = intend(journal, run, imei(0))
    away(path)
    journal.accepted(first, "r1")
    journal.end_run(run)
    journal.close()
    (moved,) = [*path.parent.parent.glob("*/other.db"), *path.parent.parent.glob("elsewhere/j.db")]
    found = open_journal(str(moved), write=True, told=never)
    assert found.attempts(SCOPE, imeis(3))[imei(0)][-1].state == "accepted"
    found.begin_run(SCOPE, "assign", 0)
    found.close()


def test_a_moved_journal_tells_of_the_job_that_uses_it(path: Path) -> None:
    journal, run = begun(path)
    intend(journal, run, imei(0))
    sqlite_of(journal).execute("UPDATE run SET pid = ?", (os.getppid(),))
    sqlite_of(journal).execute("PRAGMA wal_checkpoint(PASSIVE)")
    move(path)
    other = open_journal(str(path.with_name("other.db")), write=True, told=never)
    with pytest.raises(LicensingError) as caught:
        other.begin_run(SCOPE, "assign", 0)
    assert caught.value.code == "journal_locked"
    assert f"The process {os.getppid()} is sending" in caught.value.message
    other.begin_run(SCOPE._replace(account="0000123456-00002"), "assign", 0)
    other.close()
    journal.close()


def test_a_run_stands_in_the_file_itself(path: Path) -> None:
    """Whoever opens the file by another name does not see its log."""
    journal, run = begun(path)
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    found = open_journal(str(copy), write=False, told=never)
    assert sqlite_of(found).execute("SELECT id FROM run WHERE ended IS NULL").fetchall() == [(run,)]
    found.close()
    journal.close()


def test_moved_and_back(path: Path) -> None:
    journal, run = begun(path)
    other = path.with_name("other.db")
    path.rename(other)
    other.rename(path)
    assert intend(journal, run, imei(0)) == 1
    journal.close()


def test_replaced_while_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_journal(str(path), write=True, told=never).close()

    def slow(*given: t.Any, **options: t.Any) -> t.Any:
        db = connect(*given, **options)
        replace(path)
        return db

    monkeypatch.setattr(sqlite_module, "connect", slow)
    with pytest.raises(LicensingError) as caught:
        open_journal(str(path), write=True, told=never)
    assert caught.value.code == "journal_damaged"


def test_in_memory() -> None:
    journal = open_journal("", write=True, told=never)
    assert intend(journal, journal.begin_run(SCOPE, "assign", 0), imei(0)) == 1
    journal.close()


def test_a_job_that_ended_since_the_journal_was_opened(path: Path) -> None:
    """What it wrote by the other name meanwhile is not seen by this opening, but by the next one."""
    journal, run = begun(path)
    sqlite_of(journal).execute("UPDATE run SET pid = ?", (os.getppid(),))
    other = open_journal(str(path), write=True, told=never)
    sqlite_of(journal).execute("UPDATE run SET pid = ?", (os.getpid(),))
    with pytest.raises(LicensingError) as caught:
        other.begin_run(SCOPE, "assign", 0)
    assert caught.value.code == "journal_locked"
    other.close()
    journal.end_run(run)
    journal.close()
    begun(path)[0].close()
