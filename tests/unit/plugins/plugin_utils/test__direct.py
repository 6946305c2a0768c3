# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module in a fork: its streams, its end, and what it does not keep of the process around it."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.controller import PLUGINS, import_plugin

_direct = import_plugin("plugin_utils._direct")
MODULES = sorted(path.stem for path in (Path(__file__).resolve().parents[4] / "plugins" / "modules").glob("[!_]*.py"))

linux = pytest.mark.skipif(sys.platform != "linux", reason="modules are packed elsewhere")


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_an_action_that_runs_it(name: str) -> None:
    action = import_plugin(f"action.{name}").ActionModule
    assert issubclass(action, _direct.DirectAction)
    assert action.module.__name__ == f"{PLUGINS}modules.{name}"


def say(*what: t.Any, error: bool = False) -> None:
    """Write to the stream of the time."""
    (sys.stderr if error else sys.stdout).write(" ".join(map(str, what)))


def fail() -> None:
    raise LookupError("odd")


@linux
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
    assert _direct.in_fork(run) == (rc, stdout, stderr)


@linux
def test_a_defect_is_told() -> None:
    ended = _direct.in_fork(fail)
    assert ended.rc == 1
    assert "LookupError: odd" in ended.stderr


@linux
def test_what_it_does_not_inherit(tmp_path: Path) -> None:
    """Open files, and handlers of signals, which would do what the process around it does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda *_args: None)
        with (tmp_path / "open").open("w", encoding="utf-8") as stream:
            os.set_inheritable(stream.fileno(), True)
            ended = _direct.in_fork(
                lambda: say(
                    sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
                    signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
                    signal.getsignal(signal.SIGINT) is signal.default_int_handler,
                )
            )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended.stdout == "[0, 1, 2] True True"


@linux
def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ended = _direct.in_fork(lambda: say(signal.getsignal(signal.SIGINT) is signal.SIG_IGN))
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.stdout == "True"


@linux
def test_the_context_beside_it_begins_after_the_fork_and_ends_with_it() -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def beside() -> t.Iterator[None]:
        told.append("begin")
        yield
        told.append("end")

    assert _direct.in_fork(lambda: say(told), beside).stdout == "[]"
    assert told == ["begin", "end"]


@pytest.mark.parametrize(
    ("interpreter", "same"),
    [
        (sys.executable, True),
        (os.path.realpath(sys.executable), os.path.realpath(sys.executable) == sys.executable),
        ("/usr/bin/env python3", False),
        ("python3", False),
        ("auto", False),
        ("", False),
        (None, False),
    ],
)
def test_which_python(interpreter: t.Any, same: bool) -> None:
    """The same program in another environment would find other libraries."""
    assert _direct._is_this_python(interpreter) is same


def test_the_controller_of_a_worker_is_its_playbook() -> None:
    """In a process of its own, as Ansible's workers are; without one it is the process itself."""
    assert _direct.controller() == os.getpid()
    fork = multiprocessing.get_context("fork")
    told = fork.SimpleQueue()
    worker = fork.Process(target=lambda: told.put(_direct.controller()))
    worker.start()
    assert told.get() == os.getpid()
    worker.join(30)


@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_collected_while_ansible_packs_the_module(monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    """Also when the task fails, the process is left as it was."""
    meanwhile: list[bool] = []

    def execute(**_arguments: t.Any) -> t.NoReturn:
        meanwhile.append(gc.isenabled())
        raise OSError

    action = object.__new__(_direct.DirectAction)
    action._task = types.SimpleNamespace(async_val=0, args={}, no_log=False)
    action._connection = types.SimpleNamespace(transport="ssh", has_native_async=False)
    action._execute_module = execute
    monkeypatch.setattr(_direct.ActionBase, "run", lambda *_arguments: {})
    enabled = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with pytest.raises(OSError):
            action.run()
        assert meanwhile == [False]
        assert gc.isenabled() is before
    finally:
        (gc.enable if enabled else gc.disable)()
