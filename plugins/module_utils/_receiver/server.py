# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The server below the receiver: a thread for each connection, TLS, and a stop that finishes requests in progress."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
import threading
import time
import typing as t

from .connections import MAX_CONNECTIONS, Host
from .receiver import Receiver
from .tls import Certificate

PATIENCE = 30.0
"""Seconds for a request, from its first byte to its last. A persistent connection may be idle for the same time."""

HANDSHAKE_SECONDS = 10.0
WAIT_FOR_ROOM = 5.0
GRACE = 10.0
"""Seconds that requests in progress get when the receiver stops."""


class Server(Host):
    """The listening server.

    :param path: the path of callbacks; all other paths are not found.
    :param certificate: None for plain HTTP.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 2048

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        receiver: Receiver,
        certificate: Certificate | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._certificate = certificate
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, path, receiver, patience)

    @property
    def url(self) -> str:
        """The URL of callbacks."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"{'https' if self._certificate else 'http'}://{host}:{self.server_port}{self.path}"

    def server_bind(self) -> None:
        """Bind without a name lookup."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        """Start a thread for a new connection as soon as there is room. Until then, it waits in the queue."""
        if not self._room.acquire(timeout=WAIT_FOR_ROOM):  # pylint: disable=consider-using-with
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: t.Any, client_address: t.Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def finish_request(self, request: t.Any, client_address: t.Any) -> None:
        """Do the TLS handshake in the thread of the connection, not in the accepting thread."""
        if self._certificate is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(HANDSHAKE_SECONDS)
        try:
            secure = self._certificate.context().wrap_socket(request, server_side=True)
        except (OSError, ValueError):
            return
        with secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Ignore callers that hang up, but show defects."""
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def stop(self, grace: float = GRACE) -> None:
        """Accept no new connections, and finish the requests in progress. Do not call this from the serving thread."""
        self.stopping = True
        self.shutdown()
        self.server_close()
        end = time.monotonic() + grace
        with self._changed:
            while self._live and time.monotonic() < end:
                for handler in self._live:
                    if handler.stream.idle:
                        _wake(handler.connection)
                self._changed.wait(0.05)


def _wake(connection: socket.socket) -> None:
    """End reading from an idle connection."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)
