# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan neither changes nor names as left, ThingSpace has as it is wanted, whatever happened before."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import PlanDocument
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_make import make_account
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_view import pages_of
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.journal import open_journal
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Scope
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.plans import plan
from ansible_collections.thingspace.licensing.tests.support.simsec_world import (
    BUNDLE,
    FLEX,
    SKUS,
    Killed,
    World,
    in_memory,
)
from ansible_collections.thingspace.licensing.tests.unit.plugins.module_utils._simsec.test_moves_histories import (
    SIMS,
    any_wish,
)


def planned(world: World, **retries: bool) -> PlanDocument:
    """The plan of the account, with the rows of its reports."""
    values = world.plan_values(**retries)
    parts = values["parts"]
    rows = [world.rows(part["list"]) for part in parts]
    return plan(make_account(ACCOUNT, "a.yml", "w", parts, rows)._replace(incomplete=values["incomplete"]))


def named(document: PlanDocument) -> set[str]:
    """The devices that a plan names, as changing or as left."""
    groups = [document.incomplete_rows, *(part.devices for part in document.parts)]
    return {row["device_id"] for rows in groups for row in rows}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, random.Random(1))
    in_memory(world, monkeypatch)
    return world


def failed_removal(world: World, *, sku: str = FLEX) -> None:
    """Device 1 was assigned, which was never reported, and taking it away was reported as failed."""
    assert not world.license(sku=sku, devices=[imei(1)], wait=False).failure
    world.reports.clear()
    world.later()
    assert not world.license(sku=sku, devices=[imei(1)], wait=False, state="absent").failure
    world.held[sku].add(1)
    world.reports = [one._replace(status="failed") for one in world.reports]
    world.report(1.0)


def test_a_removal_that_failed_is_told_and_can_be_sent_again(world: World) -> None:
    failed_removal(world)
    world.write({2: (BUNDLE, "imei")})
    for number in (2,):
        assert not world.license(sku=BUNDLE, devices=[imei(number)], wait=False).failure
    world.report(1.0)
    document = planned(world)
    assert (document.status, document.incomplete, named(document)) == ("incomplete", 1, {imei(1)})
    again = planned(world, retry_failed=True)
    assert (again.status, again.totals["remove"]) == ("changes", 1)


def test_a_removal_that_failed_leaves_two_licenses(world: World) -> None:
    """Of a fleet file that takes nothing away, both are told."""
    failed_removal(world)
    assert not world.license(sku=BUNDLE, devices=[imei(1)], wait=False).failure
    world.report(1.0)
    world.write({1: (BUNDLE, "imei")})
    world.settings = {"state": "present"}
    document = planned(world)
    assert (document.incomplete, named(document)) == (1, {imei(1)})


def test_a_count_that_disproves_the_journal_is_told(world: World) -> None:
    """Somebody takes three of four licenses away in the portal. Nobody knows which, but that they are gone."""
    devices = [imei(number) for number in SIMS]
    assert not world.license(sku=FLEX, devices=devices, wait=False).failure
    world.report(1.0)
    world.write(dict.fromkeys(SIMS, (FLEX, "imei")))
    assert planned(world).status == "no_change"
    world.held[FLEX] = {0}
    document = planned(world)
    assert (document.status, document.incomplete) == ("incomplete", 3)
    for text in pages_of(document).values():
        assert f"counts 3 {FLEX} licenses less than the journal knows" in text
    # Two parts of the same SKU tell it once.
    world.write(dict.fromkeys(list(SIMS)[:2], (FLEX, "imei")))
    assert planned(world).incomplete == 3


def test_a_sim_that_is_known_by_both_ids_counts_once(world: World) -> None:
    assert not world.license(sku=FLEX, devices=[imei(1)], wait=False).failure
    world.report(1.0)
    with contextlib.closing(open_journal(str(world.journal), write=True, told=never)) as journal:
        scope = Scope(ACCOUNT, FLEX, "iccid")
        run = journal.begin_run(scope, "assign", 0)
        journal.accepted(journal.intend(run, scope, "assign", ["89148000000000000001"], "x"), "other")
    world.write({1: (FLEX, "imei")})
    assert all("missing" not in part["result"]["plan"] for part in world.plan_values()["parts"])


@pytest.mark.parametrize("left", ["failed", "pending", "overdue"])
def test_what_a_plan_leaves_is_no_failure_of_the_run(world: World, left: str) -> None:
    """The run did all that was planned, in the same part. What was planned and fails is one."""
    assert not world.license(sku=FLEX, devices=[imei(1)], wait=False).failure
    world.held[FLEX].clear()
    reports, world.reports = [one._replace(status="failed") for one in world.reports], []
    if left == "failed":
        world.reports = reports
        world.report(1.0)
    if left == "overdue":
        world.later()
    world.write({1: (FLEX, "imei"), 2: (FLEX, "imei")})
    document = planned(world)
    assert [row["device_id"] for row in document.incomplete_rows] == [imei(1)]
    done = world.apply(world.plan_values())
    assert done.failure is None
    assert world.held[FLEX] == {2}
    assert planned(world).totals["assign"] == 0
    world.write({1: (FLEX, "imei"), 2: (FLEX, "imei"), 3: (FLEX, "imei")})
    world.lose = True
    done = world.apply(world.plan_values())
    assert done.failure is not None
    assert done.failure.code == "outcome_unknown"


@pytest.mark.slow
@hypothesis.settings(
    max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.example(seed=2766)
@hypothesis.given(seed=st.integers(0, 10**9))
def test_what_is_not_as_wanted_is_named(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Over any history: what a plan does not name, ThingSpace has as the fleet file wants it.

    But for a request of which the account's count said that it had no effect: others change that count, too.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = World(tmp_path_factory.mktemp("world"), random.Random(seed))
        in_memory(world, monkeypatch)
        world.trouble = True
        for _run in range(4):
            world.write(any_wish(world.chance, ("imei",), SIMS))
            world.hearing = world.chance.random() < 0.8
            world.later(world.chance.choice([100, 7200]))
            with contextlib.suppress(Killed):
                world.run(world.plan(), wait=world.chance.random() < 0.5)
            world.report(world.chance.random())
        world.later(7200)
        document = planned(world)
        wrong = {
            imei(number)
            for number in SIMS
            if {sku for sku in SKUS if number in world.held[sku]} != {*world.wish.get(number, ("", ""))[:1]} - {""}
        }
        with contextlib.closing(open_journal(str(world.journal), write=False, told=never)) as journal:
            judged = {
                device
                for _scope, device, tried in journal.walk(ACCOUNT, None)
                if any(one.state == "no_effect" for one in tried)
            }
        assert wrong - judged <= named(document)
