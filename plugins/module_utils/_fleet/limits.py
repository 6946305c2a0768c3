# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What keeps a whole run, or one of its accounts, from being carried out. All of it is known before the first write."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._devices.ids import show
from .._plan.guards import Limits, Planned, Tripped, Wording, exceeded, guards_of, limits_from
from .._text.lists import many, said_once
from .._text.quantities import read_quantity
from .documents import Failure
from .freeze import FOREVER, FreezeWindow, frozen
from .option_names import Caller, without_approval
from .plan_account import PlanAccount
from .plan_part import IDLE, PlanPart

TIME_FORMAT = "%Y-%m-%d %H:%M %Z"

_CODES = {"lifetime_consent": "lifetime_consent", "pool": "pool_exhausted"}
"""The codes of the limits that no approval overrides, the first one first."""


@dataclasses.dataclass(frozen=True)
class RunLimits:
    """Limits over all accounts together.

    :param max_changes: devices that may change.
    :param max_removals: licenses that may be removed, as a number or as a share of what all accounts hold.
    :param max_lifetime: devices that may get a lifetime license.
    """

    max_changes: int | None
    max_removals: int | float | None
    max_lifetime: int | None


def read_run_limits(params: t.Mapping[str, t.Any]) -> tuple[RunLimits, list[str]]:
    """The limits, which are texts: empty counts as unset. Returns them with all problems."""
    given = {
        name: str("" if params[name] is None else params[name]).strip()
        for name in ("max_changes", "max_removals", "max_lifetime")
    }
    numbers = {name: int(text) for name, text in given.items() if text.isdecimal() and len(text) < 13}
    wrong = [
        f"'{name}' is '{show(given[name])}'; it must be a whole number, and it cannot be negative."
        for name in ("max_changes", "max_lifetime")
        if given[name] and name not in numbers
    ]
    limits, problems = limits_from(max_removals=given["max_removals"] or None)
    wrong += [problem.text for problem in problems]
    return RunLimits(numbers.get("max_changes"), limits.max_removals, numbers.get("max_lifetime")), wrong


def over_the_run(accounts: t.Sequence[PlanAccount], limits: RunLimits) -> Failure | None:
    """The failure of a plan that exceeds limits of the run. It names all of them."""
    parts = [part for account in accounts for part in account.parts]
    changes = sum(sum(part.plan.by_change.values()) for part in parts)
    removals = sum(part.plan.remove or 0 for part in parts if not part.listed)
    lifetime = sum(part.plan.assign or 0 for part in parts if part.lifetime)
    said = Wording(max_changes="'max_changes' of the run", max_removals="'max_removals' of the run")
    planned = Planned(changes, removals, sum(_held(accounts)))
    tripped = exceeded(planned, Limits(limits.max_changes, limits.max_removals), said)
    if limits.max_lifetime is not None and lifetime > limits.max_lifetime:
        text = f"it binds {many(lifetime, 'device')} for life, 'max_lifetime' of the run allows {limits.max_lifetime:,}"
        tripped.append(Tripped("max_lifetime", lifetime, limits.max_lifetime, text))
    if not tripped:
        return None
    text = f"The plan exceeds limits of the whole run: {'; '.join(trip.text for trip in tripped)}."
    return Failure("guard_tripped", text, guards_of(tripped))


def over_a_sku(parts: t.Sequence[PlanPart], caller: Caller) -> Failure | None:
    """The failure of an account whose parts together exceed the free licenses, the consent, or the limits of one SKU.

    A SKU has a part for each kind of id and each direction, and its module checked each of them separately. An undo has
    two parts of FOTA licenses, which have no SKU.
    """
    licenses = [part for part in parts if not part.listed]
    found = [
        trip
        for sku in sorted({part.sku for part in licenses})
        for trip in _over_a_sku(sku or "FOTA", [part for part in licenses if part.sku == sku])
    ]
    if not found:
        return None
    guards = {trip.guard for trip in found}
    code = next((_CODES[guard] for guard in _CODES if guard in guards), "guard_tripped")
    what = "limits" if code == "guard_tripped" else "what there is"
    message = f"The plan exceeds {what}: {'; '.join(trip.text for trip in found)}."
    return Failure(code, without_approval(code, message, caller))


def _over_a_sku(sku: str, parts: t.Sequence[PlanPart]) -> list[Tripped]:
    if len(parts) < 2:
        return []
    limits = parts[0].limits
    need, gone = sum(part.plan.assign or 0 for part in parts), sum(part.plan.remove or 0 for part in parts)
    free = min((part.free for part in parts if part.free is not None), default=None)
    held = max((part.held for part in parts if part.held is not None), default=0)
    planned = Planned(need + gone, gone, held, need, free)
    given = Limits(limits.max_changes, read_quantity(limits.max_removals), limits.reserve or 0)
    found = exceeded(planned, given, Wording(of=f" of {sku}"))
    consent = limits.lifetime_consent
    if any(part.lifetime for part in parts) and need > (consent or 0):
        text = f"it binds {many(need, 'device')} to {sku} for life, with consent to {consent or 0:,}"
        found.append(Tripped("lifetime_consent", need, consent or 0, text))
    # What one part exceeds by itself is told with that part.
    failures = [part.failure for part in parts if part.failure]
    told = {(guard["guard"], guard["planned"]) for failure in failures for guard in failure.guards or ()}
    return [trip for trip in found if (trip.guard, trip.planned) not in told]


def why_not(
    account: PlanAccount, windows: t.Sequence[FreezeWindow], now: datetime.datetime, *, approved: bool
) -> Failure | None:
    """The failure of an account that must not be changed now; None if it may be, or if there is nothing to do.

    :param windows: freeze windows; they apply whatever is approved.
    :param approved: whether someone approved this plan although limits are exceeded. No approval fills a pool.
    """
    if account.status in ("error", *IDLE):
        return account.failure
    ice = on_ice(account, windows, now, "Apply the plan after that.")
    found = [ice] if ice else []
    found += [failure for failure in account.failures if not (approved and failure.approvable)]
    return Failure(found[0].code, said_once(failure.message for failure in found)) if found else None


def on_ice(
    account: PlanAccount, windows: t.Sequence[FreezeWindow], now: datetime.datetime, advice: str
) -> Failure | None:
    """The failure of an account in a freeze window; None if it is in none, or if there is nothing to do."""
    if account.status in ("error", *IDLE):
        return None
    removing = any(part.plan.remove for part in account.parts if not part.listed)
    ice = frozen(windows, now, removing=removing)
    if ice is None:
        return None
    only = "licenses are not removed" if ice.what == "removals" else "nothing is changed"
    end = "further notice" if ice.until >= FOREVER else ice.until.strftime(TIME_FORMAT)
    return Failure("frozen", f"The account is frozen: '{ice.name}': {only} until {end}. {advice}")


def _held(accounts: t.Sequence[PlanAccount]) -> t.Iterator[int]:
    """Assigned licenses of each pool before the run."""
    for account in accounts:
        pools: dict[tuple[str, str], int] = {}
        for part in account.parts:
            if part.held is not None:
                pool = (part.kind, part.sku)
                pools[pool] = max(pools.get(pool, 0), part.held)
        yield from pools.values()
