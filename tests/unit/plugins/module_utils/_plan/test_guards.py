# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits that stop a plan before its first write."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.guards import (
    Limits,
    Tripped,
    enforce,
    limits_from,
    tripped_by,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Plan, Pool, State
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis

DIGEST = "ab" * 32
NONE = Limits(None, None, 0, None)


def plan(assign: int = 0, remove: int = 0, held: int | None = 100, state: State = "present") -> Plan:
    """A plan with so many changes."""
    return Plan(state, tuple(imeis(assign)), tuple(imeis(remove, 500)), (), held, None if held is None else DIGEST)


def limits(**given_: t.Any) -> Limits:
    """Limits, everything else open."""
    return Limits(**{"max_changes": None, "max_removals": None, "reserve": 0, "approved": None, **given_})


def guards(found: list[Tripped]) -> list[tuple[str, int, int]]:
    """Without the texts."""
    return [(trip.guard, trip.planned, trip.allowed) for trip in found]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        ("20", 20),
        (" 20 ", 20),
        ("0", 0),
        (20, 20),
        ("5%", 0.05),
        ("5 %", 0.05),
        (" 5.5 % ", 0.055),
        ("0%", 0.0),
        ("100%", 1.0),
    ],
)
def test_max_removals(value: t.Any, read: float | None) -> None:
    found, problems = limits_from(max_removals=value)
    assert problems == []
    assert (found.max_removals, type(found.max_removals)) == (read, type(read))


@pytest.mark.parametrize(
    "value", ["", " ", "-1", "101%", "100.5%", "5.5", "%", "5%%", "a", "1e3", "5 5", "1,000", "nan%", "0x10"]
)
def test_bad_max_removals(value: str) -> None:
    (problem,) = limits_from(max_removals=value)[1]
    assert problem == (
        f"'max_removals' is '{value}'; use a number like 20 or a percentage like 5%, or leave it out.",
        "invalid_options",
    )


@pytest.mark.parametrize("option", ["max_changes", "reserve"])
def test_negative_numbers(option: str) -> None:
    (problem,) = limits_from(**t.cast(t.Any, {option: -1}))[1]
    assert problem == (f"'{option}' is -1; it cannot be negative.", "invalid_options")
    assert limits_from(**t.cast(t.Any, {option: 0}))[1] == []


@pytest.mark.parametrize(
    ("value", "approved", "good"),
    [
        (None, None, True),
        ("", None, True),
        (" ", None, True),
        (DIGEST, DIGEST, True),
        (f" {DIGEST.upper()}\n", DIGEST, True),
        (DIGEST[:-1], DIGEST[:-1], False),
        ("yes", "yes", False),
        ("g" * 64, "g" * 64, False),
    ],
)
def test_approved_plan(value: str | None, approved: str | None, good: bool) -> None:
    found, problems = limits_from(approved_plan=value)
    assert (found.approved, not problems) == (approved, good)


def test_all_problems_at_once() -> None:
    options: dict[str, t.Any] = {"max_changes": -1, "reserve": -1, "max_removals": "x", "approved_plan": "x"}
    assert len(limits_from(**options)[1]) == 4


P = Pool(1000, 100)


@pytest.mark.parametrize(
    ("planned", "pool", "limit", "tripped"),
    [
        (plan(5, 5), P, NONE, []),
        (plan(5, 5), P, limits(max_changes=10), []),
        (plan(5, 6), P, limits(max_changes=10), [("max_changes", 11, 10)]),
        (plan(1), P, limits(max_changes=0), [("max_changes", 1, 0)]),
        (plan(0, 5), P, limits(max_removals=5), []),
        (plan(0, 6), P, limits(max_removals=5), [("max_removals", 6, 5)]),
        (plan(0, 1), P, limits(max_removals=0), [("max_removals", 1, 0)]),
        (plan(0, 5), P, limits(max_removals=0.05), []),
        (plan(0, 6), P, limits(max_removals=0.05), [("max_removals", 6, 5)]),
        (plan(0, 7, 100), P, limits(max_removals=0.07), []),  # 0.07 * 100 is 7.000000000000001
        (plan(0, 29, 100), P, limits(max_removals=0.29), []),  # 0.29 * 100 is 28.999999999999996
        (plan(0, 1, 10), P, limits(max_removals=0.05), [("max_removals", 1, 0)]),
        (plan(0, 5, None), P, limits(max_removals=0.05), []),
        (plan(0, 6, None), P, limits(max_removals=0.05), [("max_removals", 6, 5)]),
        (plan(0, 1, None), Pool(1000, None), limits(max_removals=0.5), [("max_removals", 1, 0)]),
        # Without limits, only an exact run is held back, and only when more than 10 are held.
        (plan(0, 10, 10, "exact"), P, NONE, []),
        (plan(0, 3, 11, "exact"), P, NONE, []),
        (plan(0, 4, 11, "exact"), P, NONE, [("max_removals", 4, 3)]),
        (plan(0, 30, 100, "exact"), P, NONE, []),
        (plan(0, 31, 100, "exact"), P, NONE, [("max_removals", 31, 30)]),
        (plan(0, 100, 100, "absent"), P, NONE, []),
        (plan(0, 31, 100, "exact"), P, limits(max_removals=31), []),
        (plan(0, 31, 100, "exact"), P, limits(max_removals=1.0), []),
        # The pool and the reserve.
        (plan(900), P, NONE, []),
        (plan(901), P, NONE, [("pool", 901, 900)]),
        (plan(890), P, limits(reserve=10), []),
        (plan(891), P, limits(reserve=10), [("reserve", 9, 10)]),
        (plan(901), P, limits(reserve=10), [("pool", 901, 900)]),
        (plan(910, 10), P, NONE, []),
        (plan(911, 10), P, NONE, [("pool", 911, 910)]),
        (plan(0, 5, 100), Pool(100, 100), limits(reserve=10), []),
        (plan(901, 0, None), P, NONE, [("pool", 901, 900)]),
        (plan(1), Pool(None, 100), limits(reserve=10), []),
        (plan(1), Pool(1000, None), limits(reserve=10), []),
        # What was listed and what is counted disagree: the worse one counts.
        (plan(900, 0, 100), Pool(1000, 101), NONE, [("pool", 900, 899)]),
        (plan(900, 0, 101), P, NONE, [("pool", 900, 899)]),
        # Everything together.
        (
            plan(1, 40, 50, "exact"),
            Pool(12, 50),
            limits(max_changes=5, reserve=3),
            [("max_changes", 41, 5), ("max_removals", 40, 15), ("reserve", 1, 3)],
        ),
    ],
)
def test_limits(planned: Plan, pool: Pool, limit: Limits, tripped: list[tuple[str, int, int]]) -> None:
    assert guards(tripped_by(planned, pool, limit)) == tripped


def test_shortage_names_the_devices_that_do_not_fit() -> None:
    (trip,) = tripped_by(plan(905), P, NONE)
    named = ", ".join(imeis(5, 900))
    assert trip.text == (
        f"it assigns 905 licenses and 900 of 1,000 are free: 5 too few. These devices would not fit: {named}"
    )


def test_shortage_names_at_most_twenty() -> None:
    (trip,) = tripped_by(plan(30, 4), Pool(100, 100), NONE)
    named = ", ".join(imeis(20, 4))
    assert trip.text == (
        "it assigns 30 licenses, 4 come free, and 0 of 100 are free: 26 too few. "
        f"These devices would not fit: {named} and 6 more"
    )


@pytest.mark.parametrize(
    ("planned", "pool", "limit", "text"),
    [
        (plan(1), P, limits(max_changes=0), "changes 1 device, 'max_changes' allows 0"),
        (plan(1200), P, limits(max_changes=1000), "changes 1,200 devices, 'max_changes' allows 1,000"),
        (plan(0, 1), P, limits(max_removals=0), "removes 1 license, 'max_removals' allows 0"),
        (plan(0, 1, None), Pool(1, None), limits(max_removals=0.5), "(50 % of an unknown number held) allows 0"),
        (plan(0, 4, 11, "exact"), P, NONE, ", an exact run without 'max_removals' (30 % of 11 held) allows 3"),
        (plan(1), Pool(102, 100), limits(reserve=2), "leaves 1 license free, 'reserve' keeps 2"),
        (
            plan(2, 1, 0),
            Pool(None, None, 0),
            NONE,
            "assigns 2 licenses, 1 comes free, and 0 are free: 1 too few. These",
        ),
    ],
)
def test_texts(planned: Plan, pool: Pool, limit: Limits, text: str) -> None:
    assert text in tripped_by(planned, pool, limit)[0].text


def stopped(planned: Plan, pool: Pool, limit: Limits) -> LicensingError | None:
    """Why a plan is stopped."""
    try:
        enforce(planned, pool, limit)
    except LicensingError as error:
        return error
    return None


def test_stopped_plan_tells_everything() -> None:
    error = stopped(plan(1, 6), P, limits(max_changes=3, max_removals=0.05))
    assert error is not None
    assert error.as_failure() == {
        "code": "guard_tripped",
        "message": "The plan was stopped before its first write: it changes 7 devices, 'max_changes' allows 3; it "
        "removes 6 licenses, 'max_removals' (5 % of 100 held) allows 5. If this plan is right, set "
        f"'approved_plan: {DIGEST}' to let exactly this one through.",
        "guards": [
            {"guard": "max_changes", "planned": 7, "allowed": 3},
            {"guard": "max_removals", "planned": 6, "allowed": 5},
        ],
        "digest": DIGEST,
        "advice": f"If this plan is right, set 'approved_plan: {DIGEST}' to let exactly this one through.",
    }


@pytest.mark.parametrize(
    ("planned", "limit", "code"),
    [
        (plan(1, 1), NONE, None),
        (plan(1, 1), limits(max_changes=1), "guard_tripped"),
        (plan(1, 1), limits(max_changes=1, approved=DIGEST), None),
        (plan(891), limits(reserve=10), "guard_tripped"),
        (plan(891), limits(reserve=10, approved=DIGEST), None),
        (plan(0, 31, state="exact"), limits(approved=DIGEST), None),
        (plan(901), NONE, "pool_exhausted"),
        (plan(901), limits(approved=DIGEST), "pool_exhausted"),
        (plan(901), limits(max_changes=1, approved=DIGEST), "pool_exhausted"),
        (plan(1, 1), limits(approved="cd" * 32), "plan_changed"),
        (plan(901), limits(approved="cd" * 32), "plan_changed"),
        (plan(0, 0), limits(approved="cd" * 32), None),
        (plan(0, 0), limits(max_changes=0), None),
        (plan(1, 0, None), limits(approved=DIGEST), "plan_changed"),
        (plan(1, 1), limits(expected=DIGEST), None),
        (plan(1, 1), limits(max_changes=1, expected=DIGEST), "guard_tripped"),
        (plan(891), limits(reserve=10, expected=DIGEST), "guard_tripped"),
        (plan(0, 31, state="exact"), limits(expected=DIGEST), "guard_tripped"),
        (plan(1, 1), limits(expected="cd" * 32), "plan_changed"),
        (plan(1, 1), limits(max_changes=1, approved=DIGEST, expected="cd" * 32), "plan_changed"),
        (plan(1, 0, None), limits(expected=DIGEST), "plan_changed"),
        (plan(0, 0), limits(expected="cd" * 32), None),
    ],
)
def test_enforce(planned: Plan, limit: Limits, code: str | None) -> None:
    error = stopped(planned, P, limit)
    assert (error.code if error else None) == code


def test_changed_plan_names_both_digests() -> None:
    error = stopped(plan(1), P, limits(approved="cd" * 32))
    assert error is not None
    assert error.details == {"digest": DIGEST}
    assert "cdcdcdcdcdcd..." in error.message
    assert DIGEST in error.message


def test_shortage_is_never_offered_for_approval() -> None:
    error = stopped(plan(901), P, limits(max_changes=1))
    assert error is not None
    assert "approved_plan" not in error.message
    assert [guard["guard"] for guard in error.details["guards"]] == ["max_changes", "pool"]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200), st.integers(0, 200), st.integers(0, 20))
def test_what_passes_fits(assign: int, remove: int, held: int, total: int, reserve: int) -> None:
    planned = plan(assign, min(remove, held), held, "absent" if not assign else "present")
    if stopped(planned, Pool(total, held), limits(reserve=reserve)) is None and planned.assign:
        assert total - held - assign + len(planned.remove) >= reserve


@given(st.integers(1, 100), st.integers(0, 2000))
def test_share_is_never_exceeded(percent: int, held: int) -> None:
    found, _problems = limits_from(max_removals=f"{percent}%")
    allowed = held * percent // 100
    assert guards(tripped_by(plan(0, allowed, held), P, found)) == []
    assert guards(tripped_by(plan(0, allowed + 1, held), P, found)) == [("max_removals", allowed + 1, allowed)]
