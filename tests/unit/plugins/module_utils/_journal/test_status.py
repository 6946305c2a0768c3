# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal's attempts amount to for one device."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._journal.status import (
    NOTHING,
    OVERTAKEN,
    WITHOUT_EFFECT,
    Attempt,
    RequestState,
    fold,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.answer import Action

ASSIGN, REMOVE = t.get_args(Action)
SUCCESS, FAILED = "success", "failed"


def attempt(
    action: Action,
    state: RequestState = "accepted",
    outcome: str | None = None,
    reason: str = "",
    confirmed: str = "",
    *,
    own: bool = False,
) -> Attempt:
    return Attempt(1, action, state, outcome, reason, "r", "1-234", "2026-01-01T00:00:00.000000Z", confirmed, own)


ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.sampled_from([ASSIGN, REMOVE]),
        st.sampled_from(t.get_args(RequestState)),
        st.sampled_from([None, SUCCESS, FAILED]),
    ),
    max_size=6,
)


def test_a_device_that_was_never_named() -> None:
    assert fold([]) == NOTHING


@pytest.mark.parametrize(
    ("state", "outcome", "status", "held"),
    [
        ("accepted", SUCCESS, "confirmed", True),
        ("accepted", FAILED, "failed", None),
        ("accepted", None, "pending", None),
        ("sending", None, "unknown", None),
        ("unknown", None, "unknown", None),
        ("unknown", SUCCESS, "confirmed", True),
        ("no_effect", SUCCESS, "confirmed", True),
        ("rejected", None, "none", None),
        ("not_sent", None, "none", None),
        ("no_effect", None, "none", None),
    ],
)
def test_one_attempt(state: RequestState, outcome: str | None, status: str, held: bool | None) -> None:
    found = fold([attempt(ASSIGN, state, outcome)])
    assert (found.result, found.held, found.last is None) == (status, held, status == "none")


@pytest.mark.parametrize("state", sorted(WITHOUT_EFFECT))
@pytest.mark.parametrize("before", [[], [attempt(ASSIGN, "accepted", SUCCESS)], [attempt(REMOVE, "unknown")]])
def test_what_had_no_effect_leaves_the_former_status(before: list[Attempt], state: RequestState) -> None:
    assert fold([*before, attempt(REMOVE, state)]) == fold(before)


@given(ATTEMPTS)
def test_the_last_word_counts(attempts: list[Attempt]) -> None:
    found = fold(attempts)
    telling = [one for one in attempts if one.outcome or one.state not in WITHOUT_EFFECT]
    assert found.last == (telling[-1] if telling else None)
    if found.result == "confirmed":
        assert found.held is (telling[-1].action == ASSIGN)
    assert (found.result == "none") is (not telling)


@pytest.mark.parametrize("slow", [ASSIGN, REMOVE])
@pytest.mark.parametrize("own", [True, False])
def test_a_slow_request_may_have_been_carried_out_after_a_later_one(slow: Action, own: bool) -> None:
    """If its own report came later, too. So what the device holds is not known until one more is reported."""
    other = REMOVE if slow == ASSIGN else ASSIGN
    late = attempt(slow, "accepted", SUCCESS, confirmed="2026-01-03", own=own)
    done = attempt(other, "accepted", SUCCESS, confirmed="2026-01-02", own=True)
    found = fold([late, done])
    told = done._replace(reason=OVERTAKEN) if own else done
    assert (found.result, found.last) == ("overtaken" if own else "confirmed", told)
    assert (found.held, found.proved) == (None if own else other == ASSIGN, False)
    assert fold([late, done, attempt(slow)]).held is None
    failed = fold([late, done, attempt(other, "accepted", FAILED)])
    assert (failed.result, failed.held) == ("failed", found.held)
    again = fold([late, done, done._replace(confirmed="2026-01-04")])
    assert (again.result, again.held) == ("confirmed", other == ASSIGN)


@pytest.mark.parametrize("state", ["accepted", "unknown", "sending"])
def test_a_change_that_may_have_happened_leaves_open_what_is_held(state: RequestState) -> None:
    """Assigned, then a removal that was never confirmed, then an assignment that failed: is it licensed?"""
    found = fold([attempt(ASSIGN, "accepted", SUCCESS), attempt(REMOVE, state), attempt(ASSIGN, "accepted", FAILED)])
    assert (found.result, found.held) == ("failed", None)
