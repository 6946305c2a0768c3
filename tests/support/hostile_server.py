# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of raw sockets that lies, breaks off and garbles; it shares no code with the simulator or the client.

It keeps an account of its own: FOTA licenses, SIM-Secure assignments, removal candidates, listeners. C(executed) is
what it really did, whatever it answered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import ssl
import struct
import threading
import typing as t
import urllib.parse

ACCOUNT = "0000123456-00001"
FLEX, LIFETIME = "SIMSec-IoT", "SIMSec-IoT-Lt"


class Ask(t.NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: t.Any
    raw: bytes


class Reply(t.NamedTuple):
    """A good answer."""

    value: t.Any
    status: int = 200


Form = t.Callable[[socket.socket, bytes], None]
"""Answers on a socket instead of the good body that is given; may just close it."""


@dataclasses.dataclass
class Ambush:
    """Which requests meet a form, and whether they are executed all the same."""

    operation: str
    form: Form
    executed: bool
    times: int = 1
    met: int = 0


class Account:
    """What the server holds."""

    def __init__(self) -> None:
        self.fota: dict[str, str] = {}
        self.pool = 100
        self.simsec: list[tuple[str, str, str]] = []
        self.candidates: list[str] = []
        self.listeners: dict[str, dict[str, str]] = {
            "CarrierService": {"accountName": ACCOUNT, "serviceName": "CarrierService", "url": "https://a.test/cb"}
        }
        self.counts_in_pages = True

    def simsec_assigned(self, sku: str) -> int:
        """Licenses of a SKU that are held."""
        held: set[str] = set()
        for action, which, device in self.simsec:
            if which == sku:
                (held.add if action == "assign" else held.discard)(device)
        return len(held)


class Server:
    """Serves one account until it is closed."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.account = Account()
        self.asked: list[tuple[str, Ask]] = []
        self.executed: list[tuple[str, tuple[str, ...]]] = []
        self.ambush: Ambush | None = None
        self.others: dict[int, t.Callable[[Account], None]] = {}
        """What somebody else does to the account right before the request of this number (from 0) is looked at."""
        self.logins = 0
        self._context = context
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        """What to set C(base_url) to."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}/api"

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _ask in self.asked)

    def executions(self, operation: str, device: str) -> int:
        """How often an operation was carried out on a device."""
        return sum(name == operation and device in devices for name, devices in self.executed)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(raw,), daemon=True).start()

    def _converse(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), raw:
            raw.settimeout(20)
            stream = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            with stream:
                while True:
                    ask = read_ask(stream)
                    if ask is None or not self._answer(stream, ask):
                        return

    def _answer(self, stream: socket.socket, ask: Ask) -> bool:
        with self._lock:
            operation, act = self._operation(ask)
            self.others.pop(len(self.asked), lambda _account: None)(self.account)
            self.asked.append((operation, ask))
            ambush = self.ambush
            meets = ambush is not None and ambush.operation == operation and not 0 < ambush.times <= ambush.met
            if ambush is not None and meets:
                ambush.met += 1
            reply = act(ask, not meets or ambush is None or ambush.executed)
        body = json.dumps(reply.value).encode()
        if ambush is not None and meets:
            ambush.form(stream, body)
            return False
        stream.sendall(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (reply.status, len(body), body))
        return True

    def _operation(self, ask: Ask) -> tuple[str, t.Callable[[Ask, bool], Reply]]:
        path = ask.path.removeprefix("/api")
        fixed: dict[tuple[str, str], tuple[str, t.Callable[[Ask, bool], Reply]]] = {
            ("POST", "/ts/v1/oauth2/token"): ("token", self._token),
            ("POST", "/m2m/v1/session/login"): ("login", self._login),
            ("POST", "/m2m/v1/devices/license/actions/assign"): ("simsec_assign", self._simsec),
            ("DELETE", "/m2m/v1/devices/license/actions/assign"): ("simsec_remove", self._simsec),
            ("POST", "/m2m/v1/accounts/subscriptions/actions/list"): ("simsec_count", self._simsec_count),
        }
        found = fixed.get((ask.method, path))
        if found is not None:
            return found
        parts = path.strip("/").split("/")
        if parts[:2] == ["m2m", "v1"] and parts[2] == "callbacks":
            names = {"GET": "callback_list", "POST": "callback_register", "DELETE": "callback_remove"}
            return names[ask.method], self._callback
        if parts[0] == "fota" and parts[2] == "subscriptions":
            return "fota_subscription", self._subscription
        if parts[0] == "fota" and "cancel" in parts:
            names = {"GET": "candidates_list", "POST": "candidates_write", "DELETE": "candidates_delete"}
            return names[ask.method], self._candidates
        if parts[0] == "fota" and parts[-1] in ("assign", "remove"):
            return f"fota_{parts[-1]}", self._fota
        if parts[0] == "fota" and parts[2] == "devices":
            return "fota_devices", lambda _ask, _really: Reply({"fault": {"code": "900906"}}, 404)
        if parts[0] == "fota" and ask.method == "GET":
            return "fota_list", self._fota_list
        raise ValueError(ask.path)

    def _token(self, _ask: Ask, _really: bool) -> Reply:
        return Reply({"access_token": f"A{len(self.asked):020d}", "token_type": "Bearer", "expires_in": 3600})

    def _login(self, _ask: Ask, _really: bool) -> Reply:
        self.logins += 1
        return Reply({"sessionToken": "bcce3ea6-fe4f-4952-bacf-eadd80718e83"})

    def _simsec(self, ask: Ask, really: bool) -> Reply:
        action = "assign" if ask.method == "POST" else "remove"
        devices = tuple(device["deviceIds"][0]["id"] for device in ask.body["devices"])
        if really:
            self.executed.append((f"simsec_{action}", devices))
            self.account.simsec += [(action, ask.body["skuNumber"], device) for device in devices]
        return Reply({"requestId": f"c3f3d17c-0000-0000-0000-{len(self.asked):012d}"})

    def _simsec_count(self, _ask: Ask, _really: bool) -> Reply:
        rows = [(FLEX, "Flex"), (LIFETIME, "Lifetime")]
        counts = [(sku, kind, self.account.simsec_assigned(sku)) for sku, kind in rows]
        return Reply(
            {
                "accountName": ACCOUNT,
                "subscriptionList": [
                    {
                        "skuNumber": sku,
                        "licenseType": kind,
                        "licensePurchased": 50,
                        "licenseAssigned": held,
                        "licenseAvailable": 50 - held,
                    }
                    for sku, kind, held in counts
                ],
            }
        )

    def _callback(self, ask: Ask, really: bool) -> Reply:
        if ask.method == "GET":
            return Reply(list(self.account.listeners.values()))
        service = ask.body["name"] if ask.method == "POST" else ask.path.rpartition("/")[2]
        if really:
            self.executed.append((f"callback_{'register' if ask.method == 'POST' else 'remove'}", (service,)))
            if ask.method == "POST":
                row = {key: ask.body[key] for key in ("url", "username", "password") if key in ask.body}
                self.account.listeners[service] = {"accountName": ACCOUNT, "serviceName": service, **row}
            else:
                self.account.listeners.pop(service, None)
        return Reply({"accountName": ACCOUNT, "serviceName": service})

    def _subscription(self, _ask: Ask, _really: bool) -> Reply:
        used = len(self.account.fota)
        return Reply(
            {
                "accountName": ACCOUNT,
                "purchaseType": "TS-HFOTA-MRC",
                "licenseCount": self.account.pool,
                "licenseUsedCount": used,
                "updateTime": "2026-01-01T00:00:00.000Z",
            }
        )

    def _candidates(self, ask: Ask, really: bool) -> Reply:
        listed = self.account.candidates
        if ask.method == "GET":
            start = int(ask.query.get("startIndex") or ask.path.rpartition("/")[2])
            rows = listed[start : start + 1000]
            more = start + len(rows) < len(listed)
            return Reply({"accountName": ACCOUNT, "count": len(rows), "deviceList": rows, "hasMoreData": more})
        devices = tuple(ask.body["deviceList"]) if ask.method == "POST" else tuple(listed)
        if really:
            self.executed.append(("candidates_write" if ask.method == "POST" else "candidates_delete", devices))
            if ask.method == "DELETE":
                listed.clear()
            elif ask.body.get("type") == "append":
                listed.extend(devices)
            else:
                listed[:] = devices
        return Reply({"accountName": ACCOUNT, "count": len(listed)})

    def _fota(self, ask: Ask, really: bool) -> Reply:
        action = ask.path.rpartition("/")[2]
        devices = tuple(ask.body["deviceList"])
        if really:
            self.executed.append((f"fota_{action}", devices))
            for device in devices:
                if action == "assign":
                    self.account.fota.setdefault(device, "2026-01-01T00:00:00.000Z")
                else:
                    self.account.fota.pop(device, None)
        status = "LicenseAssignSuccess" if action == "assign" else "LicenseRemoveSuccess"
        rows = [{"deviceId": device, "status": status, "resultReason": "Success"} for device in devices]
        counts = {"licTotalCount": self.account.pool, "licUsedCount": len(self.account.fota)}
        return Reply({"accountName": ACCOUNT, **counts, "deviceList": rows})

    def _fota_list(self, ask: Ask, _really: bool) -> Reply:
        seen = ask.query.get("lastSeenDeviceId") or ask.path.rpartition("/")[2]
        held = [device for device in sorted(self.account.fota) if device > seen]
        rows = [{"deviceId": device, "assignmentTime": self.account.fota[device]} for device in held]
        counts = {"totalLicenses": self.account.pool, "assignedLicenses": len(self.account.fota)}
        value = {"accountName": ACCOUNT, "hasMoreData": False, "lastSeenDeviceId": "0", "deviceList": rows}
        return Reply({**value, **(counts if self.account.counts_in_pages else {})})


def read_ask(stream: socket.socket) -> Ask | None:
    """One request; None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            return None
        data += more
    head, _blank, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += stream.recv(65536)
    method, target, _version = lines[0].decode().split(" ")
    split = urllib.parse.urlsplit(target)
    query = dict(urllib.parse.parse_qsl(split.query))
    try:
        value = json.loads(body) if body else None
    except ValueError:
        value = None
    return Ask(method, split.path, query, value, head + b"\r\n\r\n" + body)


def reset(stream: socket.socket) -> None:
    """Close with a reset instead of an orderly end."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
