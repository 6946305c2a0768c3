# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan costs a month more or less, and once."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.cost import cost_view, planned
from ansible_collections.thingspace.licensing.plugins.module_utils._text.money import prices_from
from ansible_collections.thingspace.licensing.tests.support.plans import Json, account, part, plan

FOR_LIFE = "SIMSec-IoT-Lt"
PRICES = {"FOTA": "1.10", "SIMSec-IoT": 0.35, FOR_LIFE: "9.90", "free": 0}


def cost(*parts: Json, currency: str = "EUR", **prices: t.Any) -> t.Any:
    """The cost of a plan of two accounts, the second of which has the last part."""
    accounts = [account(*some, name=str(n)) for n, some in enumerate((parts[:-1], parts[-1:]))]
    known, problems = prices_from({**PRICES, **prices})
    assert not problems
    return cost_view(planned(plan(*accounts)), known, currency)


def test_more_and_less_a_month_over_all_accounts() -> None:
    shown = cost(part(assign=30), part("simsec", "SIMSec-IoT", remove=1000), part(assign=3, remove=10))
    assert (shown["monthly"], shown["once"], shown["unknown"]) == ("324.70 EUR less", "", [])
    assert shown["rows"] == [
        {"license": "FOTA", "price": "1.10", "assign": 33, "remove": 10, "monthly": "+25.30 EUR", "once": ""},
        {"license": "SIMSec-IoT", "price": "0.35", "assign": 0, "remove": 1000, "monthly": "-350.00 EUR", "once": ""},
    ]


def test_a_lifetime_license_costs_once_and_never_comes_back() -> None:
    gone = {**part("simsec", FOR_LIFE, remove=5), "list": "remove"}
    shown = cost(part(assign=1), part("simsec", FOR_LIFE, assign=1000), gone)
    assert (shown["monthly"], shown["once"]) == ("1.10 EUR more", "9,900.00 EUR")
    for_life = shown["rows"][1]
    assert (for_life["remove"], for_life["monthly"], for_life["once"]) == (0, "", "9,900.00 EUR")
    assert cost(gone) is None
    assert cost(part("simsec", FOR_LIFE, assign=1))["monthly"] == "nothing more or less"


def test_entries_of_lists_cost_nothing() -> None:
    listed = part("removal_candidates", add=7, remove=5, move=3)
    assert cost(listed) is None
    assert [row["remove"] for row in cost(part(remove=2), listed)["rows"]] == [2]


def test_a_license_without_a_price_is_named_and_in_no_sum() -> None:
    known, other = part(assign=1), part("simsec", "SIMSec-New", assign=4)
    assert cost(known, other)["unknown"] == ["SIMSec-New"]
    assert cost(known, other)["monthly"] == "1.10 EUR more"
    assert cost(other)["monthly"] == "unknown more or less"
    assert cost(other)["rows"][0]["monthly"] == "unknown"
    assert cost(part("simsec", "SIMSec-New-Lt", assign=4))["once"] == "unknown"


def test_a_stopped_plan_costs_what_it_would_cost() -> None:
    limit = {"code": "guard_tripped", "message": "Too much."}
    assert cost(part(assign=10, failure=limit))["monthly"] == "11.00 EUR more"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (part(assign=5, remove=5), "nothing more or less"),
        (part("simsec", "free", remove=5), "nothing more or less"),
        (part(assign=30_000_000), "33,000,000.00 more"),
        (part("simsec", "SIMSec-IoT", assign=3), "1.05 more"),
    ],
    ids=["as many", "free", "many", "not a float"],
)
def test_amounts_are_exact(changes: Json, told: str) -> None:
    assert cost(changes, currency="")["monthly"] == told
