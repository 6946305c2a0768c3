# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment: ~/.netrc is ignored, proxies are used as documented, every option has its THINGSPACE_ variable."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.thingspace.licensing.tests.functional.conftest import Start
from ansible_collections.thingspace.licensing.tests.support.harness import Module, Simulator, imeis

HOST = "api.thingspace.example"


class ConnectProxy:
    """A CONNECT proxy on the loopback that knows one host name, which nobody else resolves."""

    def __init__(self, refusing: bool = False) -> None:
        self.asked: list[str] = []
        self.credentials: list[str] = []
        self._refusing = refusing
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0])
        self.credentials += [line for line in lines if line.lower().startswith("proxy-authorization")]
        method, target = lines[0].split()[:2]
        host, _colon, port = target.rpartition(":")
        if self._refusing or method != "CONNECT" or host != HOST:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
        self._copy(client, server)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def make_proxy() -> t.Iterator[t.Callable[..., ConnectProxy]]:
    """Start proxies."""
    proxies: list[ConnectProxy] = []

    def make(refusing: bool = False) -> ConnectProxy:
        proxies.append(ConnectProxy(refusing))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


MakeProxy = t.Callable[..., ConnectProxy]


@pytest.fixture
def behind(start_simulator: Start, tmp_path: Path) -> dict[str, t.Any]:
    """Options for a simulator whose host name only the proxy knows."""
    authority = trustme.CA()
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = start_simulator("--devices", "5", "--tls-cert", str(tmp_path / "server.pem"))
    return {
        "base_url": f"https://{HOST}:{server.port}/api",
        "ca_path": str(tmp_path / "ca.pem"),
        "retries": 0,
        "timeout": 10,
    }


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_used(module: Module, make_proxy: MakeProxy, behind: dict[str, t.Any], variable: str) -> None:
    proxy = make_proxy()
    env = {variable: f"http://robot:p%40ss@127.0.0.1:{proxy.port}"}
    outcome = module("fota_license_info", env=env, **behind)
    assert outcome.code is None
    assert proxy.asked
    assert all(line.startswith(f"CONNECT {HOST}:") for line in proxy.asked)
    assert set(proxy.credentials) == {"Proxy-Authorization: Basic cm9ib3Q6cEBzcw=="}


def test_no_proxy_variable_is_honored(module: Module, make_proxy: MakeProxy, behind: dict[str, t.Any]) -> None:
    proxy = make_proxy()
    env = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": ".thingspace.example"}
    outcome = module("fota_license_info", env=env, **behind)
    assert outcome.code == "connection_failed"
    assert "could not be resolved" in outcome.message
    assert proxy.asked == []


def test_a_proxy_that_refuses(module: Module, make_proxy: MakeProxy, behind: dict[str, t.Any]) -> None:
    proxy = make_proxy(refusing=True)
    outcome = module("fota_license_info", env={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}, **behind)
    assert outcome.code == "connection_failed"
    assert not outcome.changed
    assert "the proxy refused" in outcome.message
    assert "Nothing was sent" in outcome.message
    assert len(proxy.asked) == 1


def test_a_proxy_that_is_not_there(module: Module, make_proxy: MakeProxy, behind: dict[str, t.Any]) -> None:
    proxy = make_proxy()
    proxy.close()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        env = {"HTTPS_PROXY": f"http://127.0.0.1:{unused.getsockname()[1]}"}
        outcome = module("fota_license_info", env=env, **behind)
    assert outcome.code == "connection_failed"
    assert "proxy" in outcome.message
    assert "connection refused" in outcome.message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_never_goes_through_a_proxy(
    simulator: Simulator, module: Module, make_proxy: MakeProxy, host: str
) -> None:
    proxy = make_proxy(refusing=True)
    address = f"http://127.0.0.1:{proxy.port}"
    variables = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    env = {**dict.fromkeys(variables, address), "NO_PROXY": "", "no_proxy": ""}
    outcome = module("fota_license_info", base_url=f"http://{host}:{simulator.port}/api", env=env)
    assert outcome.code is None
    assert proxy.asked == []


@pytest.mark.parametrize("machine", ["machine 127.0.0.1", "default"])
def test_netrc_is_not_used(simulator: Simulator, module: Module, tmp_path: Path, machine: str) -> None:
    home = tmp_path / "owner"
    home.mkdir()
    (home / ".netrc").write_text(f"{machine} login mallory password guess\n", encoding="utf-8")
    (home / ".netrc").chmod(0o600)
    env = {"HOME": str(home), "NETRC": str(home / ".netrc")}
    outcome = module(devices=imeis(2), env=env)
    assert not outcome.failed, "with the entry's Authorization every request would be refused"
    assert {request["status"] for request in simulator.requests()} == {200}
