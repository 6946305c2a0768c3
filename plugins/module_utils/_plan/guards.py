# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Limits that stop a plan before its first write. All exceeded limits are reported together, with the plan's digest."""

from __future__ import annotations

import re
import typing as t

from .._errors import LicensingError, Problem
from .._text.lists import are, first, many
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

    max_changes: int | None = None
    max_removals: Quantity | None = None
    reserve: int = 0
    approved: str | None = None
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


def limits_from(
    max_changes: int | None = None,
    max_removals: str | None = None,
    reserve: int = 0,
    approved_plan: str | None = None,
    expected_plan: str | None = None,
) -> tuple[Limits, list[Problem]]:
    """Read the options of these names. Returns them with all problems."""
    problems = [
        Problem(f"'{name}' is {value}; it cannot be negative.")
        for name, value in (("max_changes", max_changes), ("reserve", reserve))
        if value is not None and value < 0
    ]
    share = None if max_removals is None else read_quantity(max_removals)
    if max_removals is not None and share is None:
        text = f"'max_removals' is '{max_removals}'; use a number like 20 or a percentage like 5%, or leave it out."
        problems.append(Problem(text))
    digests: list[str | None] = []
    for name, given in (("approved_plan", approved_plan), ("expected_plan", expected_plan)):
        digests.append((given or "").strip().lower() or None)
        if digests[-1] and not re.fullmatch(r"[0-9a-f]{64}", digests[-1]):
            text = f"'{name}' is not a plan digest, which has 64 hexadecimal digits, like the result 'plan.digest'."
            problems.append(Problem(text))
    return Limits(max_changes, share, reserve, *digests), problems


class Planned(t.NamedTuple):
    """The numbers of a plan that limits are about.

    :param changes: devices that change.
    :param removals: licenses that are removed, or devices that are taken off the list.
    :param whole: the number that a share of the removals refers to; None if it is unknown.
    :param assigned: licenses that are assigned.
    :param free: licenses that are free for them, with those that come free before; None if it is unknown.
    """

    changes: int
    removals: int
    whole: int | None
    assigned: int = 0
    free: int | None = None


class Wording(t.NamedTuple):
    """How the text of a limit speaks of a plan.

    :param removes: what a removal does, to how many of C(removed).
    :param whole: what C(Planned.whole) counts.
    :param of: which licenses are meant.
    :param max_changes: the name of the limit, as C(max_removals).
    """

    removes: str = "removes {}"
    removed: str = "license"
    whole: str = "held"
    of: str = ""
    max_changes: str = "'max_changes'"
    max_removals: str = "'max_removals'"


PLAIN = Wording()


def exceeded(planned: Planned, limits: Limits, said: Wording = PLAIN) -> list[Tripped]:
    """Every limit that these numbers exceed. A share of an unknown number allows nothing."""
    found: list[Tripped] = []
    changes, removals, whole, assigned, free = planned
    if limits.max_changes is not None and changes > limits.max_changes:
        text = f"it changes {many(changes, 'device')}{said.of}, {said.max_changes} allows {limits.max_changes:,}"
        found.append(Tripped("max_changes", changes, limits.max_changes, text))
    most = limits.max_removals
    allowed = removals if most is None else at_most(most, whole or 0)
    if removals > allowed:
        of_all = "an unknown number" if whole is None else f"{whole:,}"
        share = f" ({most * 100:.4g} % of {of_all} {said.whole})" if isinstance(most, float) else ""
        removes = said.removes.format(many(removals, said.removed))
        text = f"it {removes}{said.of}, {said.max_removals}{share} allows {allowed:,}"
        found.append(Tripped("max_removals", removals, allowed, text))
    if assigned and free is not None and free < assigned:
        text = f"it assigns {many(assigned, 'license')}{said.of} and {max(0, free):,} {are(free)} free"
        found.append(Tripped("pool", assigned, free, f"{text}: {assigned - free:,} too few"))
    elif assigned and free is not None and free - assigned < limits.reserve:
        text = f"it leaves {many(free - assigned, 'license')}{said.of} free, 'reserve' keeps {limits.reserve:,}"
        found.append(Tripped("reserve", free - assigned, limits.reserve, text))
    return found


def tripped_by(plan: Plan, pool: Pool, limits: Limits) -> list[Tripped]:
    """Every limit that the plan exceeds. A plan without a listed state is judged by its upper bound."""
    held = plan.held if plan.held is not None else pool.assigned
    said = PLAIN
    if limits.max_removals is None and plan.state == "exact" and held is not None and held > EXACT_FREE:
        limits = limits._replace(max_removals=EXACT_SHARE)
        said = Wording(max_removals="an exact run without 'max_removals'")
    planned = Planned(plan.changes, len(plan.remove), held, len(plan.assign), _free_for(plan, pool))
    found = exceeded(planned, limits, said)
    return [trip._replace(text=_shortage(plan, pool, trip)) if trip.guard == "pool" else trip for trip in found]


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


def _free_for(plan: Plan, pool: Pool) -> int | None:
    spare = pool.available
    if pool.total is not None and pool.assigned is not None:
        # A list that was just read may have more devices than the count, and more licenses may be assigned than
        # purchased.
        difference = pool.total - pool.elsewhere - max(plan.held or 0, pool.assigned)
        spare = difference if spare is None else min(spare, difference)
    return None if spare is None else spare + len(plan.remove)


def _shortage(plan: Plan, pool: Pool, short: Tripped) -> str:
    removals, lacking = len(plan.remove), short.planned - short.allowed
    gained = f", {removals:,} {'comes' if removals == 1 else 'come'} free," if removals else ""
    of_all = "" if pool.total is None else f" of {pool.total:,}"
    return (
        f"it assigns {many(short.planned, 'license')}{gained} and {pool.free or 0:,}{of_all} {are(pool.free)} free: "
        f"{lacking:,} too few. These devices would not fit: {first(plan.assign[-lacking:], _NAMED)}"
    )


def guards_of(tripped: t.Sequence[Tripped]) -> list[dict[str, t.Any]]:
    """The C(guards) value of a failure."""
    return [{"guard": trip.guard, "planned": trip.planned, "allowed": trip.allowed} for trip in tripped]


def _stop(digest: str | None, tripped: list[Tripped]) -> LicensingError:
    short = any(trip.guard == "pool" for trip in tripped)
    if short:
        advice = "Buy licenses, free some, or name fewer devices."
    else:
        advice = f"If this plan is right, set 'approved_plan: {digest}' to let exactly this one through."
    return LicensingError(
        f"The plan was stopped before its first write: {'; '.join(trip.text for trip in tripped)}. {advice}",
        code="pool_exhausted" if short else "guard_tripped",
        guards=guards_of(tripped),
        digest=digest,
        advice=advice,
    )
