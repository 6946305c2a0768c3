# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Posts callbacks to listeners on this machine, over one kept connection for each."""

from __future__ import annotations

import http.client
import json
import select
import ssl
from typing import Any

from ..world.listeners import Listener, split

TIMEOUT = 10.0
HEADERS = {"Content-Type": "application/json"}


class Sender:
    """The connections of one sending thread."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def post(self, listener: Listener, body: dict[str, Any]) -> int:
        """Send one message and return the status; raises OSError or HTTPException if there is none."""
        parts = split(listener.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._kept.pop((parts.scheme, parts.netloc), None)
        if connection is not None and _is_closed(connection):
            connection.close()
            connection = None
        if connection is None:
            connection = _connect(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("POST", target, json.dumps(body, separators=(",", ":")), HEADERS)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._kept[(parts.scheme, parts.netloc)] = connection
        return answer.status

    def close(self) -> None:
        """Close all connections."""
        for connection in self._kept.values():
            connection.close()
        self._kept.clear()


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Say whether the listener has hung up a kept connection; between two requests it has nothing to say."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    """Build a connection. A listener on this machine has no certificate that could be verified."""
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
