# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account with SIM-Secure licenses in the place of the transport, and the fixtures of a module that runs over it."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.tests.support.fakes import BASE, as_bytes, imeis

TOKENS = {"access_token": "the-access-token", "session_token": "the-session-token"}
FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"
WRITE, COUNT = "/m2m/v1/devices/license/actions/assign", "/m2m/v1/accounts/subscriptions/actions/list"
LISTENERS = "/m2m/v1/callbacks/"
LISTENER = {"serviceName": "CarrierService", "url": "https://callbacks.example.com/", "password": "accepted"}
DEVICES = "/m2m/v1/devices/actions/list"


class Space:
    """A transport in front of an account that carries everything out at once, and reports nothing by itself.

    :ivar counts: whether it tells how many licenses are assigned.
    :ivar more: further rows of the counts.
    :ivar turned: whether the rows of the counts come the other way round.
    :ivar slow: how many times the counts are read before a request is carried out.
    :ivar faults: what happens to the next writes: 'lose' before or 'lost' after they took effect, or a status.
    :ivar on_write: is called before the next writes are answered.
    :ivar copies: the request ids of the next answers, which are copies of answers to other requests.
    """

    def __init__(self) -> None:
        self.held: dict[str, set[str]] = {FLEX: set(), LIFETIME: set()}
        self.types = {FLEX: "Flexible", LIFETIME: "Lifetime"}
        self.total = 100
        self.counts = True
        self.slow = 0
        self.going: list[tuple[int, str, str, list[str]]] = []
        self.listeners: tuple[int, t.Any] = (200, [LISTENER])
        self.asked = 0
        self.more: list[dict[str, t.Any]] = []
        self.turned = False
        self.faults: list[str | int] = []
        self.copies: list[str] = []
        self.on_write: t.Callable[[], None] = lambda: None
        self.inactive: set[str] = set()
        self.writes: list[tuple[str, str, list[str], str]] = []
        self.reads = 0
        self.status_of_requests: str | None = None

    def play(self, _connection: t.Any, _mask: t.Any) -> Space:
        """Take the place of the transport."""
        return self

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, request: Request, _limit: float) -> Response:
        """See C(Exchange)."""
        status, body = self._answer(request, request.url.removeprefix(BASE))
        return Response(request.operation, status, {}, as_bytes(body))

    def _answer(self, request: Request, path: str) -> tuple[int, t.Any]:
        if path == WRITE:
            return self._write(request)
        if path.startswith(LISTENERS):
            self.asked += 1
            return self.listeners
        self.reads += 1
        if path == COUNT:
            self._settle()
            rows = [*(self._count(sku) for sku in self.held), *self.more]
            return 200, {"subscriptionList": rows[::-1] if self.turned else rows}
        if path == DEVICES:
            found = [{"deviceIds": [{"id": one, "kind": "imei"}], **self._state(one)} for one in imeis(20)]
            return 200, {"hasMoreData": False, "devices": found}
        assert path.endswith("/status"), path
        return (200, {"status": self.status_of_requests}) if self.status_of_requests else (404, {"errorCode": "X"})

    def _state(self, device: str) -> dict[str, t.Any]:
        return {"carrierInformations": [{"state": "suspend" if device in self.inactive else "active"}]}

    def _count(self, sku: str) -> dict[str, t.Any]:
        row = {"skuNumber": sku, "licenseType": self.types[sku], "licensePurchased": self.total}
        counts = {"licenseAssigned": len(self.held[sku]), "licenseAvailable": self.total - len(self.held[sku])}
        return {**row, **(counts if self.counts else {})}

    def _settle(self) -> None:
        """Carry out what waited long enough."""
        going, self.going = self.going, []
        for left, method, sku, devices in going:
            if left:
                self.going.append((left - 1, method, sku, devices))
            else:
                self._change(method, sku, devices)

    def _change(self, method: str, sku: str, devices: t.Iterable[str]) -> None:
        served = set(devices) - self.inactive
        self.held[sku].update(served) if method == "POST" else self.held[sku].difference_update(served)

    def _write(self, request: Request) -> tuple[int, t.Any]:
        body = t.cast("dict[str, t.Any]", request.json)
        devices = [device["deviceIds"][0]["id"] for device in body["devices"]]
        name = dict(request.headers or {})["X-Request-ID"]
        self.writes.append((request.method, body["skuNumber"], devices, name))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return fault, {"errorCode": "X", "errorMessage": "sorry"}
        if fault != "lose":
            if self.slow:
                self.going.append((self.slow, request.method, body["skuNumber"], devices))
            else:
                self._change(request.method, body["skuNumber"], devices)
        if fault:
            raise TransportError("It broke.", code="connection_failed", in_doubt=True)
        self.on_write()
        return 200, {"requestId": self.copies.pop(0) if self.copies else f"r{len(self.writes)}"}


def code(result: dict[str, t.Any]) -> str:
    """C(failure.code); empty when the module did not fail."""
    return str(result.get("failure", {}).get("code", ""))
