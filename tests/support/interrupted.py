# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A door to the simulator at which something happens when a request of one's choice arrives."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
import typing as t
import urllib.parse

from ansible_collections.thingspace.licensing.tests.support.simulated import Simulator

PASSED_ON = ("authorization", "vz-m2m-token", "content-type", "accept", "x-request-id")


class Door:
    """Hands requests on to the simulator, one connection each.

    :param moment: before which request something happens, from 0.
    :param happen: what; the request waits for it.
    :param about: only requests with this in their path count.
    """

    def __init__(self, simulator: Simulator, moment: int, happen: t.Callable[[], None], about: str = "") -> None:
        self.seen: list[str] = []
        self.happened = False
        self.asker = threading.local()
        """With C(port), that of whoever sent the request that this thread is about."""
        self.moment = moment
        self._happen = happen
        self._about = about
        self._lock = threading.Lock()
        self._to = urllib.parse.urlsplit(simulator.base_url)
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                door.asker.port = self.client_address[1]
                status, headers, answer = door.hand_on(self.command, self.path, dict(self.headers), body)
                # Whoever asked may be gone.
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("content-type", headers)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            do_GET = do_POST = do_DELETE = do_PUT = answer

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: t.Any, client_address: t.Any) -> None:
                """Say nothing: who was interrupted broke off."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/api"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def hand_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """The simulator's answer."""
        with self._lock:
            number = sum(self._about in seen for seen in self.seen)
            self.seen.append(f"{method} {path}")
            if number == self.moment and self._about in path:
                self.happened = True
                self._happen()
        return self.pass_on(method, path, headers, body)

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """The simulator's answer, after whatever happened."""
        connection = http.client.HTTPConnection(str(self._to.hostname), self._to.port, timeout=30)
        kept = {name: value for name, value in headers.items() if name.lower() in PASSED_ON}
        with contextlib.closing(connection):
            connection.request(method, path, body or None, kept)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()

    def close(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
