# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers a login with any bytes and counts how often the secret arrived, and processes that log in."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import threading
import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._client.auth import Authenticator
from ansible_collections.thingspace.licensing.plugins.module_utils._client.budget import Budget
from ansible_collections.thingspace.licensing.plugins.module_utils._client.deadline import Deadline
from ansible_collections.thingspace.licensing.plugins.module_utils._client.retry import RetryPolicy
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
from ansible_collections.thingspace.licensing.plugins.module_utils._client.secrets import SecretRegister
from ansible_collections.thingspace.licensing.plugins.module_utils._client.sender import Sender
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Transport
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.tests.support.fakes import CREDENTIALS, LOGIN, OAUTH, connection

RESET, SILENCE = b"reset", b"silence"
"""Answers that are none."""

PASSWORD = CREDENTIALS["password"].encode()
BASIC = base64.b64encode(f"{CREDENTIALS['client_id']}:{CREDENTIALS['client_secret']}".encode())


def http(status: int, body: t.Any = b"", *headers: str, length: int | None = None) -> bytes:
    """A complete answer; a body that is no bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(content) if length is None else length
    head = [f"HTTP/1.1 {status} Answer", f"Content-Length: {size}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape") + content


GOOD = {
    OAUTH: http(200, {"access_token": "A1-token", "token_type": "Bearer", "expires_in": 3600}),
    LOGIN: http(200, {"sessionToken": "S1-token"}),
}


class HostileServer:
    """Answers token requests and logins with what it is told.

    :param answers: by path; C(GOOD) where nothing is said.
    """

    def __init__(self, answers: t.Mapping[str, bytes]) -> None:
        self.answers = {**GOOD, **answers}
        self.arrived = {OAUTH: 0, LOGIN: 0}
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/api"
        self._silent: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream = self._socket.accept()[0]
                threading.Thread(target=self._converse, args=(stream,), daemon=True).start()

    def _converse(self, stream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            request = _read_request(stream)
            path = request.split(b" ")[1].decode().removeprefix("/api")
            with self._lock:
                self.arrived[path] += (PASSWORD if path == LOGIN else BASIC) in request
            answer = self.answers[path]
            if answer == SILENCE:
                self._silent.append(stream)
                return
            if answer == RESET:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                stream.sendall(answer)
            stream.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        for stream in self._silent:
            stream.close()


def _read_request(stream: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(65536) or b"\r\n\r\n"
    head, _blank, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += stream.recv(65536)
    return head + b"\r\n\r\n" + body


def log_in(base_url: str, directory: str, times: int, gate: str = "") -> list[tuple[str, str]]:
    """What becomes of tasks that need tokens: code and message of each failure, empty for a success.

    :param gate: a file to wait for, so that several processes begin together.
    """
    while gate and not os.path.exists(gate):
        pass
    found = []
    for _time in range(times):
        given = connection(**CREDENTIALS, base_url=base_url, timeout=0.5, runtime_dir=directory)
        store = FileStore(directory)
        secrets = SecretRegister(lambda _form: None)
        policy = RetryPolicy(retries=5, jitter=lambda: 0.0)
        talker = Sender(
            Transport(given, secrets.mask), policy, Budget(store, "budget", 0.0), Deadline(600.0), lambda _seconds: None
        )
        try:
            Authenticator(given, talker, store, secrets).tokens()
            found.append(("", ""))
        except LicensingError as error:
            found.append((error.code, f"{error.message} {error.as_failure()}"))
    return found
