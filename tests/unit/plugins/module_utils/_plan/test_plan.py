# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: wanted and current in, changes and digest out."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Plan, Pool, State, make_plan

SCOPE = {"kind": "fota", "account": "a", "api_version": "v3"}
POOL = Pool(100, 3)
DEVICES = st.lists(st.sampled_from([f"{number:015}" for number in range(12)]), unique=True)
STATES: st.SearchStrategy[State] = st.sampled_from(["present", "absent", "exact"])


def plan(state: State, wanted: t.Sequence[str], current: t.Iterable[str] | None, **scope: str) -> Plan:
    """A plan for the usual account."""
    return make_plan({**SCOPE, **scope}, state, wanted, None if current is None else set(current), POOL)


@pytest.mark.parametrize(
    ("state", "assign", "remove", "unchanged"),
    [
        ("present", ("d", "a"), (), ("c",)),
        ("absent", (), ("c",), ("d", "a")),
        ("exact", ("d", "a"), ("b", "e"), ("c",)),
    ],
)
def test_states(state: State, assign: tuple[str, ...], remove: tuple[str, ...], unchanged: tuple[str, ...]) -> None:
    found = plan(state, ["d", "c", "a"], ["e", "c", "b"])
    assert (found.assign, found.remove, found.unchanged, found.held) == (assign, remove, unchanged, 3)
    assert found.as_result() == {
        "state": state,
        "assign": len(assign),
        "remove": len(remove),
        "unchanged": len(unchanged),
        "digest": found.digest,
    }
    assert found.changes == len(assign) + len(remove)


@pytest.mark.parametrize(("state", "assign", "remove"), [("present", ("b", "a"), ()), ("absent", (), ("b", "a"))])
def test_without_a_list_every_named_device_is_touched(
    state: State, assign: tuple[str, ...], remove: tuple[str, ...]
) -> None:
    assert plan(state, ["b", "a"], None) == Plan(state, assign, remove, (), None, None)


@given(STATES, DEVICES, DEVICES)
def test_carrying_the_plan_out_gives_the_wanted_state(state: State, wanted: list[str], held: list[str]) -> None:
    found = plan(state, wanted, held)
    assert set(found.assign).isdisjoint(found.remove)
    assert set(found.assign).isdisjoint(held)
    assert set(found.remove) <= set(held)
    after = (set(held) - set(found.remove)) | set(found.assign)
    before_others = set(held) - set(wanted)
    expected = {
        "present": set(held) | set(wanted),
        "absent": before_others,
        "exact": set(wanted),
    }[state]
    assert after == expected
    assert sorted([*found.unchanged, *(found.remove if state == "absent" else found.assign)]) == sorted(wanted)
    assert plan(state, wanted, after).changes == 0, "a second run changes nothing"


@given(STATES, DEVICES, DEVICES, st.randoms())
def test_digest_does_not_depend_on_order(state: State, wanted: list[str], held: list[str], random: t.Any) -> None:
    shuffled = list(wanted)
    random.shuffle(shuffled)
    assert plan(state, wanted, held).digest == plan(state, shuffled, reversed(held)).digest


@given(STATES, DEVICES, DEVICES, st.sampled_from([f"{number:015}" for number in range(12)]))
def test_digest_changes_with_wanted_and_live_state(
    state: State, wanted: list[str], held: list[str], device: str
) -> None:
    before = plan(state, wanted, held).digest
    toggled = [one for one in wanted if one != device] if device in wanted else [*wanted, device]
    assert plan(state, toggled, held).digest != before
    after = plan(state, wanted, set(held) ^ {device}).digest
    # Only an exact plan concerns devices that are not named.
    assert (after == before) == (state != "exact" and device not in wanted)


@given(STATES, DEVICES, DEVICES)
def test_a_plan_is_the_same_however_the_named_devices_were_read(
    state: State, wanted: list[str], held: list[str]
) -> None:
    if state == "exact":
        return
    listed = plan(state, wanted, held)
    asked = make_plan(SCOPE, state, wanted, set(held) & set(wanted), POOL, whole=False)
    assert asked == listed._replace(held=None)


@given(DEVICES, DEVICES)
def test_wanted_and_live_are_not_mixed_up(wanted: list[str], held: list[str]) -> None:
    same = plan("present", wanted, held).digest == plan("present", held, wanted).digest
    assert same == (set(wanted) == set(held))


@pytest.mark.parametrize(
    "scope", [{"kind": "other"}, {"account": "b"}, {"api_version": "v2"}, {"more": "x"}, {"account": "a\n--\n1"}]
)
def test_digest_changes_with_the_scope(scope: dict[str, str]) -> None:
    assert plan("present", ["1"], ["2"], **scope).digest != plan("present", ["1"], ["2"]).digest


def test_digest_changes_with_state_and_total_and_not_with_the_count_of_assigned() -> None:
    digests = {plan(state, ["1"], ["2"]).digest for state in t.get_args(State)}
    assert len(digests) == 3
    by_total = {make_plan(SCOPE, "present", ["1"], {"2"}, Pool(total, 3)).digest for total in (None, 0, 99, 100)}
    assert len(by_total) == 4
    assert make_plan(SCOPE, "present", ["1"], {"2"}, Pool(100, 7)).digest in by_total


def test_digest_is_stable_over_releases() -> None:
    # Approvals are kept outside: this value may only change together with a note to users.
    assert plan("exact", ["1", "2"], ["2", "3"]).digest == (
        "5b33cbfe300054b8b907192613a96f595373dd93597e0d3715de67543756ce68"
    )


@pytest.mark.parametrize(
    ("pool", "free"),
    [(Pool(9, 4), 5), (Pool(4, 9), 0), (Pool(None, 4), None), (Pool(4, None), None), (Pool(0, 0), 0)],
)
def test_free(pool: Pool, free: int | None) -> None:
    assert pool.free == free
    assert pool.as_result() == {"total": pool.total, "assigned": pool.assigned, "available": free}


@pytest.mark.parametrize(
    ("pool", "assigned", "removed", "after"),
    [
        (Pool(9, 4), 3, 1, Pool(9, 6)),
        (Pool(9, 1), 0, 5, Pool(9, 0)),
        (Pool(9, None), 3, 1, Pool(9, None)),
        (Pool(None, 4), 1, 0, Pool(None, 5)),
    ],
)
def test_moved(pool: Pool, assigned: int, removed: int, after: Pool) -> None:
    assert pool.moved(assigned, removed) == after
