# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The total time of a task."""

from __future__ import annotations

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._client.deadline import Deadline
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import TransportError
from ansible_collections.thingspace.licensing.tests.support.fakes import Clock


def test_counts_down_and_never_below_zero() -> None:
    clock = Clock()
    deadline = Deadline(10.0, clock)
    assert deadline.remaining() == 10.0
    clock.now += 4
    assert deadline.remaining() == 6.0
    clock.now += 40
    assert deadline.remaining() == 0.0


@pytest.mark.parametrize(("needed", "enough"), [(0.0, True), (9.9, True), (10.0, False), (11.0, False)])
def test_require(needed: float, enough: bool) -> None:
    deadline = Deadline(10.0, Clock())
    if enough:
        deadline.require(needed, "rest")
        return
    with pytest.raises(TransportError, match=r"deadline of 10 s leaves 10\.0 s, not enough to rest") as raised:
        deadline.require(needed, "rest")
    assert (raised.value.code, raised.value.in_doubt, raised.value.retryable) == ("deadline_exceeded", False, False)


def test_nothing_more_goes_when_it_is_over() -> None:
    clock = Clock()
    deadline = Deadline(1.0, clock)
    clock.now += 1
    with pytest.raises(TransportError):
        deadline.require(0.0, "send")


def test_what_must_not_stay_half_done_gets_more_time() -> None:
    clock = Clock()
    deadline = Deadline(10.0, clock)
    deadline.extend(5.0)
    assert deadline.remaining() == 10.0
    clock.now += 20
    deadline.extend(5.0)
    assert deadline.remaining() == 5.0


def test_time_that_something_else_bounds_is_left_out() -> None:
    clock = Clock()
    deadline = Deadline(10.0, clock)
    clock.sleep(600.0)
    deadline.pause(598.0)
    assert deadline.remaining() == pytest.approx(8.0)
