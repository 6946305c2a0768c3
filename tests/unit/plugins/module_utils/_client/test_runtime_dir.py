# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared directory: who may use it, what survives, and that one at a time is in it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client import runtime_dir
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import (
    FileStore,
    MemoryStore,
    Store,
    default_directory,
    open_store,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError

ADDER = """
import sys
sys.path[:0] = sys.argv[1].split("|")
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
store = FileStore(sys.argv[2])
for number in range(int(sys.argv[3])):
    with store.transaction("a") as state:
        state["n"] = state.get("n", 0) + 1
"""

HOLDER = """
import sys, time
sys.path[:0] = sys.argv[1].split("|")
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
with FileStore(sys.argv[2]).transaction("a") as state:
    state["held"] = True
    print("held", flush=True)
    time.sleep(60)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own."""
    command = [sys.executable, "-c", program, "|".join(sys.path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "run"


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, directory: Path) -> Store:
    return open_store(str(directory) if request.param == "file" else "")


def refused(directory: Path | str) -> str:
    """Why a directory is refused."""
    with pytest.raises(LicensingError) as raised:
        FileStore(str(directory))
    assert raised.value.code == "runtime_dir_unusable"
    assert str(directory) in raised.value.message
    return raised.value.message


def test_directory_and_files_are_private_whatever_the_umask(directory: Path) -> None:
    before = os.umask(0)
    try:
        with FileStore(str(directory)).transaction("a") as state:
            state["x"] = 1
    finally:
        os.umask(before)
    assert mode(directory) == 0o700
    assert {path.name: mode(path) for path in directory.iterdir()} == {"a.json": 0o600, "a.lock": 0o600}


@pytest.mark.parametrize("bits", [0o720, 0o702, 0o777, 0o1777])
def test_directory_that_others_may_write_to_is_refused(directory: Path, bits: int) -> None:
    directory.mkdir(parents=True)
    directory.chmod(bits)
    assert f"others may write to it (mode {bits:04o})" in refused(directory)


@pytest.mark.parametrize("bits", [0o700, 0o750, 0o755])
def test_directory_of_ones_own_is_taken(directory: Path, bits: int) -> None:
    directory.mkdir(parents=True)
    directory.chmod(bits)
    FileStore(str(directory))
    assert mode(directory) == bits


def test_directory_of_somebody_else_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FileStore(str(directory))
    monkeypatch.setattr(runtime_dir.os, "geteuid", lambda: os.getuid() + 1)
    assert "it belongs to another user" in refused(directory)


@pytest.mark.parametrize("ending", ["", "/"])
def test_symbolic_link_is_refused(directory: Path, tmp_path: Path, ending: str) -> None:
    FileStore(str(directory))
    link = tmp_path / "link"
    link.symlink_to(directory, target_is_directory=True)
    assert "it is not a directory" in refused(f"{link}{ending}")


def test_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "it is not a directory" in refused(tmp_path / "x")
    refused(tmp_path / "x" / "below")


def test_read_only_directory_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FileStore(str(directory))
    monkeypatch.setattr(runtime_dir.os, "access", lambda _path, _mode: False)
    assert "it is not writable" in refused(directory)


def test_state_survives_the_store(directory: Path) -> None:
    with FileStore(str(directory)).transaction("a") as state:
        state["x"] = {"y": [1]}
    with FileStore(str(directory)).transaction("a") as state:
        assert state == {"x": {"y": [1]}}


def test_names_are_separate(store: Store) -> None:
    with store.transaction("a") as one, store.transaction("b") as two:
        one["x"] = 1
        assert two == {}


def test_change_is_kept_when_the_transaction_fails(store: Store) -> None:
    def fail() -> None:
        with store.transaction("a") as state:
            state["refusals"] = 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.transaction("a") as state:
        assert state == {"refusals": 1}


def test_nothing_is_written_without_a_change(directory: Path) -> None:
    store = FileStore(str(directory))
    with store.transaction("a") as state:
        state["x"] = [1]
    os.utime(directory / "a.json", (1, 1))
    with store.transaction("a") as state:
        state["x"] = [1]
    assert (directory / "a.json").stat().st_mtime == 1
    with store.transaction("a") as state:
        state["x"].append(2)
    assert (directory / "a.json").stat().st_mtime > 1
    with store.transaction("a") as state:
        state["x"] = []
    with store.transaction("a") as state:
        assert state == {"x": []}, "also when it became shorter"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"null", b"\xff\xfe", b'{"a": 1', b"\0" * 100, b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "not UTF-8", "cut later", "NULs", "nested"],
)
def test_damaged_file_counts_as_empty_and_is_replaced(directory: Path, content: bytes) -> None:
    store = FileStore(str(directory))
    (directory / "a.json").write_bytes(content)
    with store.transaction("a") as state:
        assert state == {}
        state["x"] = 1
    assert json.loads((directory / "a.json").read_text()) == {"x": 1}


def test_write_that_fails_is_told_and_leaves_the_old_state(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(str(directory))
    with store.transaction("a") as state:
        state["x"] = 1

    def full(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    for call in ("replace", "pwrite"):
        monkeypatch.setattr(runtime_dir.os, call, full)
    with pytest.raises(LicensingError, match="No space left on device"), store.transaction("a") as state:
        state["x"] = 2
    monkeypatch.undo()
    assert sorted(path.name for path in directory.iterdir()) == ["a.json", "a.lock"]
    with store.transaction("a") as state:
        assert state == {"x": 1}


def test_one_thread_at_a_time(store: Store) -> None:
    def add() -> None:
        for _number in range(20):
            with store.transaction("a") as state:
                before = state.get("n", 0)
                time.sleep(0)
                state["n"] = before + 1

    threads = [threading.Thread(target=add) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.transaction("a") as state:
        assert state == {"n": 80}


def test_patience_ends(store: Store) -> None:
    with store.transaction("a"):
        with pytest.raises(LicensingError, match=r"'a' locked for 0 s") as raised:
            store.transaction("a", patience=0.01).__enter__()
        assert raised.value.code == "runtime_dir_unusable"
    with store.transaction("a", patience=0.0):
        pass


def test_one_process_at_a_time(directory: Path) -> None:
    processes = [start(ADDER, str(directory), "40") for _number in range(2)]
    assert [process.wait(20) for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    assert json.loads((directory / "a.json").read_text()) == {"n": 80}


def test_lock_of_a_killed_process_is_free_at_once(directory: Path) -> None:
    process = start(HOLDER, str(directory))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    store = FileStore(str(directory))
    with pytest.raises(LicensingError), store.transaction("a", patience=0.05):
        raise AssertionError("two are in")
    process.kill()
    process.communicate()
    with store.transaction("a", patience=0.05) as state:
        assert state == {}, "what was not committed is not there"


def test_directory_that_vanishes_is_told(directory: Path) -> None:
    store = FileStore(str(directory))
    directory.rmdir()
    with pytest.raises(LicensingError, match="No such file or directory"), store.transaction("a"):
        raise AssertionError("no directory")


def test_location(directory: Path) -> None:
    assert open_store(str(directory)).location == str(directory)
    assert open_store("").location is None
    assert isinstance(open_store(""), MemoryStore)


def test_default_is_in_the_runtime_directory_of_the_user(tmp_path: Path) -> None:
    assert default_directory({"XDG_RUNTIME_DIR": str(tmp_path)}) == str(tmp_path / "thingspace-licensing")


@pytest.mark.parametrize("environ", [{}, {"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "/does/not/exist"}])
def test_default_without_one_carries_the_user_number(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_dir.tempfile, "gettempdir", lambda: str(tmp_path))
    assert default_directory(environ) == str(tmp_path / f"thingspace-licensing-{os.geteuid()}")


def test_default_skips_a_runtime_directory_that_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_dir.os, "access", lambda _path, _mode: False)
    assert default_directory({"XDG_RUNTIME_DIR": str(tmp_path)}).endswith(f"thingspace-licensing-{os.geteuid()}")
