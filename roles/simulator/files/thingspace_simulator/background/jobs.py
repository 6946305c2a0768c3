# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIM-Secure requests: each accepted one waits, then every device gets its result and a callback message.

No document says exactly what becomes of a device. The codes marked * are ours.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from ..quirks import Quirks
from ..world.account import Account, Sku
from ..world.device import Device, Ids
from ..world.world import World
from .callbacks import Callbacks
from .message import Failure, Message
from .timeline import Timeline

REMEMBERED = 100_000
UNKNOWN = Failure("REQUEST_FAILED.DeviceNotFound", "REQUEST_FAILED. Device was not found")
NOT_ACTIVE = Failure("INPUT_INVALID.DeviceState.Invalid", "INPUT_INVALID. Device is not active")
NOT_4G = Failure("INPUT_INVALID.DeviceTechnology.Invalid", "INPUT_INVALID. Device is not a 4G device")  # *
EXHAUSTED = Failure("REQUEST_FAILED.LicenseNotAvailable", "REQUEST_FAILED. No license is available")  # *
NOT_ASSIGNED = Failure("REQUEST_FAILED.LicenseNotAssigned", "REQUEST_FAILED. Device has no such license")  # *
ASSIGNED = Failure("REQUEST_FAILED.LicenseAlreadyAssigned", "REQUEST_FAILED. Device already has the license")  # *


def refusal(device: Device | None, removing: bool) -> Failure | None:
    """Return why a device cannot take part. To remove, the account must have it, and no more."""
    if device is None:
        return UNKNOWN
    if removing:
        return None
    if device.state != "active":
        return NOT_ACTIVE
    return None if device.technology == "4G" else NOT_4G


def settle(device: Device | None, sku: Sku, removing: bool, quirks: Quirks, now_ms: int) -> Failure | None:
    """Attach or detach the license of one device. Return why it failed."""
    fault = refusal(device, removing)
    if fault is not None or device is None:
        return fault
    held = device.imei in sku.licenses
    if removing:
        if not held:
            return NOT_ASSIGNED
        del sku.licenses[device.imei]
        return None
    if held:
        return ASSIGNED if quirks.word("simsec_reassign") == "failed" else None
    if not sku.free:
        return EXHAUSTED
    sku.licenses[device.imei] = now_ms
    return None


@dataclass(frozen=True)
class Wanted:
    """What a valid request asks for."""

    account: Account
    sku: Sku
    devices: list[Ids]
    removing: bool

    def change(self) -> int:
        """Return how this will change the number assigned if nothing fails, as far as is known at acceptance."""
        found = (self.account.directory.find_all(ids) for ids in self.devices)
        imeis = {device.imei for device in found if device is not None}
        changing = sum((imei in self.sku.licenses) is self.removing for imei in imeis)
        return -changing if self.removing else changing


@dataclass
class Job:
    """One accepted request. Until it is done, ``change`` is part of the pending count of its SKU."""

    request_id: str
    wanted: Wanted
    change: int
    done: bool = False
    failed: int = 0


class Jobs:
    """All requests that are not done, and the last ones that are."""

    def __init__(self, world: World, callbacks: Callbacks) -> None:
        self._world = world
        self._callbacks = callbacks
        self._timeline: Timeline[Job] = Timeline(world.clock, world.stopping)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._timeline)

    def accept(self, wanted: Wanted) -> str:
        """Accept a request and return its id. The caller holds the lock of the world."""
        job = Job(str(uuid.uuid4()), wanted, wanted.change())
        wanted.sku.pending += job.change
        self._jobs[job.request_id] = job
        if len(self._jobs) > REMEMBERED:
            self._jobs.popitem(last=False)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._timeline.add(self._world.clock.now() + self._world.quirks.number("simsec_delay"), [job])
        return job.request_id

    def job(self, request_id: str) -> Job | None:
        """Return a request by its id."""
        return self._jobs.get(request_id)

    def settle(self) -> None:
        """Do what is due. The lock is released between two requests."""
        while True:
            with self._world.lock:
                job = self._timeline.pop()
                if job is None:
                    return
                self._do(job)

    def rush(self) -> None:
        """Do everything now."""
        self._timeline.rush()
        self.settle()

    def cancel(self) -> None:
        """Forget all requests. The caller holds the lock of the world."""
        self._jobs.clear()
        self._timeline.clear()

    def _run(self) -> None:
        """Do what is due, until the simulator ends."""
        while self._timeline.wait():
            self.settle()

    def _do(self, job: Job) -> None:
        """Give each device its result, and send the messages."""
        wanted = job.wanted
        wanted.sku.pending -= job.change
        now_ms = self._world.clock.now_ms()
        messages: list[Message] = []
        for ids in wanted.devices:
            device = wanted.account.directory.find_all(ids)
            fault = settle(device, wanted.sku, wanted.removing, self._world.quirks, now_ms)
            job.failed += fault is not None
            own = (("imei", device.imei), ("iccid", device.iccid)) if device else ids
            messages.append(Message(wanted.account.name, job.request_id, own, wanted.sku.sku, fault))
        job.done = True
        self._callbacks.add(messages)
