# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the account's count proves about requests whose answer was lost."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.rows import Hint, Lost, Moved, Range
from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import Attempt, RequestState
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.count import (
    Judgment,
    fits,
    resolve,
    settle_seconds,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._simsec.count import (
    judge as judge_all,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis

COUNT = st.integers(0, 5)
REQUESTS = st.lists(st.integers(1, 5), min_size=1, max_size=3)
ACTIONS = st.sampled_from(t.get_args(Action))


def lost(devices: int, action: Action = "assign", hints: t.Sequence[str] = (), request: int = 1) -> Lost:
    names = imeis(devices, 100 * request)
    told = {name: Hint(t.cast(t.Any, status), "", "r9") for name, status in zip(names, hints, strict=False)}
    return Lost(request, 1, action, "2026-01-01T00:00:00.000000Z", names, told)


def moved(
    before: int | None = 10, *, assign_sure: int = 0, assign_open: int = 0, remove_sure: int = 0, remove_open: int = 0
) -> Moved:
    """What requests that are not lost did, and what they may have done."""
    sure = assign_sure - remove_sure
    return Moved(before, Range(sure - remove_open, sure + assign_open))


def judge(now: int | None, since: Moved, requests: t.Sequence[Lost]) -> dict[int, Judgment]:
    """See C(count.judge). The devices of lost requests are new, or hold what they are to lose."""
    counts = {
        action: sum(len(one.devices) for one in requests if one.action == action) for action in ("assign", "remove")
    }
    return judge_all(now, [since._replace(lost=Range(-counts["remove"], counts["assign"]))], requests)


@pytest.mark.parametrize(
    ("before", "now", "action", "expected"),
    [
        (10, 13, "assign", "took_effect"),
        (10, 12, "assign", "unclear"),
        (10, 10, "assign", "no_effect"),
        (10, 7, "remove", "took_effect"),
        (10, 8, "remove", "unclear"),
        (10, 10, "remove", "no_effect"),
        (None, 13, "assign", "unclear"),
        (10, None, "assign", "unclear"),
    ],
)
def test_one_lost_request(before: int | None, now: int | None, action: Action, expected: Judgment) -> None:
    assert judge(now, moved(before), [lost(3, action)]) == {1: expected}


@pytest.mark.parametrize(
    ("now", "expected"), [(10, "no_effect"), (11, "unclear"), (12, "unclear"), (13, "took_effect")]
)
def test_one_lost_request_beside_accepted_ones(now: int, expected: Judgment) -> None:
    """Two were accepted and not reported on. The count does not show which of the three devices changed."""
    assert judge(now, moved(assign_open=2), [lost(1)]) == {1: expected}
    assert judge(20 - now, moved(remove_open=2), [lost(1, "remove")]) == {1: expected}


def test_the_count_before_an_earlier_run_may_tell_more() -> None:
    """Two devices were under way when the later run began. The earlier count was read before they were sent."""
    own, earlier = Moved(10, Range(0, 2), Range(0, 1)), Moved(10, Range(2, 2), Range(0, 1))
    assert judge_all(13, [own], [lost(1)]) == {1: "took_effect"}
    assert judge_all(12, [own], [lost(1)]) == {1: "unclear"}
    assert judge_all(12, [own, earlier], [lost(1)]) == {1: "no_effect"}
    assert judge_all(12, [own, earlier], [lost(1, hints=["success"])]) == {1: "unclear"}
    assert judge_all(11, [own, Moved(10, Range(1, 1), Range(0, 1))], [lost(1, hints=["success"])]) == {1: "unclear"}
    assert judge_all(13, [own, Moved(13, Range(0, 0), Range(0, 1))], [lost(1)]) == {1: "unclear"}, "they disagree"
    assert judge_all(13, [], [lost(1)]) == {1: "unclear"}


def test_both_directions_at_once_tell_nothing() -> None:
    found = judge(10, moved(), [lost(3), lost(3, "remove", request=2)])
    assert found == {1: "unclear", 2: "unclear"}


HINTED = {
    "all": [lost(2, hints=["success", "success"])],
    "some": [lost(3, hints=["success"])],
    "one of two requests": [lost(2, hints=["success", "success"]), lost(1, request=2)],
    "one of two failed": [lost(2, hints=["success", "failed"])],
    "a failure": [lost(1, hints=["failed"]), lost(2, request=2)],
}


@pytest.mark.parametrize("requests", HINTED.values(), ids=HINTED)
@pytest.mark.parametrize("action", t.get_args(Action))
@pytest.mark.parametrize("pending", [0, 1])
def test_hints_make_a_clear_case_unclear_and_never_an_unclear_one_clear(
    requests: list[Lost], action: Action, pending: int
) -> None:
    requests = [request._replace(action=action) for request in requests]
    bare = [request._replace(hints={}) for request in requests]
    for change in range(-2, 6):
        now, since = 10 + (change if action == "assign" else -change), moved(**{f"{action}_open": pending})
        (plain,) = set(judge(now, since, bare).values())
        (hinted,) = set(judge(now, since, requests).values())
        assert plain != "no_effect" or hinted == "unclear"
        assert hinted in (plain, "unclear", "as_reported")
        assert hinted != "took_effect" or not any(
            hint.status == "failed" for request in requests for hint in request.hints.values()
        )


@pytest.mark.parametrize("now", range(8, 16))
@pytest.mark.parametrize("removals", [0, 1])
def test_the_count_leaves_room_for_what_was_reported(now: int, removals: int) -> None:
    """A removal that may have been executed leaves more of it."""
    requests = [lost(2, hints=["success", "success"]), lost(3, hints=["failed"], request=2)]
    (found,) = set(judge(now, moved(remove_open=removals), requests).values())
    assert found == ("as_reported" if now + removals >= 12 else "unclear")
    only, silent = requests[0], lost(1, request=3)
    assert set(judge(11, moved(assign_open=1), [only]).values()) == {"unclear"}, "there is nothing to send before it"
    assert set(judge(12, moved(), [only, silent]).values()) == {"as_reported"}
    tried = silent._replace(tried=set(silent.devices))
    assert set(judge(12, moved(), [only, tried]).values()) == {"unclear"}, "that was in vain"


@pytest.mark.parametrize(
    ("known", "own", "least", "most"),
    [
        ({}, Range(0, 0), 10, 10),
        ({"assign_sure": 3, "remove_sure": 1}, Range(0, 0), 12, 12),
        ({"assign_open": 2, "remove_open": 4}, Range(0, 0), 6, 12),
        ({"assign_sure": 1}, Range(-1, 2), 10, 13),
    ],
)
def test_counts_that_fit(known: dict[str, int], own: Range, least: int, most: int) -> None:
    since = moved(**known)._replace(lost=own)
    assert [now for now in range(20) if fits(now, since)] == list(range(least, most + 1))
    assert fits(None, since)
    assert fits(0, moved(None))


@given(st.tuples(COUNT, COUNT), st.tuples(COUNT, COUNT), st.tuples(COUNT, COUNT), REQUESTS, COUNT, ACTIONS)
def test_took_effect_only_if_the_count_moved_enough(
    sure: tuple[int, int],
    pending: tuple[int, int],
    done: tuple[int, int],
    requests: list[int],
    happened: int,
    action: Action,
) -> None:
    """Whatever the pending ones did: a count that they can explain proves nothing about the lost ones.

    Pairs are of assignments and removals.
    """
    happened = min(sum(requests), happened)
    now = 50 + sure[0] - sure[1] + min(pending[0], done[0]) - min(pending[1], done[1])
    now += happened if action == "assign" else -happened
    since = moved(50, assign_sure=sure[0], remove_sure=sure[1], assign_open=pending[0], remove_open=pending[1])
    found = judge(now, since, [lost(count, action, request=number) for number, count in enumerate(requests, 1)])
    assert len(set(found.values())) == 1
    if found[1] == "took_effect":
        assert happened == sum(requests)


@given(COUNT, COUNT, COUNT, COUNT, st.integers(1, 5), COUNT, ACTIONS)
def test_no_effect_only_if_nothing_else_explains_the_count(
    open_in: int, moved_in: int, open_out: int, moved_out: int, count: int, happened: int, action: Action
) -> None:
    """What was accepted may have failed, and the lost request may have been carried out instead."""
    moved_in, moved_out, happened = min(open_in, moved_in), min(open_out, moved_out), min(count, happened)
    now = 50 + moved_in - moved_out + (happened if action == "assign" else -happened)
    if judge(now, moved(50, assign_open=open_in, remove_open=open_out), [lost(count, action)]) == {1: "no_effect"}:
        assert happened == 0


@pytest.mark.parametrize(
    ("wanted", "latency", "seconds"),
    [
        (None, None, 30.0),
        (None, 4.9, 15.0),
        (None, 20.0, 60.0),
        (None, 4000.0, 900.0),
        (0.0, 20.0, 0.0),
        (7.0, None, 7.0),
    ],
)
def test_settle_seconds(wanted: float | None, latency: float | None, seconds: float) -> None:
    assert settle_seconds(wanted, latency) == seconds


@pytest.mark.parametrize(
    ("verdict", "lifetime", "state", "word"),
    [
        ("took_effect", False, "accepted", "shows that the request took effect"),
        ("took_effect", True, "accepted", "shows that the request took effect"),
        ("no_effect", False, "no_effect", "shows no effect"),
        ("no_effect", True, "unknown", "it broke; the account's count suggests that it had no effect"),
        ("unclear", False, "unknown", "it broke; the account's count does not show"),
        ("as_reported", False, "unknown", "it broke; the account's count does not show"),
        ("too_early", False, "unknown", "it broke; it is too early for"),
    ],
)
def test_resolve(verdict: Judgment, lifetime: bool, state: RequestState, word: str) -> None:
    request = lost(2, hints=["success"])
    first, second = request.devices
    attempt = Attempt(1, "assign", "unknown", None, "it broke.", "", "1-234", "then", "")
    other = attempt._replace(request=2)
    sure = attempt._replace(outcome="success")
    found = resolve(
        {first: [attempt], second: [attempt, other], "x": [sure]}, [request], {1: verdict}, lifetime=lifetime
    )
    assert (found[second][0].state, word in found[second][0].reason) == (state, True)
    assert (found[second][1], found["x"]) == (other, [sure])
    expected = ("success", "r9") if verdict == "took_effect" else (None, "")
    assert (found[first][0].outcome, found[first][0].request_id) == expected
    assert found[first][0].hinted is (verdict in ("as_reported", "too_early"))
    assert not found[second][0].hinted
