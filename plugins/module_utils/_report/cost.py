# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The monthly cost of licenses, by the operator's own prices. Without prices, the report shows no cost."""

from __future__ import annotations

import decimal
import typing as t

from .._errors import Problem
from .text import visible

Prices = dict[str, decimal.Decimal]

_CENT = decimal.Decimal("0.01")
_MOST = decimal.Decimal(1_000_000_000)


def prices_from(given: t.Mapping[str, t.Any] | None) -> tuple[Prices, list[Problem]]:
    """Monthly prices by license, and the problems with them."""
    prices: Prices = {}
    problems: list[Problem] = []
    for license, value in (given or {}).items():
        try:
            price = decimal.Decimal(str(value).strip())
        except decimal.InvalidOperation:
            price = decimal.Decimal("NaN")
        if price.is_nan() or isinstance(value, bool) or not 0 <= price <= _MOST:
            problems.append(
                Problem(f"'prices' has {visible(value)[:60]} for {visible(license)[:60]}; that is not a price.")
            )
        else:
            prices[visible(license)] = price
    return prices, problems


def cost_of(prices: Prices, license: str, counts: t.Mapping[str, int | None]) -> dict[str, str | None] | None:
    """The monthly cost of the licenses of a pool, by name; None without a price.

    :param counts: numbers of licenses by name; None if a number is unknown.
    """
    if license not in prices:
        return None
    return {name: None if count is None else money(prices[license] * count) for name, count in counts.items()}


def money(amount: decimal.Decimal) -> str:
    """An amount with two decimals."""
    return str(amount.quantize(_CENT, rounding=decimal.ROUND_HALF_UP))


def added(costs: t.Iterable[t.Mapping[str, str | None]]) -> dict[str, str | None]:
    """The sums of several costs by name; None if any of them is unknown."""
    sums: dict[str, str | None] = {}
    for cost in costs:
        for name, amount in cost.items():
            before = sums.get(name, "0.00")
            unknown = amount is None or before is None
            sums[name] = None if unknown else money(decimal.Decimal(before or 0) + decimal.Decimal(amount or 0))
    return sums
