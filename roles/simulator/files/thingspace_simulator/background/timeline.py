# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that become due at a time on the simulator's clock, which tests can move."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

from ..world.clock import Clock

Item = TypeVar("Item")
# A waiting thread sleeps no longer than this, so that it sees the end of the simulator.
NAP = 0.25


class Timeline(Generic[Item]):
    """Items in the order in which they become due."""

    def __init__(self, clock: Clock, stopping: threading.Event) -> None:
        self._clock = clock
        self._stopping = stopping
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Item]] = []
        self._count = 0
        self._taken = 0
        clock.watch(self._wake)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: float, items: Iterable[Item]) -> None:
        """Add items that all become due at the same time."""
        with self._changed:
            for item in items:
                self._count += 1
                heapq.heappush(self._heap, (due, self._count, item))
            self._changed.notify_all()

    def pop(self) -> Item | None:
        """Remove and return the first item that is due, if there is one."""
        with self._changed:
            if self._heap and self._heap[0][0] <= self._clock.now():
                return heapq.heappop(self._heap)[2]
            return None

    def wait(self) -> bool:
        """Sleep until something is due. Return false when the simulator ends."""
        with self._changed:
            while not self._stopping.is_set():
                left = self._heap[0][0] - self._clock.now() if self._heap else NAP
                if self._heap and left <= 0:
                    return True
                self._changed.wait(min(left, NAP))
        return False

    def take(self) -> Item | None:
        """Sleep until something is due, and remove and return it. Return None when the simulator ends."""
        while self.wait():
            with self._changed:
                item = self.pop()
                if item is not None:
                    self._taken += 1
                    return item
        return None

    def done(self) -> None:
        """Report that a taken item is done."""
        with self._changed:
            self._taken -= 1

    def is_quiet(self) -> bool:
        """Say whether nothing is due and every taken item is done."""
        with self._changed:
            return not self._taken and not (self._heap and self._heap[0][0] <= self._clock.now())

    def rush(self) -> None:
        """Make everything due now."""
        with self._changed:
            self._heap = [(float("-inf"), number, item) for _due, number, item in self._heap]
            heapq.heapify(self._heap)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all items."""
        with self._changed:
            self._heap = []

    def _wake(self) -> None:
        """Make waiting threads look at the clock again."""
        with self._changed:
            self._changed.notify_all()
