# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock that keeps two jobs from sending for one account, and the note that there is a journal."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import stat
import typing as t
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.lock import (
    account_lock,
    known_journal,
    remember_journal,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.stores import require_usable
from ansible_collections.thingspace.licensing.tests.support.journals import never

ONE, OTHER = "0000123456-00001", "0000123456-00002"
CONTEXT = multiprocessing.get_context("fork")


def keep(path: str, account: str, end: Connection) -> None:
    with account_lock(path, account, 10, told=never):
        end.send("kept")
        end.poll(30)


class Holder:
    """Another process that keeps the lock of an account."""

    def __init__(self, path: str) -> None:
        self._end, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=keep, args=(path, ONE, theirs))
        self.process.start()
        assert self._end.poll(30)
        assert self._end.recv() == "kept"

    def stop(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            self._end.send("end")
        self.process.join(30)


ODD: dict[str, t.Callable[[Path], object]] = {
    "nothing": lambda _lock: None,
    "a file": lambda lock: lock.touch(),
    "a link to a file that it can create": lambda lock: lock.symlink_to(lock.with_name("elsewhere")),
    "a directory": lambda lock: lock.mkdir(),
    "a link to a directory": lambda lock: lock.symlink_to(lock.parent),
    "a link to nowhere": lambda lock: lock.symlink_to(lock.with_name("none") / "j.db.lock"),
    "a link to itself": lambda lock: lock.symlink_to(lock),
}


def refusal(act: t.Callable[[], object]) -> str:
    """Why it is refused; empty if it is not."""
    try:
        act()
    except LicensingError as error:
        return f"{error.code} {error.message}"
    return ""


def lock(path: str) -> None:
    with account_lock(path, ONE, 1, told=never):
        pass


@pytest.mark.parametrize("odd", ODD)
def test_whoever_only_looks_is_told_the_same(path: str, odd: str) -> None:
    """Before anything is sent, in check mode and in a real run. Nothing is created."""
    ODD[odd](Path(path + ".lock"))
    before = sorted(Path(path).parent.iterdir())
    told = {
        refusal(lambda write=write: require_usable(path, write=write, told=never, patience=1.0))  # type: ignore[misc]
        for write in (False, True)
    }
    assert sorted(Path(path).parent.iterdir()) == before
    assert told == {refusal(lambda: lock(path))}
    assert (told == {""}) == (odd in [*ODD][:3])


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "j.db")


@pytest.fixture
def holder(path: str) -> t.Iterator[Holder]:
    made = Holder(path)
    yield made
    made.stop()


def test_one_job_at_a_time_for_an_account(path: str, holder: Holder) -> None:
    with pytest.raises(LicensingError) as caught, account_lock(path, ONE, 0.15, told=never):
        raise AssertionError
    assert caught.value.code == "journal_locked"
    assert "Nothing was sent" in caught.value.message
    with account_lock(path, OTHER, 0.0, told=never):
        pass
    holder.stop()
    with account_lock(path, ONE, 0.0, told=never):
        pass


def test_a_killed_job_keeps_no_lock(path: str, holder: Holder) -> None:
    os.kill(holder.process.pid or 0, signal.SIGKILL)
    holder.process.join(30)
    with account_lock(path, ONE, 0.0, told=never):
        pass


def test_without_a_journal_nothing_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with account_lock("", ONE, 0.0, told=never), account_lock("", ONE, 0.0, told=never):
        assert os.listdir(tmp_path) == []


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(LicensingError) as caught, account_lock(str(tmp_path / "none" / "j.db"), ONE, 0.0, told=never):
        raise AssertionError
    assert caught.value.code == "journal_unusable"


def test_the_note(path: str) -> None:
    assert known_journal(path) == ""
    remember_journal(path, "an-identity")
    assert known_journal(path) == "an-identity"
    remember_journal(path, "an-identity")
    assert Path(path + ".id").read_text() == "an-identity\n"


def test_a_note_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LicensingError) as caught:
        remember_journal(str(tmp_path / "none" / "j.db"), "x")
    assert caught.value.code == "journal_unusable"
    assert "j.db.id cannot be written" in caught.value.message


def test_a_note_that_says_nothing(path: str) -> None:
    Path(path + ".id").write_bytes(b"\xff\xfe" * 100 + b"\n")
    assert len(known_journal(path)) <= 40


@pytest.mark.parametrize(("journal", "lock"), [(0o600, 0o600), (0o640, 0o660), (0o660, 0o660), (0o644, 0o666)])
def test_whoever_creates_the_file_of_locks_all_who_read_the_journal_may_lock(
    tmp_path: Path, journal: int, lock: int
) -> None:
    path = tmp_path / "j.db"
    path.touch()
    path.chmod(journal)
    with account_lock(str(path), ONE, 0.0, told=never):
        assert stat.S_IMODE((tmp_path / "j.db.lock").stat().st_mode) == lock


@pytest.mark.parametrize(("folder", "lock"), [(0o700, 0o600), (0o750, 0o600), (0o770, 0o660)])
def test_where_no_journal_is_yet_who_may_create_it_may_lock(tmp_path: Path, folder: int, lock: int) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(folder)
    with account_lock(str(place / "j.db"), ONE, 0.0, told=never):
        assert stat.S_IMODE((place / "j.db.lock").stat().st_mode) == lock
