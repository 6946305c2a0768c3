# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: HTTP/1.1 with kept connections, threads, and TLS. It stays quiet when a caller hangs up."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from .. import VERSION
from . import mishaps
from .messages import Reply, Request

MAX_BODY = 256 * 1024 * 1024
IDLE_SECONDS = 120.0
HANDSHAKE_SECONDS = 10.0


class Service(Protocol):
    """What answers the requests. ``stopping`` is set when the simulator ends."""

    stopping: threading.Event

    def answer(self, request: Request) -> Reply:
        """Answer one request. Never raises."""


class Handler(BaseHTTPRequestHandler):
    """One connection. Each of its requests goes to the service."""

    protocol_version = "HTTP/1.1"
    server_version = f"ThingSpaceSimulator/{VERSION}"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin
        """Log nothing: the journal has every request."""

    def handle(self) -> None:
        """Serve the connection until one side ends it."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True

    def finish(self) -> None:
        """Close, and ignore what is left in the buffer of a broken connection."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def _serve(self) -> None:
        """Read the request completely, get the answer, send it."""
        try:
            body = self._body()
        except ValueError as error:
            self.close_connection = True
            self._send(Reply(400, {"error": str(error)}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.service.answer(Request(self.command, self.path, headers, body))
        if reply.wire:
            mishaps.play(self, reply, self.server.service.stopping)
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve

    def _body(self) -> bytes:
        """Read the body, by length or in chunks."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            raise ValueError("bad Content-Length")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError("the caller hung up within the body")
        return body

    def _chunks(self) -> bytes:
        """Read a chunked body."""
        pieces: list[bytes] = []
        size = 0
        while True:
            length = int(self.rfile.readline(64).split(b";")[0], 16)
            size += length
            if length < 0 or size > MAX_BODY:
                raise ValueError("bad chunk size")
            if length == 0:
                while self.rfile.readline(65536) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(pieces)
            pieces.append(self.rfile.read(length))
            self.rfile.readline(64)

    def send_head(self, reply: Reply, length: int) -> None:
        """Send status and headers."""
        self.send_response(reply.status)
        given = {name.lower() for name in reply.headers}
        if "content-type" not in given and (length or reply.body is None):
            self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, reply: Reply) -> None:
        """Send the whole reply."""
        body = reply.encoded()
        self.send_head(reply, len(body))
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server on a loopback address, with one thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service, tls: ssl.SSLContext | None = None) -> None:
        self.service = service
        self._tls = tls
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    @property
    def root_url(self) -> str:
        """Return the address, without a path."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"{'https' if self._tls else 'http'}://{host}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without a name lookup."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake on the thread of the connection, not on the accepting one."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(HANDSHAKE_SECONDS)
        try:
            with self._tls.wrap_socket(request, server_side=True) as secure:
                secure.settimeout(None)
                super().finish_request(secure, client_address)
        except OSError:
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print bugs, but ignore callers that hang up."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)
