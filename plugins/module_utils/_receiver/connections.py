# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The HTTP side of the receiver: HTTP/1.1 with persistent connections and limits on time, size, and number.

Anyone may connect to it. So each request has a total time, even if it arrives slowly. A body is refused if its declared
length is too large, or as soon as it becomes too large. The number of connections is limited.
"""

from __future__ import annotations

import contextlib
import http
import json
import socket
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .receiver import Receiver, Reply
from .stream import BodyRefused, PatientStream, read_body

HEALTH = "/health"
MAX_CONNECTIONS = 512
MAX_BODY = 64 * 1024
"""Largest body in bytes. A callback has less than one kilobyte."""

LINGER_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 2.0
"""How many bytes of a refused body are discarded, and for how long, so that its sender can read the answer."""


class Host(ThreadingHTTPServer):
    """The part of the server that a connection needs. It tracks its connections.

    :param path: the path of callbacks; all other paths are not found.
    :param patience: seconds for a request.
    """

    max_body = MAX_BODY

    def __init__(self, address: tuple[str, int], path: str, receiver: Receiver, patience: float) -> None:
        self.path = path
        self.receiver = receiver
        self.patience = patience
        self.stopping = False
        self._live: set[Handler] = set()
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def enter(self, handler: Handler) -> None:
        """Add a connection."""
        with self._changed:
            self._live.add(handler)

    def leave(self, handler: Handler) -> None:
        """Remove a connection."""
        with self._changed:
            self._live.discard(handler)
            self._changed.notify_all()

    def is_busy(self) -> bool:
        """Whether there is little room left, so that connections should be closed after each request."""
        return len(self._live) > MAX_CONNECTIONS // 2


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "thingspace.licensing"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Host
    connection: socket.socket

    def setup(self) -> None:
        """Put a stream with a time limit below the parser."""
        super().setup()
        self.rfile.close()
        self.stream = PatientStream(self.connection)
        self.rfile = self.stream.buffered()
        self.server.enter(self)

    def handle(self) -> None:
        """Serve the connection until one side ends it."""
        try:
            super().handle()
        except (OSError, ValueError):  # hung up, timed out, or closed by stop()
            self.close_connection = True

    def finish(self) -> None:
        """Close. The rest of the buffer does not matter if the connection is gone."""
        self.server.leave(self)
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def handle_one_request(self) -> None:
        """Wait for a request and serve it."""
        self.stream.await_request(self.server.patience)
        super().handle_one_request()
        if self.server.is_busy():
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Request a body only if it would be accepted."""
        try:
            self._check_place()
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                read_body(self.headers, None, self.server.max_body)
        except BodyRefused as refusal:
            self._send(self._refuse(refusal))
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: t.Any) -> None:  # pylint: disable=redefined-builtin
        """Log nothing; the receiver writes the log."""

    # The base class passes texts that repeat the request, so they are not used.
    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer invalid HTTP in the usual form, without repeating any of it."""
        self._send(self._refuse(BodyRefused(code, "bad_request", f"{http.HTTPStatus(code).phrase}.")))

    def _serve(self) -> None:
        self.stream.idle = False
        try:
            self._check_place()
            if self.path.partition("?")[0] == HEALTH:
                self.close_connection |= _has_body(self.headers)
                self._send(self.server.receiver.health())
                return
            body = read_body(self.headers, self.rfile, self.server.max_body)
        except BodyRefused as refusal:
            self._send(self._refuse(refusal))
            self._linger()
        except TimeoutError:
            self._send(self._refuse(BodyRefused(408, "too_slow", "The body took too long.")))
        else:
            self._send(self.server.receiver.take(body, self.peer))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve

    @property
    def peer(self) -> str:
        """The address of the other side."""
        return str(self.client_address[0])

    def _check_place(self) -> None:
        path = self.path.partition("?")[0]
        if path == HEALTH:
            allowed: tuple[str, ...] = ("GET", "HEAD")
        elif path.rstrip("/") == self.server.path.rstrip("/"):
            allowed = ("POST",)
        else:
            raise BodyRefused(404, "not_found", "There is nothing here; check the path of the registered URL.")
        if self.command not in allowed:
            raise BodyRefused(405, "not_allowed", f"Only {' and '.join(allowed)} is possible here.", allowed)

    def _refuse(self, refusal: BodyRefused) -> Reply:
        """The answer to a refused request. The connection ends, because the body was not read."""
        self.close_connection = True
        self._allow = refusal.allow
        return self.server.receiver.refuse(self.peer, refusal.status, refusal.code, str(refusal))

    _allow: t.Sequence[str] = ()

    def _send(self, reply: Reply) -> None:
        self.close_connection |= self.server.stopping
        text = json.dumps(reply.body).encode() + b"\n"
        if self.request_version == "HTTP/0.9":  # an invalid line counts as this, and the answer would have no status
            self.request_version = "HTTP/1.0"
        self.connection.settimeout(self.server.patience)
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if self._allow:
            self.send_header("Allow", ", ".join(self._allow))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        self.wfile.flush()

    def _linger(self) -> None:
        """Discard further data for a short time. A caller that is still sending would otherwise lose the answer."""
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self.stream.allow(LINGER_SECONDS)
        left = LINGER_BYTES
        while left > 0 and (piece := self.rfile.read1(min(left, 65536))):
            left -= len(piece)


def _has_body(headers: t.Any) -> bool:
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip() != "0"
