# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a plan costs if all of it is applied, whatever stops it.

The prices are those of whoever makes the page. They are neither in the plan nor approved.
"""

from __future__ import annotations

import typing as t

from .._pages.render import View
from .._text.money import Prices, added, amount_words, cost_of
from .plan_document import PlanDocument, PlanPart
from .plan_words import counts_of

FOTA = "FOTA"


def cost_view(document: PlanDocument, prices: Prices, currency: str) -> View | None:
    """What the pages show of the cost; None if no license is assigned or removed.

    A license without a price is named, and is in no sum.
    """
    groups: dict[tuple[str, bool], list[PlanPart]] = {}
    for part in document.parts:
        groups.setdefault((part.sku or FOTA, part.lifetime), []).append(part)
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
        "unplanned": sum(account.status == "error" for account in document.accounts),
        "rows": [one.row(currency) for one in changes],
    }


class _Change:
    """How many licenses of a kind are assigned and removed, and what that costs."""

    def __init__(self, license: str, lifetime: bool, parts: t.Iterable[PlanPart], prices: Prices) -> None:
        counts = counts_of(parts, listed=False)
        self.license = license
        self.assign = counts["assign"]
        # A lifetime license cannot be removed, and what was paid once never comes back.
        self.remove = 0 if lifetime else counts["remove"]
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
