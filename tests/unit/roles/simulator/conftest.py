# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulator per test, on a free port, and a small client for it."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

FILES = Path(__file__).resolve().parents[4] / "roles" / "simulator" / "files"
sys.path.insert(0, str(FILES))

from thingspace_simulator import seed as seeds  # noqa: E402
from thingspace_simulator.server import Server  # noqa: E402
from thingspace_simulator.service import Service  # noqa: E402

ACCOUNT = seeds.ACCOUNT


class Caller:
    """Calls a simulator the way a client of the API does."""

    def __init__(self, server: Server, verify: str | bool = True) -> None:
        self.root = server.root_url
        self.service = server.service
        self.account = ACCOUNT
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = verify
        self.headers: dict[str, str] = {}

    def close(self) -> None:
        self.http.close()

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API with the tokens there are."""
        headers = {**self.headers, **options.pop("headers", {})}
        options.setdefault("timeout", 5)
        return self.http.request(method, f"{self.root}/api{path}", headers=headers, allow_redirects=False, **options)

    def token(self, key: str = "simulator", secret: str = "simulator", **form: str) -> requests.Response:
        """Ask for the OAuth token."""
        data = {"grant_type": "client_credentials", **form}
        return self.http.post(f"{self.root}/api/ts/v1/oauth2/token", data=data, auth=(key, secret), timeout=5)

    def session(self, username: str = "simulator", password: str = "simulator") -> requests.Response:
        """Open a session."""
        return self.api("POST", "/m2m/v1/session/login", json={"username": username, "password": password})

    def login(self) -> Caller:
        """Get both tokens and use them from now on."""
        self.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"
        self.headers["VZ-M2M-Token"] = self.session().json()["sessionToken"]
        return self

    def list(self, version: str = "v3", cursor: object = "0", **options: Any) -> requests.Response:
        """Ask for one page of licences, in the form with the index in the path."""
        return self.api("GET", f"/fota/{version}/licenses/{self.account}/index/{cursor}", **options)

    def change(self, what: str, *ids: str, version: str = "v3", **options: Any) -> requests.Response:
        """Assign or remove licences."""
        path = f"/fota/{version}/licenses/{self.account}/{what}"
        return self.api("POST", path, json={"deviceList": list(ids)}, **options)

    def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Use a control and check its status."""
        answer = self.http.request(method, f"{self.root}/_simulator/{path}", json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def quirk(self, **values: Any) -> None:
        """Set switches."""
        self.control("PUT", "quirks", values)

    def fault(self, action: str, **fields: Any) -> None:
        """Let a fault wait."""
        self.control("POST", "faults", {"action": action, **fields})

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.control("POST", "clock", {"advance": seconds})

    def held(self) -> Sequence[str]:
        """Return the devices that hold a licence, straight from the state."""
        return [row["device_id"] for row in self.control("GET", "state")["accounts"][0]["licenses"]]


@pytest.fixture(name="start")
def fixture_start() -> Iterator[Callable[..., Caller]]:
    """Start simulators of any size; they end with the test."""
    running: list[tuple[Server, Caller]] = []

    def start(
        devices: int = 10,
        licensed: int = 4,
        licenses: int | None = None,
        tls: ssl.SSLContext | None = None,
        verify: str | bool = True,
    ) -> Caller:
        seed = seeds.default_seed(devices, licensed, devices if licenses is None else licenses)
        server = Server("127.0.0.1", 0, Service(seed), tls)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append((server, Caller(server, verify)))
        return running[-1][1]

    yield start
    for server, caller in running:
        caller.close()
        server.service.stopping.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(name="sim")
def fixture_sim(start: Callable[..., Caller]) -> Caller:
    """Ten devices, the first four licensed, ten licences, logged in."""
    return start().login()


@pytest.fixture(name="imei")
def fixture_imei() -> Callable[[int], str]:
    """Return the nth device id of the default account."""
    return lambda number: str(seeds.FIRST_IMEI + number)
