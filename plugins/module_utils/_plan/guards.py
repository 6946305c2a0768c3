# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Limits that stop a plan before its first write. All exceeded limits are reported together, with the plan's digest."""

from __future__ import annotations

import re
import typing as t

from .._errors import LicensingError, Problem
from .._text.lists import first
from .._text.quantities import Quantity, at_most, read_quantity
from .plan import Plan, Pool

EXACT_SHARE = 0.30
EXACT_FREE = 10
"""Without limits of its own, an exact run may remove at most 30 % of the held licenses if more than 10 are held."""

_NAMED = 20


class Limits(t.NamedTuple):
    """The guard options.

    :param max_changes: devices that the plan may change.
    :param max_removals: licenses that it may remove, as a number or as a share of the held licenses.
    :param reserve: licenses that must stay free.
    :param approved: digest of the plan that someone approved; it may exceed limits.
    :param expected: digest that the plan must have without being approved; it may not exceed limits.
    """

    max_changes: int | None
    max_removals: Quantity | None
    reserve: int
    approved: str | None
    expected: str | None = None

    @property
    def bound(self) -> bool:
        """Whether exactly one plan may be carried out. Only a listed state can show whether it is that plan."""
        return bool(self.approved or self.expected)


class Tripped(t.NamedTuple):
    """A limit that the plan exceeds."""

    guard: str
    planned: int
    allowed: int
    text: str


def limits_from(params: t.Mapping[str, t.Any]) -> tuple[Limits, list[Problem]]:
    """Read the guard options. Returns them with all problems."""
    problems: list[Problem] = []
    for name in ("max_changes", "reserve"):
        if params.get(name) is not None and params[name] < 0:
            problems.append(Problem(f"'{name}' is {params[name]}; it cannot be negative."))
    removals = params.get("max_removals")
    share = None if removals is None else read_quantity(removals)
    if removals is not None and share is None:
        problems.append(
            Problem(f"'max_removals' is '{removals}'; use a number like 20 or a percentage like 5%, or leave it out.")
        )
    approved, expected = (_digest_from(params, name, problems) for name in ("approved_plan", "expected_plan"))
    return Limits(params.get("max_changes"), share, params.get("reserve") or 0, approved, expected), problems


def _digest_from(params: t.Mapping[str, t.Any], name: str, problems: list[Problem]) -> str | None:
    digest = (params.get(name) or "").strip().lower() or None
    if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
        text = f"'{name}' is not a plan digest; it has 64 hexadecimal digits (result 'plan.digest')."
        problems.append(Problem(text))
    return digest


def tripped_by(plan: Plan, pool: Pool, limits: Limits) -> list[Tripped]:
    """Every limit that the plan exceeds. A plan without a listed state is judged by its upper bound."""
    found: list[Tripped] = []
    if limits.max_changes is not None and plan.changes > limits.max_changes:
        text = f"it changes {plan.changes} devices, 'max_changes' allows {limits.max_changes}"
        found.append(Tripped("max_changes", plan.changes, limits.max_changes, text))
    allowed, why = _removals_allowed(plan, pool, limits)
    if allowed is not None and len(plan.remove) > allowed:
        text = f"it removes {len(plan.remove)} licenses, {why} allows {allowed}"
        found.append(Tripped("max_removals", len(plan.remove), allowed, text))
    free_after = _free_after(plan, pool)
    if plan.assign and free_after is not None and free_after < 0:
        found.append(
            Tripped("pool", len(plan.assign), len(plan.assign) + free_after, _shortage(plan, pool, free_after))
        )
    elif plan.assign and free_after is not None and free_after < limits.reserve:
        text = f"it leaves {free_after} licenses free, 'reserve' keeps {limits.reserve}"
        found.append(Tripped("reserve", free_after, limits.reserve, text))
    return found


def enforce(plan: Plan, pool: Pool, limits: Limits) -> None:
    """Stop a plan that is not the approved one, or that exceeds a limit without being approved.

    :raises LicensingError: C(plan_changed), C(pool_exhausted) or C(guard_tripped); nothing was written.
    """
    if plan.changes:
        stop_unless_allowed(plan.digest, tripped_by(plan, pool, limits), limits)


def stop_unless_allowed(digest: str | None, tripped: list[Tripped], limits: Limits) -> None:
    """As C(enforce), for a plan that changes something.

    :param digest: the plan's digest.
    :param tripped: every limit that it exceeds.
    """
    for meant, word in ((limits.approved, "approved"), (limits.expected, "made")):
        if meant and meant != digest:
            advice = "have that one approved" if limits.approved else "run again"
            raise LicensingError(
                f"The plan {meant[:12]}... that was {word} is not the plan that would be carried out now, "
                f"{digest}: the wanted devices or the account changed since it was {word}. Nothing was written. "
                f"Look at the new plan (check mode) and {advice}.",
                code="plan_changed",
                digest=digest,
            )
    approvable = [trip for trip in tripped if trip.guard != "pool"]
    if len(tripped) > len(approvable) or (approvable and not limits.approved):
        raise _stop(digest, tripped)


def _removals_allowed(plan: Plan, pool: Pool, limits: Limits) -> tuple[int | None, str]:
    held = plan.held if plan.held is not None else pool.assigned
    if isinstance(limits.max_removals, float):
        share = f"'max_removals' ({limits.max_removals * 100:.4g} % of {held} held)"
        return (at_most(limits.max_removals, held) if held is not None else 0), share
    if limits.max_removals is not None:
        return limits.max_removals, "'max_removals'"
    if plan.state == "exact" and held is not None and held > EXACT_FREE:
        return at_most(EXACT_SHARE, held), f"an exact run without 'max_removals' (30 % of {held} held)"
    return None, ""


def _free_after(plan: Plan, pool: Pool) -> int | None:
    spare = pool.available
    if pool.total is not None and pool.assigned is not None:
        # A list that was just read may have more devices than the count, and more licenses may be assigned than
        # purchased.
        difference = pool.total - max(plan.held or 0, pool.assigned)
        spare = difference if spare is None else min(spare, difference)
    return None if spare is None else spare - len(plan.assign) + len(plan.remove)


def _shortage(plan: Plan, pool: Pool, free_after: int) -> str:
    unfit = plan.assign[free_after:]
    named = first(unfit, _NAMED)
    gained = f", {len(plan.remove)} come free," if plan.remove else ""
    return (
        f"it assigns {len(plan.assign)} licenses{gained} and {pool.free} of {pool.total} are free: "
        f"{-free_after} too few. These devices would not fit: {named}"
    )


def _stop(digest: str | None, tripped: list[Tripped]) -> LicensingError:
    short = any(trip.guard == "pool" for trip in tripped)
    if short:
        advice = "Buy licenses, free some, or name fewer devices."
    else:
        advice = f"If this plan is right, set 'approved_plan: {digest}' to let exactly this one through."
    return LicensingError(
        f"The plan was stopped before its first write: {'; '.join(trip.text for trip in tripped)}. {advice}",
        code="pool_exhausted" if short else "guard_tripped",
        guards=[{"guard": trip.guard, "planned": trip.planned, "allowed": trip.allowed} for trip in tripped],
        digest=digest,
        advice=advice,
    )
