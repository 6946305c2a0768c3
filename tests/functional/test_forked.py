# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forked program differs from a new interpreter in nothing that a test could see."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.forked import Forked, plain_environment, server
from ansible_collections.thingspace.licensing.tests.support.simulated import Json

TELL = """
import atexit, json, os, sys, tempfile
atexit.register(lambda: print("at the end", flush=True))
print(json.dumps({
    "argv": sys.argv, "input": sys.stdin.read(), "environment": dict(os.environ), "folder": os.getcwd(),
    "process": os.getpid(), "parent": os.getppid(), "name": __name__, "path": sys.path[0],
    "leads": os.getsid(0) == os.getpid(), "files": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
    "temporary": tempfile.gettempdir(), "encodings": [one.encoding for one in (sys.stdin, sys.stdout, sys.stderr)],
    "buffered": [one.line_buffering for one in (sys.stdout, sys.stderr)],
    "errors": [one.errors for one in (sys.stdin, sys.stdout, sys.stderr)],
}))
sys.exit(7)
"""
WAIT = "import sys\nprint('here', flush=True)\nsys.stdin.read()\n"

Start = t.Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(tmp_path: Path) -> t.Iterator[Start]:
    """Starts lines of Python; C(forked) or in a new interpreter."""
    processes: list[subprocess.Popen[str]] = []

    def start(
        code: str, *arguments: str, before: t.Sequence[str] = (), forked: bool = True, **options: t.Any
    ) -> subprocess.Popen[str]:
        program = tmp_path / "program.py"
        if not program.exists() or program.read_text(encoding="utf-8") != code:
            program.write_text(code, encoding="utf-8")
        env = plain_environment(tmp_path / "home", OWN="word")
        given: Json = {"cwd": tmp_path, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, *before, str(program), *arguments]
        given |= {"text": True, "env": env, **options}
        processes.append(Forked(server(env), command, **given) if forked else subprocess.Popen(command, **given))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="it is not used elsewhere")
@pytest.mark.parametrize("before", [[], ["-P"]])
@pytest.mark.parametrize("session", [False, True])
def test_like_a_new_interpreter(started: Start, session: bool, before: list[str]) -> None:
    told = []
    for forked in (True, False):
        process = started(TELL, "a", "b c", before=before, forked=forked, start_new_session=session)
        stdout, stderr = process.communicate("an input")
        lines = stdout.splitlines()
        assert (lines[1:], stderr, process.returncode) == (["at the end"], "", 7)
        told.append(json.loads(lines[0]))
        assert told[-1].pop("process") == process.pid
    assert told[0] == told[1]


@pytest.mark.skipif(sys.platform != "linux", reason="it is not used elsewhere")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(started: Start, number: signal.Signals) -> None:
    for forked in (True, False):
        process = started(WAIT, forked=forked)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(30) == -number


@pytest.mark.skipif(sys.platform != "linux", reason="it is not used elsewhere")
def test_each_is_a_child_of_who_asked_for_it(started: Start) -> None:
    """Also when several ask at a time: otherwise nobody would know how it ended, nor send it a signal."""
    code = f"import os, sys\nsys.exit(os.getppid() == {os.getpid()})\n"
    processes = [started(code)]
    with ThreadPoolExecutor(8) as pool:
        processes += pool.map(lambda _number: started(code), range(40))
    assert {process.wait(30) for process in processes} == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="it is not used elsewhere")
def test_what_it_raises(started: Start) -> None:
    process = started("import threading\nthreading.Thread(target=print, args=['thread']).start()\n1 / 0\n")
    stdout, stderr = process.communicate()
    assert process.returncode == 1
    assert stdout == "thread\n"
    assert stderr.rstrip().endswith("ZeroDivisionError: division by zero")
