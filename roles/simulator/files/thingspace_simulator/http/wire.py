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
from typing import TYPE_CHECKING

from .messages import Reply
from .mishaps import OVERSIZE

if TYPE_CHECKING:
    from .server import Handler

_CHUNK = b"x" * 65536


def play(handler: Handler, reply: Reply, stopping: threading.Event) -> None:
    """Send a reply the way its fault wants it; the connection is not used again."""
    handler.close_connection = True
    if reply.wire == "reset":
        _reset(handler.connection)
    elif reply.wire == "stall":
        _hold(handler.connection, reply.seconds, stopping)
    elif reply.wire == "truncate":
        body = reply.encoded()
        handler.send_head(reply, len(body))
        handler.wfile.write(body[: len(body) // 2])
    elif reply.wire == "drip":
        _drip(handler, reply, stopping)
    elif reply.wire == "oversize":
        _oversize(handler, reply)


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


def _drip(handler: Handler, reply: Reply, stopping: threading.Event) -> None:
    """Send the head at once and the body one byte a second."""
    body = reply.encoded()
    handler.send_head(reply, len(body))
    handler.wfile.flush()
    end = time.monotonic() + reply.seconds
    for byte in body:
        handler.wfile.write(bytes((byte,)))
        handler.wfile.flush()
        if time.monotonic() >= end or stopping.wait(1.0):
            return


def _oversize(handler: Handler, reply: Reply) -> None:
    """Send 50 MB of valid JSON without holding it in memory."""
    start, finish = b'{"accountName":"', b'"}'
    handler.send_head(reply, len(start) + OVERSIZE + len(finish))
    handler.wfile.write(start)
    left = OVERSIZE
    while left:
        handler.wfile.write(_CHUNK[:left])
        left -= min(left, len(_CHUNK))
    handler.wfile.write(finish)
