# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a process of its own, on a loopback port, bounded in time."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = CHECKOUT / "roles" / "simulator" / "files" / "thingspace_simulator"
ACCOUNT = "0000123456-00001"
FIRST_IMEI = 990_000_000_000_000
WORD = "not-secret"


class Simulator:
    """Runs while the C(with) block does, and ends by itself should this program die.

    :param quirks: switches of the simulator; C(latency) is one of them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        devices: int = 0,
        licensed: int = 0,
        seed: t.Any = None,
        max_seconds: float = 600.0,
        **quirks: t.Any,
    ) -> None:
        self._ready = folder / f"ready-{time.monotonic_ns()}.json"
        size: tuple[t.Any, ...] = ("--devices", devices, "--licensed", licensed)
        if seed is not None:
            file = self._ready.with_name("seed-" + self._ready.name)
            file.write_text(json.dumps(seed), encoding="utf-8")
            size = ("--seed-file", file)
        switches = [word for name, value in quirks.items() for word in ("--quirk", f"{name}={value}")]
        own = ("--ready-file", self._ready, "--parent-pid", os.getpid(), "--max-seconds", max_seconds)
        self._command = [sys.executable, str(PROGRAM), *map(str, (*size, *own)), *switches]
        self._port = 0
        self.start_seconds = 0.0
        self.base_url = ""

    def __enter__(self) -> Simulator:
        began = time.monotonic()
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        while not self._ready.exists():
            if self._process.poll() is not None:
                raise SystemExit(f"The simulator did not start (exit code {self._process.returncode}).")
            if time.monotonic() - began > 180:
                self.__exit__()
                raise SystemExit("The simulator was not ready within 180 s.")
            time.sleep(0.02)
        found = json.loads(self._ready.read_text(encoding="utf-8"))
        self.base_url, self._port = found["base_url"], found["port"]
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def control(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Call a control of the simulator."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, f"/_simulator/{path}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise SystemExit(f"The simulator refused {method} {path}: {text.decode(errors='replace')[:500]}")
        return json.loads(text)

    def begin(self, *, reset: bool = False) -> None:
        """Forget the requests so far, and with C(reset) everything that they changed."""
        if reset:
            self.control("DELETE", "state")
        self.control("DELETE", "requests")

    def counts(self) -> tuple[int, int]:
        """Requests and writes since C(begin)."""
        summary = self.control("GET", "requests/summary")
        return summary["total"], summary["writes"]

    def holders(self, sku: str) -> int:
        """How many devices of the first account hold this SIM-Secure license once all that is under way is done."""
        self.control("POST", "callbacks", {"flush": True})
        skus = self.control("GET", "state")["accounts"][0]["skus"]
        found: t.Any = next((entry["licenses"] for entry in skus if entry["sku"] == sku), [])
        return found if isinstance(found, int) else len(found)

    def licensed(self) -> set[str]:
        """Who holds a license in the first account."""
        account = self.control("GET", "state")["accounts"][0]
        return {entry["device_id"] for entry in account["licenses"]}

    @property
    def peak_rss_mb(self) -> float:
        """Most memory that the simulator held."""
        status = Path(f"/proc/{self._process.pid}/status")
        lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def imeis(first: int, count: int) -> t.Iterator[str]:
    """That many ids of the simulator's first account, from the one with this index."""
    return (str(FIRST_IMEI + first + index) for index in range(count))
