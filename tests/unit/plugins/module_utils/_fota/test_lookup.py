# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the current state is looked up: as cheaply as the job allows, and always completely when it matters."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import Wanted
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.lookup import Job, plan_job
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.guards import Limits
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Plan, Pool, State
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, FakeThingSpace, imeis


def look(
    space: FakeThingSpace,
    wanted: list[str],
    *,
    state: State = "present",
    lookup: str = "auto",
    check_mode: bool = False,
    batch_size: int = 1000,
    **limits: t.Any,
) -> tuple[str, Plan, Pool]:
    """Look up, plan."""
    guards = Limits(**{"max_changes": None, "max_removals": None, "reserve": 0, "approved": None, **limits})
    job = Job(ACCOUNT, "v3", state, Wanted(wanted, []), guards, lookup, batch_size)
    return plan_job(space.api(), job, check_mode)


def account(pages: int) -> FakeThingSpace:
    """An account of so many pages of ten devices."""
    return FakeThingSpace(imeis(10 * pages, 10_000), total=100_000, page_size=10)


@pytest.mark.parametrize(
    ("pages", "options", "lookup"),
    [
        (1, {}, "list"),
        (4, {}, "list"),
        (5, {}, "direct"),
        (9, {"lookup": "list"}, "list"),
        (9, {"state": "exact"}, "list"),
        (9, {"check_mode": True}, "list"),
        (9, {"approved": "a" * 64}, "list"),
        (2, {"lookup": "direct"}, "direct"),
        (1, {"lookup": "direct"}, "list"),
        (2, {"lookup": "direct", "check_mode": True}, "list"),
        (9, {"max_changes": 3}, "direct"),
        (9, {"max_changes": 2}, "list"),
    ],
)
def test_listing_or_not(pages: int, options: dict[str, t.Any], lookup: str) -> None:
    space = account(pages)
    found, plan, pool = look(space, imeis(3), **options)
    assert found == lookup
    assert len(space.log) == (pages if lookup == "list" else 1), "the first page is read once"
    assert (plan.held, plan.digest is None) == ((10 * pages, False) if lookup == "list" else (None, True))
    assert pool == Pool(100_000, 10 * pages)
    assert plan.assign == tuple(imeis(3))


def test_direct_plan_touches_every_named_device() -> None:
    space = account(9)
    wanted = [*imeis(2, 10_000), *imeis(1)]
    found, plan, _pool = look(space, wanted, state="absent")
    assert (found, plan.remove, plan.assign) == ("direct", tuple(wanted), ())


def test_short_pool_is_judged_by_the_true_plan() -> None:
    space = account(9)
    space.total = 91
    found, plan, pool = look(space, [*imeis(3, 10_000), *imeis(1)])
    assert (found, plan.assign, pool) == ("list", tuple(imeis(1)), Pool(91, 90))


def test_pool_counts_what_was_listed() -> None:
    space = account(2)
    _lookup, plan, pool = look(space, [], lookup="list")
    assert (plan.held, pool.assigned) == (20, 20)


@pytest.mark.parametrize(("count", "lookup"), [(8, "direct"), (9, "list"), (90, "list")])
def test_account_is_listed_unless_it_is_much_larger_than_the_job(count: int, lookup: str) -> None:
    assert look(account(9), imeis(count))[0] == lookup
