# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution: it has the results that a packed module has, and is used only where nothing else differs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import signal
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Playbook,
    Simulator,
    imeis,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="modules are packed elsewhere")

IN_A_FORK = "in a fork"
SECRET = "hush-hush-5417"
PATIENCE = 60


@pytest.fixture
def simulator(start_simulator: Start) -> Simulator:
    """An account with 40 devices, ten of them licensed."""
    return start_simulator("--devices", "40", "--licensed", "10", "--licenses", "30")


@pytest.fixture
def other_python(playbook: Playbook) -> str:
    """Another path of the interpreter, for which modules are packed."""
    wrapper = playbook.folder / "python"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o700)
    return str(wrapper)


def play(simulator: Simulator, *tasks: Json, **more: t.Any) -> list[Json]:
    """A play whose connection options stand in the action group."""
    login = dict.fromkeys(("client_id", "client_secret", "username"), "not-secret")
    group = {"base_url": simulator.base_url, "password": "not-secret", **login}
    defaults = {"group/thingspace.licensing.all": group}
    return [{"hosts": "estate", "gather_facts": False, "module_defaults": defaults, "tasks": list(tasks), **more}]


def task(module: str = "fota_license_info", *, keywords: Json | None = None, **options: t.Any) -> Json:
    """A task of a play."""
    return {f"thingspace.licensing.{module}": {"account": ACCOUNT, **options}, **(keywords or {})}


CASES: dict[str, Json] = {
    "plain": task(),
    "a difference": task("fota_license", devices=imeis(12), keywords={"diff": True, "check_mode": True}),
    "warnings": task("simsec_license_info", journal="{{ playbook_dir }}/none.db"),
    "a failure": task("fota_license", devices=["12"], report="all"),
    "an option that does not exist": task(hue="blue"),
    "a choice that does not exist": task(report="some"),
    "a limit": task("fota_license", devices=imeis(12), max_changes=1),
    "an environment": task(keywords={"environment": {"THINGSPACE_RETRIES": "many"}}),
    "environments": task(keywords={"environment": [{"THINGSPACE_TIMEOUT": "0"}, {"THINGSPACE_RETRIES": "1"}]}),
    "a secret": task(password=SECRET, keywords={"ignore_errors": True}),
    "a variable": task(devices_report="{{ playbook_dir }}/a b/üñ.csv"),
    "a relative path": task("fota_license", devices_file="ids.csv"),
    "an alias and a text for a number": task("fota_license", imeis="{{ [] }}", max_changes="7"),
    "another module": task("simsec_license_info"),
    "no account": {"thingspace.licensing.session": {"state": "present"}},
    "a file of fleets": {"thingspace.licensing.fleet_files": {"src": ["nowhere"]}},
}


def test_like_a_packed_module(simulator: Simulator, playbook: Playbook, other_python: str) -> None:
    # Beside the playbook, which is not where ansible-playbook was started.
    (playbook.folder / "plays").mkdir()
    (playbook.folder / "plays" / "ids.csv").write_text("12\n", encoding="utf-8")
    told: list[dict[str, Json]] = []
    for interpreter in (sys.executable, other_python):
        path = playbook.folder / f"results{len(told)}.json"
        found = ", ".join(f"'{case}': found_{number}" for number, case in enumerate(CASES))
        keep = {"ansible.builtin.copy": {"content": f"{{{{ {{{found}}} | to_json }}}}", "dest": str(path)}}
        tasks = [
            {"ignore_errors": True, **case, "register": f"found_{number}"} for number, case in enumerate(CASES.values())
        ]
        ran = playbook(
            play(simulator, *tasks, {**keep, "vars": {"ansible_python_interpreter": sys.executable}}),
            "-vvv",
            *("-e", json.dumps({"ansible_python_interpreter": interpreter})) if told else (),
            env={"THINGSPACE_RUNTIME_DIR": str(playbook.folder / f"runtime{len(told)}")},
            book="plays/playbook.yml",
        )
        assert ran.stdout.count(IN_A_FORK) == (len(CASES) if interpreter == sys.executable else 0), ran.stdout
        assert SECRET not in ran.stdout + ran.stderr
        told.append(json.loads(path.read_text(encoding="utf-8")))
    direct, packed = told
    for case in CASES:
        assert ("warnings" in packed[case]) == (case == "warnings"), case
        for changing in ("requests", "invocation", "session_token"):
            assert type(direct[case].pop(changing, None)) is type(packed[case].pop(changing, None)), case
        assert direct[case] == packed[case]


WHEN: tuple[tuple[Json, bool], ...] = (
    ({}, True),
    ({"delegate_to": "localhost"}, True),
    ({"loop": [1, 2]}, True),
    ({"async": 30, "poll": 1}, False),
    ({"become": True, "become_method": "ansible.builtin.su"}, False),
    ({"vars": {"ansible_python_interpreter": "/usr/bin/env python3"}}, False),
    ({"vars": {"ansible_python_interpreter": "{{ omit }}"}}, False),
    ({"vars": {"thingspace_direct_execution": "no"}}, False),
    ({"vars": {"ansible_shell_executable": "/bin/bash"}}, False),
    ({"environment": {"THINGSPACE_RETRIES": "1", "https_proxy": "http://127.0.0.1:1", "PGHOST": "h"}}, True),
    ({"environment": {"TMPDIR": "/tmp"}}, False),
    ({"environment": {"PYTHONPATH": "/nowhere"}}, False),
)


def test_when(simulator: Simulator, playbook: Playbook) -> None:
    tasks = [task(keywords={"ignore_errors": True, "name": "One case", **keywords}) for keywords, _directly in WHEN]
    ran = playbook(play(simulator, *tasks), "-vvv")
    assert ran.returncode == 0, ran.stdout
    _start, *told = ran.stdout.split("TASK [One case]")
    assert [IN_A_FORK in one for one in told] == [directly for _keywords, directly in WHEN], ran.stdout


@pytest.mark.parametrize(
    "env",
    [
        {"ANSIBLE_KEEP_REMOTE_FILES": "1"},
        {"ANSIBLE_EXECUTABLE": "/bin/bash"},
        {"ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE": "500"},
    ],
)
def test_not_where_ansible_is_told_to_run_modules_otherwise(
    simulator: Simulator, playbook: Playbook, env: Json
) -> None:
    ran = playbook(play(simulator, task()), "-vvv", env=env)
    assert ran.returncode == 0, ran.stdout
    assert IN_A_FORK not in ran.stdout, ran.stdout


def test_nothing_is_written_for_it(simulator: Simulator, playbook: Playbook) -> None:
    """A packed module lies in a file, with the passwords among its arguments."""
    ran = playbook(play(simulator, task()), "-vvv")
    assert ran.returncode == 0, ran.stdout
    assert "AnsiballZ" not in ran.stdout
    assert not (playbook.folder / "remote").exists()


def descendants(process: int) -> list[int]:
    """A process's descendants, the youngest generation last."""
    found = [process]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that has ended
                found += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    return found[1:]


def until(what: t.Callable[[], t.Any]) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.mark.parametrize("number", ENDINGS)
@pytest.mark.parametrize("which", ["playbook", "worker", "module"])
def test_a_process_that_is_told_to_end(
    simulator: Simulator, playbook: Playbook, which: str, number: signal.Signals
) -> None:
    """Whichever of them it is, nothing more is sent, and nobody waits for a result that does not come."""
    simulator.faults({"operation": "fota_assign", "action": "stall", "seconds": 2.0})
    plays = play(simulator, task("fota_license", devices=imeis(20), batch_size=2, max_concurrency=1))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(playbook, plays, real=True)
        until(lambda: simulator.faults()[0]["fired"])
        chain = dict(zip(("playbook", "worker", "module"), descendants(os.getpid())[-3:], strict=True))
        assert Path(f"/proc/{chain['playbook']}/cmdline").read_bytes() == (
            Path(f"/proc/{chain['module']}/cmdline").read_bytes()
        )
        os.kill(chain[which], number)
        ran = running.result()
    until(lambda: not Path(f"/proc/{chain['module']}").exists())
    assert simulator.count("fota_assign") == 1
    if which == "module":
        assert ran.returncode == 2, ran.stdout
        said = "Module result deserialization failed" if number == signal.SIGKILL else f"the signal {number.name}"
        assert said in ran.stdout


def test_a_task_that_takes_too_long(simulator: Simulator, playbook: Playbook) -> None:
    """Its module notices that nobody waits for the result, and sends nothing more."""
    simulator.faults({"operation": "fota_assign", "action": "stall", "seconds": 3.0})
    report = playbook.folder / "report.csv"
    options = {"devices": imeis(20), "batch_size": 2, "max_concurrency": 1, "devices_report": str(report)}
    ran = playbook(play(simulator, task("fota_license", keywords={"timeout": 2}, **options)))
    assert ran.returncode == 2, ran.stdout
    assert "timed out" in ran.stdout.lower() + ran.stderr.lower()
    until(report.exists)
    assert simulator.count("fota_assign") == 1
    assert report.read_text(encoding="utf-8").count("skipped") == 8


def test_a_log_does_not_reach_a_journal(simulator: Simulator, playbook: Playbook) -> None:
    """Ansible's log stays open in a fork; libraries write warnings to it."""
    folder = playbook.folder / "callback_plugins"
    folder.mkdir()
    (folder / "noisy.py").write_text(NOISY, encoding="utf-8")
    journal = str(playbook.folder / "journal.db")
    send = task("simsec_license", sku="SIMSec-IoT", devices=imeis(3), journal=journal)
    env = {"ANSIBLE_LOG_PATH": str(playbook.folder / "ansible.log"), "ANSIBLE_CALLBACKS_ENABLED": "noisy"}
    for _again in range(2):
        ran = playbook(play(simulator, send), "-vvv", env=env)
        assert ran.returncode == 0, ran.stdout
        assert IN_A_FORK in ran.stdout
    assert simulator.count("simsec_assign") == 1
    assert "DEBUG" in (playbook.folder / "noisy.log").read_text(encoding="utf-8")


NOISY = """
import logging, os
from ansible.plugins.callback import CallbackBase
logging.basicConfig(filename=os.path.join(os.getcwd(), "noisy.log"), level=logging.DEBUG, force=True)
for _number in range(6):
    logging.root.addHandler(logging.FileHandler(os.path.join(os.getcwd(), "noisy.log")))
logging.debug("here")
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "aggregate", "noisy", True
"""


def test_a_loop_whose_playbook_is_killed(simulator: Simulator, playbook: Playbook) -> None:
    """The items after it send nothing, although their worker goes on."""
    simulator.faults({"operation": "fota_assign", "action": "stall", "seconds": 2.0})
    sends = task("fota_license", keywords={"loop": [0, 1, 2]}, devices=["{{ item | int + 990000000000020 }}"])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(playbook, play(simulator, sends), real=True)
        until(lambda: simulator.faults()[0]["fired"])
        chain = descendants(os.getpid())[-3:]
        os.kill(chain[0], signal.SIGKILL)
        running.result()
    until(lambda: not Path(f"/proc/{chain[2]}").exists())
    until(lambda: len(descendants_of_nobody(chain[1])) == 0)
    assert simulator.count("fota_assign") == 1


def descendants_of_nobody(worker: int) -> list[int]:
    """What an orphaned worker has started and still runs."""
    return descendants(worker) if Path(f"/proc/{worker}").exists() else []


def test_hosts_side_by_side(simulator: Simulator, playbook: Playbook) -> None:
    ran = playbook(play(simulator, task()), "-vvv", "--forks", "4", hosts=8)
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count(IN_A_FORK) == 8
