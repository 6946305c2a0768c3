# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An estate of small accounts, each behind a door of its own, at which somebody interferes with an apply."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.modules import simsec_license
from ansible_collections.thingspace.licensing.tests.support import module_runner
from ansible_collections.thingspace.licensing.tests.support.fleets import FLEX, LIFETIME, Fleet, Ran, imeis, named
from ansible_collections.thingspace.licensing.tests.support.forked import ansible_playbook, descendants
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Receiver, Simulator
from ansible_collections.thingspace.licensing.tests.support.interrupted import Door
from ansible_collections.thingspace.licensing.tests.support.somebody import Somebody

DEVICES = 7
"""Of each account. What is wanted of each, and what it holds before, stands in C(Estate)."""

WRITES = ("/assign", "/remove", "/cancel")
BOOK = "estate.yml"
PATIENCE = 200
FORKS = 9
"""So many accounts are at a request at once, at most."""
LAUNCHER = "ansible_collections/thingspace/licensing/extensions/pipeline/licensing.py"
TO_THE_GROUP, BY_THE_PROGRAM, KILLED, KILLED_MODULE = "SIGINT", "SIGTERM", "SIGKILL", "SIGKILL of the module"
WAYS = (TO_THE_GROUP, BY_THE_PROGRAM, KILLED, KILLED_MODULE)


class Sent(t.NamedTuple):
    """A write that reached the server: who got or lost what by it.

    :param number: which request of the apply it was, from 0.
    :param sku: for SIM-Secure, which is carried out later; C(gained) and C(lost) are what was asked for.
    """

    number: int
    sku: str
    gained: list[str]
    lost: list[str]
    kind: str


class Gate(Door):
    """The door of one account, which notes what its writes do."""

    def __init__(self, simulator: Simulator, number: int, moment: int, happen: t.Callable[[Gate], None]) -> None:
        super().__init__(simulator, moment, lambda: happen(self))
        self.number = number
        self.sent: list[Sent] = []
        self.bare: list[str] = []
        """Devices whose old license was to be taken away before they held the new one."""
        self._simulator = simulator

    def account(self) -> Json:
        """The account as it is."""
        return t.cast(Json, self._simulator.state()["accounts"][self.number - 1])

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Look at the account before and after a write."""
        if method == "GET" or not path.endswith(WRITES):
            return super().pass_on(method, path, headers, body)
        number = len(self.seen) - 1
        if "/fota/" not in path:
            return self._simsec(number, method, path, headers, body)
        kind = "removal_candidates" if path.endswith("/cancel") else "fota"
        before = holders(self.account(), kind)
        answer = super().pass_on(method, path, headers, body)
        after = holders(self.account(), kind)
        self.sent.append(Sent(number, "", sorted({*after} - {*before}), sorted({*before} - {*after}), kind))
        return answer

    def _simsec(
        self, number: int, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        asked = json.loads(body)
        devices = sorted(one["deviceIds"][0]["id"] for one in asked["devices"])
        mover = imeis(self.number, DEVICES)[3]
        if method == "DELETE" and mover in devices and mover not in holders(self.account(), LIFETIME):
            self.bare.append(mover)
        answer = super().pass_on(method, path, headers, body)
        if answer[0] == 200:
            gained, lost = ([], devices) if method == "DELETE" else (devices, [])
            self.sent.append(Sent(number, asked["skuNumber"], gained, lost, "simsec"))
        return answer


def holders(account: Json, what: str) -> list[str]:
    """Who holds a license of a SKU or of FOTA, or stands on the list."""
    if what == "removal_candidates":
        return list(account["candidates"])
    if what == "fota":
        return [row["device_id"] for row in account["licenses"]]
    return [row["device_id"] for sku in account["skus"] if sku["sku"] == what for row in sku["licenses"]]


class Estate:
    """Accounts that all want the same of their devices, by their place:

    ==  ======================  ======================
    n   holds before            is to hold
    ==  ======================  ======================
    0   FOTA, is a candidate    FOTA
    1                           FOTA, is a candidate
    2   FOTA
    3   FLEX                    LIFETIME
    4   FLEX
    5
    6
    ==  ======================  ======================

    Each limit allows exactly what the plan needs.
    """

    def __init__(
        self,
        folder: Path,
        simulator: Simulator,
        accounts: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.simulator = simulator
        self.fleet = Fleet(folder, simulator)
        # Many small tasks: without files of their own on the way to Python they take half the time.
        self.fleet.environment["ANSIBLE_PIPELINING"] = "1"
        self.numbers = range(1, accounts + 1)
        self.gates: dict[int, Gate] = {}
        simulator.quirks(simsec_delay=0)
        simulator.state(accounts=[self._seed(number) for number in self.numbers])
        self.receiver = Receiver(folder, self.fleet.journal, simulator, named(1))
        self._hear()
        self._hold(monkeypatch, capsys, folder)
        for number in self.numbers:
            self._want(number)
        self._book()
        self.somebody = Somebody(simulator)

    def close(self) -> None:
        """End what was started."""
        for gate in self.gates.values():
            gate.close()
        self.receiver.stop()

    @staticmethod
    def _seed(number: int) -> Json:
        devices = imeis(number, DEVICES)
        skus = [
            {"sku": FLEX, "license_type": "Flexible", "purchased": DEVICES},
            {"sku": LIFETIME, "license_type": "Lifetime", "purchased": DEVICES},
        ]
        fota = {"licenses": [devices[0], devices[2]], "candidates": [devices[0]]}
        return {"name": named(number), "devices": DEVICES, "skus": skus, **fota}

    def _hear(self) -> None:
        """Let the receiver be told about all accounts."""
        accounts = self.simulator.state()["accounts"]
        url = accounts[0]["callbacks"][0]["url"]
        listener = {"service": "CarrierService", "url": url, "username": "listener", "password": "callback-secret"}
        self.simulator.state(accounts=[{**one, "callbacks": [listener]} for one in accounts])

    def _hold(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        """Assign what devices hold before, so that the journal knows it."""
        options = {"base_url": self.simulator.base_url, "runtime_dir": str(folder / "before"), "sku": FLEX}
        words = dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret")
        with monkeypatch.context() as patch:
            run = module_runner.runner(
                simsec_license.main, None, patch, capsys, **options, **words, journal=str(self.fleet.journal)
            )
            for number in self.numbers:
                result = run(account=named(number), devices=imeis(number, DEVICES)[3:5])
                assert not result.get("failed"), result
        told = self.simulator.control("POST", "callbacks", {"flush": True, "wait": 20})
        assert told["requests"] == 0

    def _want(self, number: int) -> None:
        devices = imeis(number, DEVICES)
        self.fleet.write(
            number,
            {"ids": devices[:2], "fota": True},
            {"ids": devices[1:2], "removal_candidate": True},
            {"ids": devices[3:4], "simsec": LIFETIME},
            fota={"max_changes": 2, "max_removals": 1},
            removal_candidates={"max_changes": 2, "max_removals": 1},
            simsec={"max_changes": 2, "max_removals": 2, "lifetime_consent": {LIFETIME: 1}},
        )

    def _book(self) -> None:
        """A playbook of one's own that asks for no approval, as somebody writes it who relies on limits."""
        play = {
            "hosts": "thingspace_accounts",
            "connection": "local",
            "gather_facts": False,
            "module_defaults": {"group/thingspace.licensing.all": {"base_url": "{{ thingspace_base_url }}"}},
            "vars": {"ansible_python_interpreter": sys.executable},
            "roles": [
                {
                    "role": "thingspace.licensing.fleet_licensing",
                    "vars": {
                        "fleet_licensing_mode": "apply",
                        "fleet_licensing_files": ["fleet"],
                        "fleet_licensing_dest": "{{ fleet_dest }}",
                        "fleet_licensing_journal": "{{ fleet_journal }}",
                        "fleet_licensing_wait_timeout": 20,
                    },
                }
            ],
        }
        (self.fleet.folder / BOOK).write_text(json.dumps([play]), encoding="utf-8")

    def gate(self, number: int, moment: int, happen: t.Callable[[Gate], None]) -> Gate:
        """Put a door before an account; what happens there, happens once."""
        if number in self.gates:
            self.gates[number].close()
        self.gates[number] = Gate(self.simulator, number, moment, happen)
        return self.gates[number]

    def inventory(self, numbers: t.Iterable[int], name: str = "hosts.json") -> str:
        """An inventory of these accounts, with their doors."""
        urls = {n: self.gates[n].base_url if n in self.gates else self.simulator.base_url for n in numbers}
        hosts = {named(number): {"thingspace_base_url": url} for number, url in urls.items()}
        text = json.dumps({"thingspace_accounts": {"hosts": hosts}})
        (self.fleet.folder / name).write_text(text, encoding="utf-8")
        return name

    def command(self, dest: str, numbers: t.Iterable[int], book: str = BOOK, **more: str) -> list[str]:
        """What C(ansible-playbook) is called with: to plan and apply within the limits."""
        extra = {"fleet": "fleet", "fleet_dest": dest, "fleet_journal": "journal.db", **more}
        words = json.dumps({**extra, "fleet_licensing_wait_timeout": 20})
        return [book, "-i", self.inventory(numbers), f"--forks={FORKS}", "-e", words]

    def start(self, *command: str, program: str = "", real: bool = False) -> subprocess.Popen[str]:
        """Start C(ansible-playbook), or a program, in a process group of its own.

        :param real: its modules are in the group, too.
        """
        options: Json = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": self.fleet.folder,
            "start_new_session": True,
            "env": {**self.fleet.environment, **self.fleet.connection},
        }
        if program:
            return subprocess.Popen([sys.executable, program, *command], text=True, **options)
        return ansible_playbook(command, real=real, **options)

    def end(self, process: subprocess.Popen[str], dest: str) -> Ran:
        """How a program ended."""
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
        return Ran(done, self.fleet.folder / dest)

    def apply(self, dest: str, numbers: t.Iterable[int], **more: str) -> Ran:
        """Plan and apply within the limits."""
        return self.end(self.start(*self.command(dest, numbers, **more)), dest)

    def plan(self, dest: str, numbers: t.Iterable[int]) -> Ran:
        """Make a plan to be approved."""
        return self.end(self.start(*self.command(dest, numbers, "thingspace.licensing.plan")), dest)

    def interrupt(self, dest: str, moments: t.Mapping[int, int], way: str) -> Ran:
        """Apply, and end it when each of these accounts is at its request: all of them are part of one task."""
        approved = f"{dest}-plan/plan.json" if way == BY_THE_PROGRAM else ""
        if approved:
            self.plan(f"{dest}-plan", moments)
        strike = Strike(len(moments), way)
        for number, moment in moments.items():
            self.gate(number, moment, strike.meet)
        if approved:
            launcher = str(Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / LAUNCHER)
            command = self.command(dest, moments, "apply", approved=approved)
            strike.begin(self.start(*command, program=launcher))
        else:
            strike.begin(self.start(*self.command(dest, moments), real=True))
        ran = self.end(strike.process, dest)
        strike.await_all()
        return ran

    def state(self, number: int) -> Json:
        """An account as it is."""
        return t.cast(Json, self.simulator.state()["accounts"][number - 1])


def asker(gate: Gate) -> int:
    """The process that sent the request that is being handled.

    :raises LookupError: there is none any more.
    """
    port = f":{gate.asker.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(handle) in sockets for handle in (process / "fd").iterdir()):
                return int(process.name)
    raise LookupError(port)


class Strike:
    """Ends a run once so many requests are under way.

    :param way: one of C(WAYS).
    """

    def __init__(self, requests: int, way: str) -> None:
        self.process: subprocess.Popen[str]
        self._way = way
        self._begun = threading.Event()
        self._askers: dict[int, Process] = {}
        self._barrier = threading.Barrier(requests, self._happen)

    def begin(self, process: subprocess.Popen[str]) -> None:
        """Say which run it is."""
        self.process = process
        self._begun.set()

    def meet(self, gate: Gate) -> None:
        """Wait for the others; the last one strikes."""
        process = asker(gate)
        self._askers[process] = Process(process)
        self._barrier.wait(60)

    def await_all(self) -> None:
        """Wait until all that were interrupted have ended."""
        for process in self._askers.values():
            assert process.ended(), "a module goes on"
            process.close()

    def _happen(self) -> None:
        assert self._begun.wait(PATIENCE)
        if self._way in (TO_THE_GROUP, BY_THE_PROGRAM):
            # The program waits for modules; whom they look for is the ansible-playbook that it has started.
            theirs = descendants(self.process.pid)[0] if self._way == BY_THE_PROGRAM else self.process.pid
            ansible = Process(theirs)
            os.killpg(self.process.pid, signal.Signals[self._way])
            # Ansible may tell not all of its workers, and waits for the others then. So people press the keys again.
            for _again in range(4):
                if ansible.ended(2):
                    break
                os.killpg(self.process.pid, signal.Signals[self._way])
            ansible.close()
            return
        processes = [*self._askers]
        if self._way == KILLED:
            processes += [*descendants(self.process.pid), self.process.pid]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


class Process:
    """A process of somebody else, to be waited for."""

    def __init__(self, process: int) -> None:
        self._handle = os.pidfd_open(process)

    def ended(self, seconds: float = PATIENCE) -> bool:
        """Whether it ends within so many seconds."""
        watch = select.poll()
        watch.register(self._handle, select.POLLIN)
        return bool(watch.poll(seconds * 1000))

    def close(self) -> None:
        """Free what is known of it."""
        os.close(self._handle)
