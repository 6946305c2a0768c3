# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What licenses cost: exact to the cent, and unknown where a number is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._text.money import added, cost_of, prices_from


def test_cents_are_exact() -> None:
    prices, problems = prices_from({"FOTA": "1.10", "SIMSec-IoT": 0.1, "free": 0})
    assert problems == []
    assert cost_of(prices, "FOTA", {"bought": 30_000_000, "free": 3}) == {"bought": "33000000.00", "free": "3.30"}
    assert cost_of(prices, "SIMSec-IoT", {"bought": 3, "free": None}) == {"bought": "0.30", "free": None}
    assert cost_of(prices, "free", {"bought": 3}) == {"bought": "0.00"}
    assert cost_of(prices, "free", {"fewer": -3}) == {"fewer": "0.00"}
    assert cost_of(prices, "SIMSec-IoT-Lt", {"bought": 3}) is None


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    costs: list[dict[str, str | None]] = [
        {"a": "0.10", "b": "0.20"},
        {"a": "0.20", "b": None},
        {"a": "0.30", "b": "1.00"},
    ]
    assert added(costs) == {"a": "0.60", "b": None}


@pytest.mark.parametrize("price", [-1, "-0.01", "NaN", "Infinity", "1,20", "", None, True, "1e99", [], "<b>"])
def test_what_is_no_price(price: t.Any) -> None:
    prices, problems = prices_from({"FOTA": 1, "SIMSec-IoT": price})
    assert list(prices) == ["FOTA"]
    (problem,) = problems
    assert "SIMSec-IoT" in problem
