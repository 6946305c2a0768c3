# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fork: its streams, its end, and what it does not keep of the process around it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import import_plugin

_fork = import_plugin("plugin_utils._fork")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="modules are packed elsewhere")


def say(*what: t.Any, error: bool = False) -> None:
    """Write to the stream of the time."""
    (sys.stderr if error else sys.stdout).write(" ".join(map(str, what)))


def fail() -> None:
    raise LookupError("odd")


class Failing(contextlib.nullcontext[None]):
    """A context that cannot begin."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def __enter__(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("run", "rc", "stdout", "stderr"),
    [
        (lambda: say("é"), 0, "é", ""),
        (lambda: os.write(1, b"a" * 1_000_000), 0, "a" * 1_000_000, ""),
        (lambda: os.write(2, b"b" * 1_000_000), 0, "", "b" * 1_000_000),
        (lambda: os.write(1, b"\xff"), 0, "\udcff", ""),
        (lambda: say("c", error=True), 0, "", "c"),
        (lambda: subprocess.run(["/bin/echo", "d"], check=True), 0, "d\n", ""),
        (sys.exit, 0, "", ""),
        (lambda: sys.exit(3), 3, "", ""),
        (lambda: sys.exit("words"), 1, "", ""),
        (lambda: os._exit(4), 4, "", ""),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL, "", ""),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -signal.SIGTERM, "", ""),
    ],
)
def test_how_it_ends(run: t.Callable[[], t.Any], rc: int, stdout: str, stderr: str) -> None:
    assert _fork.in_fork(run) == (rc, stdout, stderr)


def test_a_defect_is_told() -> None:
    ended = _fork.in_fork(fail)
    assert ended.rc == 1
    assert "LookupError: odd" in ended.stderr


def test_what_it_does_not_inherit(tmp_path: Path) -> None:
    """Open files, and handlers of signals, which would do what the process around it does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda *_args: None)
        with (tmp_path / "open").open("w", encoding="utf-8") as stream:
            os.set_inheritable(stream.fileno(), True)
            paths = [f"/proc/self/fd/{handle}" for handle in range(3, stream.fileno() + 1)]
            ended = _fork.in_fork(
                lambda: say(
                    {os.readlink(path) for path in paths if os.path.lexists(path)},
                    os.get_inheritable(stream.fileno()),
                    signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
                    signal.getsignal(signal.SIGINT) is signal.default_int_handler,
                )
            )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended == (0, "{'/dev/null'} False True True", "")


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ended = _fork.in_fork(lambda: say(signal.getsignal(signal.SIGINT) is signal.SIG_IGN))
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.stdout == "True"


def test_files_of_ansible_are_not_written_to(tmp_path: Path) -> None:
    """A log remains open in the fork. What Ansible or a plugin writes to it goes nowhere, and not into a journal."""
    own = tmp_path / "own"
    with (tmp_path / "log").open("wb", buffering=0) as log:

        def run() -> None:
            with own.open("wb", buffering=0) as mine:
                log.write(b"a warning")
                mine.write(b"mine")
                say(log.fileno() != mine.fileno())

        assert _fork.in_fork(run).stdout == "True"
        log.write(b"still there")
    assert (tmp_path / "log").read_bytes() == b"still there"
    assert own.read_bytes() == b"mine"


def test_no_signal_cuts_off_the_result() -> None:
    def run() -> None:
        signal.signal(signal.SIGALRM, lambda *_args: None)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        say("a" * 20_000_000)

    assert len(_fork.in_fork(run).stdout) == 20_000_000


def test_where_nobody_wants_to_know_how_children_end() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        ended = _fork.in_fork(lambda: say("done"))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert ended == (0, "done", "")


def test_without_what_was_to_be_beside_it() -> None:
    failing = Failing(RuntimeError("can't start new thread"))
    assert _fork.in_fork(lambda: say("done"), lambda: failing) == (0, "done", "")


def test_nobody_listens_after_an_interruption(tmp_path: Path) -> None:
    """As a task timeout interrupts, at any moment. The fork then finds out."""
    told = tmp_path / "told"

    def run() -> None:
        try:
            while True:
                os.write(1, b"a" * 65536)
        except BrokenPipeError:
            told.touch()

    with pytest.raises(KeyboardInterrupt):
        _fork.in_fork(run, lambda: Failing(KeyboardInterrupt()))
    os.wait()
    assert told.exists()


def test_the_context_beside_it_begins_after_the_fork_and_ends_with_it() -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def beside() -> t.Iterator[None]:
        told.append("begin")
        yield
        told.append("end")

    assert _fork.in_fork(lambda: say(told), beside).stdout == "[]"
    assert told == ["begin", "end"]
