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


class Failing(contextlib.nullcontext[None]):
    """A context that cannot begin."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def __enter__(self) -> None:
        raise self._error


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
                    {os.readlink(f"/proc/self/fd/{handle}") for handle in range(3, stream.fileno() + 1)},
                    os.get_inheritable(stream.fileno()),
                    signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
                    signal.getsignal(signal.SIGINT) is signal.default_int_handler,
                )
            )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended.stdout == "{'/dev/null'} False True True"


@linux
def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ended = _direct.in_fork(lambda: say(signal.getsignal(signal.SIGINT) is signal.SIG_IGN))
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.stdout == "True"


@linux
def test_files_of_ansible_are_not_written_to(tmp_path: Path) -> None:
    """A log remains open in the fork. What Ansible or a plugin writes to it goes nowhere, and not into a journal."""
    own = tmp_path / "own"
    with (tmp_path / "log").open("wb", buffering=0) as log:

        def run() -> None:
            with own.open("wb", buffering=0) as mine:
                log.write(b"a warning")
                mine.write(b"mine")
                say(log.fileno() != mine.fileno())

        assert _direct.in_fork(run).stdout == "True"
        log.write(b"still there")
    assert (tmp_path / "log").read_bytes() == b"still there"
    assert own.read_bytes() == b"mine"


@linux
def test_no_signal_cuts_off_the_result() -> None:
    def run() -> None:
        signal.signal(signal.SIGALRM, lambda *_args: None)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        say("a" * 20_000_000)

    assert len(_direct.in_fork(run).stdout) == 20_000_000


@linux
def test_where_nobody_wants_to_know_how_children_end() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        ended = _direct.in_fork(lambda: say("done"))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert ended == (0, "done", "")


@linux
def test_without_what_was_to_be_beside_it() -> None:
    failing = Failing(RuntimeError("can't start new thread"))
    assert _direct.in_fork(lambda: say("done"), lambda: failing) == (0, "done", "")


@linux
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
        _direct.in_fork(run, lambda: Failing(KeyboardInterrupt()))
    os.wait()
    assert told.exists()


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ({}, False),
        ({"isolated": 1}, True),
        ({"no_site": 1}, True),
        ({"ignore_environment": 1}, True),
        ({"no_user_site": 1}, True),
        ({"no_user_site": 1, "user_site": "/nowhere"}, False),
    ],
)
def test_flags_of_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, t.Any], other: bool) -> None:
    flags = {**dict.fromkeys(("isolated", "no_site", "ignore_environment", "no_user_site"), 0), **given}
    monkeypatch.setattr(_direct.site, "getusersitepackages", lambda: flags.get("user_site", str(tmp_path)))
    monkeypatch.setattr(_direct, "sys", types.SimpleNamespace(flags=types.SimpleNamespace(**flags)))
    assert _direct._has_other_flags() is other


def test_a_module_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with a library, ansible-playbook goes on, and the packed module tells."""

    def broken(_name: str) -> t.NoReturn:
        raise AttributeError("an old library")

    monkeypatch.setattr(_direct.importlib, "import_module", broken)
    assert _direct.loaded("session") is None


def test_a_core_that_nobody_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_direct, "core_version", "2.99.1")
    assert _direct.loaded("session") is None


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


def test_the_controller_that_is_gone_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module then sends nothing, whatever adopted the worker."""
    gone = types.SimpleNamespace(pid=os.getppid() + 1)
    monkeypatch.setattr(_direct.multiprocessing, "parent_process", lambda: gone)
    assert _direct.controller() == gone.pid


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
