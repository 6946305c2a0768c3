# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over any history, judged by what ThingSpace executed: no device that is to hold a license ever holds none because of
us. Assignments fail, are refused, get lost or are killed; reports come late, twice or never; plans follow each other.
Others assign licenses in the account with journals of their own, and removals whose answer was lost happen late.
"""

from __future__ import annotations

import contextlib
import functools
import random
import typing as t
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet import losing
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import DeviceStatus
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import converge, right_before
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec import moves as simsec_moves
from ansible_collections.thingspace.licensing.tests.support.fakes import imei
from ansible_collections.thingspace.licensing.tests.support.simsec_world import (
    BUNDLE,
    FLEX,
    SKUS,
    TIERED,
    Json,
    Killed,
    Wish,
    World,
    in_memory,
)

SIMS = range(4)
OTHERS = range(4, 8)
"""SIMs that only others have to do with."""


def any_wish(chance: random.Random, kinds: tuple[str, ...], sims: range) -> Wish:
    """Some SIMs hold some SKUs; mostly one SKU that nobody held before, as when a fleet is moved."""
    if chance.random() < 0.5:
        sku = chance.choice(SKUS)
        return dict.fromkeys(sims, (sku, kinds[0]))
    return {number: (chance.choice(SKUS), chance.choice(kinds)) for number in sims if chance.random() < 0.8}


JUMPS = [0, 100, -300, -86400, 7200]
"""Seconds by which a clock is wrong from now on; less than none sets it back."""


def history(world: World, kinds: tuple[str, ...], runs: int, jumps: random.Random | None) -> None:
    """Everybody holds the same at first, then runs of the role follow, in which everything may go wrong.

    :param jumps: how clocks jump, if runs are undone in between.
    """
    chance = world.chance
    # What concerns one SIM only is clear to the count more often, and so it misleads more often.
    sims = chance.choice([SIMS[:1], SIMS[:2], SIMS])
    assert not world.license(sku=FLEX, devices=[f"99000000000000{number}" for number in sims], wait=False).failure
    world.report(1.0)
    world.trouble = True
    for _run in range(runs):
        world.hearing = chance.random() < 0.8
        if chance.random() < 0.6:
            world.write(any_wish(chance, kinds, sims))
        world.later(chance.choice([100, 100, 7200]))
        if jumps:
            world.later(jumps.choice(JUMPS))
        if chance.random() < 0.5:
            world.catch_up()
        for _other in range(chance.choice([0, 0, 2, 4])):
            world.foreign(chance.choice(SKUS), kinds[0], [chance.choice([*sims, *OTHERS])])
        if world.runs and jumps and chance.random() < 0.4:
            with contextlib.suppress(Killed):
                world.undo(chance.choice(world.runs), wait=chance.random() < 0.7)
            world.write(any_wish(chance, kinds, sims))
            continue
        parts = world.plan()
        world.report(chance.random())
        wait = chance.random() < 0.7
        with contextlib.suppress(Killed):
            world.run(parts, wait=wait, killed_at=chance.randrange(20))


def lived(
    folder: Path, seed: int, kinds: tuple[str, ...], runs: int, *, undone: bool = False, of: type[World] = World
) -> list[str]:
    """The devices that were left without a license after such a history."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THINGSPACE_JOURNAL", raising=False)
        world = of(folder, random.Random(seed))
        in_memory(world, patch)
        world.write(dict.fromkeys(SIMS, (FLEX, "imei")))
        history(world, kinds, runs, random.Random(seed) if undone else None)
        return world.bare


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [("imei",), ("imei", "iccid"), ("iccid", "imei")], ids="-".join)
@hypothesis.settings(max_examples=20)
@hypothesis.given(st.integers(0, 2**32), st.integers(1, 6))
def test_no_device_is_without_a_license(
    tmp_path_factory: pytest.TempPathFactory, kinds: tuple[str, ...], seed: int, runs: int
) -> None:
    assert lived(tmp_path_factory.mktemp("world"), seed, kinds, runs) == []


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [("imei",), ("imei", "iccid"), ("iccid", "imei")], ids="-".join)
@hypothesis.settings(max_examples=20)
@hypothesis.given(st.integers(0, 2**32), st.integers(2, 8))
@hypothesis.example(seed=192, runs=2)  # The undone run assigned by ICCID what the SIMs held by IMEI already.
@hypothesis.example(seed=242, runs=4)
def test_nor_after_an_undo(
    tmp_path_factory: pytest.TempPathFactory, kinds: tuple[str, ...], seed: int, runs: int
) -> None:
    """Of any run, also one before the last: who held a license before that run is not left without any by its undo."""
    assert lived(tmp_path_factory.mktemp("world"), seed, kinds, runs, undone=True) == []


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["the removing process", "the plan"])
def test_these_histories_need_the_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """Without what the removing process decides, devices are left bare; what the plan foresees cannot replace it."""
    if rule == "the plan":
        monkeypatch.setattr(losing, "foreseen", lambda _status: True)
        assert [bare for seed in range(8) for bare in lived(tmp_path / str(seed), seed, ("imei",), 6)] == []
    else:
        for place, name in ((converge, "kept_now"), (right_before, "kept_now"), (right_before, "kept")):
            monkeypatch.setattr(place, name, lambda *_of, **_more: {})
        assert any(lived(tmp_path / str(seed), seed, ("imei",), 6) for seed in range(40))


def doubtful(folder: Path, seed: int) -> list[str]:
    """The devices that were left bare after moves to and fro, where all that goes wrong is what the count misjudges."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THINGSPACE_JOURNAL", raising=False)
        world = World(folder, random.Random(seed))
        in_memory(world, patch)
        chance = world.chance
        world.write({0: (FLEX, "imei")})
        for _step in range(chance.randint(3, 10)):
            world.lose, world.slowly = chance.choice([(False, False), (False, False), (True, False), (False, True)])
            # A task that runs without a plan, too, looks at the count and keeps what that says.
            world.license(sku=world.wish[0][0], devices=[imei(0)], wait=False)
            world.run(world.plan(), wait=False)
            if chance.random() < 0.5:
                world.foreign(chance.choice(SKUS), "imei", [0])
            if chance.random() < 0.5:
                world.foreign(chance.choice(SKUS), "imei", [chance.choice(OTHERS)])
            world.report(1.0)
            world.later(100)
            if chance.random() < 0.3:
                world.catch_up()
            if chance.random() < 0.4:
                world.write({0: (chance.choice([FLEX, BUNDLE]), "imei")})
        return world.bare


@pytest.mark.slow
@hypothesis.settings(max_examples=40)
@hypothesis.given(st.integers(0, 2**32))
def test_nor_by_what_the_count_misjudges(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Others assign licenses with journals of their own, and removals whose answer was lost happen late."""
    assert doubtful(tmp_path_factory.mktemp("world"), seed) == []


def before_it_was_proved(status: DeviceStatus) -> bool:
    """A rule that takes what was inferred for a confirmation."""
    return status.result == "confirmed" and status.held is True


@pytest.mark.slow
def test_these_histories_need_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was inferred from the count is not enough: devices are left bare by it."""
    monkeypatch.setattr(simsec_moves, "confirmed", before_it_was_proved)
    lax = functools.partial(simsec_moves.kept, sure=before_it_was_proved)
    monkeypatch.setattr(right_before, "kept", lax)
    assert any(doubtful(tmp_path / str(seed), seed) for seed in range(60, 80))


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
@pytest.mark.parametrize("passed", [100, 0, -100, -7200], ids=["later", "the same second", "set back", "far back"])
def test_an_undo_of_the_run_before_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_back: bool, passed: int
) -> None:
    """The first run assigned the new licenses, the second took the old ones: the first cannot be undone alone.

    Whatever the clock said when the old ones were assigned.
    """
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    assert not world.license(sku=FLEX, devices=[f"99000000000000{number}" for number in SIMS]).failure
    world.report(1.0)
    world.later(passed)
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


@pytest.mark.parametrize("passed", [7200, 0, -7200])
@pytest.mark.parametrize("first", [True, False])
def test_an_undo_of_a_run_beside_which_others_assign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool, passed: int
) -> None:
    """What somebody assigns while a run is at work was there before, or is his; a killed run sent nothing itself."""
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    device = imei(0)
    world.write({0: (BUNDLE, "imei")})
    parts, carry_out = world.plan(), world.carry_out

    def beside(part: Json, *, wait: bool = True) -> t.Any:
        world.license(sku=FLEX, devices=[device], wait=False)
        world.report(1.0)
        world.later(passed)
        return carry_out(part, wait=wait)

    with contextlib.suppress(Killed), monkeypatch.context() as patch:
        patch.setattr(world, "carry_out", beside)
        world.run(parts, wait=False, killed_at=99 if first else 0)
    world.report(1.0)
    world.later(passed)
    if first:
        # The next run takes the other license.
        world.run(world.plan(), wait=False)
    else:
        world.license(sku=BUNDLE, devices=[device], wait=False)
    world.report(1.0)
    world.later(passed)
    assert (world.held[FLEX], world.held[BUNDLE]) == (set(), {0})
    world.undo(world.runs[0], wait=True)
    assert (world.held[FLEX], world.held[BUNDLE]) == (set(), {0})


def both_held(world: World) -> str:
    """One device moves, and holds both licenses with certainty; returns it."""
    device = imei(0)
    world.write({0: (BUNDLE, "imei")})
    for sku in (FLEX, BUNDLE):
        assert not world.license(sku=sku, devices=[device]).failure
    world.report(1.0)
    world.later(100)
    return device


def take_old(world: World, device: str) -> None:
    """What a plan does in the end, once it thinks that the new license is there."""
    world.license(sku=FLEX, devices=[device], state="absent", replaced_by=[{"sku": BUNDLE}], wait=False)
    world.catch_up()


@pytest.mark.parametrize("others", [FLEX, BUNDLE, TIERED])
def test_what_others_assign_confirms_no_license_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    """The assignment never arrived. A report about the device and the count look as if it had; both are of others."""
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    device = imei(0)
    world.write({0: (BUNDLE, "imei")})
    assert not world.license(sku=FLEX, devices=[device]).failure
    world.report(1.0)
    world.lose = True
    world.license(sku=BUNDLE, devices=[device], wait=False)
    world.lose = False
    assert world.held[BUNDLE] == set()
    world.foreign(others, "imei", [0] if others != BUNDLE else [])
    world.foreign(BUNDLE, "imei", [4])
    world.report(1.0)
    world.later(100)
    told = world.license(sku=BUNDLE, devices=[device], wait=False).values
    assert told["devices"][0]["outcome"] == "unchanged", "this is what misleads"
    take_old(world, device)
    assert world.bare == []
    assert [part["item"]["state"] for part in world.plan()] == [], "nor does a plan show that the old one goes"
    if others != BUNDLE:
        # The way out that the reason names.
        for state in ("absent", "present"):
            world.license(sku=BUNDLE, devices=[device], state=state, wait=False)
            world.report(1.0)
        take_old(world, device)
        assert (world.bare, 0 in world.held[FLEX], 0 in world.held[BUNDLE]) == ([], False, True)


@pytest.mark.parametrize("judged", [True, False])
def test_a_removal_that_seems_to_have_had_no_effect_may_only_be_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged: bool
) -> None:
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    device = both_held(world)
    world.slowly = True
    world.wish = {}
    world.license(sku=BUNDLE, devices=[device], state="absent", wait=False)
    world.slowly = False
    world.write({0: (BUNDLE, "imei")})
    if judged:
        world.later(100)
        told = world.license(sku=BUNDLE, devices=[device], wait=False).values
        assert told["devices"][0]["outcome"] == "unchanged", "this is what misleads"
    assert world.plan() == [], "nor does a plan show that the old one goes"
    take_old(world, device)
    assert world.bare == []
    assert world.held[FLEX] == {0}
