# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of requests: what was asked and answered, without credentials and tokens."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

from .messages import Request

LIMIT = 200_000


@dataclass
class Entry:
    """One request. ``status`` is None until the answer is ready.

    Of a body it keeps only the account, the SKU, and the device ids.
    """

    n: int  # pylint: disable=invalid-name
    time: str
    method: str
    path: str
    query: dict[str, str]
    operation: str | None
    write: bool
    status: int | None
    account: str | None
    devices: list[str] | None
    sku: str | None
    fault: str | None
    has_token: bool
    has_session: bool
    x_request_id: str | None
    user_agent: str
    content_type: str


class Journal:
    """The last requests, in order of arrival, and a count of all since it was cleared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=LIMIT)
        self._count = 0

    def open(self, request: Request, time: str, operation: str | None, write: bool, account: str | None) -> Entry:
        """Note a request as it arrives. Without an ``account``, the one that the body names counts."""
        body = _body(request)
        with self._lock:
            self._count += 1
            entry = Entry(
                n=self._count,
                time=time,
                method=request.method,
                path=request.path,
                query=request.query,
                operation=operation,
                write=write,
                status=None,
                account=account or (_text(body.get("accountName")) if operation else None),
                devices=_devices(body) if write else None,
                sku=_text(body.get("skuNumber")),
                fault=None,
                has_token="authorization" in request.headers,
                has_session="vz-m2m-token" in request.headers,
                x_request_id=request.headers.get("x-request-id"),
                user_agent=request.headers.get("user-agent", ""),
                content_type=request.headers.get("content-type", ""),
            )
            self._entries.append(entry)
        return entry

    def clear(self) -> int:
        """Forget all requests; return how many there were."""
        with self._lock:
            count, self._count = self._count, 0
            self._entries.clear()
            return count

    def listing(self, operation: str | None = None, write: bool | None = None) -> list[dict[str, Any]]:
        """Return the requests, all or those of one operation, all or only writes (or reads)."""
        with self._lock:
            entries = list(self._entries)
        return [
            asdict(entry)
            for entry in entries
            if operation in (None, entry.operation) and (write is None or entry.write is write)
        ]

    def summary(self) -> dict[str, Any]:
        """Return counts by operation and by status."""
        with self._lock:
            entries, total = list(self._entries), self._count
        operations = Counter(entry.operation or "unknown" for entry in entries)
        statuses = Counter("none" if entry.status is None else str(entry.status) for entry in entries)
        writes = sum(1 for entry in entries if entry.write)
        return {"total": total, "kept": len(entries), "writes": writes, "operations": operations, "statuses": statuses}


def _body(request: Request) -> dict[str, Any]:
    """Return the body if it is a JSON object."""
    try:
        given = request.json() if request.body else None
    except ValueError:
        given = None
    return given if isinstance(given, dict) else {}


def _text(value: Any) -> str | None:
    """Return a string or nothing."""
    return value if isinstance(value, str) else None


def _devices(given: dict[str, Any]) -> list[str] | None:
    """Return the ids of a FOTA body (deviceList) or of a SIM-Secure body (devices with deviceIds)."""
    ids = given.get("deviceList")
    if isinstance(ids, list):
        return [str(one) for one in ids]
    devices = given.get("devices")
    if not isinstance(devices, list):
        return None
    return [str(one.get("id")) for entry in devices for one in _list(entry) if isinstance(one, dict)]


def _list(entry: Any) -> list[Any]:
    """Return the identifiers of one device."""
    found = entry.get("deviceIds") if isinstance(entry, dict) else None
    return found if isinstance(found, list) else []
