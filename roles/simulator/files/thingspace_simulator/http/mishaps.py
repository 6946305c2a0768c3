# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fault does to a reply: it replaces or damages it, or disturbs how it is sent."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from io import BufferedIOBase
from typing import Any, Protocol

from . import gateway
from .faults import ON_THE_WIRE, PAGES, ROWS, TOKENS, Fault
from .messages import Reply

OVERSIZE = 50_000_000
_CHUNK = b"x" * 65536


def lets_work(fault: Fault, is_write: bool) -> bool:
    """Say whether the operation takes effect. ``effect`` decides where the action leaves it open."""
    if fault.effect == "done" or fault.action in (*TOKENS, *PAGES, *ROWS):
        return True
    return fault.action in ("drip", "truncate") and not is_write  # they damage a real answer


def spoil(fault: Fault, reply: Reply, cursor: str, before: list[Any]) -> Reply:
    """Return the reply that the caller gets instead.

    ``cursor`` is what the caller of a list sent. ``before`` is the previous page of that list.
    """
    if fault.action in ON_THE_WIRE:
        return replace(reply, wire=fault.action, seconds=fault.seconds)
    if fault.action in PAGES or fault.action in ROWS:
        return _spoil_rows(fault, reply, cursor, before)
    if fault.action in _INSTEAD:
        reply = _INSTEAD[fault.action](fault)
    return replace(reply, headers={**reply.headers, **fault.headers})


def _status(fault: Fault) -> Reply:
    """Build an error of a given status, with a given body or one like the gateway's."""
    status, body = _code(fault, 503), fault.body
    if isinstance(body, str):
        return Reply(status, body=body.encode(), content_type="text/plain; charset=UTF-8")
    if body is None:
        if status == 403:
            return gateway.wrong_authentication().reply
        code, message = _GATEWAY.get(status, ("101503", "Runtime Error"))
        return gateway.fault(status, code, message, f"Simulated HTTP {status}").reply
    return Reply(status, body)


def _charset(fault: Fault) -> Reply:
    """Send Latin-1 bytes under a UTF-8 label."""
    body = json.dumps({"accountName": "caf\u00e9"}, ensure_ascii=False).encode("latin-1")
    return Reply(_code(fault), body=body, content_type="application/json; charset=UTF-8")


def _html(fault: Fault) -> Reply:
    """Send a sign-in page."""
    body = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
    return Reply(_code(fault), body=body, content_type="text/html; charset=UTF-8")


def _code(fault: Fault, default: int = 200) -> int:
    """Return the status of the fault."""
    return default if fault.status is None else fault.status


_GATEWAY = {401: ("900901", "Invalid Credentials"), 429: ("900802", "Message throttled out")}
_INSTEAD: dict[str, Callable[[Fault], Reply]] = {
    "status": _status,
    "empty": lambda fault: Reply(_code(fault), body=b""),
    "html": _html,
    "array": lambda fault: Reply(_code(fault), ["unexpected"]),
    "charset": _charset,
    "oversize": lambda fault: Reply(_code(fault), body=b"", wire="oversize"),
    "redirect": lambda fault: Reply(_code(fault, 302), body=b"", headers={"Location": "/login.html"}),
}


def _spoil_rows(fault: Fault, reply: Reply, cursor: str, before: list[Any]) -> Reply:
    """Damage the rows or the cursor of a good answer. An error stays as it is."""
    data, rows = reply.data, rows_of(reply)
    if not rows:
        return reply
    data = dict(data)
    if fault.action == "loop_cursor":
        data["lastSeenDeviceId"] = int(cursor) if isinstance(data["lastSeenDeviceId"], int) else cursor
        data["hasMoreData"] = True
    elif fault.action == "short_page":
        data["deviceList"] = rows[: max(1, len(rows) // 2)]
        if len(rows) > 1:
            data["hasMoreData"] = True
            if "lastSeenDeviceId" in data:
                last = _id_of(data["deviceList"][-1])
                data["lastSeenDeviceId"] = int(last) if isinstance(data["lastSeenDeviceId"], int) else last
    elif fault.action == "repeat_page":
        data["deviceList"] = before or rows
    elif fault.action == "empty_page":
        data["deviceList"] = []
    else:
        gone = _id_of(rows[len(rows) // 2]) if fault.device is None else fault.device
        data["deviceList"] = [row for row in rows if _id_of(row) != gone]
    return replace(reply, data=data)


def _id_of(row: Any) -> str:
    """Return the device of a row. A row of removal candidates is just the id."""
    return str(row if isinstance(row, str) else row["deviceId"])


def rows_of(reply: Reply) -> list[Any]:
    """Return the rows of a good per-device answer."""
    if reply.status == 200 and isinstance(reply.data, dict):
        return list(reply.data.get("deviceList", []))
    return []


class Connection(Protocol):
    """The connection that a reply is sent on."""

    close_connection: bool
    connection: socket.socket
    wfile: BufferedIOBase

    def send_head(self, reply: Reply, length: int) -> None:
        """Send status and headers."""


def play(caller: Connection, reply: Reply, stopping: threading.Event) -> None:
    """Send a reply as its fault says. The connection is not used again."""
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
    """Close with RST instead of FIN: zero linger, no shutdown first."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def _hold(connection: socket.socket, seconds: float, stopping: threading.Event) -> None:
    """Send nothing until the time is over, the caller hangs up, or the server stops."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stopping.wait(0.05):
        if select.select([connection], [], [], 0)[0]:
            return


def _drip(caller: Connection, reply: Reply, stopping: threading.Event) -> None:
    """Send the head at once, and the body one byte a second."""
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
