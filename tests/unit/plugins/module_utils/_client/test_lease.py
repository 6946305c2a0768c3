# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slots in leases: nodes together keep to the rate, waste little, and rarely ask the store that they share."""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import random
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.budget import CUT, RECOVER_TO
from ansible_collections.thingspace.licensing.plugins.module_utils._client.lease import LEASE, LeasedBudget
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import MemoryStore, StoredState
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock


class CountingStore(MemoryStore):
    """Counts the journeys to it."""

    def __init__(self) -> None:
        super().__init__()
        self.journeys = 0

    @contextlib.contextmanager
    def transaction(self, name: str, *, patience: float = 30.0) -> t.Iterator[StoredState]:
        self.journeys += 1
        with super().transaction(name, patience=patience) as state:
            yield state


class Estate:
    """Nodes that send one request after another to a server which allows so many in each second."""

    def __init__(self, nodes: int, allowed: float, limit: float = 0.0, latency: float = 0.05) -> None:
        self.clock, self.store = Clock(), CountingStore()
        self.budgets = [LeasedBudget(self.store, "a", limit, self.clock) for _node in range(nodes)]
        self.allowed, self.latency = allowed, latency
        self.refused: list[float] = []
        self.sent: list[float] = []

    def run(self, seconds: float) -> None:
        """Everyone sends as fast as allowed."""
        chance = random.Random(1)
        end, number = self.clock.now + seconds, itertools.count()
        waiting = [(self.clock.now + chance.random(), next(number), node, "ask") for node in range(len(self.budgets))]
        heapq.heapify(waiting)
        seen: collections.Counter[int] = collections.Counter()
        while waiting and waiting[0][0] < end:
            self.clock.now, _number, node, what = heapq.heappop(waiting)
            if what == "ask":
                wait = self.budgets[node].reserve()
                heapq.heappush(waiting, (self.clock.now + wait, next(number), node, "send"))
                continue
            self.sent.append(self.clock.now)
            seen[int(self.clock.now)] += 1
            if seen[int(self.clock.now)] > self.allowed:
                self.refused.append(self.clock.now)
                self.budgets[node].throttled(1.0)
            heapq.heappush(waiting, (self.clock.now + self.latency, next(number), node, "ask"))

    def rate(self, since: float) -> float:
        """Requests per second since this many seconds ago."""
        return sum(moment >= self.clock.now - since for moment in self.sent) / since


@pytest.mark.parametrize("nodes", [1, 3, 10])
@pytest.mark.parametrize("limit", [0.5, 4.0, 40.0])
def test_nodes_keep_to_a_limit_together_and_use_it_up(nodes: int, limit: float) -> None:
    estate = Estate(nodes, allowed=10_000, limit=limit, latency=0.01)
    estate.run(60.0)
    seconds = [sum(1 for _moment in group) for _second, group in itertools.groupby(sorted(estate.sent), int)]
    assert max(seconds) <= limit + 1
    assert len(estate.sent) >= 0.9 * 60 * limit - nodes
    assert estate.store.journeys <= 60 * nodes + 10 * nodes


@pytest.mark.parametrize("nodes", [1, 10])
def test_without_a_limit_a_node_asks_once_a_second(nodes: int) -> None:
    estate = Estate(nodes, allowed=10_000, latency=0.02)
    estate.run(30.0)
    assert len(estate.sent) > 30 * nodes * 40
    assert estate.store.journeys <= 31 * nodes


@pytest.mark.parametrize("nodes", [4, 10])
def test_what_is_learned_from_a_refusal_counts_all_nodes(nodes: int) -> None:
    """Of 40 a second in all; nobody is refused again after the nodes have settled."""
    estate = Estate(nodes, allowed=40)
    estate.run(60.0)
    assert estate.refused
    learned = [moment for moment in estate.refused if moment > estate.clock.now - 40]
    assert not learned
    assert 40 * CUT * 0.5 <= estate.rate(20.0) <= 40 * RECOVER_TO + 1


def test_a_pause_reaches_the_others_within_a_lease() -> None:
    estate = Estate(2, allowed=10_000)
    one, other = estate.budgets
    one.reserve()
    other.reserve()
    one.throttled(30.0)
    estate.clock.now += LEASE
    assert other.reserve() == pytest.approx(29.0)


def test_slots_that_nobody_used_in_time_are_no_burst() -> None:
    estate = Estate(1, allowed=10_000, limit=10.0)
    (budget,) = estate.budgets
    for _number in range(20):
        estate.clock.now += budget.reserve()
    estate.clock.now += 60.0
    moments = []
    for _number in range(10):
        estate.clock.now += budget.reserve()
        moments.append(estate.clock.now)
    gaps = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert min(gaps[1:]) >= 0.1 - 1e-6


def test_a_slow_node_leaves_slots_to_the_others() -> None:
    """It answers every half second, and takes no more than it uses."""
    estate = Estate(2, allowed=10_000, limit=10.0, latency=0.01)
    slow, fast = estate.budgets
    taken: list[float] = []
    free = {slow: 0.0, fast: 0.0}
    end = estate.clock.now + 60.0
    while estate.clock.now < end:
        ready = min(free, key=lambda one: free[one])
        estate.clock.now = max(estate.clock.now, free[ready])
        wait = ready.reserve()
        taken.append(wait)
        free[ready] = estate.clock.now + wait + (0.5 if ready is slow else 0.01)
    assert len(taken) >= 0.85 * 600
