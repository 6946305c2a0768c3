# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against a license that was reported as assigned: the old one stays until nothing does any more.

The account carries changes out in any order, as nothing says that it does not.
"""

from __future__ import annotations

import random
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._journal import status as status_module
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.confirmation import ReportedStatus
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import Attempt
from ansible_collections.thingspace.licensing.tests.support.fakes import imei
from ansible_collections.thingspace.licensing.tests.support.simsec_world import (
    BUNDLE,
    FLEX,
    Json,
    World,
    iccid,
    in_memory,
)


class Unordered(World):
    """An account that carries slow removals out whenever it likes."""

    accepts = False

    def catch_up(self, only: tuple[str, int] | None = None) -> None:
        """Only when somebody says so."""
        if only is None:
            super().catch_up()

    def _write(self, method: str, body: Json) -> tuple[int, Json]:
        """Accept a removal and do it later, or not at all."""
        if method == "POST" or not self.accepts:
            return super()._write(method, body)
        self.requests += 1
        self.slow += [(body["skuNumber"], device["deviceIds"][0], f"r{self.requests}") for device in body["devices"]]
        return 200, {"requestId": f"r{self.requests}"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unordered:
    world = Unordered(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    return world


def holds(world: World, *skus: str, count: int = 1) -> list[str]:
    """Some devices hold these, with certainty; the fleet file wants the last one of them."""
    devices = [imei(number) for number in range(count)]
    for sku in skus:
        assert not world.license(sku=sku, devices=devices, wait=False).failure
    world.report(1.0)
    world.later(100)
    world.write(dict.fromkeys(range(count), (skus[-1], "imei")))
    return devices


def go_on(world: World) -> None:
    """Two more plans are carried out, all that was slow is done, and everything is reported."""
    for _run in range(2):
        world.run(world.plan(), wait=False)
        world.report(1.0)
        world.later(100)
    world.catch_up()


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("done", ["before the old license is looked at", "after that", "never"])
def test_a_removal_that_is_carried_out_after_the_assignment_that_followed(
    world: Unordered, answered: bool, done: str
) -> None:
    """Whether its answer came or not, and whenever it is done: it was sent first, and that says nothing.

    If its own report comes last, the license is assigned once more, and the move ends.
    """
    devices = holds(world, FLEX, BUNDLE)
    world.accepts, world.slowly = answered, not answered
    world.license(sku=BUNDLE, devices=devices, state="absent", wait=False)
    world.accepts = world.slowly = False
    if answered:
        world.later(3700)
    again = world.license(sku=BUNDLE, devices=devices, wait=False, retry_unknown=True)
    assert again.values["devices"][0]["outcome"] == "accepted"
    world.report(1.0)
    if done.startswith("before"):
        world.catch_up()
        world.report(1.0)
    if done == "never":
        world.slow.clear()
    go_on(world)
    assert world.bare == []
    if answered and done.startswith("before"):
        assert (world.held[FLEX], world.held[BUNDLE]) == (set(), {0})
        return
    assert world.held[FLEX] == {0}
    incomplete = [*world.plan_values()["incomplete"], *world.rows(f"simsec-{BUNDLE}-imei")]
    assert devices[0] in [row["device_id"] for row in incomplete], "that both stay is told"


def test_a_removal_that_is_over_keeps_nobody_from_moving(world: Unordered) -> None:
    """It was reported before the license was assigned again, as always when nothing goes wrong."""
    devices = holds(world, FLEX, BUNDLE)
    for state in ("absent", "present"):
        assert not world.license(sku=BUNDLE, devices=devices, state=state, wait=False).failure
        world.report(1.0)
        world.later(100)
    go_on(world)
    assert (world.held[FLEX], world.held[BUNDLE], world.bare) == (set(), {0}, [])


@pytest.mark.parametrize("told", [("success", "failed"), ("failed", "success")], ids=" then ".join)
def test_reports_that_contradict_each_other(world: Unordered, told: tuple[ReportedStatus, ReportedStatus]) -> None:
    """Nobody knows which of them is true, in whatever order they come. A new request settles it."""
    holds(world, FLEX)
    world.write({0: (BUNDLE, "imei")})
    world.license(sku=BUNDLE, devices=[imei(0)], wait=False)
    true = world.reports[0]
    world.held[BUNDLE].discard(0)
    for status in told:
        world.reports = [true._replace(status=status, reason="why")]
        world.report(1.0)
    go_on(world)
    assert (world.bare, world.held[FLEX]) == ([], {0})
    for state in ("absent", "present"):
        world.license(sku=BUNDLE, devices=[imei(0)], state=state, wait=False)
        world.report(1.0)
        world.later(100)
    go_on(world)
    assert (world.bare, world.held[FLEX], world.held[BUNDLE]) == ([], set(), {0})


@pytest.mark.parametrize("kind", ["imei", "iccid"], ids="the others by {}".format)
def test_a_count_that_disproves_the_journal_keeps_old_licenses(world: Unordered, kind: str) -> None:
    """Somebody took one new license away in the portal, and nobody knows whose: none of the old ones goes."""
    devices = holds(world, FLEX, BUNDLE, count=2)
    if kind == "iccid":
        # Other SIMs that are named by their ICCIDs, of which none is missing.
        assert not world.license(sku=BUNDLE, kind=kind, devices=[iccid(7), iccid(8)], wait=False).failure
        world.report(1.0)
        world.write({**world.wish, 7: (BUNDLE, kind), 8: (BUNDLE, kind)})
    world.held[BUNDLE].discard(1)
    parts = world.plan()
    assert [part["item"]["sku"] for part in parts if part["plan"]["remove"]] == [], "nor does a plan show it"
    assert [row["device_id"] for row in world.rows(f"simsec-{FLEX}-imei-remove")] == devices
    go_on(world)
    assert (world.bare, world.held[FLEX]) == ([], {0, 1})
    told = world.license(sku=FLEX, devices=devices, state="absent", replaced_by=[{"sku": BUNDLE}], wait=False)
    assert [row["outcome"] for row in told.values["devices"]] == ["skipped"] * 2
    assert f"counts 1 of {BUNDLE} less than the journal" in told.values["devices"][0]["reason"]
    world.held[BUNDLE].add(1)
    go_on(world)
    assert (world.bare, world.held[FLEX]) == ([], set())


def test_a_fleet_file_that_was_changed_after_the_plan(world: Unordered) -> None:
    """As many devices are named, but others: nothing is sent at all."""
    holds(world, FLEX, count=2)
    world.write({0: (BUNDLE, "imei")})
    planned = world.plan_values()
    counts = [part["result"]["plan"] for part in planned["parts"]]
    assert [(plan["assign"], plan["remove"]) for plan in counts] == [(1, 0), (0, 2)]
    world.write({1: (BUNDLE, "imei")})
    requests = world.requests
    done = world.apply(planned)
    assert (done.failure and done.failure.code, done.changed) == ("plan_changed", False)
    assert (world.requests, world.held[FLEX]) == (requests, {0, 1})


def to_and_fro(folder: Path, seed: int) -> list[str]:
    """The devices that were left bare after a license was taken and given back, and the old one was to go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THINGSPACE_JOURNAL", raising=False)
        world = Unordered(folder, random.Random(seed))
        in_memory(world, patch)
        chance = world.chance
        devices = holds(world, FLEX, BUNDLE)
        for _step in range(chance.randint(2, 8)):
            world.accepts, world.slowly = chance.choice([(True, False), (False, True), (False, False)])
            state = chance.choice(["absent", "present"])
            world.license(sku=BUNDLE, devices=devices, state=state, wait=False, retry_unknown=chance.random() < 0.5)
            world.report(chance.choice([0.0, 1.0]))
            world.later(chance.choice([100, 3700]))
            if chance.random() < 0.4:
                world.catch_up()
            if chance.random() < 0.5:
                world.run(world.plan(), wait=False)
            if 0 not in world.held[FLEX] or any(sku == FLEX for sku, _one, _request_id in world.slow):
                break
        return world.bare


@pytest.mark.slow
@hypothesis.settings(max_examples=40)
@hypothesis.given(st.integers(0, 2**32))
def test_removals_and_assignments_in_any_order(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    assert to_and_fro(tmp_path_factory.mktemp("world"), seed) == []


def test_these_histories_need_more_than_the_order_of_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the numbers alone, as if changes were carried out as they are sent, a device is left bare."""

    def sent_later(removal: Attempt, done: Attempt) -> bool:
        return removal.request > done.request and (status_module._is_open(removal) or removal.outcome == "success")

    monkeypatch.setattr(status_module, "_may_follow", sent_later)
    assert any(to_and_fro(tmp_path / str(seed), seed) for seed in range(40))
