# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them: ansible-runner in a private data directory of their own, which holds what the credential
injects, what was answered, the hosts of a slice and a copy of the project, and of which only artifacts outlive them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import jinja2
import yaml

from ansible_collections.thingspace.licensing.tests.support.forked import (
    ansible_runner,
    plain_environment,
    programs,
)
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator
from ansible_collections.thingspace.licensing.tests.support.simulated import CHECKOUT

AAP = CHECKOUT / "extensions" / "aap"
PATIENCE = 150


def injected(inputs: t.Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """The environment that a shipped credential type makes of the inputs of a credential.

    :param prefix: of the files of the type.
    """
    text = (AAP / "credential_type" / f"{prefix}injectors.yml").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=False)
    return {name: environment.from_string(value).render(inputs) for name, value in yaml.safe_load(text)["env"].items()}


def unsafe(value: t.Any) -> str:
    """A value as AWX writes it down when it comes from people or from other jobs: no text of it is a template."""
    if isinstance(value, str):
        return f"!unsafe {json.dumps(value)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {unsafe(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(unsafe, value)) + "]"
    return json.dumps(value)


class Job:
    """A job that ended."""

    def __init__(self, folder: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.folder = folder
        self.artifacts_folder = folder / "artifacts" / "job"
        self.returncode = process.returncode
        self.stdout = (self.artifacts_folder / "stdout").read_text(encoding="utf-8")
        files = sorted((self.artifacts_folder / "job_events").glob("*.json"))
        self.event_bytes = sum(file.stat().st_size for file in files)
        self.events: list[Json] = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        assert "Traceback" not in self.stdout, self.stdout
        assert "internal_error" not in self.stdout, self.stdout

    @property
    def artifacts(self) -> Json:
        """What C(set_stats) handed on."""
        stats = next(event for event in self.events if event["event"] == "playbook_on_stats")
        return t.cast(Json, stats["event_data"].get("artifact_data", {}))

    @property
    def failed_hosts(self) -> list[str]:
        """The hosts that "relaunch on failed hosts" names in its limit."""
        stats = next(event for event in self.events if event["event"] == "playbook_on_stats")["event_data"]
        return sorted({*stats["failures"], *stats["dark"]})

    @property
    def told(self) -> str:
        """Every file that outlives the job, but for the one with the environment."""
        files = [path for path in self.artifacts_folder.rglob("*") if path.is_file() and path.name != "command"]
        return "\n".join(path.read_text(encoding="utf-8") for path in files)

    def messages(self, task: str) -> list[t.Any]:
        """What a task of this name said."""
        ends = [event for event in self.events if event["event"] in ("runner_on_ok", "runner_on_failed")]
        return [event["event_data"]["res"].get("msg") for event in ends if event["event_data"]["task"] == task]


class Controller:
    """Launches the shipped job templates' playbooks, with a project and an inventory of accounts.

    :ivar database: the URL of the credential for the database; without one, no such credential is attached.
    """

    def __init__(self, folder: Path, simulator: Simulator, accounts: t.Sequence[str]) -> None:
        self.folder = folder
        self.accounts = list(accounts)
        self.project = folder / "project"
        shutil.copytree(AAP / "project", self.project)
        shutil.rmtree(self.project / "fleet")
        (self.project / "fleet").mkdir()
        self.inputs = {**dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret")}
        self.inputs["base_url"] = simulator.base_url
        self.database = ""
        self._count = 0
        self._programs = programs(folder)

    def write(self, account: str, *devices: Json, **more: t.Any) -> None:
        """Write the fleet file of an account; JSON is YAML."""
        sets = [{"name": f"set {place}", **one} for place, one in enumerate(devices)]
        path = self.project / "fleet" / f"{account}.yml"
        path.write_text(json.dumps({"account": account, "devices": sets, **more}), encoding="utf-8")

    def launch(
        self,
        playbook: str,
        answers: t.Mapping[str, t.Any] | None = None,
        *,
        artifacts: t.Mapping[str, t.Any] | None = None,
        of_slice: tuple[int, int] = (1, 1),
        limit: str = "",
        check: bool = False,
        **extra_vars: t.Any,
    ) -> Job:
        """Run a playbook of the project to its end.

        :param answers: of the survey; they and the artifacts of jobs before are nothing that templates are made of.
        :param of_slice: which slice of how many.
        :param extra_vars: of the job template.
        """
        self._count += 1
        folder = self.folder / f"job {self._count}"
        (folder / "env").mkdir(parents=True)
        shutil.copytree(self.project, folder / "project")
        # A container has a temporary directory of its own, and nothing of another job.
        (folder / "tmp").mkdir()
        own = {"TMPDIR": str(folder / "tmp"), "ANSIBLE_LOCAL_TEMP": str(folder / "tmp" / "local")}
        own["ANSIBLE_REMOTE_TEMP"] = str(folder / "tmp" / "remote")
        database = injected({"url": self.database}, "database_") if self.database else {}
        envvars = {**injected(self.inputs), **database, **own}
        (folder / "env" / "envvars").write_text(json.dumps(envvars), encoding="utf-8")
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in extra_vars.items()]
        given = {**(artifacts or {}), **(answers or {})}
        lines += [f"{json.dumps(name)}: {unsafe(value)}" for name, value in given.items()]
        (folder / "env" / "extravars").write_text("\n".join(lines) + "\n", encoding="utf-8")
        number, count = of_slice
        self._write_inventory(folder / "inventory", self.accounts[number - 1 :: count])
        words = ["--limit", limit] if limit else []
        if check:
            (folder / "env" / "cmdline").write_text("--check", encoding="utf-8")
        environment = plain_environment(folder / "home", PWD="/")
        environment["PATH"] = os.pathsep.join(
            map(str, [self._programs, Path(sys.executable).parent, os.environ["PATH"]])
        )
        with ansible_runner(
            ["run", str(folder), "-p", f"{playbook}.yml", "-i", "job", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                stdout, stderr = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        return Job(folder, subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr))

    @staticmethod
    def _write_inventory(folder: Path, hosts: t.Sequence[str]) -> None:
        """A script that prints the inventory, as AWX has it, the hosts of the slice alone in it."""
        folder.mkdir()
        variables = {"ansible_connection": "local"}
        content = {
            "all": {"children": ["thingspace_accounts"]},
            "thingspace_accounts": {"hosts": list(hosts)},
            "_meta": {"hostvars": dict.fromkeys(hosts, variables)},
        }
        script = folder / "hosts"
        script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(content)}\nEND\n", encoding="utf-8")
        script.chmod(0o700)
