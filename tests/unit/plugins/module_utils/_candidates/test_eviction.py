# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The eviction forecast, against evicting in every order that is possible."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.eviction import Eviction, forecast

EARLY, LATE = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
TIMES = (EARLY, "2020-06-01T00:00:00.000Z", "2020-06-01T02:00:00+02:00", LATE, "", "soon")
RANK = dict(zip(TIMES, (1, 2, 2, 3, None, None), strict=True))
LICENSES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(TIMES), max_size=6).map(
    lambda held: list(held.items())
)
LISTED = st.lists(st.sampled_from("abcdxy"), max_size=5)


def evicted_in_every_order(count: int, held: dict[str, str], listed: list[str]) -> list[list[str]]:
    """Who loses the license, once for each order that the documents leave open."""
    first = [device for device in dict.fromkeys(listed) if device in held]
    found = []
    for others in itertools.permutations(sorted(set(held).difference(first))):
        known = [rank for rank in (RANK[held[device]] for device in others) if rank]
        if known == sorted(known):
            found.append([*first, *others][:count])
    return found


@given(st.integers(0, 8), LICENSES, LISTED)
def test_against_every_order(shrink_to: int, licenses: list[tuple[str, str]], listed: list[str]) -> None:
    held = dict(licenses)
    cases = evicted_in_every_order(max(0, len(held) - shrink_to), held, listed)
    seen = forecast(shrink_to, licenses, listed)
    devices = [row.device_id for row in seen.evictions]
    assert len(devices) == len(set(devices)) == len(cases[0])
    assert {row.device_id for row in seen.evictions if row.certain} == set.intersection(*map(set, cases))
    assert {*devices, *seen.tied} == set.union(*map(set, cases))
    assert devices in cases
    assert set(seen.tied).isdisjoint(devices)
    assert [row.place for row in seen.evictions] == list(range(1, len(devices) + 1))
    assert [row.reason for row in seen.evictions] == ["listed" if one in listed else "oldest" for one in devices]
    assert seen.without_license == [device for device in dict.fromkeys(listed) if device not in held]
    result = seen.as_result(1000)
    assert (result["assigned"], result["evicted"]) == (len(held), len(devices))
    assert result["from_list"] + result["beyond_list"] == len(devices)
    assert result["certain"] == (not seen.tied)


@given(st.integers(0, 8), LICENSES, LISTED, st.sets(st.sampled_from("abcdefgh")))
def test_a_part_against_every_order(
    shrink_to: int, licenses: list[tuple[str, str]], listed: list[str], seen_ones: set[str]
) -> None:
    """Whoever the unlisted holders are, what is certain happens, and nobody else is affected."""
    held = dict(licenses)
    part = [(device, time) for device, time in licenses if device in seen_ones]
    elsewhere = len(held) - len(part)
    cases = evicted_in_every_order(max(0, len(held) - shrink_to), held, listed)
    seen = forecast(shrink_to, part, listed, elsewhere)
    devices = [row.device_id for row in seen.evictions]
    result = seen.as_result(1000)
    assert (result["assigned"], result["evicted"]) == (len(held), len(cases[0]))
    assert len(devices) + seen.unnamed == result["from_list"] + result["beyond_list"] == len(cases[0])
    assert {row.device_id for row in seen.evictions if row.certain} <= set.intersection(*map(set, cases))
    assert set.union(*map(set, cases)) & seen_ones <= {*devices, *seen.tied}
    assert set(seen.tied).isdisjoint(devices)
    assert not (elsewhere and seen.without_license)
    assert all(row.certain for row in seen.evictions if row.reason == "listed")
    assert not (seen.certain and elsewhere and len(cases[0]) > len(set.intersection(*map(set, cases))))


def test_listed_ones_in_their_order_then_the_oldest() -> None:
    licenses = [("new", LATE), ("old", EARLY), ("b", LATE), ("a", EARLY)]
    seen = forecast(1, licenses, ["b", "stranger", "a", "b"])
    assert seen.evictions == [
        Eviction(1, "b", "listed", LATE, True),
        Eviction(2, "a", "listed", EARLY, True),
        Eviction(3, "old", "oldest", EARLY, True),
    ]
    assert (seen.tied, seen.without_license) == ([], ["stranger"])
    assert seen.as_rows()[0] == ("1", "b", "listed", LATE, "yes", "")
    marked = seen.with_upgrades({"b": "then", "a": "", "old": None, "new": "then"})
    assert [row[-1] for row in marked.as_rows()] == ["yes", "no", ""]
    assert (seen.upgraded, marked.upgraded, marked.as_result(9)["upgraded"]) == (0, 1, 1)
    assert (seen.upgraded_unknown, marked.as_result(9)["upgraded_unknown"]) == (3, 1)


def test_those_of_the_same_time_are_not_certain() -> None:
    seen = forecast(2, [("a", EARLY), ("b", LATE), ("c", LATE), ("d", LATE)], [])
    assert [(row.device_id, row.certain) for row in seen.evictions] == [("a", True), ("b", False)]
    assert seen.tied == ["c", "d"]
    assert seen.as_rows()[1:] == [("2", "b", "oldest", LATE, "no", "")]


def test_a_time_that_cannot_be_read_may_be_any() -> None:
    seen = forecast(2, [("a", EARLY), ("b", LATE), ("c", "?")], [])
    assert [(row.device_id, row.certain) for row in seen.evictions] == [("a", False)]
    assert seen.tied == ["c"]
    everybody = forecast(0, [("a", EARLY), ("b", "?")], [])
    assert everybody.as_result(1)["certain"] is True


@pytest.mark.parametrize("shrink_to", [2, 3, 1000])
def test_nobody_loses_anything_while_there_are_enough(shrink_to: int) -> None:
    seen = forecast(shrink_to, [("a", EARLY), ("b", "?")], ["a", "stranger"])
    assert (seen.evictions, seen.tied, seen.without_license) == ([], [], ["stranger"])


def test_the_documented_notation_of_time_is_read() -> None:
    licenses = [("a", "2017-11-29 20:15:42.738 +0000 UTC"), ("b", "2017-11-29 16:03:42 +0000 UTC")]
    assert forecast(1, licenses, []).evictions == [Eviction(1, "b", "oldest", licenses[1][1], True)]


@pytest.mark.parametrize(("most", "tied"), [(1000, 3), (2, 2), (0, 0)])
def test_how_many_are_named(most: int, tied: int) -> None:
    result: dict[str, t.Any] = forecast(3, [(device, EARLY) for device in "abcd"], ["x"]).as_result(most)
    assert (len(result["tied"]), result["tied_count"], result["evicted"]) == (tied, 3, 1)
    assert (bool(result["devices"]), bool(result["without_license"])) == (most > 0, most > 0)
