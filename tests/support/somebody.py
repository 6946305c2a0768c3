# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody with other tools, who writes to the same accounts."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.request

from ansible_collections.thingspace.licensing.tests.support.fleets import named
from ansible_collections.thingspace.licensing.tests.support.harness import Json, Simulator


class Somebody:
    """Writes by the API, past every door."""

    def __init__(self, simulator: Simulator) -> None:
        self._base = simulator.base_url
        word = base64.b64encode(b"not-secret:not-secret").decode()
        form = {"Authorization": f"Basic {word}", "Content-Type": "application/x-www-form-urlencoded"}
        token = self._send("POST", "/ts/v1/oauth2/token", b"grant_type=client_credentials", form)["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        session = self("POST", "/m2m/v1/session/login", username="not-secret", password="not-secret")["sessionToken"]
        self._headers["VZ-M2M-Token"] = session

    def __call__(self, method: str, path: str, **body: t.Any) -> Json:
        return self._send(method, path, json.dumps(body).encode(), self._headers)

    def _send(self, method: str, path: str, data: bytes, headers: dict[str, str]) -> Json:
        request = urllib.request.Request(self._base + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return t.cast(Json, json.loads(answer.read() or b"{}"))

    def fota(self, number: int, action: str, *devices: str) -> None:
        """Assign FOTA licenses, or remove them."""
        self("POST", f"/fota/v3/licenses/{named(number)}/{action}", deviceList=[*devices])

    def candidates(self, number: int, *devices: str, **kind: str) -> None:
        """Replace the list, or extend it."""
        path = f"/fota/v2/licenses/{named(number)}/cancel"
        if devices:
            self("POST", path, count=len(devices), deviceList=[*devices], **kind)
        else:
            self("DELETE", path)

    def simsec(self, method: str, number: int, sku: str, device: str) -> None:
        """Assign a SIM-Secure license, or take it away."""
        ids = [{"deviceIds": [{"id": device, "kind": "imei"}]}]
        path = "/m2m/v1/devices/license/actions/assign"
        self(method, path, accountName=named(number), skuNumber=sku, devices=ids)
