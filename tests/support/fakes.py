# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seams of the collection, played by objects that fail on anything unexpected."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import types
import typing as t

import pytest
import requests

from ansible_collections.thingspace.licensing.plugins.module_utils._client.budget import Budget
from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.connection import (
    CONNECTION_SPEC,
    Connection,
    connection_from,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.deadline import Deadline
from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.retry import RetryPolicy
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore, Store
from ansible_collections.thingspace.licensing.plugins.module_utils._client.sender import EachTime, Exchange, Sender
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi

BASE = "https://api.test/api"
ACCOUNT = "0000123456-00001"
OAUTH = "/ts/v1/oauth2/token"
LOGIN = "/m2m/v1/session/login"
LOGOUT = "/m2m/v1/session/logout"

CREDENTIALS = {"client_id": "app", "client_secret": "app-secret", "username": "user", "password": "pass-word"}


def options(**given: t.Any) -> dict[str, t.Any]:
    """Every connection option, as a module would have it."""
    values = {name: spec.get("default") for name, spec in CONNECTION_SPEC.items()}
    return {**values, "base_url": BASE, "runtime_dir": "", **given}


def connection(**given: t.Any) -> Connection:
    """A connection; its validity is not looked at."""
    return connection_from(options(**given))[0]


def hash_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords in one round: thousands of tests log in, and none of them guesses a password."""
    thorough = hashlib.pbkdf2_hmac
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", lambda name, secret, salt, _rounds: thorough(name, secret, salt, 1))


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Sleep without waiting."""
        self.slept.append(seconds)
        self.now += seconds

    def module(self) -> types.SimpleNamespace:
        """A stand-in for the module C(time)."""
        return types.SimpleNamespace(time=self, sleep=self.sleep, monotonic=self)


@dataclasses.dataclass
class Step:
    """One expected request and its answer: (status, body, headers), or the error it ends with."""

    method: str
    path: str
    answer: tuple[int, t.Any, dict[str, str]] | TransportError


def step(method: str, path: str, status: int, body: t.Any = None, **headers: str) -> Step:
    """An expected request; a body that is no bytes is sent as JSON."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Step(method, path, (status, body, names))


def lost(method: str, path: str) -> Step:
    """An expected request whose answer never comes."""
    return Step(method, path, TransportError("it broke", code="connection_failed", in_doubt=True))


def unsent(method: str, path: str) -> Step:
    """An expected request that cannot be sent."""
    return Step(method, path, TransportError("refused", code="connection_failed", in_doubt=False))


def headers_of(request: Request) -> dict[str, str]:
    """The headers that a request's authentication sets."""
    prepared = requests.Request(request.method, request.url, auth=request.auth).prepare()
    return dict(prepared.headers)


class Script:
    """A transport that knows which requests come, in which order, and answers each with what was agreed."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.sent: list[Request] = []
        self.limits: list[float] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, request: Request, limit: float) -> Response:
        """See C(Exchange)."""
        with self._lock:
            if not self.steps:
                raise AssertionError(f"unexpected request: {request.method} {request.url}")
            expected = self.steps.pop(0)
            self.sent.append(request)
            self.limits.append(limit)
        path = request.url.removeprefix(BASE)
        if (request.method, path) != (expected.method, expected.path):
            raise AssertionError(f"expected {expected.method} {expected.path}, got {request.method} {path}")
        if isinstance(expected.answer, TransportError):
            raise expected.answer
        status, body, headers = expected.answer
        return _framed(request.operation, status, headers, as_bytes(body))

    def finished(self) -> None:
        """Every agreed request came."""
        assert [f"{left.method} {left.path}" for left in self.steps] == []


def as_bytes(body: t.Any) -> bytes:
    """A body as it goes over the wire."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def answer(status: int, body: t.Any = None, **headers: str) -> Response:
    """An answer to the operation 'do it'."""
    return _framed("do it", status, {name.replace("_", "-"): value for name, value in headers.items()}, as_bytes(body))


def _framed(operation: str, status: int, headers: t.Mapping[str, str], body: bytes) -> Response:
    return Response(operation, status, {"content-length": str(len(body)), **headers}, body)


class Looks(EachTime):
    """Notes what there is to see each time a request is sent, and each time it is known that it was not carried out.

    :param look: returns what is noted, or raises what forbids the request.
    """

    def __init__(self, look: t.Callable[[], t.Any]) -> None:
        self._look = look
        self.before_each: list[t.Any] = []
        self.after_each: list[t.Any] = []

    def before(self) -> None:
        """See C(EachTime)."""
        self.before_each.append(self._look())

    def not_carried_out(self) -> None:
        """See C(EachTime)."""
        self.after_each.append(self._look())


def sender(
    transport: Exchange, clock: Clock, *, retries: int = 2, deadline: float = 3600.0, store: Store | None = None
) -> Sender:
    """A real sender over a scripted transport, which sleeps on a fake clock and has no jitter."""
    budget = Budget(store or MemoryStore(), "budget", 0.0, clock)
    policy = RetryPolicy(retries=retries, jitter=lambda: 0.0)
    return Sender(transport, policy, budget, Deadline(deadline, clock), clock.sleep)


def imei(number: int) -> str:
    """An id of 15 digits."""
    return f"{990_000_000_000_000 + number}"


def imeis(count: int, start: int = 0) -> list[str]:
    """Ids of 15 digits, in ascending order."""
    return [imei(start + number) for number in range(count)]


Fault = t.Callable[["FakeThingSpace", str, list[str]], t.Any]


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, int, int | None, int]] = []

    def tell(self, what: str, done: int, of: int | None = None, failed: int = 0) -> None:
        """Keep it."""
        self.lines.append((what, done, of, failed))

    def about(self, subject: str) -> Progress:
        """The same: there is one subject only."""
        return self


class FakeThingSpace:
    """A client that keeps the licenses of one account, version 3 of the API.

    :ivar late: what readings show as long as they are behind.
    :param faults: what happens instead of the next writes, in this order; None lets one through.
    """

    answers_for_devices = False
    """Whether it is a server that answers for named devices."""

    def __init__(self, held: t.Iterable[str] = (), total: int = 1000, page_size: int = 1000) -> None:
        self.held = set(held)
        self.late: set[str] | None = None
        self.total = total
        self.page_size = page_size
        self.bad: set[str] = set()
        self.candidates: list[str] = []
        self.candidates_fault: Exception | None = None
        self.faults: list[Fault | None] = []
        self.list_faults: list[Exception | None] = []
        self.writes: list[tuple[str, list[str]]] = []
        self.log: list[str] = []
        self.max_concurrency = 1
        self.progress: Progress = Progress()
        self.host = "api.test"
        self.base_url = "https://api.test/api"
        self.store = self.known = MemoryStore()
        self._lock = threading.Lock()

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """List the licensed devices, or the removal candidates of version 2."""
        if path == f"/fota/v2/licenses/{ACCOUNT}/cancel?startIndex=0":
            self.log.append("candidates")
            if self.candidates_fault is not None:
                raise self.candidates_fault
            return {"count": len(self.candidates), "hasMoreData": False, "deviceList": self.candidates}
        if path.startswith((f"/fota/v3/devices/{ACCOUNT}", f"/fota/v1/licenses/{ACCOUNT}/cancel")):
            raise ApiError("no such call", code="api_rejected", status=404, api_code="900906")
        if path == f"/fota/v3/subscriptions/{ACCOUNT}":
            return {"purchaseType": "TS-HFOTA-MRC", "licenseCount": self.total}
        with self._lock:
            prefix = f"/fota/v3/licenses/{ACCOUNT}/index/"
            assert path.startswith(prefix), path
            self.log.append("list")
            fault = self.list_faults.pop(0) if self.list_faults else None
            if fault is not None:
                raise fault
            rest = [device for device in sorted(self.shown) if device > path.removeprefix(prefix)]
            page = rest[: self.page_size]
            return {
                "totalLicenses": self.total,
                "assignedLicenses": len(self.shown),
                "hasMoreData": len(rest) > len(page),
                "lastSeenDeviceId": page[-1] if page else "0",
                "deviceList": [{"deviceId": device, "assignmentTime": "then"} for device in page],
            }

    @property
    def shown(self) -> set[str]:
        """Who holds a license, as readings show it."""
        return self.held if self.late is None else self.late

    @staticmethod
    def mask(text: str) -> str:
        return text

    def query(self, operation: str, path: str, body: t.Mapping[str, t.Any], _most: int = 0) -> dict[str, t.Any]:
        """Answer for named devices."""
        assert path == f"/fota/v3/devices/{ACCOUNT}", path
        if not self.answers_for_devices:
            raise ApiError("no such call", code="api_rejected", status=404, api_code="900906")
        with self._lock:
            self.log.append("devices")
            rows = [{"deviceId": device, "licenseAssigned": device in self.shown} for device in body["deviceList"]]
            return {"deviceCount": len(rows), "deviceList": rows}

    def post(self, operation: str, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Assign or remove."""
        with self._lock:
            action = path.removeprefix(f"/fota/v3/licenses/{ACCOUNT}/")
            assert action in ("assign", "remove"), path
            devices = list(body["deviceList"])
            self.writes.append((action, devices))
            self.log.append(action)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None:
                return t.cast("dict[str, t.Any]", fault(self, action, devices))
            return self.carry_out(action, devices)

    def carry_out(self, action: str, devices: list[str]) -> dict[str, t.Any]:
        """What the service does with a good request."""
        if self.bad.intersection(devices):
            raise refusal("Invalid device id format")
        return {"deviceList": [self._one(action, device) for device in devices]}

    def _one(self, action: str, device: str) -> dict[str, str]:
        if action == "remove":
            if device not in self.held:
                return _row(device, "LicenseRemoveFailed", "No license attached to device")
            self.held.discard(device)
            return _row(device, "LicenseRemoveSuccess", "Success")
        if device in self.held:
            return _row(device, "LicenseAssignSuccess", "Device license preexisting")
        if len(self.held) >= self.total:
            return _row(device, "LicenseAssignFailed", "No license available")
        self.held.add(device)
        return _row(device, "LicenseAssignSuccess", "Success")

    def api(self) -> FotaApi:
        """The real operations over this client."""
        return FotaApi(t.cast(Client, self), ACCOUNT, "v3")


def _row(device: str, status: str, reason: str) -> dict[str, str]:
    return {"deviceId": device, "status": status, "Reason": reason}


def refusal(message: str, status: int = 400) -> ApiError:
    """The error of a request that was refused as a whole."""
    return ApiError(message, code="api_rejected", status=status, api_code="INVALID_PARAMETER", api_message=message)


def refuse(message: str) -> Fault:
    """Refuse the request as a whole."""

    def fault(_space: FakeThingSpace, _action: str, _devices: list[str]) -> t.Any:
        raise refusal(message)

    return fault


def fail(error: Exception) -> Fault:
    """End with this error; nothing was carried out."""

    def fault(_space: FakeThingSpace, _action: str, _devices: list[str]) -> t.Any:
        raise error

    return fault


def lose(effect: int | None) -> Fault:
    """Lose the answer after so many devices were dealt with (None: all)."""

    def fault(space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        space.carry_out(action, devices if effect is None else devices[:effect])
        raise TransportError("The connection broke.", code="connection_failed", in_doubt=True)

    return fault


def unseen(fault: Fault) -> Fault:
    """Do this, and readings stay behind it from now on."""

    def hidden(space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        space.late = set(space.shown)
        return fault(space, action, devices)

    return hidden


def change(edit: t.Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Fault:
    """Carry out, and edit the rows of the answer."""

    def fault(space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        return {"deviceList": edit(space.carry_out(action, devices)["deviceList"])}

    return fault
