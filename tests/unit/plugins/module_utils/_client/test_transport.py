# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One exchange against a real socket: TLS options, redirects, ambient credentials, size and time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import typing as t
from pathlib import Path

import pytest
import requests
import trustme

from ansible_collections.thingspace.licensing.plugins.module_utils._client import body as body_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client import transport as transport_module
from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import (
    HeaderAuth,
    Request,
    Transport,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.wire import NotingAdapter
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.tests.support.fakes import CREDENTIALS, connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Seen: Yes\r\n\r\n{}"
AUTH = HeaderAuth({"Authorization": "Bearer A1", "VZ-M2M-Token": "S1"})
Talk = t.Callable[[socket.socket], None]


class Server:
    """Answers every connection by a function; keeps what was asked."""

    def __init__(self, talk: Talk | bytes, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._talk = talk
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._stop = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                raw, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(raw,), daemon=True).start()

    def _converse(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), raw:
            stream = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            with stream:
                self.requests.append(_read_request(stream))
                if callable(self._talk):
                    self._talk(stream)
                else:
                    stream.sendall(self._talk)

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._socket.close()


def _read_request(stream: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        data += more
        if not more or data[:1] == b"\x16":  # the beginning of a TLS greeting
            return data
    head, _blank, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += stream.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> t.Iterator[t.Callable[..., Server]]:
    servers: list[Server] = []

    def start(talk: Talk | bytes = OK, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(talk, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


Serve = t.Callable[..., Server]


@pytest.fixture(autouse=True)
def _no_ambience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def exchange(
    server: Server, scheme: str = "http", *, limit: float = 5.0, request: dict[str, t.Any] | None = None, **given: t.Any
) -> Response:
    """One request to a server."""
    url = f"{scheme}://127.0.0.1:{server.port}/api"
    values = connection(**{**CREDENTIALS, "base_url": url, "timeout": 5.0, **given})
    what = {"operation": "do it", "method": "GET", "url": url + "/x", "auth": AUTH, **(request or {})}
    return Transport(values).send(Request(**what), limit)


def failure(server: Server, scheme: str = "http", **given: t.Any) -> tuple[str, bool, bool, str]:
    """Code, sent, retryable and message."""
    with pytest.raises(TransportError) as raised:
        exchange(server, scheme, **given)
    error = raised.value
    assert "do it" in error.message
    return error.code, error.in_doubt, error.retryable, error.message


def test_get(serve: Serve) -> None:
    server = serve()
    assert exchange(server) == Response("do it", 200, {"content-length": "2", "x-seen": "Yes"}, b"{}")
    head = server.requests[0].split(b"\r\n")
    assert head[0] == b"GET /api/x HTTP/1.1"
    for line in (
        b"Authorization: Bearer A1",
        b"VZ-M2M-Token: S1",
        b"Content-Type: application/json",
        b"Accept: application/json",
        b"User-Agent: " + transport_module.USER_AGENT.encode(),
    ):
        assert line in head


def test_json_and_form(serve: Serve) -> None:
    server = serve()
    exchange(server, request={"method": "POST", "json": {"a": ["1"]}})
    exchange(server, request={"method": "POST", "form": {"grant_type": "x y"}})
    first, second = server.requests
    assert first.endswith(b'\r\n\r\n{"a": ["1"]}')
    assert b"Content-Type: application/json\r\n" in first
    assert second.endswith(b"\r\n\r\ngrant_type=x+y")
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in second


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve: Serve, status: int) -> None:
    target = serve()
    answer = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:{target.port}/\r\nContent-Length: 0\r\n\r\n"
    assert exchange(serve(answer.encode())).status == status
    assert target.requests == []


def test_netrc_replaces_nothing(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login thief password thief\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    server = serve()
    exchange(server)
    assert b"Authorization: Bearer A1" in server.requests[0]
    assert b"Basic" not in server.requests[0]


def test_proxy_of_the_environment_never_stands_before_this_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(), serve()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert exchange(server).status == 200
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_cookies_are_not_kept(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\n\r\n{}")
    url = f"http://127.0.0.1:{server.port}/api"
    transport = Transport(connection(**CREDENTIALS, base_url=url))
    for _time in range(2):
        transport.send(Request("do it", "GET", url, AUTH), 5.0)
    assert not any(b"Cookie" in request for request in server.requests)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "connection_failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "connection_failed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "connection_failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "connection_failed"),
        (b"nonsense\r\n\r\n", "connection_failed"),
        (b"HTTP/1.1 abc\r\n\r\n", "connection_failed"),
    ],
)
def test_broken_answers_may_have_had_an_effect(serve: Serve, answer: bytes, code: str) -> None:
    found, sent, retryable, message = failure(serve(answer))
    assert (found, sent, retryable) == (code, True, True)
    assert "it is not known whether ThingSpace carried it out" in message


def test_reset_after_the_request(serve: Serve) -> None:
    def reset(stream: socket.socket) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert failure(serve(reset))[:3] == ("connection_failed", True, True)


def test_nobody_listens(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, sent, retryable, message = failure(serve(), request={"url": f"http://127.0.0.1:{port}/x"})
    assert (code, sent, retryable) == ("connection_failed", False, True)
    assert "connection refused. Nothing was sent" in message


def test_name_that_nobody_knows(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: t.Any, **_more: t.Any) -> t.NoReturn:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, sent, _retryable, message = failure(serve(), request={"url": "http://nowhere.invalid/x"})
    assert (code, sent) == ("connection_failed", False)
    assert "could not be resolved" in message or "name or service not known" in message


@pytest.mark.parametrize("by", ["limit", "timeout"])
@pytest.mark.parametrize("talk", ["silence", "drip"])
def test_slow_server(serve: Serve, talk: str, by: str) -> None:
    def drip(stream: socket.socket) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _byte in range(100):
            stream.sendall(b" ")
            time.sleep(0.05)

    def silence(_stream: socket.socket) -> None:
        time.sleep(5)

    start = time.monotonic()
    server = serve(drip if talk == "drip" else silence)
    code, sent, retryable, message = failure(server, "http", **t.cast("dict[str, t.Any]", {by: 0.3}))
    assert (code, sent, retryable) == ("timeout", True, True)
    assert "within 0.3 s" in message
    assert time.monotonic() - start < 3.0


@pytest.mark.parametrize("known", [True, False])
def test_body_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    monkeypatch.setattr(body_module, "_CHUNK", 10_000)
    length = b"Content-Length: %d\r\n" if known else b"X-Length: %d\r\n"

    def answer(size: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length % size + b"\r\n" + b"x" * size

    most = {"most": 300_000}
    assert len(exchange(serve(answer(300_000)), request=most).body) == 300_000
    assert failure(serve(answer(300_001)), request=most)[:3] == ("answer_too_large", True, False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """What a TLS server for 127.0.0.1 needs, and the file with its authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return context, str(file)


Tls = tuple[ssl.SSLContext, str]


def test_certificate_is_checked(serve: Serve, tls: Tls) -> None:
    server = serve(OK, tls[0])
    code, sent, retryable, message = failure(server, "https")
    assert (code, sent, retryable) == ("tls_failed", False, False)
    assert "certificate was refused" in message
    assert "'ca_path'" in message
    assert server.requests == []


def test_ca_path_wins_over_the_environment(
    serve: Serve, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert exchange(serve(OK, tls[0]), "https", ca_path=tls[1]).status == 200


def test_environment_counts_without_ca_path(serve: Serve, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls[1])
    assert exchange(serve(OK, tls[0]), "https").status == 200


@pytest.mark.parametrize("bundle", [True, False])
def test_no_validation_wins_over_the_environment(
    serve: Serve, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: bool
) -> None:
    if bundle:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert exchange(serve(OK, tls[0]), "https", validate_certs=False).status == 200


def test_wrong_host_name(serve: Serve, authority: trustme.CA, tls: Tls) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.test").configure_cert(context)
    assert failure(serve(OK, context), "https", ca_path=tls[1])[:3] == ("tls_failed", False, False)


def test_port_that_speaks_no_tls(serve: Serve, tls: Tls) -> None:
    code, _sent, retryable, message = failure(serve(OK), "https", ca_path=tls[1])
    assert (code, retryable) == ("tls_failed", False)
    assert "names a TLS port" in message


def test_file_without_certificates(serve: Serve, tls: Tls, tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("nothing")
    with pytest.raises(TransportError) as raised:
        exchange(serve(OK, tls[0]), "https", ca_path=str(file))
    assert raised.value.code in ("tls_failed", "connection_failed")


@pytest.mark.parametrize(
    ("given", "verify"),
    [({}, True), ({"ca_path": "/etc/hosts"}, "/etc/hosts"), ({"validate_certs": False}, False)],
)
def test_arguments_of_the_exchange(given: dict[str, t.Any], verify: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, t.Any] = {}

    def send(_adapter: NotingAdapter, _request: t.Any, **arguments: t.Any) -> t.NoReturn:
        seen.update(arguments)
        raise requests.exceptions.ConnectTimeout

    monkeypatch.setattr(NotingAdapter, "send", send)
    with pytest.raises(TransportError):
        Transport(connection(**CREDENTIALS, timeout=40.0, **given)).send(
            Request("x", "GET", "https://a.test", AUTH), 20.0
        )
    assert (seen["verify"], seen["timeout"]) == (verify, (15.0, 20.0))
    assert (dict(seen["proxies"]), seen["stream"]) == ({}, True)


def test_defect_before_sending_is_not_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotingAdapter, "send", lambda *_place, **_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Transport(connection(**CREDENTIALS)).send(Request("x", "GET", "https://a.test", AUTH), 5.0)


def test_defect_after_sending_is_in_doubt(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "read_body", lambda *_place: 1 / 0)
    assert failure(serve())[:2] == ("connection_failed", True)
