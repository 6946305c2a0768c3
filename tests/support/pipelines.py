# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines of the example repository, as their files stand: which jobs an event starts, and what these run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path
from types import SimpleNamespace

import yaml

from ansible_collections.thingspace.licensing.tests.support import forked
from ansible_collections.thingspace.licensing.tests.support.simulated import CHECKOUT, Json

EXAMPLE = CHECKOUT / "docs" / "example"
PATIENCE = 300

# A path with a space cannot stand behind '#!': the shell starts Python, for which the same lines are a text.
STUB = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
'''
import json, pathlib, shutil, sys
folder = pathlib.Path({folder!r})
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
{body}
"""

# What the machine of a pipeline brings, or fetches: the rest is run for real.
BODIES = {
    "pip": "",
    "ansible-galaxy": "shutil.copytree({collections!r}, sys.argv[sys.argv.index('--collections-path') + 1])",
    "gh": """
if sys.argv[1] == "api":
    print((folder / "head").read_text())
elif sys.argv[1] == "pr":
    shutil.copy(sys.argv[sys.argv.index("--body-file") + 1], folder / "comment.md")
elif sys.argv[1] == "run":
    name, target = (sys.argv[sys.argv.index(option) + 1] for option in ("--name", "--dir"))
    if not (folder / "artifacts" / name).exists():
        sys.exit(f"no artifact {name}")
    shutil.copytree(folder / "artifacts" / name, target)
""",
}


class Machine:
    """Where jobs run: a fresh checkout for each, a directory of state that stays, and what uploads leave."""

    def __init__(self, folder: Path, collections: Path, environment: t.Mapping[str, str]) -> None:
        self.folder = folder
        self.repository = folder / "the repository"
        shutil.copytree(EXAMPLE, self.repository)
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()
        self.summary = folder / "summary.md"
        self._jobs = 0
        programs = folder / "programs"
        programs.mkdir()
        for name, body in BODIES.items():
            text = body.replace("{collections!r}", repr(str(collections)))
            program = programs / name
            program.write_text(
                STUB.format(python=sys.executable, folder=str(folder), name=name, body=text), encoding="utf-8"
            )
            program.chmod(0o755)
        # The launcher takes the ansible-playbook beside its Python, and needs nothing else of that.
        forked.python_beside(folder)
        path = os.pathsep.join([str(programs), os.path.dirname(sys.executable), os.environ["PATH"]])
        self.environment = {**forked.with_address(environment), "PATH": path, "GITHUB_STEP_SUMMARY": str(self.summary)}

    def checkout(self) -> Path:
        """A fresh copy of the repository."""
        self._jobs += 1
        return shutil.copytree(self.repository, self.folder / f"job {self._jobs}")

    def shell(
        self, script: str, where: Path, env: t.Mapping[str, str], *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Run lines as a runner does."""
        done = subprocess.run(
            ["bash", *options, "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=where,
            env={**self.environment, **env},
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done

    def calls(self, name: str) -> list[list[str]]:
        """How a stand-in was called."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == name]


class Job(t.NamedTuple):
    """How a job ended."""

    code: int
    output: str
    folder: Path


def evaluate(expression: str, **names: t.Any) -> t.Any:
    """The value of an expression of GitHub or GitLab, whose operators differ from those of Python only in spelling."""
    text = expression.replace("&&", " and ").replace("||", " or ")
    return eval(re.sub(r"!(?!=)", " not ", text), {"__builtins__": {}, "cancelled": lambda: False}, names)


class GitHub:
    """C(.github/workflows/licensing.yml)."""

    def __init__(self, machine: Machine, secrets: t.Mapping[str, str]) -> None:
        self.machine = machine
        text = (EXAMPLE / ".github" / "workflows" / "licensing.yml").read_text(encoding="utf-8")
        self.workflow: Json = yaml.safe_load(text)
        self.secrets = SimpleNamespace(**secrets)
        self.used: set[str] = set()

    def __call__(self, event: str, ref: str = "refs/heads/main", head: str = "", approved: str = "") -> dict[str, Job]:
        """The jobs that an event starts, by name."""
        pull_request = SimpleNamespace(number="7" if head else "", head=SimpleNamespace(sha=head))
        context = {
            "github": SimpleNamespace(
                event_name=event, ref=ref, sha="f" * 40, token="t0ken", event=SimpleNamespace(pull_request=pull_request)
            ),
            "inputs": SimpleNamespace(approved=approved),
            "secrets": self.secrets,
        }
        jobs = {name: job for name, job in self.workflow["jobs"].items() if self._filled(job["if"], context)}
        return {name: self._job(job, context) for name, job in jobs.items()}

    def _filled(self, value: str, context: Json) -> str:
        """A value with its expressions replaced; empty for what is false."""
        found = re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(evaluate(match[1].strip(), **context) or ""), value)
        return "" if found == "False" else found

    def _job(self, job: Json, context: Json) -> Job:
        where, output, code = self.machine.checkout(), "", 0
        github = context["github"]
        given = {"GITHUB_EVENT_NAME": github.event_name, "GITHUB_SHA": github.sha, "GITHUB_REPOSITORY": "our/licenses"}
        for step in job["steps"]:
            # A step without a condition is left out once one has failed.
            if not (
                self._filled(step["if"], context) and (not code or "cancelled" in step["if"])
                if "if" in step
                else not code
            ):
                continue
            if "uses" in step:
                self.used.add(step["uses"])
                self._upload(step, where, context)
                continue
            env = {name: self._filled(value, context) for name, value in step.get("env", {}).items()}
            done = self.machine.shell(step["run"], where, {**given, **self.workflow["env"], **env}, "-e")
            output += done.stdout
            code = code or done.returncode
        return Job(code, output, where)

    def _upload(self, step: Json, where: Path, context: Json) -> None:
        if "upload-artifact" in step["uses"]:
            target = self.machine.artifacts / self._filled(step["with"]["name"], context)
            target.mkdir(exist_ok=True)
            for path in where.glob(step["with"]["path"]):
                (shutil.copytree if path.is_dir() else shutil.copy)(path, target / path.name)


class GitLab:
    """C(.gitlab-ci.yml)."""

    def __init__(self, machine: Machine, variables: t.Mapping[str, str]) -> None:
        self.machine = machine
        self.pipeline: Json = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        self.variables = dict(variables)

    def __call__(self, source: str, branch: str = "main") -> tuple[dict[str, Job], list[str]]:
        """The jobs that a pipeline runs, and those of them that somebody had to start."""
        predefined = {"CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": branch, "CI_DEFAULT_BRANCH": "main"}
        done: dict[str, Job] = {}
        manual: list[str] = []
        for name, job in self.pipeline.items():
            rules = job.get("rules", []) if isinstance(job, dict) else []
            rule = next((rule for rule in rules if evaluate(rule["if"].replace("$", ""), **predefined)), None)
            if rule is not None and all(done[need].code == 0 for need in job.get("needs", [])):
                manual += [name] if rule.get("when") == "manual" else []
                done[name] = self._job(job, done)
        return done, manual

    def _job(self, job: Json, done: t.Mapping[str, Job]) -> Job:
        where = self.machine.checkout()
        for need in job.get("needs", []):
            for path in self.pipeline[need]["artifacts"]["paths"]:
                (where / path).parent.mkdir(exist_ok=True)
                shutil.copy(done[need].folder / path, where / path)
        lines = [*self.pipeline["default"]["before_script"], *job["script"]]
        env = {**self.variables, **self.pipeline["variables"]}
        ran = self.machine.shell("\n".join(lines), where, env, "-e", "-o", "pipefail")
        return Job(ran.returncode, ran.stdout, where)
