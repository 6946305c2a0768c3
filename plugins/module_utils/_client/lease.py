# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The budget of a task on one of several nodes. It takes slots in leases of up to a second, because each journey to the
store that all nodes share takes as long as a request.

A task that uses its whole lease gets twice as many slots the next time; one that lets slots pass gets half as many, so
that others can use them. Until a limit is known, a lease is a second in which the task sends freely. It tells how much
that was with its next lease, so that what is learned from a 429 counts the requests of all nodes.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .budget import Budget, Pace, reserve, sent_meanwhile, throttled
from .runtime_dir import Store

LEASE = 1.0
"""Seconds that a lease lasts at most, and so until a task knows about a pause that another one was told."""


@dataclasses.dataclass
class Lease:
    """Slots of one task. Times are seconds since the epoch.

    :param step: seconds between two slots; 0 if there is no limit.
    :param count: how many slots there are, if there is a limit.
    :param used: how many of them are gone, or without a limit, how many requests were sent.
    :param passed: how many of them are gone unused.
    """

    start: float = 0.0
    step: float = 0.0
    count: int = 0
    used: int = 0
    passed: int = 0

    def next(self, now: float) -> float | None:
        """Take a slot. Returns the seconds to wait for it; None if there is none left."""
        if self.step <= 0:
            if not self.count or now >= self.start + LEASE:
                return None
            self.used += 1
            return max(0.0, self.start - now)
        # A slot whose time is over is not made up for: that would be a burst.
        slot = max(self.used, int((now - self.start) / self.step))
        if slot >= self.count:
            return None
        self.passed += slot - self.used
        self.used = slot + 1
        return max(0.0, self.start + slot * self.step - now)

    @property
    def untold(self) -> int:
        """How many requests were sent of which the store does not know. It counts the first one, and all slots."""
        return max(0, self.used - 1) if self.step <= 0 else 0

    @property
    def following(self) -> int:
        """How many slots the next lease shall have."""
        if self.step <= 0:
            return 1
        return max(1, self.count // 2) if self.passed or self.used < self.count else self.count * 2


def lease(pace: Pace, now: float, limit: float, before: Lease) -> Lease:
    """Reserve the slots of the next lease.

    :param limit: the option C(rate_limit), or 0 for no limit.
    :param before: the previous lease.
    """
    sent_meanwhile(pace, before.untold, before.start)
    start = now + reserve(pace, now, limit)
    step = pace.next_at - start
    if step <= 0:
        return Lease(start, 0.0, 1)
    more = min(before.following, max(1, int(LEASE / step))) - 1
    pace.next_at += more * step
    pace.window_sent += more
    return Lease(start, step, more + 1)


class LeasedBudget(Budget):
    """See C(Budget).

    :param store: what all nodes share.
    """

    def __init__(self, store: Store, name: str, limit: float, clock: t.Callable[[], float] | None = None) -> None:
        super().__init__(store, name, limit, clock or store.now)
        self._lease = Lease()

    def reserve(self) -> float:
        """See C(Budget)."""
        with self._lock:
            wait = self._lease.next(self._clock())
            if wait is None:
                before = self._lease
                self._lease = self._change(lambda pace, now: lease(pace, now, self._limit, before))
                wait = self._lease.next(self._clock())
            # Nothing but a very slow store uses up a lease before its first slot.
            return 0.0 if wait is None else wait

    def throttled(self, wait: float, age: float = 0.0) -> None:
        """See C(Budget). The lease is void."""
        with self._lock:
            before, self._lease = self._lease, Lease()

            def change(pace: Pace, now: float) -> None:
                sent_meanwhile(pace, before.untold, before.start)
                throttled(pace, now, wait, now - age)

            self._change(change)
