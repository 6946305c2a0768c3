# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for the removal candidates: order counts, and as few devices as possible change their place."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import typing as t

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import (
    CandidatesPlan,
    Wish,
    enforce_candidates,
    make_candidates_plan,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.guards import Limits
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import State

WISH = Wish("account", "v2", "present", (), frozenset())
LIVE = st.lists(st.sampled_from("abcdefg"), max_size=7)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """A wish that the options let through: what is wanted on the list is not protected."""
    state: State = draw(st.sampled_from(["present", "absent", "exact"]))
    devices = draw(st.lists(st.sampled_from("abcdefghi"), unique=True, max_size=7))
    protected = draw(st.frozensets(st.sampled_from("abcdefghi"), max_size=3))
    return Wish("account", "v2", state, devices, protected if state == "absent" else protected.difference(devices))


def plan(
    state: State, devices: str, live: str, protected: str = "", whole: t.Sequence[str] | None = None
) -> CandidatesPlan:
    """A plan for devices with names of one letter."""
    wish = dataclasses.replace(WISH, state=state, devices=tuple(devices), protected=frozenset(protected))
    return make_candidates_plan(wish, tuple(live), whole)


def fewest_moves(before: t.Sequence[str], after: t.Sequence[str]) -> int:
    """How many of these must change their place: tried for every selection of those that could stay."""
    for count in range(len(before), 0, -1):
        for staying in itertools.combinations(before, count):
            if [device for device in after if device in staying] == list(staying):
                return len(before) - count
    return 0


@pytest.mark.parametrize(
    ("state", "given", "target", "add", "remove", "move", "unchanged"),
    [
        ("present", ("dbc", "ab", ""), "abdc", "dc", {}, "", 1),
        ("present", ("c", "ab", "ax"), "bc", "c", {"a": "protected"}, "", 0),
        ("present", ("a", "aba", ""), "ab", "", {}, "a", 0),
        ("present", ("b", "aba", ""), "aba", "", {}, "", 1),
        ("present", ("bc", "abcbaa", ""), "abc", "", {}, "ab", 1),
        ("present", ("c", "aba", ""), "abac", "c", {}, "", 0),
        ("present", ("c", "abax", "x"), "abc", "c", {"x": "protected"}, "a", 0),
        ("absent", ("ca", "abc", ""), "b", "", {"a": "", "c": ""}, "", 0),
        ("absent", ("x", "abc", "c"), "ab", "", {"c": "protected"}, "", 1),
        ("absent", ("a", "abab", ""), "b", "", {"a": ""}, "b", 0),
        ("absent", ("x", "abab", ""), "abab", "", {}, "", 1),
        ("absent", ("a", "ab", "a"), "b", "", {"a": "protected"}, "", 0),
        ("exact", ("cadb", "abxc", ""), "cadb", "d", {"x": "not named"}, "c", 2),
        ("exact", ("ab", "abc", "c"), "ab", "", {"c": "protected"}, "", 2),
        ("exact", ("ab", "aba", ""), "ab", "", {}, "a", 1),
        ("exact", ("", "ab", ""), "", "", {"a": "not named", "b": "not named"}, "", 0),
        ("exact", ("bcda", "abcd", ""), "bcda", "", {}, "a", 3),
    ],
)
def test_states(
    state: State,
    given: tuple[str, str, str],
    target: str,
    add: str,
    remove: dict[str, str],
    move: str,
    unchanged: int,
) -> None:
    """Given are the named devices, the live list and the protected devices."""
    devices, live, protected = given
    found = plan(state, devices, live, protected)
    assert ("".join(found.target), "".join(found.add), found.remove) == (target, add, remove)
    assert (found.move, found.unchanged, found.restored) == (frozenset(move), unchanged, frozenset())
    assert found.as_result() == {
        "state": state,
        "add": len(add),
        "remove": len(remove),
        "move": len(move),
        "unchanged": unchanged,
        "digest": found.digest,
    }
    assert found.changes == len(add) + len(remove) + len(move)
    assert found.needed is (target != live)
    assert found.appends is target.startswith(live)


@for_all(wishes(), LIVE)
def test_carrying_the_plan_out_gives_the_target_with_the_fewest_moves(wish: Wish, live: list[str]) -> None:
    found = make_candidates_plan(wish, live)
    stay = [device for device in dict.fromkeys(live) if device not in found.remove]
    assert sorted({*stay, *found.add}) == sorted(set(found.target))
    assert [device for device in found.target if device in found.add] == list(found.add)
    twice = {device for device in stay if live.count(device) > found.target.count(device)}
    assert twice <= found.move, "that a device loses a place is a change that counts"
    still = [device for device in stay if device not in found.move]
    assert [device for device in dict.fromkeys(found.target) if device in still] == still
    fewest = fewest_moves(stay, list(dict.fromkeys(found.target)))
    assert len(found.move - twice) <= fewest <= len(found.move)
    assert found.needed is bool(found.changes)
    named = [device for device in found.target if device in wish.devices]
    assert wish.state == "absent" or len(named) == len(set(named)), "what is wanted is wanted once"
    assert wish.protected.isdisjoint(found.target)


@for_all(wishes(), LIVE)
def test_a_second_run_has_nothing_to_do(wish: Wish, live: list[str]) -> None:
    target = make_candidates_plan(wish, live).target
    again = make_candidates_plan(wish, target)
    assert (again.needed, again.changes, again.unchanged) == (False, 0, len(wish.devices))


@for_all(wishes(), LIVE, st.integers(1, 7))
def test_what_is_left_of_a_list_leads_to_the_same_target(wish: Wish, whole: list[str], left: int) -> None:
    found = make_candidates_plan(wish, whole[:left], whole)
    assert found.target == tuple(dict.fromkeys(make_candidates_plan(wish, whole).target))
    assert found.restored == set(found.target) - set(whole[:left]) - set(wish.devices)
    assert found.restored <= set(found.add)


def test_an_interrupted_rewrite_is_taken_up_from_the_list_as_it_was() -> None:
    found = plan("present", "e", "dc", whole=list("abcd"))
    assert ("".join(found.target), "".join(found.add), len(found.move)) == ("abcde", "abe", 1)
    assert found.restored == {"a", "b"}
    assert not found.appends


def test_a_long_list_is_planned_at_once() -> None:
    live = [str(number) for number in range(20_000)]
    wish = dataclasses.replace(WISH, state="exact", devices=[*live[1:], live[0]])
    assert make_candidates_plan(wish, live).move == {"0"}


def test_the_digest_tells_everything_apart() -> None:
    base = dataclasses.replace(WISH, state="exact", devices=("a", "b"), protected=frozenset("x"))
    live = ("a", "b", "c")
    plans = [
        make_candidates_plan(base, live),
        make_candidates_plan(dataclasses.replace(base, devices=("b", "a")), live),
        make_candidates_plan(dataclasses.replace(base, devices=("a",)), ("b", *live)),
        make_candidates_plan(dataclasses.replace(base, protected=frozenset("y")), live),
        make_candidates_plan(dataclasses.replace(base, protected=frozenset()), live),
        make_candidates_plan(dataclasses.replace(base, account="other"), live),
        make_candidates_plan(dataclasses.replace(base, api_version="v1"), live),
        make_candidates_plan(dataclasses.replace(base, state="present"), live),
        make_candidates_plan(base, ("a", "c", "b")),
        make_candidates_plan(base, ("a", "b")),
        make_candidates_plan(base, live, ("a", "b", "c", "d")),
    ]
    assert len({found.digest for found in plans}) == len(plans)
    assert make_candidates_plan(base, list(live)).digest == plans[0].digest


@pytest.mark.parametrize(
    ("limits", "texts"),
    [
        (Limits(5, 3), ""),
        (
            Limits(4, 2),
            "it changes 5 devices, 'max_changes' allows 4; it takes 3 devices off the list, 'max_removals' ",
        ),
        (Limits(max_removals=0.15), ""),
        (Limits(max_removals=0.149), "it takes 3 devices off the list, 'max_removals' (14.9 % of 20 listed) allows 2."),
        (Limits(0, 0, approved="0" * 64), "The plan 000000000000... that was approved is not the plan"),
    ],
)
def test_limits(limits: Limits, texts: str) -> None:
    """The first becomes the last, three go, one comes."""
    live = [f"{number:02}" for number in range(20)]
    wish = dataclasses.replace(WISH, state="exact", devices=[*live[1:17], live[0], "new"])
    enforce_candidates(make_candidates_plan(wish, wish.devices), Limits(0, 0, approved="0" * 64))
    with contextlib.nullcontext() if not texts else pytest.raises(LicensingError, match=re.escape(texts)):
        enforce_candidates(make_candidates_plan(wish, live), limits)


@for_all(wishes(), LIVE, st.frozensets(st.sampled_from("abcdefg")), st.data())
def test_what_leaves_the_list_with_its_license_does_not_change_the_digest(
    wish: Wish, live: list[str], licensed: frozenset[str], data: st.DataObject
) -> None:
    """But any other device does, so does the order of the others, and so does a device that comes."""
    digest = make_candidates_plan(wish, live).digest
    later = dataclasses.replace(wish, before=tuple(live), licensed=licensed)
    known = licensed.union(wish.devices)
    gone = data.draw(st.frozensets(st.sampled_from("abcdefg"))) - known
    left = [device for device in live if device not in gone]
    assert make_candidates_plan(later, left).digest == digest
    assert (make_candidates_plan(wish, left).digest == digest) is (left == live), "if no license was removed"
    other = data.draw(LIVE)
    lost = {*live} - {*other} - known
    same = other == [device for device in live if device not in lost]
    assert (make_candidates_plan(later, other).digest == digest) is same
