# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One callback message: its text (callback error page), its progress, and how it is posted to a listener."""

from __future__ import annotations

import http.client
import json
import select
import ssl
from dataclasses import dataclass
from typing import Any

from ..quirks import Quirks
from ..world.device import Ids
from ..world.listeners import Listener, split

TIMEOUT = 10.0
HEADERS = {"Content-Type": "application/json"}
MAX_ATTEMPTS = 4
_MIXED = {"imei": "Imei", "iccid": "Iccid"}


@dataclass(frozen=True)
class Failure:
    """Why a device failed."""

    code: str
    text: str


@dataclass
class Message:
    """The result of one device. ``outcome`` is waiting, delivered, given_up, refused, lost or dropped."""

    account: str
    request_id: str
    ids: Ids
    sku: str
    fault: Failure | None
    attempts: int = 0
    outcome: str = "waiting"
    answer: str | None = None
    listener: Listener | None = None
    epoch: int = 0
    due: float = 0.0

    def body(self, listener: Listener, quirks: Quirks) -> dict[str, Any]:
        """Return what is sent, with the password in clear text as documented."""
        body: dict[str, Any] = {
            "username": listener.username,
            "password": listener.password,
            "requestId": self.request_id,
            "deviceIds": [{"id": value, "kind": _kind(kind, quirks)} for kind, value in self.ids],
        }
        if self.fault:
            code = f"UnifiedWebService.{self.fault.code}"
            body["faultResponse"] = {"faultcode": code, "faultstring": self.fault.text}
            body["status"] = quirks.word("callback_status")
        else:
            keyed = quirks.word("callback_response") == "keyed"
            body["deviceResponse"] = {"licenseResponse": {"skuNumber": self.sku}} if keyed else {}
            body["status"] = "Success"
        return {**body, "callbackCount": self.attempts, "maxCallbackThreshold": MAX_ATTEMPTS}

    def report(self) -> dict[str, Any]:
        """Return what the control shows, without the password."""
        return {
            "account": self.account,
            "request_id": self.request_id,
            "device_ids": [{"id": value, "kind": kind} for kind, value in self.ids],
            "sku": self.sku,
            "status": "Failed" if self.fault else "Success",
            "fault": self.fault.code if self.fault else None,
            "attempts": self.attempts,
            "outcome": self.outcome,
            "answer": self.answer,
            "url": self.listener.shown if self.listener else None,
        }


def _kind(kind: str, quirks: Quirks) -> str:
    """Return a kind of id in the case that the quirk chooses."""
    style = quirks.word("callback_kinds")
    return _MIXED[kind] if style == "mixed" else kind.upper() if style == "upper" else kind


class Sender:
    """The connections of one sending thread, one kept for each listener."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def post(self, listener: Listener, body: dict[str, Any]) -> int:
        """Send one message and return the status. Raises OSError or HTTPException if there is none."""
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
    """Say whether the listener has closed a kept connection: between two requests it sends nothing else."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    """Build a connection. The certificate of a listener on this machine cannot be verified."""
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
