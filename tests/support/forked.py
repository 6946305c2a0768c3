# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts Python programs as forks of one that has imported what they need, in a tenth of the time.

With C(REAL_PROCESSES=1) in the environment each program is a new interpreter. So it is, too, where a command stands
before Python.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

PROGRAM = Path(__file__).with_name("preloaded.py")
CHECKOUT = Path(__file__).resolve().parents[2]
SIMULATOR = CHECKOUT / "roles" / "simulator" / "files" / "thingspace_simulator"
MODULES = "ansible_collections.thingspace.licensing.plugins.modules."
LIBRARIES = (
    "ansible._internal._ssh._ssh_agent",
    "ansible.config.manager",
    "ansible.parsing.utils.addresses",
    "ansible.utils.collection_loader",
    "asyncio",
    "concurrent.futures.thread",
    "cryptography.hazmat.primitives.serialization.ssh",
    "jinja2.nativetypes",
    "jinja2.sandbox",
    "multiprocessing.popen_fork",
    "multiprocessing.queues",
    "psycopg",
    "requests",
    "sqlite3",
    "tty",
    "urllib.request",
    "yaml",
)
"""What C(ansible-playbook) imports, but for what of Ansible reads settings while it is imported."""
READ_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_")
"""What an interpreter reads from its environment begins with one of these."""
PATIENCE = 60.0
PR_SET_CHILD_SUBREAPER = 36
ADDRESS = "THINGSPACE_TESTS_FORKED_BY"
PLAYBOOK_PROGRAM = Path(__file__).with_name("playbook_program.py")
RUNNER_PROGRAM = Path(__file__).with_name("runner_program.py")
FORKS = sys.platform == "linux" and os.environ.get("REAL_PROCESSES") != "1"

Environment = t.Mapping[str, str]


def plain_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment without anything of the caller's that could reach the code under test."""
    keep = ("PATH", "LANG", "LC_ALL", "ANSIBLE_COLLECTIONS_PATH", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    root = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    home.mkdir(parents=True, exist_ok=True)
    return {**kept, "HOME": str(home), "PYTHONPATH": root, "TMPDIR": str(home), "PYTHONUTF8": "1", **extra}


def popen(command: t.Sequence[str], env: Environment, **options: t.Any) -> subprocess.Popen[str]:
    """Start a program; arguments as of C(subprocess.Popen)."""
    if FORKS and command[0] == sys.executable and command[1] != "-c":
        return Forked(server(env), command, env=env, text=True, **options)
    return subprocess.Popen(command, env=env, text=True, **options)


def ansible_playbook(
    arguments: t.Sequence[str], env: Environment, *, real: bool = False, **options: t.Any
) -> subprocess.Popen[str]:
    """Start C(ansible-playbook).

    :param real: with modules as users have them; they are processes of its group then.
    """
    command = [sys.executable, "-m", "ansible", "playbook", *arguments]
    if FORKS and not real:
        command[1:4] = ["-P", str(PLAYBOOK_PROGRAM)]
        env = with_address(env)
        return Forked(server(env, LIBRARIES), command, env=env, text=True, **options)
    return subprocess.Popen(command, env=env, text=True, **options)


def ansible_runner(arguments: t.Sequence[str], env: Environment, **options: t.Any) -> subprocess.Popen[str]:
    """Start C(ansible-runner); the C(ansible-playbook) in its PATH is that of C(programs)."""
    if FORKS:
        command = [sys.executable, "-P", str(RUNNER_PROGRAM), *arguments]
        libraries = (*LIBRARIES, "ansible_runner.interface", "pexpect")
        return Forked(server(env, libraries), command, env=with_address(env), text=True, **options)
    return subprocess.Popen([sys.executable, "-m", "ansible_runner", *arguments], env=env, text=True, **options)


def programs(folder: Path) -> Path:
    """A folder with such an C(ansible-playbook) for programs that look for one; it needs C(with_address)."""
    program = folder / "programs" / "ansible-playbook"
    program.parent.mkdir(exist_ok=True)
    command = f'"{sys.executable}" -P "{PLAYBOOK_PROGRAM}"' if FORKS else f'"{sys.executable}" -m ansible playbook'
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


def python_beside(folder: Path) -> Path:
    """A Python, without libraries of others, beside such an C(ansible-playbook)."""
    python = programs(folder) / "python3"
    python.symlink_to(sys.executable)
    return python


def with_address(env: Environment) -> dict[str, str]:
    """An environment in which C(playbook_program.py) knows who forks; modules come from the checkout."""
    if not FORKS:
        return dict(env)
    address = server({**env, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]})
    return {"ANSIBLE_PIPELINING": "1", **env, ADDRESS: address}


def server(env: Environment, libraries: tuple[str, ...] = ()) -> str:
    """The address of what forks interpreters that find this in their environment.

    :param libraries: what has been imported there; if there are none, what modules of the collection, the simulator and
        the receiver import.
    """
    return _server(tuple(sorted((name, env[name]) for name in env if name.startswith(READ_AT_THE_START))), libraries)


@functools.cache
def _server(at_the_start: tuple[tuple[str, str], ...], libraries: tuple[str, ...]) -> str:
    folder = tempfile.mkdtemp(prefix="forks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = f"{folder}/socket"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(READ_AT_THE_START)}
    modules = [MODULES + path.stem for path in sorted((CHECKOUT / "plugins" / "modules").glob("[!_]*.py"))]
    names = libraries or (*modules, "thingspace_simulator.cli", "aiohttp.web")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(100)
        handle = listener.fileno()
        program = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(handle), str(SIMULATOR.parent), *names],
            stdin=subprocess.PIPE,  # by whose end it ends
            pass_fds=[handle],
            env={**environment, **dict(at_the_start)},
        )
    atexit.register(program.communicate)
    return address


class Forked(subprocess.Popen[str]):
    """A child of this process like any other, but for the way it came to be.

    :param address: who forks it.
    """

    def __init__(self, address: str, command: t.Sequence[str], **options: t.Any) -> None:
        self._address = address
        super().__init__(command, **options)

    def _execute_child(self, arguments: t.Sequence[str], *others: t.Any) -> None:
        """Called by C(subprocess.Popen) when all pipes are there; C(others) are their ends and the options."""
        cwd, env = others[4:6]
        pipes, start_new_session = others[9:15], others[20]
        request = {
            "arguments": arguments[1:],
            "environment": dict(env),
            "folder": str(cwd or os.getcwd()),
            "session": start_new_session,
        }
        this: t.Any = self
        this.pid = _ask(self._address, request, [pipes[0], pipes[3], pipes[5]])
        this._child_created = True
        this._close_pipe_fds(*pipes)


_adopting = threading.Lock()


def _ask(address: str, request: t.Mapping[str, t.Any], handles: t.Sequence[int]) -> int:
    """The process id of a new child of this process, with these as its input, output and errors."""
    with _adopting, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as channel:
        channel.connect(address)
        _adopt_orphans(True)
        try:
            socket.send_fds(channel, [json.dumps(request).encode()], handles)
            process = int(channel.recv(100))
            begun = channel.recv(100)
        finally:
            _adopt_orphans(False)
    assert begun, "whoever forks has ended"
    return process


def _adopt_orphans(wanted: bool) -> None:
    """Whether a process whose parent ends becomes a child of this one, if it descends from it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def await_ready(process: subprocess.Popen[t.Any], ready: Path, log: t.Callable[[], str]) -> dict[str, t.Any]:
    """What a program writes into its ready file; fails the test when it ends before that."""
    end = time.monotonic() + PATIENCE
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"it did not start: {log()}")
        time.sleep(0.01)
    return t.cast("dict[str, t.Any]", json.loads(ready.read_text(encoding="utf-8")))


def descendants(process: int) -> list[int]:
    """What a process has started, directly or not."""
    found = [process]
    for one in found:
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii")
            found += map(int, told.split())
    return found[1:]


def kill_with_all(process: subprocess.Popen[str]) -> None:
    """End a process and everything that it has started, forks too, as C(kill -9) does."""
    for one in (*descendants(process.pid), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    process.communicate()
