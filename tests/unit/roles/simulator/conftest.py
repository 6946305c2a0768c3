# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulator per test, on a free port, and a small client for it."""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.thingspace.licensing.tests.support.fakes import hash_quickly
from ansible_collections.thingspace.licensing.tests.support.module_runner import runner

FILES = Path(__file__).resolve().parents[4] / "roles" / "simulator" / "files"
sys.path.insert(0, str(FILES))

from thingspace_simulator.http.server import Server  # noqa: E402
from thingspace_simulator.service import Service  # noqa: E402
from thingspace_simulator.world import state as seeds  # noqa: E402

ACCOUNT = seeds.ACCOUNT


class Caller:
    """Calls a simulator the way a client of the API does."""

    def __init__(self, server: Server, service: Service, verify: str | bool = True) -> None:
        self.root = server.root_url
        self.service = service
        self.account = ACCOUNT
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = verify
        self.headers: dict[str, str] = {}

    def close(self) -> None:
        self.http.close()

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API with the tokens of this caller."""
        headers = {**self.headers, **options.pop("headers", {})}
        options.setdefault("timeout", 5)
        return self.http.request(method, f"{self.root}/api{path}", headers=headers, allow_redirects=False, **options)

    def token(self, key: str = "not-secret", secret: str = "not-secret", **form: str) -> requests.Response:
        """Request the OAuth token."""
        data = {"grant_type": "client_credentials", **form}
        return self.http.post(f"{self.root}/api/ts/v1/oauth2/token", data=data, auth=(key, secret), timeout=5)

    def session(self, username: str = "not-secret", password: str = "not-secret") -> requests.Response:
        """Open a session."""
        return self.api("POST", "/m2m/v1/session/login", json={"username": username, "password": password})

    def login(self) -> Caller:
        """Get both tokens and use them from now on."""
        self.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"
        self.headers["VZ-M2M-Token"] = self.session().json()["sessionToken"]
        return self

    def list(self, version: str = "v3", cursor: object = "0", **options: Any) -> requests.Response:
        """Request one page of licenses, with the index in the path."""
        return self.api("GET", f"/fota/{version}/licenses/{self.account}/index/{cursor}", **options)

    def change(self, what: str, *ids: str, version: str = "v3", **options: Any) -> requests.Response:
        """Assign or remove licenses."""
        path = f"/fota/{version}/licenses/{self.account}/{what}"
        return self.api("POST", path, json={"deviceList": list(ids)}, **options)

    def cancel(self, *ids: str, version: str = "v2", replace: bool = False, **fields: Any) -> requests.Response:
        """Add to the removal candidates, or replace them."""
        body = {**({} if replace else {"type": "append"}), "deviceList": list(ids), **fields}
        return self.api("POST", f"/fota/{version}/licenses/{self.account}/cancel", json=body)

    def candidates(self, start: object = 0, version: str = "v1", **options: Any) -> requests.Response:
        """Request one page of removal candidates, with the index in the path."""
        return self.api("GET", f"/fota/{version}/licenses/{self.account}/cancel/index/{start}", **options)

    def listed(self) -> Sequence[str]:
        """Return the removal candidates, straight from the state."""
        ids: Sequence[str] = self.control("GET", "state")["accounts"][0]["candidates"]
        return ids

    def buy(self, count: int, **fields: Any) -> Any:
        """Change how many licenses are bought. Return the answer of the control."""
        return self.control("POST", "subscription", {"account": self.account, "license_count": count, **fields})

    def simsec(
        self, *ids: str, sku: str = "SIMSec-IoT", method: str = "POST", kind: str = "IMEI", **options: Any
    ) -> requests.Response:
        """Assign (POST) or unassign (DELETE) SIM-Secure licenses."""
        devices = [{"deviceIds": [{"id": one, "kind": kind}]} for one in ids]
        body = {"accountName": self.account, "skuNumber": sku, "devices": devices}
        options.setdefault("json", body)
        return self.api(method, "/m2m/v1/devices/license/actions/assign", **options)

    def simsec_done(self, *ids: str, **options: Any) -> requests.Response:
        """Do the same, and move the clock to the result."""
        answer = self.simsec(*ids, **options)
        assert answer.status_code == 200, answer.text
        self.advance(1)
        return answer

    def counts(self, sku: str = "SIMSec-IoT") -> tuple[int, int, int]:
        """Return the purchased, assigned, and available licenses of a SKU."""
        body = {"accountName": self.account, "skuNumber": sku}
        rows = self.api("POST", "/m2m/v1/accounts/subscriptions/actions/list", json=body).json()["subscriptionList"]
        return rows[0]["licensePurchased"], rows[0]["licenseAssigned"], rows[0]["licenseAvailable"]

    def secured(self, sku: str = "SIMSec-IoT") -> Sequence[str]:
        """Return the devices that hold a SIM-Secure license, straight from the state."""
        skus = {row["sku"]: row["licenses"] for row in self.control("GET", "state")["accounts"][0]["skus"]}
        return [row["device_id"] for row in skus[sku]]

    def devices(self, **fields: Any) -> requests.Response:
        """Request a page of the device list."""
        return self.api("POST", "/m2m/v1/devices/actions/list", json={"accountName": self.account, **fields})

    def listen(self, url: str, **fields: Any) -> requests.Response:
        """Register a listener for SIM-Secure results."""
        body = {"name": "CarrierService", "url": url, "username": "me", "password": "hunter2", **fields}
        return self.api("POST", f"/m2m/v1/callbacks/{self.account}", json=body)

    def messages(self) -> Sequence[Any]:
        """Make all messages due, wait for the listener, and return the messages of the control."""
        messages: Sequence[Any] = self.control("POST", "callbacks", {"flush": True, "wait": 10})["messages"]
        return messages

    def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Use a control and check its status."""
        answer = self.http.request(method, f"{self.root}/_simulator/{path}", json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def quirk(self, **values: Any) -> None:
        """Set switches."""
        self.control("PUT", "quirks", values)

    def fault(self, action: str, **fields: Any) -> None:
        """Add a fault."""
        self.control("POST", "faults", {"action": action, **fields})

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.control("POST", "clock", {"advance": seconds})

    def asked(self) -> tuple[int, int]:
        """Return how many requests came since this was last called, and how many of them write."""
        summary = self.control("GET", "requests/summary")
        self.control("DELETE", "requests")
        return summary["total"], summary["writes"]

    def held(self) -> Sequence[str]:
        """Return the devices that hold a license, straight from the state."""
        return [row["device_id"] for row in self.control("GET", "state")["accounts"][0]["licenses"]]


class Listener:
    """A callback listener. It keeps its messages, and answers with ``statuses`` or 200."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.got: list[Any] = []
        self.ports: set[int] = set()
        self.statuses: list[int] = []
        mine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                mine.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                mine.ports.add(self.client_address[1])
                self.send_response(mine.statuses.pop(0) if mine.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback?key=open"
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def wait(self, count: int) -> list[Any]:
        """Wait until there are so many messages, and return them."""
        end = time.monotonic() + 10
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.005)
        return list(self.got)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(name="listener")
def fixture_listener() -> Iterator[Listener]:
    """A listener on this machine."""
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(name="heard")
def fixture_heard(sim: Caller, listener: Listener) -> Listener:
    """A listener that is registered for the account of the simulator."""
    assert sim.listen(listener.url).status_code == 200
    return listener


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
        service = Service(seed)
        server = Server("127.0.0.1", 0, service, tls)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append((server, Caller(server, service, verify)))
        return running[-1][1]

    yield start
    for server, caller in running:
        caller.close()
        caller.service.stopping.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(name="runs")
def fixture_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run modules in this process against a simulator."""
    hash_quickly(monkeypatch)
    words = dict.fromkeys(("client_id", "client_secret", "username", "password"), "not-secret")

    def runs(sim: Caller, **always: Any) -> Callable[..., Any]:
        common = {"base_url": f"{sim.root}/api", "account": sim.account, "retries": 0, "report": "all"}

        def run(module: Any, *, check: bool = False, **more: Any) -> Any:
            given = {**common, **words, **always, "_ansible_check_mode": check, **more}
            wanted = {name: value for name, value in given.items() if value is not None}
            return runner(module.main, None, monkeypatch, capsys)(**wanted)

        return run

    return runs


@pytest.fixture(name="run")
def fixture_run(sim: Caller, runs: Callable[..., Any]) -> Any:
    """Run modules in this process against the simulator."""
    return runs(sim)


@pytest.fixture(name="sim")
def fixture_sim(start: Callable[..., Caller]) -> Caller:
    """Ten devices, the first four licensed, ten licenses, logged in."""
    return start().login()


@pytest.fixture(name="imei")
def fixture_imei() -> Callable[[int], str]:
    """Return the nth device id of the default account."""
    return lambda number: str(seeds.FIRST_IMEI + number)
