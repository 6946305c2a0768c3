# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules, scripts and playbooks as real processes, with what each of them used.

The kernel's peak memory of a child begins with that of its parent, so this program has to stay smaller than the
smallest module: it imports neither requests nor Ansible, and writes long files line by line.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from stand import ACCOUNT, CHECKOUT, WORD, Simulator

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
EMPTY = PLAYBOOKS / "library" / "empty_requests.py"
COLLECTION = "ansible_collections.thingspace.licensing"


@dataclasses.dataclass(frozen=True)
class Used:
    """What a process used: seconds, seconds of CPU with all its children, MiB at its peak."""

    wall: float
    cpu: float
    rss: float
    output: str

    def result(self) -> dict[str, t.Any]:
        """The JSON object in the last line of the output."""
        value: dict[str, t.Any] = json.loads(self.output.splitlines()[-1])
        return value


class Workspace:
    """A temporary folder with a tree in which the checkout is a collection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        link = folder.joinpath("tree", *COLLECTION.split("."))
        link.parent.mkdir(parents=True)
        link.symlink_to(CHECKOUT, target_is_directory=True)
        folder.joinpath("ansible.cfg").touch()  # none of the user's own
        self._numbers = iter(range(1_000_000))

    def fresh(self, name: str) -> Path:
        """A path that does not exist yet."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def devices_file(self, ids: t.Iterable[str]) -> Path:
        """A file with one id per line."""
        path = self.fresh("devices")
        with path.open("w", encoding="ascii") as stream:
            stream.writelines(f"{one}\n" for one in ids)
        return path

    def run(self, command: t.Sequence[object], stdin: str = "", timeout: float = 300.0, **env: object) -> Used:
        """Run a program to its end.

        :raises SystemExit: it failed, or took longer than C(timeout) seconds.
        """
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said:
            given.write(stdin)
            given.seek(0)
            began = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in command], stdin=given, stdout=said, stderr=said, env=self._environment(env)
            )
            killer = threading.Timer(timeout, process.kill)
            killer.start()
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            killer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            output = said.read()
        if process.returncode:
            raise SystemExit(f"{command[-1]}: exit code {process.returncode} after {wall:.0f} s\n{output[-3000:]}")
        return Used(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)

    def module(
        self, simulator: Simulator, runtime_dir: Path | None = None, *, module: str = "fota_license", **options: t.Any
    ) -> Used:
        """Run a module as Ansible does on localhost: a Python process that reads its options; None leaves one out."""
        given = {
            "base_url": simulator.base_url,
            **dict.fromkeys(("client_id", "client_secret", "username", "password"), WORD),
            "account": ACCOUNT,
            "runtime_dir": str(runtime_dir or self.fresh("runtime")),
            **{name: str(value) if isinstance(value, Path) else value for name, value in options.items()},
        }
        given = {name: value for name, value in given.items() if value is not None}
        return self._as_module(["-m", f"{COLLECTION}.plugins.modules.{module}"], given)

    def empty(self) -> Used:
        """Run the module that does nothing, in the same way."""
        return self._as_module([EMPTY], {})

    def _as_module(self, program: list[t.Any], options: dict[str, t.Any]) -> Used:
        own = {"_ansible_remote_tmp": str(self.folder / "tmp"), "_ansible_keep_remote_files": False}
        return self.run([sys.executable, *program], json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **own}}))

    def playbook(self, name: str, simulator: Simulator, **variables: object) -> Used:
        """Run one of our playbooks with the real C(ansible-playbook)."""
        given = {"base_url": simulator.base_url, "account": ACCOUNT, "runtime_dir": self.fresh("runtime"), **variables}
        given["ansible_python_interpreter"] = sys.executable
        extra = json.dumps({key: str(value) for key, value in given.items()})
        program = Path(sys.executable).with_name("ansible-playbook")
        return self.run([program, "--inventory", "localhost,", "--extra-vars", extra, PLAYBOOKS / name])

    def _environment(self, more: dict[str, object]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("THINGSPACE_", "ANSIBLE_"))}
        tree = str(self.folder / "tree")
        credentials = ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")
        return {
            **kept,
            **{f"THINGSPACE_{name}": WORD for name in credentials},
            "ANSIBLE_COLLECTIONS_PATH": tree,
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_NOCOWS": "1",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": tree,
            **{name: str(value) for name, value in more.items()},
        }


def best(runs: t.Sequence[Used]) -> Used:
    """The least of each measure: what other programs on the machine add is not ours."""
    return Used(min(run.wall for run in runs), min(run.cpu for run in runs), min(run.rss for run in runs), "")
