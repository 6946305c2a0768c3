# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves of a fleet without any receiver: they end in one run, and still never leave a device without a license."""

from __future__ import annotations

import contextlib
import random
import typing as t
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.response import Response
from ansible_collections.thingspace.licensing.plugins.module_utils._client.transport import Request
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import Journal
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.watch import Watch
from ansible_collections.thingspace.licensing.tests.support.simsec_world import (
    BASE,
    BUNDLE,
    COUNT,
    FLEX,
    SKUS,
    Json,
    Killed,
    World,
    imei,
    in_memory,
    sim,
)

SIMS = range(4)
OTHERS = range(4, 8)


class Unheard(World):
    """An account without a listener, which carries requests out some time after it accepted them."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        super().__init__(folder, chance)
        self.listener = self.hearing = False
        self.fails = 0.0
        self.counts = True
        self.eager = 1.0
        self.wait_timeout = 60
        self.accepted: list[tuple[str, str, Json, str]] = []
        self.beside: t.Callable[[], None] = lambda: None

    def send(self, request: Request, limit: float) -> Response:
        """See C(Exchange)."""
        answer = super().send(request, limit)
        if request.url == BASE + COUNT:
            self.beside()
            self.work_off(self.eager)
        return answer

    def _count(self, sku: str) -> Json:
        row = super()._count(sku)
        return row if self.counts else {name: row[name] for name in ("skuNumber", "licenseType", "licensePurchased")}

    def _change(self, method: str, sku: str, one: Json, request_id: str, *, slow: bool = False) -> None:
        self.accepted.append((method, sku, one, request_id))

    def work_off(self, share: float) -> None:
        """Carry out some of what was accepted."""
        for order in [one for one in self.accepted if self.chance.random() < share]:
            self.accepted.remove(order)
            method, sku, one, _request_id = order
            number = sim(one["id"])
            if self.chance.random() < self.fails:
                continue
            if method == "POST":
                self.held[sku].add(number)
            else:
                did = number in self.held[sku]
                self.held[sku].discard(number)
                self._blame(sku, one, did)


def moving(folder: Path, patch: pytest.MonkeyPatch, seed: int = 1) -> Unheard:
    """A fleet that holds one license for certain, and is to hold another one."""
    patch.delenv("THINGSPACE_JOURNAL", raising=False)
    world = Unheard(folder, random.Random(seed))
    in_memory(world, patch)
    devices = list(map(imei, SIMS))
    done = world.license(sku=FLEX, devices=devices, wait=True, wait_timeout=60)
    assert done.failure is None
    assert {row["reason"] for row in done.values["devices"]} == {"confirmed by count"}
    world.write(dict.fromkeys(SIMS, (BUNDLE, "imei")))
    return world


def test_a_move_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = moving(tmp_path, monkeypatch)
    applied = world.apply(world.plan_values())
    assert applied.failure is None
    assert (world.held[FLEX], world.held[BUNDLE], world.bare) == (set(), set(SIMS), [])
    assert world.plan() == []


@pytest.mark.parametrize("counts", [True, False])
def test_a_plan_foresees_whether_the_count_can_confirm_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: bool
) -> None:
    """Planning itself does not wait."""
    world = moving(tmp_path, monkeypatch)
    world.counts = counts
    failures = {part["result"].get("failure", {}).get("code") for part in world.plan_values()["parts"]}
    assert failures == ({None} if counts else {"no_listener"})


def test_a_move_in_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is killed before it removes anything."""
    world = moving(tmp_path, monkeypatch)
    with contextlib.suppress(Killed):
        world.run(world.plan(), wait=True, killed_at=1)
    assert (world.held[FLEX], world.held[BUNDLE]) == (set(SIMS), set(SIMS))
    world.later(100)
    assert world.apply(world.plan_values()).failure is None
    assert (world.held[FLEX], world.held[BUNDLE], world.bare) == (set(), set(SIMS), [])


def with_others(world: Unheard, others: str) -> None:
    """Move the fleet. One device fails and others make up for it, so that the count comes to what was sent."""
    if others == "before":
        world.held[BUNDLE].add(9)
    planned = world.plan_values()
    reads: list[int] = []

    def beside() -> None:
        reads.append(1)
        if len(reads) == 2 and world.accepted:
            del world.accepted[0]
            world.held[BUNDLE].add(8)
            if others == "with more":
                world.held[BUNDLE].add(7)
            elif others in SKUS:
                world.held[others].add(7)
        if len(reads) == 3:
            world.held[BUNDLE].discard(7)

    world.beside = beside
    world.apply(planned)
    assert len(reads) > 2


@pytest.mark.parametrize("others", [FLEX, SKUS[2], "with more", "before"])
@pytest.mark.parametrize("careless", [False, True])
def test_a_sign_of_others_keeps_the_old_licenses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str, careless: bool
) -> None:
    """If just any count were enough, a device would be left without a license."""
    world = moving(tmp_path, monkeypatch)
    if careless:
        monkeypatch.setattr(Watch, "_proves", lambda *_of: True)
        monkeypatch.setattr(Journal, "forget_counts", lambda *_of: None)
    with_others(world, others)
    assert bool(world.bare) is careless
    assert (world.held[FLEX] >= set(SIMS)) is not careless


def lived(folder: Path, seed: int) -> tuple[list[str], int]:
    """The devices that were left without a license after a random history, and how many licenses were moved."""
    with pytest.MonkeyPatch.context() as patch:
        world = moving(folder, patch, seed)
        chance = world.chance
        moved = 0
        for _run in range(chance.randint(2, 6)):
            world.fails = chance.choice([0.0, 0.0, 0.0, 0.3])
            world.eager = chance.choice([1.0, 1.0, 0.5])
            if chance.random() < 0.7:
                world.write(dict.fromkeys(SIMS, (chance.choice(SKUS), "imei")))
            for _other in range(chance.choice([0, 0, 0, 1, 2])):
                world.foreign(chance.choice(SKUS), "imei", [chance.choice([*SIMS, *OTHERS])])
            had = {sku: set(held) for sku, held in world.held.items()}
            with contextlib.suppress(Killed):
                world.run(world.plan(), wait=chance.random() < 0.8, killed_at=chance.choice([0, 1, 2, 99, 99]))
            moved += sum(len(held - world.held[sku]) for sku, held in had.items())
            if chance.random() < 0.4:
                world.work_off(1.0)
            world.later(chance.choice([100, 100, 7200]))
        return world.bare, moved


@pytest.mark.slow
@hypothesis.settings(max_examples=15)
@hypothesis.given(st.integers(0, 2**32))
def test_no_device_is_without_a_license(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Devices fail, requests are carried out late, runs are killed, and others assign licenses between runs."""
    assert lived(tmp_path_factory.mktemp("world"), seed)[0] == []


@pytest.mark.slow
def test_the_fleet_moves_in_these_histories(tmp_path: Path) -> None:
    assert sum(lived(tmp_path / str(seed), seed)[1] for seed in range(12)) > 6
