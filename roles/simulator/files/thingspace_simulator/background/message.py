# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One callback message: its text (callback error page) and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..quirks import Quirks
from ..world.directory import Ids
from ..world.listeners import Listener
from .results import Failure

MAX_ATTEMPTS = 4
_MIXED = {"imei": "Imei", "iccid": "Iccid"}


@dataclass
class Message:
    """What happened to one device. ``outcome`` is waiting, delivered, given_up, refused, lost or dropped."""

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
        """Return what is sent; the password goes along in clear text, as documented."""
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
        """Return what the control shows."""
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
    """Write a kind in the case chosen."""
    style = quirks.word("callback_kinds")
    return _MIXED[kind] if style == "mixed" else kind.upper() if style == "upper" else kind
