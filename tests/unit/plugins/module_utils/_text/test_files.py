# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a file in one step."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._text import files
from ansible_collections.thingspace.licensing.plugins.module_utils._text.files import (
    PRIVATE,
    READABLE,
    replacing,
    write,
)

MODES: list[int | None] = [None, PRIVATE, READABLE]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=MODES, ids=["as it is", "private", "readable"])
def mode(request: pytest.FixtureRequest) -> int | None:
    return t.cast("int | None", request.param)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old", encoding="ascii")
    return path


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError("odd"), KeyboardInterrupt()])
def test_what_dies_half_way_leaves_the_old_file_whole(mode: int | None, error: BaseException, old: Path) -> None:
    def die() -> None:
        with replacing(str(old), mode) as stream:
            stream.write("new")
            stream.flush()
            raise error

    with pytest.raises(type(error)):
        die()
    assert old.read_text(encoding="ascii") == "old"
    assert os.listdir(old.parent) == ["file"], "nothing is left beside it"


def test_what_dies_between_two_pieces_leaves_the_old_file_whole(mode: int | None, old: Path) -> None:
    def texts() -> t.Iterator[str]:
        yield "new" * 100_000
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        write(str(old), texts(), mode)
    assert old.read_text(encoding="ascii") == "old"
    assert os.listdir(old.parent) == ["file"], "nothing is left beside it"


def test_a_kill_leaves_the_old_file_whole(mode: int | None, old: Path) -> None:
    program = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import files\n"
        "with files.replacing(sys.argv[2], eval(sys.argv[3])) as stream:\n"
        "    stream.write('new'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    arguments = [sys.executable, "-c", program, os.path.dirname(files.__file__), str(old), repr(mode)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert old.read_text(encoding="ascii") == "old"


def test_a_reader_sees_one_text_or_the_other(mode: int | None, old: Path) -> None:
    with old.open(encoding="ascii") as reader:
        with replacing(str(old), mode) as stream:
            stream.write("n")
            stream.flush()
            assert old.read_text(encoding="ascii") == "old"
            stream.write("ew\n")
        assert reader.read() == "old"
    assert old.read_bytes() == b"new\n"


def test_a_name_that_cannot_be_taken(mode: int | None, tmp_path: Path) -> None:
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write(str(tmp_path / "folder"), "new", mode)
    with pytest.raises(FileNotFoundError):
        write(str(tmp_path / "none" / "file"), "new", mode)
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("before", [0o600, 0o640, 0o664, None])
def test_permissions(mode: int | None, before: int | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.touch()
        path.chmod(before)
    umask = os.umask(0o027)
    try:
        write(str(path), "new", mode)
    finally:
        os.umask(umask)
    assert mode_of(path) == (mode or before or 0o640)


def test_what_is_private_in_the_end_is_so_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for before in (PRIVATE, 0o640):
        path.touch()
        path.chmod(before)
        with replacing(str(path), None if before == 0o640 else PRIVATE):
            (beside,) = (one for one in tmp_path.iterdir() if one != path)
            assert mode_of(beside) == PRIVATE


def test_a_link_stays_a_link_where_the_file_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    target.write_text("old", encoding="ascii")
    link.symlink_to(target)
    write(str(link), "new")
    assert (link.is_symlink(), target.read_text(encoding="ascii")) == (True, "new")
    write(str(link), "newer", READABLE)
    assert (link.is_symlink(), target.read_text(encoding="ascii")) == (False, "new")


def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text(encoding="ascii")), daemon=True)
    reader.start()
    write(str(pipe), "new")
    reader.join(10)
    assert got == ["new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_none(links: bool, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:

        def refuse(*_paths: str) -> None:
            raise OSError(errno.EPERM, "this file system has no links")

        monkeypatch.setattr(files.os, "link", refuse)
    with pytest.raises(FileExistsError), replacing(str(old), PRIVATE, new=True) as stream:
        stream.write("new")
    assert old.read_text(encoding="ascii") == "old"
    with replacing(str(old.parent / "other"), PRIVATE, new=True) as stream:
        stream.write("new")
    assert (old.parent / "other").read_text(encoding="ascii") == "new"
    assert mode_of(old.parent / "other") == PRIVATE
    assert sorted(os.listdir(old.parent)) == ["file", "other"]


def test_a_protected_file_is_not_replaced(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directory would allow it. The super-user may write everything, so the answer of the system is given here."""
    monkeypatch.setattr(files.os, "access", lambda _path, wanted: wanted != os.W_OK)
    with pytest.raises(PermissionError):
        write(str(old), "new")
    assert (old.read_text(encoding="ascii"), os.listdir(old.parent)) == ("old", ["file"])


@pytest.mark.parametrize("function", ["open", "replace"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS])
def test_what_cannot_be_replaced(function: str, number: int, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without write permission, a directory where others' files stay, or a mount of a single file."""

    def refuse(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, function, refuse)
    in_place = number != errno.EROFS and (function == "replace" or number != errno.EBUSY)
    if in_place:
        write(str(old), "new")
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            write(str(old), "new")
    assert old.read_text(encoding="ascii") == ("new" if in_place else "old")
    assert os.listdir(old.parent) == ["file"]


def test_a_stream_of_the_process_is_written_to() -> None:
    """It has a name below /proc that leads to no file."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import files; files.write('/dev/stdout', 'new')"
    command = [sys.executable, "-c", program, os.path.dirname(files.__file__)]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout == b"new"


def test_the_group_is_kept_where_the_owner_cannot_be(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fchown(_handle: int, owner: int, _group: int) -> None:
        asked.append(owner)
        if owner != -1:
            raise PermissionError

    monkeypatch.setattr(files.os, "fchown", fchown)
    write(str(old), "new")
    assert asked == [os.getuid(), -1]
