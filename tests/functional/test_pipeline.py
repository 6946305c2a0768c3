# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher of an installed collection: its exit codes are what a pipeline decides by."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.tests.support.forked import python_beside, with_address
from ansible_collections.thingspace.licensing.tests.support.harness import (
    ACCOUNT,
    Json,
    Simulator,
    imeis,
    plain_environment,
)
from ansible_collections.thingspace.licensing.tests.support.installed import build, install
from ansible_collections.thingspace.licensing.tests.support.interrupted import Door

CREDENTIALS = ("client_id", "client_secret", "username", "password")
OTHER = "0000123456-00002"
UNKNOWN_DEVICE = "990000100000999"
PATIENCE = 90


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a tarball, in a path with a space."""
    folder = tmp_path_factory.mktemp("a tarball")
    return install(build(folder), folder / "my collections")


class Pipeline:
    """A job that calls the launcher from a directory with fleet files; no variable tells where the collection is."""

    def __init__(self, folder: Path, launcher: Path, simulator: Simulator) -> None:
        self.folder = folder / "a repository"
        (self.folder / "fleet").mkdir(parents=True)
        self.launcher = launcher
        self.output = ""
        environment = plain_environment(
            folder / "home",
            ANSIBLE_LOCAL_TEMP=str(folder / "local"),
            ANSIBLE_REMOTE_TEMP=str(folder / "remote"),
            THINGSPACE_BASE_URL=simulator.base_url,
            THINGSPACE_RUNTIME_DIR=str(folder / "runtime"),
            **{f"THINGSPACE_{name.upper()}": "not-secret" for name in CREDENTIALS},
        )
        self.python = str(python_beside(folder))
        self.environment = {
            name: value
            for name, value in with_address(environment).items()
            if name not in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")
        }

    def write(self, account: str, devices: list[str], **fota: t.Any) -> None:
        """The fleet file of an account."""
        sets = [{"name": "all", "ids": devices, "fota": True}]
        text = json.dumps({"account": account, "fota": fota, "devices": sets})
        (self.folder / "fleet" / f"{account}.yml").write_text(text, encoding="utf-8")

    def start(
        self, *arguments: str, python: str = sys.executable, terminal: int | None = None, **env: str
    ) -> subprocess.Popen[str]:
        """Start it, by default with modules that are in its process group.

        :param terminal: where it is the foreground job.
        """
        seat = [] if terminal is None else ["setsid", "--ctty"]
        return subprocess.Popen(
            [*seat, python, str(self.launcher), *arguments],
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            start_new_session=terminal is None,
            env={**self.environment, **env},
        )

    def __call__(self, *arguments: str, python: str = "", **env: str) -> int:
        """The exit code."""
        process = self.start(*arguments, python=python or self.python, terminal=None, **env)
        try:
            self.output, _none = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert "Traceback" not in self.output, self.output
        return process.returncode

    def plan(self, *arguments: str, **more: str) -> int:
        return self("plan", "-e", "fleet=fleet", "-e", "fleet_dest=plan", *arguments, **more)

    def apply(self, *arguments: str, approved: str = "plan/plan.json") -> int:
        return self("apply", "-e", "fleet=fleet", "-e", "fleet_dest=apply", "-e", f"approved={approved}", *arguments)

    @property
    def status(self) -> str:
        """In the plan file."""
        return str(json.loads((self.folder / "plan" / "plan.json").read_text(encoding="utf-8"))["status"])


@pytest.fixture
def pipeline(tmp_path: Path, launcher: Path, simulator: Simulator) -> Pipeline:
    simulator.state(accounts=[seeded(ACCOUNT), seeded(OTHER)])
    return Pipeline(tmp_path, launcher, simulator)


def seeded(name: str) -> Json:
    return {"name": name, "devices": 20, "licenses": 10}


def test_from_changes_to_nothing_to_do(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.write(ACCOUNT, imeis(12))
    assert pipeline.plan("-e", "fleet_fail_on=changes") == 2, pipeline.output
    assert pipeline.status == "changes"
    assert "PLAY RECAP" in pipeline.output
    assert pipeline.apply() == 0, pipeline.output
    assert simulator.licensed() == set(imeis(12))
    assert pipeline.apply() == 0, pipeline.output
    assert pipeline.plan("-e", "fleet_fail_on=changes") == 0, pipeline.output


def test_what_is_stopped(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.write(ACCOUNT, imeis(3), max_removals=5)
    assert pipeline.plan() == 3, pipeline.output
    assert pipeline.status == "guard_tripped"
    pipeline.write(ACCOUNT, imeis(4), max_removals=5)
    assert pipeline.apply() == 3, pipeline.output
    assert "plan_changed" in pipeline.output
    assert simulator.writes() == []
    pipeline.write(ACCOUNT, imeis(3), max_removals=5)
    assert pipeline.apply() == 0, pipeline.output
    assert simulator.licensed() == set(imeis(3))


def test_a_device_that_the_plan_leaves(pipeline: Pipeline, simulator: Simulator) -> None:
    """ThingSpace does not know it, which the plan says. The check and the apply end alike, as what was approved."""
    pipeline.write(ACCOUNT, [*imeis(11), UNKNOWN_DEVICE])
    pipeline.write(OTHER, [str(int(device) + 100_000_000) for device in imeis(11)])
    assert pipeline.plan() == 2, pipeline.output
    assert "1 device is not as wanted, which this plan does not change." in pipeline.output
    assert pipeline.apply("--check") == 4, pipeline.output
    assert simulator.writes() == []
    together = ("-e", "fleet_licensing_any_errors_fatal=true")
    assert pipeline.apply(*together) == 4, pipeline.output
    assert "Status: incomplete" in pipeline.output
    assert "1 device is not as wanted, which this plan does not change." in pipeline.output
    assert "FAILED!" not in pipeline.output
    assert "Not everything became as planned" not in pipeline.output
    assert (simulator.count("fota_assign"), simulator.licensed()) == (2, set(imeis(11)))
    page = (pipeline.folder / "apply" / "run.md").read_text(encoding="utf-8")
    assert "Done as planned" in page
    assert f"| {UNKNOWN_DEVICE} |" in page
    assert pipeline.apply() == 4, pipeline.output
    assert simulator.count("fota_assign") == 2


def test_an_account_that_fails(pipeline: Pipeline, simulator: Simulator) -> None:
    """Is an error, whatever the others are; whether planning it fails, or applying it."""
    pipeline.write(ACCOUNT, imeis(12))
    pipeline.write(OTHER, [str(int(device) + 100_000_000) for device in imeis(12)])
    simulator.faults({"action": "status", "status": 400, "path": OTHER, "times": 1})
    assert pipeline.plan("-e", "fleet_fail_on=changes") == 1, pipeline.output
    assert pipeline.status == "error"
    simulator.clear_faults()
    assert pipeline.plan() == 2, pipeline.output
    simulator.faults({"action": "status", "status": 400, "operation": "fota_list", "path": OTHER, "times": 1})
    assert pipeline.apply() == 1, "one account could not be read"
    assert simulator.licensed() == set(imeis(12))
    simulator.clear_faults()
    simulator.faults({"action": "status", "status": 400, "operation": "fota_assign", "path": OTHER, "times": 0})
    assert pipeline.apply() == 1, pipeline.output


def test_runs_without_a_plan(pipeline: Pipeline, simulator: Simulator, tmp_path: Path) -> None:
    pipeline.write(ACCOUNT, imeis(12))
    (pipeline.folder / "hosts").write_text(f"[thingspace_accounts]\n{ACCOUNT}\n[others]\nother\n", encoding="utf-8")
    assert pipeline.plan("-i", "hosts", "--limit", "other") == 1
    assert pipeline.output.endswith("licensing.py: ansible-playbook ended with 0, and made no plan.\n")
    assert pipeline.plan("--no-such-option") == 1
    assert pipeline("export") == pipeline() == 1
    assert "say 'plan' or 'apply'" in pipeline.output
    assert pipeline("--help") == 0
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    base = str(getattr(sys, "_base_executable", sys.executable))
    if not Path(base).with_name("ansible-playbook").exists():
        assert pipeline.plan(python=base, PATH=str(nothing)) == 1
        assert "Install ansible-core there." in pipeline.output
        assert pipeline.plan(python=base, PATH=os.pathsep.join([os.path.dirname(sys.executable), "/bin"])) == 2
    (pipeline.folder / "ansible.cfg").write_text("[defaults\n", encoding="utf-8")
    assert pipeline.plan() == 1
    assert "ansible.cfg" in pipeline.output
    assert simulator.writes() == []


def test_other_collections_are_found_all_the_same(pipeline: Pipeline, tmp_path: Path) -> None:
    """An inventory may take its credentials from them; another installation of this one is not used."""
    plugins = tmp_path / "others" / "ansible_collections" / "our" / "vault" / "plugins" / "lookup"
    plugins.mkdir(parents=True)
    code = (
        "class LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kwargs):\n        return terms\n"
    )
    (plugins / "word.py").write_text(f"from ansible.plugins.lookup import LookupBase\n\n\n{code}", encoding="utf-8")
    other = tmp_path / "others" / "ansible_collections" / "thingspace" / "licensing" / "playbooks"
    other.mkdir(parents=True)
    (other / "plan.yml").write_text("an older release\n", encoding="utf-8")
    (pipeline.folder / "ansible.cfg").write_text("[defaults]\ncollections_path = ../others\n", encoding="utf-8")
    pipeline.write(ACCOUNT, imeis(10))
    own = {"thingspace_password": "{{ lookup('our.vault.word', 'not-secret') }}"}
    inventory = {"thingspace_accounts": {"hosts": {ACCOUNT: own}}}
    (pipeline.folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    assert pipeline.plan("-i", "hosts.json", THINGSPACE_PASSWORD="wrong") == 0, pipeline.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_canceled(pipeline: Pipeline, simulator: Simulator, number: signal.Signals) -> None:
    """Ends Ansible too, before it ends itself."""
    pipeline.write(ACCOUNT, imeis(12))
    simulator.faults({"action": "stall", "operation": "fota_list", "seconds": 60})
    process = pipeline.start("plan", "-e", "fleet=fleet", "-e", "fleet_dest=plan")
    try:
        end = time.monotonic() + PATIENCE
        while not simulator.faults()[0]["fired"]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        output, _none = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1
    assert re.search(r"ansible-playbook ended with (99|-15), and made no plan", output), output
    assert "Traceback" not in output
    assert not (pipeline.folder / "plan" / "plan.json").exists()


def test_a_check_of_an_apply(pipeline: Pipeline, simulator: Simulator) -> None:
    """Tells what an apply would come to."""
    pipeline.write(ACCOUNT, imeis(12))
    assert pipeline.plan() == 2, pipeline.output
    assert pipeline.apply("--check") == 0, pipeline.output
    assert simulator.writes() == []
    pipeline.write(ACCOUNT, imeis(13))
    assert pipeline.apply("--check") == 3, pipeline.output
    assert simulator.writes() == []


def to_the_group(process: subprocess.Popen[str], number: int) -> None:
    os.killpg(process.pid, number)


def to_the_program(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)


def to_ansible(process: subprocess.Popen[str], number: int) -> None:
    for child in children(process):
        os.kill(child, number)


def to_the_program_in_a_terminal(process: subprocess.Popen[str], number: int) -> None:
    """The request waits until the program has passed the signal on: it takes it for a Ctrl-C first."""
    handles = [os.pidfd_open(child) for child in children(process)]
    process.send_signal(number)
    for handle in handles:
        assert select.select([handle], [], [], PATIENCE)[0]
        os.close(handle)


def children(process: subprocess.Popen[str]) -> list[int]:
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [int(child) for child in told.split()]


@pytest.mark.parametrize(
    ("to", "number"),
    [
        (to_the_group, signal.SIGINT),
        (to_the_program, signal.SIGHUP),
        (to_the_program, signal.SIGKILL),
        (to_the_program_in_a_terminal, signal.SIGINT),
        (to_ansible, signal.SIGKILL),
    ],
)
def test_an_apply_that_is_interrupted(
    pipeline: Pipeline, simulator: Simulator, to: t.Callable[[subprocess.Popen[str], int], None], number: int
) -> None:
    """Writes nothing more; the program ends after everything that it started, and leaves no file behind."""
    pipeline.write(ACCOUNT, imeis(20), waves=[1, 2, 3, 4, 5])
    assert pipeline.plan() == 2, pipeline.output
    started: list[subprocess.Popen[str]] = []

    def interrupt() -> None:
        to(started[0], number)

    door = Door(simulator, 1, interrupt, about="/assign")
    seats = pty.openpty() if to is to_the_program_in_a_terminal else ()
    process = pipeline.start(
        *("apply", "-e", "fleet=fleet", "-e", "fleet_dest=apply", "-e", "approved=plan/plan.json"),
        THINGSPACE_BASE_URL=door.base_url,
        terminal=seats[1] if seats else None,
    )
    started.append(process)
    try:
        output, _none = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    at_the_end = list(door.seen)
    killed = to is to_the_program and number == signal.SIGKILL
    assert process.returncode == (-signal.SIGKILL if killed else 1), output
    assert "Traceback" not in output, output
    assert door.happened
    writes = simulator.count("fota_assign")
    assert writes == 2, "only what was under way"
    assert len(simulator.licensed()) == 10 + writes
    assert killed or not list((pipeline.folder.parent / "home").glob("licensing-*"))
    assert at_the_end == door.seen
    door.close()
    for seat in seats:
        os.close(seat)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_it_starts(pipeline: Pipeline, simulator: Simulator, number: signal.Signals) -> None:
    pipeline.write(ACCOUNT, imeis(12))
    home = pipeline.folder.parent / "home"
    process = pipeline.start("plan", "-e", "fleet=fleet", "-e", "fleet_dest=plan")
    try:
        end = time.monotonic() + PATIENCE
        while not list(home.glob("licensing-*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
        os.killpg(process.pid, number)
        output, _none = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1, output
    assert "interrupted by" in output
    assert "Traceback" not in output
    assert not list(home.glob("licensing-*"))
    assert simulator.requests() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_before_it_has_imported_anything(
    pipeline: Pipeline, simulator: Simulator, tmp_path: Path, number: signal.Signals
) -> None:
    """A library that it imports takes until the signal."""
    (tmp_path / "slow").mkdir()
    there, here = os.pipe()
    text = f"import os, signal\nos.write({here}, b'.')\nsignal.pause()\n"
    (tmp_path / "slow" / "ctypes.py").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(pipeline.launcher), "plan"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=[here],
        env={**pipeline.environment, "PYTHONPATH": str(tmp_path / "slow")},
    )
    try:
        os.close(here)
        assert os.read(there, 1) == b"."
        process.send_signal(number)
        output, _none = process.communicate(timeout=30)
    finally:
        os.close(there)
        process.kill()
    assert (process.returncode, output) == (1, "")
    assert simulator.requests() == []
