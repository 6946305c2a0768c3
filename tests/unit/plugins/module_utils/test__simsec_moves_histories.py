# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over any history, judged by what ThingSpace executed: no device that is to hold a license ever holds none because of
us. Assignments fail, are refused, get lost or are killed; reports come late, twice or never; plans follow each other.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils import _fleet_files, _simsec_license
from ansible_collections.thingspace.licensing.tests.unit.plugins.simsec_world import (
    BUNDLE,
    FLEX,
    SKUS,
    Killed,
    Wish,
    World,
    in_memory,
)

SIMS = range(4)


def any_wish(chance: random.Random, kinds: tuple[str, ...]) -> Wish:
    """Some SIMs hold some SKUs; mostly one SKU that nobody held before, as when a fleet is moved."""
    if chance.random() < 0.5:
        sku = chance.choice(SKUS)
        return dict.fromkeys(SIMS, (sku, kinds[0]))
    return {number: (chance.choice(SKUS), chance.choice(kinds)) for number in SIMS if chance.random() < 0.8}


def history(world: World, kinds: tuple[str, ...], runs: int, *, undone: bool) -> None:
    """Everybody holds the same at first, then runs of the role follow, in which everything may go wrong."""
    chance = world.chance
    assert not world.license(sku=FLEX, devices=[f"99000000000000{number}" for number in SIMS], wait=False).failure
    world.report(1.0)
    world.trouble = True
    for _run in range(runs):
        world.hearing = chance.random() < 0.8
        if chance.random() < 0.6:
            world.write(any_wish(chance, kinds))
        world.later(chance.choice([100, 100, 7200]))
        if world.runs and undone and chance.random() < 0.4:
            with contextlib.suppress(Killed):
                world.undo(chance.choice(world.runs), wait=chance.random() < 0.7)
            world.write(any_wish(chance, kinds))
            continue
        parts = world.plan()
        world.report(chance.random())
        wait = chance.random() < 0.7
        with contextlib.suppress(Killed):
            world.run(parts, wait=wait, killed_at=chance.randrange(20))


def lived(folder: Path, seed: int, kinds: tuple[str, ...], runs: int, *, undone: bool = False) -> list[str]:
    """The devices that were left without a license after such a history."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THINGSPACE_JOURNAL", raising=False)
        world = World(folder, random.Random(seed))
        in_memory(world, patch)
        world.write(dict.fromkeys(SIMS, (FLEX, "imei")))
        history(world, kinds, runs, undone=undone)
        return world.bare


@pytest.mark.parametrize("kinds", [("imei",), ("imei", "iccid"), ("iccid", "imei")], ids="-".join)
@hypothesis.settings(max_examples=20)
@hypothesis.given(st.integers(0, 2**32), st.integers(1, 6))
def test_no_device_is_without_a_license(
    tmp_path_factory: pytest.TempPathFactory, kinds: tuple[str, ...], seed: int, runs: int
) -> None:
    assert lived(tmp_path_factory.mktemp("world"), seed, kinds, runs) == []


@pytest.mark.parametrize("kinds", [("imei",), ("imei", "iccid")], ids="-".join)
@hypothesis.settings(max_examples=20)
@hypothesis.given(st.integers(0, 2**32), st.integers(2, 8))
@hypothesis.example(seed=192, runs=2)  # The undone run assigned by ICCID what the SIMs held by IMEI already.
@hypothesis.example(seed=242, runs=4)
def test_nor_after_an_undo(
    tmp_path_factory: pytest.TempPathFactory, kinds: tuple[str, ...], seed: int, runs: int
) -> None:
    """Of any run, also one before the last: who held a license before that run is not left without any by its undo."""
    assert lived(tmp_path_factory.mktemp("world"), seed, kinds, runs, undone=True) == []


@pytest.mark.parametrize("rule", ["the removing process", "the plan"])
def test_these_histories_need_the_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """Without what the removing process decides, devices are left bare; what the plan foresees cannot replace it."""
    if rule == "the plan":
        monkeypatch.setattr(_fleet_files, "foreseen", lambda _standing: True)
        assert [bare for seed in range(8) for bare in lived(tmp_path / str(seed), seed, ("imei",), 6)] == []
    else:
        monkeypatch.setattr(_simsec_license, "kept_now", lambda *_of: {})
        assert any(lived(tmp_path / str(seed), seed, ("imei",), 6) for seed in range(40))


def test_a_quiet_history_moves_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule does not keep licenses for ever: where nothing goes wrong, one run moves the whole fleet."""
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    assert not world.license(sku=FLEX, devices=[f"99000000000000{number}" for number in SIMS]).failure
    world.report(1.0)
    world.write(dict.fromkeys(SIMS, (BUNDLE, "imei")))
    for part in world.plan():
        assert world.carry_out(part).failure is None
    assert world.held[BUNDLE] == set(SIMS)
    assert world.held[FLEX] == set()
    assert world.plan() == []
    assert world.bare == []


def test_a_license_that_was_taken_by_the_other_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal calls it confirmed by IMEI, but the SIM lost it by its ICCID since: nothing is taken for that."""
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    assert not world.license(sku=FLEX, devices=["990000000000000"]).failure
    world.report(1.0)
    for wish in [(FLEX, "iccid"), (BUNDLE, "imei"), (BUNDLE, "imei"), (FLEX, "imei")]:
        world.later(100)
        world.write({0: wish})
        for part in world.plan():
            # The run ends before it takes the old license by IMEI.
            if (part["item"]["sku"], part["item"]["kind"], part["item"]["state"]) != (FLEX, "imei", "absent"):
                world.carry_out(part)
                world.report(1.0)
    assert world.bare == []
    assert (world.held[FLEX], world.held[BUNDLE]) == (set(), {0})


@pytest.mark.parametrize("given_back", [True, False])
def test_an_undo_of_the_run_before_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_back: bool) -> None:
    """The first run assigned the new licenses, the second took the old ones: the first cannot be undone alone."""
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    assert not world.license(sku=FLEX, devices=[f"99000000000000{number}" for number in SIMS]).failure
    world.report(1.0)
    world.later(100)
    world.write(dict.fromkeys(SIMS, (BUNDLE, "imei")))
    for early in (True, False):
        world.silent = early
        world.run(world.plan(), wait=False)
        world.silent = False
        world.report(1.0)
        world.later(100)
    assert (world.held[FLEX], world.held[BUNDLE]) == (set(), set(SIMS))
    first, second = world.runs
    for record in [second, first] if given_back else [first]:
        world.undo(record, wait=True)
        world.report(1.0)
        world.later(100)
    assert world.bare == []
    assert (world.held[FLEX], world.held[BUNDLE]) == ((set(SIMS), set()) if given_back else (set(), set(SIMS)))
