# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account with licenses and a removal candidate list, version 2 of the API, in the place of a client."""

from __future__ import annotations

import typing as t

from ansible_collections.thingspace.licensing.plugins.module_utils._client.client import Client
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import ApiError, TransportError
from ansible_collections.thingspace.licensing.plugins.module_utils._progress import Progress
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.candidates import CandidatesApi
from ansible_collections.thingspace.licensing.plugins.module_utils._swm.licenses import FotaApi
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, refusal

CANCEL = f"/fota/v2/licenses/{ACCOUNT}/cancel"
LICENSES = f"/fota/v2/licenses/{ACCOUNT}"
THEN = "2020-01-01T00:00:00Z"

Happening = t.Callable[["FakeCandidates"], None]
Fault = t.Callable[["FakeCandidates", Happening], None]


class FakeCandidates:
    """A client that keeps the list of one account.

    :param happenings: what happens just before the reading of that number, the first is 1.
    :param faults: what happens instead of the write of that number; it is given the effect that the write would have.
    """

    def __init__(self, listed: t.Iterable[str] = (), held: t.Iterable[str] = (), page_size: int = 1000) -> None:
        self.listed = list(listed)
        self.held = dict.fromkeys(held, THEN)
        self.page_size = page_size
        self.limit = 1_000_000
        self.happenings: dict[int, Happening] = {}
        self.faults: dict[int, Fault] = {}
        self.purchase_type = "TS-HFOTA-MRC"
        self.readings = 0
        self.writes: list[tuple[str, int]] = []
        self.log: list[str] = []
        self.allowed: list[float] = []
        self.max_concurrency = 1
        self.progress = Progress()
        self.store = self.known = MemoryStore()
        self.host = "localhost"

    @staticmethod
    def mask(text: str) -> str:
        return text

    def allow(self, seconds: float) -> None:
        """Note it."""
        self.allowed.append(seconds)

    def get(self, operation: str, path: str) -> dict[str, t.Any]:
        """List candidates or licenses, or the subscription."""
        if path == f"/fota/v2/subscriptions/{ACCOUNT}":
            return {"purchaseType": self.purchase_type, "licenseCount": 100, "licenseUsedCount": len(self.held)}
        if path.startswith(f"/fota/v2/devices/{ACCOUNT}"):
            raise ApiError("no such path", code="api_rejected", status=404)
        if not path.startswith(CANCEL):
            assert path.startswith(LICENSES), path
            self.log.append("licenses")
            rows = [{"deviceId": device, "assignmentTime": time} for device, time in self.held.items()]
            counts = {"totalLicenses": 100, "assignedLicenses": len(rows)}
            return {**counts, "hasMoreData": False, "lastSeenDeviceId": "0", "deviceList": rows}
        start = int(path.removeprefix(f"{CANCEL}?startIndex="))
        if start == 0:
            self.readings += 1
            self.log.append("read")
            self.happenings.pop(self.readings, _nothing)(self)
        page = self.listed[start : start + self.page_size]
        more = start + len(page) < len(self.listed)
        return {"count": len(self.listed), "hasMoreData": more, "updateTime": "now", "deviceList": page}

    def post(self, operation: str, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Append or replace."""
        assert path == CANCEL
        devices, kind = list(body["deviceList"]), str(body.get("type", "replace"))
        assert body["count"] == len(devices)

        def effect(space: FakeCandidates) -> None:
            if len(devices) > space.limit:
                raise refusal("too many")
            space.listed = [*(space.listed if kind == "append" else ()), *devices]

        self._write(kind, len(devices), effect)
        return {"count": len(devices), "deviceList": devices}

    def delete(self, operation: str, path: str) -> dict[str, t.Any]:
        """Delete the list."""
        assert path == CANCEL
        self._write("delete", 0, become([]))
        return {"success": True}

    def _write(self, kind: str, count: int, effect: Happening) -> None:
        self.writes.append((kind, count))
        self.log.append(kind)
        self.faults.pop(len(self.writes), _carry_out)(self, effect)

    def api(self, *_args: t.Any) -> CandidatesApi:
        """The real operations over this client."""
        return CandidatesApi(t.cast(Client, self), ACCOUNT, "v2")

    def licenses(self, *_args: t.Any) -> FotaApi:
        """The real operations over this client."""
        return FotaApi(t.cast(Client, self), ACCOUNT, "v2")


def _nothing(_space: FakeCandidates) -> None:
    """Nothing happens."""


def _carry_out(space: FakeCandidates, effect: Happening) -> None:
    effect(space)


def become(listed: t.Sequence[str]) -> Happening:
    """Somebody makes this the list."""

    def happening(space: FakeCandidates) -> None:
        space.listed = list(listed)

    return happening


def broken(_space: FakeCandidates) -> None:
    """There is no connection."""
    raise TransportError("no connection", code="connection_failed", in_doubt=False)


def refused(space: FakeCandidates, effect: Happening) -> None:
    """Refuse the write as a whole."""
    raise refusal("no")


def lost(space: FakeCandidates, effect: Happening) -> None:
    """Lose the request."""
    raise TransportError("it broke", code="connection_failed", in_doubt=True)


def lost_after(space: FakeCandidates, effect: Happening) -> None:
    """Carry out, and lose the answer."""
    effect(space)
    lost(space, effect)


def lost_and(listed: t.Sequence[str]) -> Fault:
    """Lose the request, after which the list is this one."""

    def fault(space: FakeCandidates, effect: Happening) -> None:
        space.listed = list(listed)
        lost(space, effect)

    return fault


def refused_and(listed: t.Sequence[str]) -> Fault:
    """Refuse the write, after which the list is this one."""

    def fault(space: FakeCandidates, effect: Happening) -> None:
        space.listed = list(listed)
        refused(space, effect)

    return fault
