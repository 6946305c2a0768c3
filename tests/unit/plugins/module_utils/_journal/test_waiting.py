# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every wait for another process ends soon once the task must end."""

from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
import time
import typing as t
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import (
    postgresql,
    postgresql_watch,
    waiting,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.move import move
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.shared_state import open_shared
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT
from ansible_collections.thingspace.licensing.tests.support.journals import never

CONTEXT = multiprocessing.get_context("fork")


def keep_account(place: str, end: Connection) -> None:
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal, journal.account_lock(ACCOUNT, 30):
        end.send("kept")
        end.poll(60)


def keep_writing(place: str, end: Connection) -> None:
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal, journal._writing():
        end.send("kept")
        end.poll(60)


@contextlib.contextmanager
def kept(keep: t.Callable[[str, Connection], None], place: str) -> t.Iterator[None]:
    """Another process keeps something locked."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=keep, args=(place, theirs))
    process.start()
    try:
        assert ours.poll(60)
        assert ours.recv() == "kept"
        yield
    finally:
        ours.send("end")
        process.join(60)


class Told:
    """Tells the task to end when it is asked for the third time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > 2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """No test waits as long as it may."""
    for module in (waiting, postgresql, postgresql_watch):
        monkeypatch.setattr(module, "GRACE", 0.3)
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 100


def failure_of(act: t.Callable[[], t.Any]) -> LicensingError:
    with pytest.raises(LicensingError) as caught:
        act()
    return caught.value


def test_the_lock_of_an_account(place: str) -> None:
    told = Told()
    with kept(keep_account, place), contextlib.closing(open_journal(place, write=True, told=told)) as journal:
        with pytest.raises(LicensingError) as caught, journal.account_lock(ACCOUNT, 500):
            raise AssertionError
        assert caught.value.code == "interrupted"
        assert "Nothing was sent. Run again when it is done." in caught.value.message
        with journal.account_lock("0000123456-00002", 0):
            assert told(), "a lock that is free is taken, and what was sent before is still recorded"


def test_a_turn_to_log_in(place: str) -> None:
    def log_in() -> None:
        with shared.turn(ACCOUNT, 500):
            raise AssertionError

    with kept(keep_account, place), contextlib.closing(open_shared(place, told=Told())) as shared:
        failure = failure_of(log_in)
        assert (failure.code, "SIM-Secure" in failure.message) == ("interrupted", False)


@pytest.mark.slow
@pytest.mark.parametrize("write", [True, False])
def test_another_writer(place: str, *, write: bool) -> None:
    open_journal(place, write=True, told=never).close()
    with kept(keep_writing, place):
        with contextlib.closing(open_journal(place, write=write, patience=500, told=Told())) as journal:
            assert journal.is_new_to(ACCOUNT), "who reads does not wait"
            failure = failure_of(lambda: journal.end_run(1)) if write else None
        # PostgreSQL lets the server wait, and then the connection is cut.
        expected = "journal_locked" if place.startswith("/") else "journal_unreachable"
        assert failure is None or failure.code == expected


@pytest.mark.slow
def test_a_file_that_another_process_creates(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        failure = failure_of(lambda: open_journal(str(path), write=True, patience=500, told=Told()))
    assert failure.code == "journal_locked"
    open_journal(str(path), write=True, told=never).close()


def test_a_move(place: str, tmp_path: Path) -> None:
    """It ends between two rows, and goes on later."""
    with contextlib.closing(open_journal(place, write=True, told=never)) as journal:
        journal.begin_run(Scope(ACCOUNT, "SIMSec-IoT", "imei"), "assign", 0)
    target = str(tmp_path / "moved.db")
    with kept(keep_account, place):
        failure = failure_of(lambda: move(place, target, told=Told(), patience=500, check=False))
        assert failure.code == "interrupted"
    failure = failure_of(lambda: move(place, target, told=Told(), patience=500, check=False))
    assert (failure.code, "Run the same command again" in failure.message) == ("interrupted", True)
    assert move(place, target, told=never, patience=5, check=False).rows["run"] == 1
