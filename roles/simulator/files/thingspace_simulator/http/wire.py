# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on the wire: what goes wrong while an answer is being sent."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from io import BufferedIOBase
from typing import Protocol

from .messages import Reply
from .mishaps import OVERSIZE

_CHUNK = b"x" * 65536


class Connection(Protocol):
    """What a fault on the wire needs of the connection that it hits."""

    close_connection: bool
    connection: socket.socket
    wfile: BufferedIOBase

    def send_head(self, reply: Reply, length: int) -> None:
        """Send status and headers."""


def play(caller: Connection, reply: Reply, stopping: threading.Event) -> None:
    """Send a reply the way its fault wants it; the connection is not used again."""
    caller.close_connection = True
    if reply.wire == "reset":
        _reset(caller.connection)
    elif reply.wire == "stall":
        _hold(caller.connection, reply.seconds, stopping)
    elif reply.wire == "truncate":
        body = reply.encoded()
        caller.send_head(reply, len(body))
        caller.wfile.write(body[: len(body) // 2])
    elif reply.wire == "drip":
        _drip(caller, reply, stopping)
    elif reply.wire == "oversize":
        _oversize(caller, reply)


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN: linger of zero, and no shutdown before."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def _hold(connection: socket.socket, seconds: float, stopping: threading.Event) -> None:
    """Answer nothing until the time is over, the caller hangs up, or the server stops."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stopping.wait(0.05):
        if select.select([connection], [], [], 0)[0]:
            return


def _drip(caller: Connection, reply: Reply, stopping: threading.Event) -> None:
    """Send the head at once and the body one byte a second."""
    body = reply.encoded()
    caller.send_head(reply, len(body))
    caller.wfile.flush()
    end = time.monotonic() + reply.seconds
    for byte in body:
        caller.wfile.write(bytes((byte,)))
        caller.wfile.flush()
        if time.monotonic() >= end or stopping.wait(1.0):
            return


def _oversize(caller: Connection, reply: Reply) -> None:
    """Send 50 MB of valid JSON without holding it in memory."""
    start, finish = b'{"accountName":"', b'"}'
    caller.send_head(reply, len(start) + OVERSIZE + len(finish))
    caller.wfile.write(start)
    left = OVERSIZE
    while left:
        caller.wfile.write(_CHUNK[:left])
        left -= min(left, len(_CHUNK))
    caller.wfile.write(finish)
