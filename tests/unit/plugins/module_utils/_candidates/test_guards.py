# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of a change of the removal candidates."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.guards import enforce_candidates
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.plan import (
    CandidatesPlan,
    Wish,
    make_candidates_plan,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.guards import Limits
from ansible_collections.thingspace.licensing.tests.support.fakes import imeis

LIVE = imeis(20)


def plan(*devices: str) -> CandidatesPlan:
    """What makes these the list."""
    return make_candidates_plan(Wish("a", "v2", "exact", devices, frozenset()), LIVE)


# The first becomes the last, three go, one comes.
PLAN = plan(*LIVE[1:17], LIVE[0], "new")


def limits(max_changes: int | None = None, max_removals: float | None = None, approved: str | None = None) -> Limits:
    return Limits(max_changes, max_removals, 0, approved)


@pytest.mark.parametrize(
    ("given", "guards"),
    [
        (limits(), []),
        (limits(5, 3), []),
        (limits(4, 2), [("max_changes", 5, 4), ("max_removals", 3, 2)]),
        (limits(max_removals=0.15), []),
        (limits(max_removals=0.149), [("max_removals", 3, 2)]),
        (limits(max_removals=0.0), [("max_removals", 3, 0)]),
        (limits(0, 0, PLAN.digest), []),
    ],
)
def test_limits(given: Limits, guards: list[tuple[str, int, int]]) -> None:
    if not guards:
        enforce_candidates(PLAN, given)
        return
    with pytest.raises(LicensingError) as caught:
        enforce_candidates(PLAN, given)
    assert (caught.value.code, caught.value.details["digest"]) == ("guard_tripped", PLAN.digest)
    assert [tuple(guard.values()) for guard in caught.value.details["guards"]] == guards


def test_another_plan_than_the_approved_one_is_stopped() -> None:
    with pytest.raises(LicensingError, match="Nothing was written") as caught:
        enforce_candidates(PLAN, limits(approved="0" * 64))
    assert (caught.value.code, caught.value.details["digest"]) == ("plan_changed", PLAN.digest)


def test_a_plan_that_changes_nothing_needs_no_approval() -> None:
    enforce_candidates(plan(*LIVE), limits(0, 0, "0" * 64))
