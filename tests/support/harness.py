# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the functional tests run: real module processes and real ansible-playbook runs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.forked import (
    MODULES,
    ansible_playbook,
    await_ready,
    plain_environment,
    popen,
)
from ansible_collections.thingspace.licensing.tests.support.simulated import (
    ACCOUNT,
    PATIENCE,
    Json,
    Simulator,
    iccids,
    imei,
    imeis,
)

__all__ = (
    "ACCOUNT",
    "Json",
    "Module",
    "Outcome",
    "Playbook",
    "Receiver",
    "Running",
    "Simulator",
    "iccids",
    "imei",
    "imeis",
    "let_time_pass",
    "plain_environment",
)


@dataclasses.dataclass
class Outcome:
    """How a module process ended."""

    result: Json
    stdout: str
    stderr: str
    seconds: float
    returncode: int

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def code(self) -> str | None:
        """C(failure.code); None when the module did not fail."""
        return t.cast("str | None", self.result.get("failure", {}).get("code"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def changed(self) -> bool:
        return bool(self.result["changed"])

    @property
    def rows(self) -> dict[str, str]:
        """The outcome of each reported device."""
        return {row["device_id"]: row["outcome"] for row in self.result["devices"]}

    @property
    def reasons(self) -> str:
        """All reasons of the rows."""
        return "\n".join(row["reason"] for row in self.result["devices"])

    @property
    def warnings(self) -> str:
        return "\n".join(str(warning) for warning in self.result.get("warnings", []))


class Running:
    """A module process under way."""

    def __init__(self, process: subprocess.Popen[str], document: str) -> None:
        self.process = process
        self._started = time.monotonic()
        assert process.stdin is not None
        process.stdin.write(document)
        process.stdin.close()
        process.stdin = None

    def until_it_waits(self, progress: Path) -> None:
        """Let it come to the point at which it waits for confirmations, as its C(progress_file) says."""
        end = time.monotonic() + PATIENCE
        while not (progress.exists() and '"devices confirmed"' in progress.read_text(encoding="utf-8")):
            assert self.process.poll() is None, self.wait().stdout
            assert time.monotonic() < end, "it never waited"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as C(kill -9) does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.close()

    def close(self) -> None:
        """Free what is left of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def wait(self) -> Outcome:
        """Its outcome. Fails the test when it left no result or a traceback."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        seconds = time.monotonic() - self._started
        try:
            result = json.loads(stdout.splitlines()[-1])
        except (ValueError, IndexError):
            raise AssertionError(f"no result:\n{stdout}\n{stderr}") from None
        assert "Traceback" not in stdout + stderr, stdout + stderr
        assert result.get("failure", {}).get("code") != "internal_error", result
        return Outcome(result, stdout, stderr, seconds, self.process.returncode)


class Module:
    """Runs modules as the processes that Ansible starts, against one simulator."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.runtime_dir = folder / "runtime"
        self.simulator = simulator
        self._running: list[Running] = []

    def start(
        self,
        name: str = "fota_license",
        *,
        check: bool = False,
        diff: bool = False,
        env: t.Mapping[str, str] | None = None,
        prefix: t.Sequence[str] = (),
        **options: t.Any,
    ) -> Running:
        """Start a module, behind a command like prlimit if wanted. An option that is None is left out."""
        common = {
            "base_url": self.simulator.base_url,
            **dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret"),
            "runtime_dir": str(self.runtime_dir),
        }
        if name != "session":
            common["account"] = ACCOUNT
        given = {key: value for key, value in {**common, **options}.items() if value is not None}
        internal = {
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_remote_tmp": str(self.folder / "remote"),
            "_ansible_keep_remote_files": False,
        }
        process = popen(
            [*prefix, sys.executable, "-m", MODULES + name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**plain_environment(self.folder / "home"), **(env or {})},
        )
        running = Running(process, json.dumps({"ANSIBLE_MODULE_ARGS": {**given, **internal}}))
        self._running.append(running)
        return running

    def __call__(self, name: str = "fota_license", **options: t.Any) -> Outcome:
        """Run a module to its end; see C(start)."""
        return self.start(name, **options).wait()

    def close(self) -> None:
        """End what is still running."""
        for running in self._running:
            running.close()


class Receiver:
    """The collection's receiver as a process, which the simulator is told to call."""

    PROGRAM = "ansible_collections/thingspace/licensing/extensions/receiver/thingspace_receiver.py"

    def __init__(self, folder: Path, journal: Path | str, simulator: Simulator, account: str = ACCOUNT) -> None:
        self._log = folder / "receiver.log"
        ready = folder / "receiver.json"
        program = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / self.PROGRAM
        words = {"username": "listener", "password": "callback-secret"}
        secrets = {f"THINGSPACE_CALLBACK_{name.upper()}": word for name, word in words.items()}
        options = ["--journal", str(journal), "--port", "0", "--ready-file", str(ready), "--max-seconds", "300"]
        with self._log.open("w", encoding="utf-8") as log:
            self._process = popen(
                [sys.executable, str(program), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=plain_environment(folder / "home", **secrets),
            )
        url = await_ready(self._process, ready, self.log)["url"]
        state = simulator.state()["accounts"]
        for entry in state:
            if entry["name"] == account:
                entry["callbacks"] = [{"service": "CarrierService", "url": url, **words}]
        simulator.state(accounts=state)

    def log(self) -> str:
        """What it said."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
        assert "Traceback" not in self.log(), self.log()


def let_time_pass(journal: Path) -> None:
    """Make everything in a SIM-Secure journal two minutes older, as if the next run came later."""
    if journal.exists():
        columns = {
            "run": ("started", "ended"),
            "request": ("sent", "answered"),
            "entry": ("confirmed",),
            "callback": ("received",),
        }
        with contextlib.closing(sqlite3.connect(journal)) as db:
            for table, names in columns.items():
                older = ", ".join(f"{name} = strftime('%Y-%m-%dT%H:%M:%fZ', {name}, '-120 seconds')" for name in names)
                db.execute(f"UPDATE {table} SET {older}")
            db.commit()


class Playbook:
    """Runs ansible-playbook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        plays: list[Json],
        *arguments: str,
        env: t.Mapping[str, str] | None = None,
        hosts: int = 0,
        real: bool = False,
        book: str = "playbook.yml",
    ) -> subprocess.CompletedProcess[str]:
        """Run plays (JSON is YAML) on localhost, or on so many hosts of a group C(estate)."""
        path = self.folder / book
        path.write_text(json.dumps(plays), encoding="utf-8")
        inventory = self.folder / "inventory.ini"
        names = [f"account{number}" for number in range(hosts)] or ["localhost"]
        variables = f"ansible_connection=local\nansible_python_interpreter={sys.executable}\n"
        inventory.write_text("[estate]\n" + "\n".join(names) + "\n[estate:vars]\n" + variables, encoding="utf-8")
        settings = self.folder / "ansible.cfg"
        settings.write_text("[defaults]\n", encoding="utf-8")
        environment = plain_environment(
            self.folder / "home",
            ANSIBLE_CONFIG=str(settings),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOCAL_TEMP=str(self.folder / "local"),
            ANSIBLE_REMOTE_TEMP=str(self.folder / "remote"),
        )
        with ansible_playbook(
            ["-i", str(inventory), *arguments, str(path)],
            real=real,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**environment, **(env or {})},
        ) as process:
            try:
                stdout, stderr = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
