# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How much more or less the assigned licenses cost if all of a plan is applied, whatever stops it, or since a run.

Every bought license costs its price, assigned or free, as in a report. So a plan moves cost between free and assigned
licenses of a pool, and no bill changes.
The prices are those of whoever makes the page. They are neither in the plan nor approved.
"""

from __future__ import annotations

import typing as t

from .._errors import Problem
from .._pages.render import View
from .._text.money import Prices, added, amount_words, cost_of, prices_from
from .._text.visible import visible
from .plan_document import PlanDocument
from .record import RunRecord

FOTA = "FOTA"


class LicenseChange(t.NamedTuple):
    """Licenses of one kind that are assigned and removed, not entries of a list.

    :param sku: empty for FOTA.
    """

    sku: str
    lifetime: bool
    assign: int
    remove: int


def planned(document: PlanDocument) -> list[LicenseChange]:
    """The licenses that a plan assigns and removes, whatever stops it."""
    parts = [part for part in document.parts if not part.listed]
    return [LicenseChange(part.sku, part.lifetime, part.plan.assign or 0, part.plan.remove or 0) for part in parts]


def carried_out(record: RunRecord) -> list[LicenseChange]:
    """The licenses that a run assigned and removed, as far as that is confirmed."""
    parts = [part for part in record.parts if part.kind != "removal_candidates"]
    counts = [(part, part.summary) for part in parts]
    return [
        LicenseChange(part.sku, part.lifetime, had.get("assigned", 0), had.get("removed", 0)) for part, had in counts
    ]


def costs(
    params: t.Mapping[str, t.Any], problems: list[Problem]
) -> t.Callable[[t.Iterable[LicenseChange], int], View | None]:
    """What gives C(cost_view) at the prices of the reader.

    :param params: with C(prices) and C(currency).
    """
    prices, wrong = prices_from(params["prices"])
    problems += [Problem(text) for text in wrong]
    currency = visible(params["currency"])
    return lambda moved, uncounted: cost_view(moved, prices, currency, uncounted)


def cost_view(moved: t.Iterable[LicenseChange], prices: Prices, currency: str, uncounted: int = 0) -> View | None:
    """What the pages show of the cost; None if no license is assigned or removed.

    A license without a price is named, and is in no sum.

    :param uncounted: how many accounts have no plan.
    """
    groups: dict[tuple[str, bool], list[LicenseChange]] = {}
    for one in moved:
        groups.setdefault((one.sku or FOTA, one.lifetime), []).append(one)
    changes = [_Change(license, lifetime, parts, prices) for (license, lifetime), parts in sorted(groups.items())]
    changes = [one for one in changes if one.assign or one.remove]
    if not changes:
        return None
    sums = added(one.cost for one in changes if one.cost is not None)
    due = {one.when for one in changes}
    monthly = sums.get("monthly", None if "monthly" in due else "0.00")
    return {
        "monthly": _more_or_less(monthly, currency),
        "once": _with(currency, sums.get("once")) if "once" in due else "",
        "unknown": sorted({one.license for one in changes if one.cost is None}),
        "unplanned": uncounted,
        "rows": [one.row(currency) for one in changes],
    }


class _Change:
    """How many licenses of a kind are assigned and removed, and what that costs."""

    def __init__(self, license: str, lifetime: bool, moved: t.Sequence[LicenseChange], prices: Prices) -> None:
        self.license = license
        self.assign = sum(one.assign for one in moved)
        # A lifetime license cannot be removed, and what was paid once never comes back.
        self.remove = 0 if lifetime else sum(one.remove for one in moved)
        self.when: t.Literal["once", "monthly"] = "once" if lifetime else "monthly"
        self.cost = cost_of(prices, license, {self.when: self.assign - self.remove})
        self.price = prices.get(license)

    def row(self, currency: str) -> View:
        """The row of the table. An amount is empty where none is due."""
        amounts = {"monthly": "", "once": ""}
        amount = self.cost[self.when] if self.cost else None
        sign = "+" if amount and self.when == "monthly" and self.assign > self.remove else ""
        amounts[self.when] = sign + _with(currency, amount)
        price = "no price" if self.price is None else f"{self.price:,f}"
        return {"license": self.license, "price": price, "assign": self.assign, "remove": self.remove, **amounts}


def _more_or_less(amount: str | None, currency: str) -> str:
    if amount == "0.00":
        return "nothing more or less"
    less = amount is not None and amount.startswith("-")
    sized = amount.removeprefix("-") if amount else None
    return f"{_with(currency, sized)} {'less' if less else 'more' if amount else 'more or less'}"


def _with(currency: str, amount: str | None) -> str:
    """An amount with its currency."""
    return amount_words(amount) if amount is None else f"{amount_words(amount)} {currency}".strip()
