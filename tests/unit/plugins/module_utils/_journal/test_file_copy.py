# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever may not write a journal reads it without leaving a trace beside it, whatever its owner does meanwhile."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import sqlite3
import typing as t
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import file as journal_file
from ansible_collections.thingspace.licensing.plugins.module_utils._journal import file_copy
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.journals import never

FLEX = Scope(ACCOUNT, "SIMSec-IoT", "imei")
CONTEXT = multiprocessing.get_context("fork")


def work(path: str, end: Connection) -> None:
    """Open the journal, send for a device, or close it, as told."""
    journal = None
    while (order := end.recv()) != "end":
        if order == "close":
            assert journal is not None
            journal.close()
            journal = None
        else:
            journal = journal or open_journal(path, write=True, told=never)
            if order:
                journal.intend(journal.begin_run(FLEX, "assign", 0), FLEX, "assign", [order], "1-234")
        end.send("done")


class Owner:
    """Another process, which may write."""

    def __init__(self, path: str) -> None:
        self._end, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=work, args=(path, theirs), daemon=True)
        self._process.start()

    def tell(self, order: str) -> None:
        self._end.send(order)
        assert self._end.poll(30)
        assert self._end.recv() == "done"

    def end(self) -> None:
        self._end.send("end")
        self._process.join(30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "j.db"


@pytest.fixture
def owner(path: Path) -> t.Iterator[Owner]:
    made = Owner(str(path))
    made.tell(imei(0))
    yield made
    made.end()


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be one that may not write."""
    monkeypatch.setattr(journal_file, "may_write", lambda _path: False)


def read(path: Path, patience: float = 10) -> list[str]:
    with contextlib.closing(open_journal(str(path), write=False, told=never, patience=patience)) as journal:
        return sorted(journal.ids(FLEX))


def files(path: Path) -> dict[str, int]:
    """What is in its directory, by the numbers of the files."""
    return {found.name: found.stat().st_ino for found in path.parent.iterdir()}


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: t.Callable[[], object], mode: str) -> list[str]:
    """Do something once, right before the journal is opened in a mode. Returns the modes in which it was."""
    real, modes = journal_file._open, list[str]()

    def opened(uri: str, **more: t.Any) -> sqlite3.Connection:
        if "?" in uri:
            modes.append(uri.partition("?")[2])
            if modes == [mode]:
                act()
        return real(uri, **more)

    monkeypatch.setattr(journal_file, "_open", opened)
    return modes


def test_what_lies_there_is_read(path: Path, owner: Owner) -> None:
    """While it is open, and when it is closed."""
    for order in (imei(1), "close"):
        owner.tell(order)
        before = files(path)
        assert read(path) == imeis(2)
        assert files(path) == before
    assert {*before} == {"j.db", "j.db.id"}


def test_a_log_without_its_owner_is_read(path: Path, owner: Owner) -> None:
    """As a backup has it."""
    owner.tell(imei(1))
    there = path.parent.with_name("there") / path.name
    there.parent.mkdir()
    for end in ("", "-wal", ".id"):
        shutil.copy(f"{path}{end}", f"{there}{end}")
    before = files(there)
    assert read(there) == imeis(2)
    assert files(there) == before


def test_the_log_is_not_removed_while_it_is_read(path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be created again, and belong to the reader."""
    before = files(path)
    modes = meanwhile(monkeypatch, lambda: owner.tell("close"), "mode=ro")
    assert read(path) == [imei(0)]
    assert modes == ["mode=ro"]
    assert files(path) == before
    owner.tell(imei(1))
    owner.tell("close")
    assert {*files(path)} == {"j.db", "j.db.id"}


def test_a_file_in_which_others_begin_to_write_is_not_damaged(
    path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.tell("close")
    modes = meanwhile(monkeypatch, lambda: owner.tell(imei(1)), "mode=ro&immutable=1")
    assert read(path) == imeis(2)
    assert modes == ["mode=ro&immutable=1", "mode=ro"]


def test_it_does_not_wait_for_ever(path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.tell("close")
    monkeypatch.setattr(file_copy, "_fill", lambda *_given: False)
    with pytest.raises(LicensingError) as caught:
        read(path, 0.1)
    assert caught.value.code == "journal_locked"
