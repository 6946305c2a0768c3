# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fault makes of a reply: replace it, damage it, or mark it for the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import gateway
from .faults import ON_THE_WIRE, PAGES, ROWS, TOKENS, Fault
from .messages import Reply

OVERSIZE = 50_000_000


def lets_work(fault: Fault, is_write: bool) -> bool:
    """Say whether the operation itself happens; ``effect`` decides where the action leaves it open."""
    if fault.effect == "done" or fault.action in (*TOKENS, *PAGES, *ROWS):
        return True
    return fault.action in ("drip", "truncate") and not is_write  # these need a true answer to damage


def spoil(fault: Fault, reply: Reply, cursor: str, before: list[Any]) -> Reply:
    """Return the reply that the caller gets instead.

    ``cursor`` is what the caller of a list sent, ``before`` the rows of the list page before this one.
    """
    if fault.action in ON_THE_WIRE:
        return replace(reply, wire=fault.action, seconds=fault.seconds)
    if fault.action in PAGES or fault.action in ROWS:
        return _spoil_rows(fault, reply, cursor, before)
    if fault.action in _INSTEAD:
        reply = _INSTEAD[fault.action](fault)
    return replace(reply, headers={**reply.headers, **fault.headers})


def _status(fault: Fault) -> Reply:
    """Build an error of a given status with a given body, or with one like the gateway's."""
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
    """Damage the rows or the cursor of a good answer; an error stays what it is."""
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
    """Return the device of a row; in a list of removal candidates a row is nothing else."""
    return str(row if isinstance(row, str) else row["deviceId"])


def rows_of(reply: Reply) -> list[Any]:
    """Return the rows of a good per-device answer."""
    if reply.status == 200 and isinstance(reply.data, dict):
        return list(reply.data.get("deviceList", []))
    return []
