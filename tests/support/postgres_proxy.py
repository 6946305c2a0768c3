# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between a client and PostgreSQL: cuts connections at chosen statements, and looks like a pooler or an old server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import typing as t

from ansible_collections.thingspace.licensing.tests.support.postgres import Server

_COMMIT = b"COMMIT\0"
_ENCRYPTION_REQUESTS = (80877103, 80877104)


class Proxy:
    """Listens on a loopback port and forwards to a server.

    :ivar version: what the server says that it is, if not the truth.
    :ivar pooler: whether the session that the client is told about is not the server's.
    :ivar elsewhere: statements with these words run in a session of their own, if it is not empty.
    :ivar refuse: whether it takes no connection now.
    :ivar tls: with it, connections are encrypted up to here.
    :ivar reached: set when the statement of C(cut_at) has come.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._cut: tuple[bytes, bool, int] | None = None
        self.reached = threading.Event()
        self.version = ""
        self.elsewhere = b""
        self.pooler = self.refuse = False
        self.tls: ssl.SSLContext | None = None
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str, user: str = "postgres", **more: str) -> str:
        """The address of a database behind the proxy."""
        port = self._listener.getsockname()[1]
        query = "&".join(f"{name}={value}" for name, value in more.items())
        return f"postgresql://{user}@127.0.0.1:{port}/{database}" + (f"?{query}" if query else "")

    def cut_at(self, words: str, *, arrives: bool, after: int = 0, hold: bool = False, of: str = "") -> None:
        """Cut the connection at a statement with these words.

        :param arrives: whether the statement still reaches the server. Its answer is lost in any case.
        :param after: how many such statements pass before.
        :param of: counts only statements that come after one with these words, in the same transaction.
        :param hold: whether the client then waits for an answer that never comes, until somebody kills it.
        """
        self._hold, self._of = hold, of.encode()
        self.reached.clear()
        self._cut = (words.encode(), arrives, after)

    def cut(self) -> None:
        """Cut all connections now."""
        opened, self._open = self._open, []
        for one in opened:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        """Stop."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self.connections += 1
                if self.refuse:
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError, EOFError):
            client = self._greeted(client, server)
            self._open += [client, server]
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            self._forth(client, server)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _greeted(self, client: socket.socket, server: socket.socket) -> socket.socket:
        while True:
            head = _exactly(client, 8)
            length, code = struct.unpack("!II", head)
            if code not in _ENCRYPTION_REQUESTS:
                break
            encrypt = self.tls is not None and code == _ENCRYPTION_REQUESTS[0]
            client.sendall(b"S" if encrypt else b"N")
            if encrypt and self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
        server.connect(f"{self._server.host}/.s.PGSQL.5432")
        self._startup = head + _exactly(client, length - 8)
        server.sendall(self._startup)
        return client

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        said = b""
        while data := client.recv(65536):
            said += data
            if self._cut is not None and self._cut[0] in data and self._of in said:
                words, arrives, left = self._cut
                if left:
                    self._cut = (words, arrives, left - 1)
                else:
                    self._cut = None
                    if arrives:
                        # The answer shows that it was carried out. It goes no further.
                        self._silent = True
                        server.sendall(data)
                        self._answered.wait(10)
                    self.reached.set()
                    if self._hold:
                        client.recv(1)
                    return
            said = b"" if _COMMIT in data else said
            if self.elsewhere and self.elsewhere in data:
                self._ask_elsewhere(data, client)
            else:
                server.sendall(data)

    def _ask_elsewhere(self, data: bytes, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(f"{self._server.host}/.s.PGSQL.5432")
            other.sendall(self._startup)
            _until_ready(other)
            other.sendall(data)
            client.sendall(_until_ready(other))

    _of = _startup = b""
    _silent = _hold = False

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        self._answered = threading.Event()
        with contextlib.suppress(OSError, EOFError):
            self._greeting(server, client)
            while data := server.recv(65536):
                if self._silent:
                    self._silent = False
                    self._answered.set()
                    if self._hold:
                        server.recv(1)
                    return
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _greeting(self, server: socket.socket, client: socket.socket) -> None:
        """What the server says until it is ready for the first statement."""
        kind = b""
        while kind != b"Z":
            kind = _exactly(server, 1)
            body = _exactly(server, struct.unpack("!I", _exactly(server, 4))[0] - 4)
            if kind == b"S" and self.version and body.startswith(b"server_version\0"):
                body = b"server_version\0" + self.version.encode() + b"\0"
            elif kind == b"K" and self.pooler:
                body = struct.pack("!I", 999_999) + body[4:]
            client.sendall(kind + struct.pack("!I", len(body) + 4) + body)


def _until_ready(server: socket.socket) -> bytes:
    """What it says until it is ready for the next statement."""
    said = kind = b""
    while kind != b"Z":
        kind, length = _exactly(server, 1), _exactly(server, 4)
        said += kind + length + _exactly(server, struct.unpack("!I", length)[0] - 4)
    return said


def _exactly(source: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = source.recv(length - len(found))
        if not part:
            raise EOFError
        found += part
    return found


@contextlib.contextmanager
def proxied(server: Server) -> t.Iterator[Proxy]:
    """A proxy in front of a server, until the end of the block."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
