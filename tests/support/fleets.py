# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets of simulated accounts, and the collection's playbooks called as people call them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.forked import ansible_playbook, kill_with_all
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator, plain_environment
from ansible_collections.thingspace.licensing.tests.support.simulated import LISTENER

FLEX, LIFETIME, BUNDLE = "SIMSec-IoT", "SIMSec-IoT-Lt", "TS-BUNDLE-KTO-SIMSEC-MRC"
CREDENTIALS = ("client_id", "client_secret", "username", "password")
PATIENCE = 90


def named(number: int) -> str:
    """The account with this number, from 1."""
    return f"0000123456-{number:05}"


def imeis(account: int, *bounds: int) -> list[str]:
    """Devices of the account with this number, from 1; the rest as for C(range)."""
    return [str(990_000_000_000_000 + (account - 1) * 100_000_000 + device) for device in range(*bounds)]


def seeded(count: int, **changes: Json) -> list[Json]:
    """So many accounts, each with 20 devices, half of them licensed; changes by C(a) and the number."""
    skus = [
        {"sku": sku, "license_type": kind, "purchased": 20}
        for sku, kind in ((FLEX, "Flexible"), (LIFETIME, "Lifetime"), (BUNDLE, "Flexible Bundle"))
    ]
    return [
        {
            "name": named(number),
            "devices": 20,
            "licenses": 10,
            "skus": skus,
            "callbacks": [LISTENER],
            **changes.get(f"a{number}", {}),
        }
        for number in range(1, count + 1)
    ]


class Ran:
    """An ansible-playbook run that ended."""

    def __init__(self, process: subprocess.CompletedProcess[str], dest: Path) -> None:
        self.returncode = process.returncode
        self.text = process.stdout + process.stderr
        self.dest = dest
        assert "Traceback" not in self.text, self.text
        assert "internal_error" not in self.text, self.text

    @property
    def recap(self) -> dict[str, str]:
        """By host C(ok), C(changed) or C(failed)."""
        rows = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", self.text, re.M)
        words = {
            host: "failed" if int(failed) else "changed" if int(changed) else "ok" for host, changed, failed in rows
        }
        return {host: word for host, word in words.items() if host != "localhost"}

    @property
    def failures(self) -> list[Json]:
        """What modules returned as C(failure) in the tasks that failed, in order."""
        results = (json.JSONDecoder().raw_decode(text)[0] for text in self.text.split("FAILED! => ")[1:])
        return [result["failure"] for result in results if "failure" in result]

    @property
    def codes(self) -> list[str]:
        """Their codes."""
        return [failure["code"] for failure in self.failures]

    @property
    def plan(self) -> Json:
        """The plan file."""
        return t.cast(Json, json.loads((self.dest / "plan.json").read_text(encoding="utf-8")))

    @property
    def record(self) -> Json:
        """What is known of the run afterward."""
        return t.cast(Json, json.loads((self.dest / "run.json").read_text(encoding="utf-8")))

    @property
    def statuses(self) -> dict[str, str]:
        """Of each account in the plan."""
        return {account["account"]: account["status"] for account in self.plan["accounts"]}

    def part(self, account: int, kind: str, action: str = "") -> Json:
        """A part of an account's plan."""
        accounts = {one["account"]: one for one in self.plan["accounts"]}
        parts = accounts[named(account)]["parts"]
        return t.cast(Json, next(one for one in parts if one["kind"] == kind and action in ("", one["action"])))


class Fleet:
    """A directory with fleet files, and the playbooks called from there as people call them."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder / "here"
        (self.folder / "fleet").mkdir(parents=True)
        self.simulator = simulator
        self.journal = self.folder / "journal.db"
        settings = folder / "ansible.cfg"
        settings.write_text("[defaults]\n", encoding="utf-8")
        self.connection = {
            "THINGSPACE_BASE_URL": simulator.base_url,
            "THINGSPACE_RUNTIME_DIR": str(folder / "runtime"),
            **{f"THINGSPACE_{name.upper()}": "not-secret" for name in CREDENTIALS},
        }
        self.environment = plain_environment(
            folder / "home",
            ANSIBLE_CONFIG=str(settings),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOCALHOST_WARNING="0",
            ANSIBLE_LOCAL_TEMP=str(folder / "local"),
            ANSIBLE_REMOTE_TEMP=str(folder / "remote"),
            PWD="/",
        )

    def write(self, number: int, *devices: Json, **more: t.Any) -> None:
        """Write the fleet file of an account; JSON is YAML."""
        sets = [{"name": f"set {place}", **one} for place, one in enumerate(devices)]
        text = json.dumps({"account": named(number), "devices": sets, **more}, indent=1)
        (self.folder / "fleet" / f"{named(number)}.yml").write_text(text, encoding="utf-8")

    def start(self, playbook: str, *arguments: str, env: t.Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a playbook of the collection."""
        name = playbook if "." in playbook else f"thingspace.licensing.{playbook}"
        return ansible_playbook(
            [name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**self.environment, **self.connection, **(env or {})},
        )

    def __call__(
        self, playbook: str, dest: str, *arguments: str, env: t.Mapping[str, str] | None = None, **more: str
    ) -> Ran:
        """Run a playbook with this C(fleet_dest) and more variables."""
        variables = {"fleet": "fleet", "fleet_dest": dest, "fleet_journal": "journal.db", **more}
        given = [word for name, value in variables.items() if value for word in ("-e", json.dumps({name: value}))]
        process = self.start(playbook, *given, *arguments, env=env)
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                kill_with_all(process)
        done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
        return Ran(done, self.folder / dest)

    def plan(self, *arguments: str, dest: str = "plan", **more: t.Any) -> Ran:
        """Make a plan."""
        return self("plan", dest, *arguments, **more)

    def apply(
        self,
        *arguments: str,
        dest: str = "apply",
        approved: str = "plan/plan.json",
        keywords: Json | None = None,
        **more: t.Any,
    ) -> Ran:
        """Carry a plan out; without one, as a playbook of one's own does that asks for no approval.

        :param keywords: of the play of that playbook.
        """
        if approved:
            return self("apply", dest, *arguments, approved=approved, **more)
        vars_ = {"fleet_licensing_mode": "apply", "fleet_licensing_files": ["fleet"], "fleet_licensing_dest": dest}
        role = {
            "role": "thingspace.licensing.fleet_licensing",
            "vars": {**vars_, "fleet_licensing_journal": "journal.db"},
        }
        play = {
            "hosts": "thingspace_accounts",
            "connection": "local",
            "gather_facts": False,
            "roles": [role],
            **(keywords or {}),
        }
        book = [{"import_playbook": "thingspace.licensing.fleet_accounts"}, play]
        (self.folder / "own.yml").write_text(json.dumps(book), encoding="utf-8")
        interpreter = json.dumps({"ansible_python_interpreter": sys.executable})
        return self("own.yml", dest, "-e", interpreter, *arguments, **more)


def licensed(simulator: Simulator, number: int) -> set[str]:
    return {license["device_id"] for license in simulator.state()["accounts"][number - 1]["licenses"]}
