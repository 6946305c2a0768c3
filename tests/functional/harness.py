# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the functional tests run: the real simulator, real module processes, real ansible-playbook runs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SIMULATOR = CHECKOUT / "roles" / "simulator" / "files" / "thingspace_simulator"
ACCOUNT = "0000123456-00001"
MODULES = "ansible_collections.thingspace.licensing.plugins.modules."
PATIENCE = 60.0

Json = dict[str, t.Any]


def imei(number: int) -> str:
    """The id of the simulator's device with this number, from 0."""
    return str(990_000_000_000_000 + number)


def imeis(*bounds: int) -> list[str]:
    """The ids of a range of devices; arguments as for C(range)."""
    return [imei(number) for number in range(*bounds)]


def plain_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment without anything of the caller's that could reach the code under test."""
    keep = ("PATH", "LANG", "LC_ALL", "ANSIBLE_COLLECTIONS_PATH", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    root = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    home.mkdir(parents=True, exist_ok=True)
    return {**kept, "HOME": str(home), "PYTHONPATH": root, "TMPDIR": str(home), "PYTHONUTF8": "1", **extra}


class Simulator:
    """A running simulator and its controls."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        ready = folder / "ready.json"
        self._log = folder / "simulator.log"
        options = ["--port", "0", "--ready-file", str(ready), "--parent-pid", str(os.getpid()), "--max-seconds", "300"]
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(SIMULATOR), *options, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        end = time.monotonic() + PATIENCE
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the simulator did not start: {self.log()}")
            time.sleep(0.01)
        self.base_url: str = json.loads(ready.read_text(encoding="utf-8"))["base_url"]
        self.port: int = json.loads(ready.read_text(encoding="utf-8"))["port"]
        self.tls = self.base_url.startswith("https:")

    def log(self) -> str:
        """What the simulator complained about."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End the process and free its port."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)

    def control(self, method: str, name: str, body: t.Any = None) -> t.Any:
        """Use a control under C(/_simulator/)."""
        import ssl

        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base_url[: -len('/api')]}/_simulator/{name}"
        request = urllib.request.Request(url, method=method, data=data)
        context = ssl._create_unverified_context() if self.tls else None
        handlers: list[t.Any] = [urllib.request.ProxyHandler({})]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {name}: {error.read().decode()}") from error

    def state(self, **new: t.Any) -> Json:
        """Change what is named (accounts, quirks, credentials); return the whole state."""
        if new:
            self.control("PUT", "state", new)
        return t.cast(Json, self.control("GET", "state"))

    def quirks(self, **new: t.Any) -> Json:
        """Set switches; return all."""
        return t.cast(Json, self.control("PUT", "quirks", new))

    def faults(self, *new: Json) -> list[Json]:
        """Let faults wait; return all with their counts."""
        if new:
            self.control("POST", "faults", list(new))
        return t.cast("list[Json]", self.control("GET", "faults"))

    def clear_faults(self) -> None:
        """Drop all faults."""
        self.control("DELETE", "faults")

    def clock(self, advance: float) -> None:
        """Move the clock of the simulator."""
        self.control("POST", "clock", {"advance": advance})

    def requests(self, operation: str | None = None) -> list[Json]:
        """The journal of requests, in order of arrival."""
        return t.cast(
            "list[Json]", self.control("GET", "requests" + (f"?operation={operation}" if operation else ""))
        )

    def forget_requests(self) -> None:
        """Empty the journal."""
        self.control("DELETE", "requests")

    def sessions(self) -> Json:
        """Counts of tokens, sessions and refused logins."""
        return t.cast(Json, self.control("GET", "sessions"))

    def operations(self) -> list[str]:
        """The operations in the journal, in order."""
        return [request["operation"] or request["path"] for request in self.requests()]

    def count(self, operation: str) -> int:
        """How often an operation was requested."""
        return self.operations().count(operation)

    def writes(self) -> list[Json]:
        """The writes in the journal."""
        return [request for request in self.requests() if request["write"]]

    def licensed(self) -> set[str]:
        """The devices that hold a licence."""
        return {licence["device_id"] for licence in self.state()["accounts"][0]["licenses"]}

    def repeated_blindly(self) -> list[str]:
        """Devices that were written twice with no complete reading of the list in between."""
        pending: set[tuple[str, str]] = set()
        blind: list[str] = []
        for request in self.requests():
            if request["operation"] == "fota_list" and request["status"] == 200:
                pending.clear()
            elif request["write"] and request["status"] != 429:
                sent = {(request["operation"], device) for device in request["devices"]}
                blind += [device for _operation, device in sorted(sent & pending)]
                pending |= sent
        return blind


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
        **options: t.Any,
    ) -> Running:
        """Start a module. An option that is None is left out."""
        common = {
            "base_url": self.simulator.base_url,
            **dict.fromkeys(("client_id", "client_secret", "username", "password"), "simulator"),
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
        process = subprocess.Popen(
            [sys.executable, "-m", MODULES + name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
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


class Playbook:
    """Runs ansible-playbook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, plays: list[Json], *arguments: str, env: t.Mapping[str, str] | None = None, hosts: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run plays (JSON is YAML) on localhost, or on so many hosts of a group C(estate)."""
        book = self.folder / "playbook.yml"
        book.write_text(json.dumps(plays), encoding="utf-8")
        inventory = self.folder / "inventory.ini"
        names = [f"account{number}" for number in range(hosts)] or ["localhost"]
        variables = f"ansible_connection=local\nansible_python_interpreter={sys.executable}\n"
        inventory.write_text("[estate]\n" + "\n".join(names) + "\n[estate:vars]\n" + variables, encoding="utf-8")
        environment = plain_environment(
            self.folder / "home",
            ANSIBLE_CONFIG=os.devnull,
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOCAL_TEMP=str(self.folder / "local"),
            ANSIBLE_REMOTE_TEMP=str(self.folder / "remote"),
        )
        return subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), *arguments, str(book)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.folder,
            env={**environment, **(env or {})},
        )
