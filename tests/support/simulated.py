# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real simulator as a process, and its controls."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import typing as t
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.support.forked import (
    CHECKOUT,
    PATIENCE,
    SIMULATOR,
    await_ready,
    plain_environment,
    popen,
)

__all__ = ("ACCOUNT", "CHECKOUT", "LISTENER", "PATIENCE", "Json", "Simulator", "iccids", "imei", "imeis")

ACCOUNT = "0000123456-00001"

Json = dict[str, t.Any]

LISTENER: Json = {"service": "CarrierService", "url": "https://callbacks.example.com/thingspace"}
"""A listener that the simulator never calls, because it is not on this machine."""


def imei(number: int) -> str:
    """The id of the simulator's device with this number, from 0."""
    return str(990_000_000_000_000 + number)


def imeis(*bounds: int) -> list[str]:
    """The ids of a range of devices; arguments as for C(range)."""
    return [imei(number) for number in range(*bounds)]


def iccids(*bounds: int) -> list[str]:
    """The ids of the SIMs in a range of devices."""
    return ["89148000000" + device[6:] for device in imeis(*bounds)]


class Simulator:
    """A running simulator and its controls."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        ready = folder / "ready.json"
        self._log = folder / "simulator.log"
        options = ["--port", "0", "--ready-file", str(ready), "--parent-pid", str(os.getpid()), "--max-seconds", "300"]
        with self._log.open("w", encoding="utf-8") as log:
            self._process = popen(
                [sys.executable, str(SIMULATOR), *options, *arguments],
                env=plain_environment(folder),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        told = await_ready(self._process, ready, self.log)
        self.base_url: str = told["base_url"]
        self.port: int = told["port"]
        self.tls = self.base_url.startswith("https:")

    def log(self) -> str:
        """What the simulator complained about."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End the process, which frees its port. It keeps nothing, so that nothing needs an orderly end."""
        self._process.kill()
        self._process.wait(10)

    def control(self, method: str, name: str, body: t.Any = None) -> t.Any:
        """Use a control under C(/_simulator/)."""
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

    def listen(self) -> None:
        """Register a listener that hears nothing for each account that has none."""
        accounts = self.state()["accounts"]
        self.state(accounts=[{**one, "callbacks": one.get("callbacks") or [LISTENER]} for one in accounts])

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
        return t.cast("list[Json]", self.control("GET", "requests" + (f"?operation={operation}" if operation else "")))

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
        """The devices that hold a license."""
        return {license["device_id"] for license in self.state()["accounts"][0]["licenses"]}

    def holders(self, sku: str, account: int = 0) -> set[str]:
        """The devices that hold a SIM-Secure license."""
        skus = {entry["sku"]: entry for entry in self.state()["accounts"][account]["skus"]}
        return {license["device_id"] for license in skus[sku]["licenses"]}

    def devices(self, *changes: Json) -> None:
        """Change devices, each named by its IMEI; what is under way goes on."""
        self.control("PUT", "devices", list(changes))

    def sends(self) -> Counter[str]:
        """How often each device was in a SIM-Secure request that was answered with 200."""
        sent: Counter[str] = Counter()
        for request in self.requests():
            if request["operation"] in ("simsec_assign", "simsec_unassign") and request["status"] == 200:
                sent.update(request["devices"])
        return sent

    def repeated_blindly(self) -> list[str]:
        """Devices that were written twice, and not read in between."""
        pending: set[tuple[str, str]] = set()
        blind: list[str] = []
        for request in self.requests():
            if request["operation"] in ("fota_list", "fota_device_lookup") and request["status"] == 200:
                pending.clear()
            elif request["write"] and request["status"] != 429:
                sent = {(request["operation"], device) for device in request["devices"] or ()}
                blind += [device for _operation, device in sorted(sent & pending)]
                pending |= sent
        return blind
