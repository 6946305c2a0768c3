# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy for CONNECT that breaks off where it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

from ansible_collections.thingspace.licensing.tests.support.hostile_server import reset

Fate = t.Literal[
    "pass", "refuse", "407", "garbage", "close", "reset", "close after the request", "reset after the request"
]


class Proxy:
    """Passes bytes on to one server; C(fate) is that of the next tunnels."""

    def __init__(self, port: int) -> None:
        self.fate: Fate = "pass"
        self.tunnels = 0
        self._server = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client, self.fate), daemon=True).start()

    def _tunnel(self, client: socket.socket, fate: Fate) -> None:
        self.tunnels += 1
        with contextlib.suppress(OSError), client:
            while b"\r\n\r\n" not in client.recv(65536):
                pass
            answers = {
                "refuse": b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
                "407": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                "garbage": b"nonsense\r\n\r\n",
                "close": b"",
            }
            if fate == "reset":
                reset(client)
            elif fate in answers:
                client.sendall(answers[fate])
            else:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with socket.create_connection(("127.0.0.1", self._server)) as server:
                    self._pass_on(client, server, fate)

    @staticmethod
    def _pass_on(client: socket.socket, server: socket.socket, fate: Fate) -> None:
        def up() -> None:
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    server.sendall(data)

        threading.Thread(target=up, daemon=True).start()
        while data := server.recv(65536):
            if fate != "pass" and Proxy.is_answer(data):
                if fate == "reset after the request":
                    reset(client)
                # Wakes the other thread, without which closing would have to wait for it.
                client.shutdown(socket.SHUT_RD)
                return
            client.sendall(data)

    @staticmethod
    def is_answer(data: bytes) -> bool:
        """Whether bytes of a server are application data; with TLS 1.2 only those are of this type."""
        return data[:1] == b"\x17"
