# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Amounts of money, by the operator's own prices. They are exact, and unknown where a number is."""

from __future__ import annotations

import decimal
import typing as t

from .visible import visible

Prices = dict[str, decimal.Decimal]

_CENT = decimal.Decimal("0.01")
_MOST = decimal.Decimal(1_000_000_000)


def prices_from(given: t.Mapping[str, t.Any] | None) -> tuple[Prices, list[str]]:
    """Prices by license, and the problems with them."""
    prices: Prices = {}
    problems: list[str] = []
    for license, value in (given or {}).items():
        try:
            price = decimal.Decimal(str(value).strip())
        except decimal.InvalidOperation:
            price = decimal.Decimal("NaN")
        if price.is_nan() or isinstance(value, bool) or not 0 <= price <= _MOST:
            shown = visible(str(value))[:60] or "nothing"
            problems.append(f"'prices' has {shown} for {visible(str(license))[:60]}; that is not a price.")
        else:
            prices[visible(str(license))] = price
    return prices, problems


def cost_of(prices: Prices, license: str, counts: t.Mapping[str, int | None]) -> dict[str, str | None] | None:
    """The cost of some licenses, by name; None without a price.

    :param counts: numbers of licenses by name; None if a number is unknown.
    """
    if license not in prices:
        return None
    return {name: None if count is None else money(prices[license] * count) for name, count in counts.items()}


def money(amount: decimal.Decimal) -> str:
    """An amount with two decimals. Nothing has no sign."""
    return str(amount.quantize(_CENT, rounding=decimal.ROUND_HALF_UP) + 0)


def amount_words(amount: str | None) -> str:
    """An amount, or the word for an unknown one."""
    return "unknown" if amount is None else f"{decimal.Decimal(amount):,}"


def added(costs: t.Iterable[t.Mapping[str, str | None]]) -> dict[str, str | None]:
    """The sums of several costs by name; None if any of them is unknown."""
    sums: dict[str, str | None] = {}
    for cost in costs:
        for name, amount in cost.items():
            before = sums.get(name, "0.00")
            unknown = amount is None or before is None
            sums[name] = None if unknown else money(decimal.Decimal(before or 0) + decimal.Decimal(amount or 0))
    return sums
