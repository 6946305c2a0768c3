# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accepted SIM-Secure requests: each waits for its time, then every device gets its result and a message."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from ..world.account import Account
from ..world.directory import Ids
from ..world.skus import Sku
from ..world.world import World
from . import results
from .callbacks import Callbacks
from .message import Message
from .timeline import Timeline

REMEMBERED = 100_000


@dataclass(frozen=True)
class Wanted:
    """What a valid request wants."""

    account: Account
    sku: Sku
    devices: list[Ids]


@dataclass
class Job:
    """One accepted request. ``change`` is what it adds to the pending count of its SKU until it is done."""

    request_id: str
    wanted: Wanted
    removing: bool
    change: int
    done: bool = False
    failed: int = 0


class Jobs:
    """All requests not yet done, and what became of the last ones."""

    def __init__(self, world: World, callbacks: Callbacks) -> None:
        self._world = world
        self._callbacks = callbacks
        self._timeline: Timeline[Job] = Timeline(world.clock, world.stopping)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._timeline)

    def accept(self, wanted: Wanted, removing: bool) -> str:
        """Take in a request and return its id; the caller holds the lock of the world."""
        job = Job(str(uuid.uuid4()), wanted, removing, expected(wanted, removing))
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
        """Do what is due. The lock is let go between two requests."""
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

    def cancel(self) -> int:
        """Forget all requests; return how many were not done. The caller holds the lock of the world."""
        self._jobs.clear()
        return len(self._timeline.clear())

    def _run(self) -> None:
        """Do what is due whenever something is, until the simulator ends."""
        while self._timeline.wait():
            self.settle()

    def _do(self, job: Job) -> None:
        """Give each device its result, and hand over the messages."""
        wanted = job.wanted
        wanted.sku.pending -= job.change
        now_ms = self._world.clock.now_ms()
        messages: list[Message] = []
        for ids in wanted.devices:
            device = results.device_of(wanted.account, ids)
            fault = results.settle(device, wanted.sku, job.removing, self._world.quirks, now_ms)
            job.failed += fault is not None
            own = (("imei", device.imei), ("iccid", device.iccid)) if device else ids
            messages.append(Message(wanted.account.name, job.request_id, own, wanted.sku.sku, fault))
        job.done = True
        self._callbacks.add(messages)


def expected(wanted: Wanted, removing: bool) -> int:
    """Return by how much a request will change the number assigned if nothing fails."""
    devices = {id(one): one for one in (results.device_of(wanted.account, ids) for ids in wanted.devices)}
    return sum(results.change(one, wanted.sku, removing) for one in devices.values())
