# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a wave back while others move licenses, and what reading costs."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import Wanted
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.lookup import Job
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.rows import Applied, predict
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.waves import apply_in_waves
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.guards import Limits
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.plan import Plan, Pool, State, make_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.waves import Waves
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    ACCOUNT,
    FakeThingSpace,
    Fault,
    imei,
    imeis,
    unseen,
)

LIMITS = Limits(None, None, 0, None)


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["old server", "new server"])
def fixture_server(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """A server that answers for named devices, or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeThingSpace, "answers_for_devices", request.param)
        yield


class Run:
    """A plan for the account as it is, carried out in waves."""

    def __init__(
        self, space: FakeThingSpace, wanted: list[str], waves: Waves, *faults: Fault | None, state: State = "present"
    ) -> None:
        pool = Pool(space.total, len(space.held))
        self.plan: Plan = make_plan({}, state, wanted, set(space.held), pool)
        space.faults = list(faults)
        self.waves = waves
        self.warnings: list[str] = []
        job = Job(ACCOUNT, "v3", state, Wanted(wanted, []), LIMITS, "list", 1000, waves)
        self.applied: Applied = apply_in_waves(job, self.plan, pool, space.api(), self.warnings.append)

    @property
    def outcomes(self) -> list[str]:
        return [row.outcome for row in self.applied.rows]


def meanwhile(change: t.Callable[[set[str]], t.Any]) -> Fault:
    """Carry the write out, and somebody else changes who holds a license."""

    def fault(space: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        answer = space.carry_out(action, devices)
        change(space.held)
        return answer

    return fault


@example("exact", [], {0, 2}, 2, (1,))
@given(
    st.sampled_from(["present", "absent", "exact"]),
    st.lists(st.integers(0, 30), unique=True),
    st.sets(st.integers(0, 30)),
    st.sampled_from([2, 9, 100]),
    st.lists(st.one_of(st.integers(1, 20), st.floats(0.01, 1.0)), max_size=3).map(tuple),
)
def test_result_is_what_was_predicted(
    state: State, wanted: list[int], held: set[int], page: int, sizes: tuple[t.Any, ...]
) -> None:
    """With no license to spare."""
    ids = [imei(number) for number in wanted]
    left = {"present": held | set(wanted), "absent": held - set(wanted), "exact": set(wanted)}[state]
    space = FakeThingSpace(map(imei, held), total=max(len(held), len(left)), page_size=page)
    run = Run(space, ids, Waves(sizes), state=state)
    assert run.applied == predict(run.plan, ids)
    assert run.warnings == []
    assert space.held == set(map(imei, left))
    if page > len(held) + len(wanted):
        assert space.log.count("list") == max(0, len(run.waves.ends(run.plan.changes)) - 1), "one page each"


@pytest.mark.parametrize("page_size", [3, 1000])
@pytest.mark.parametrize("change", [lambda held: held.add(imei(99)), lambda held: held.discard(imei(50))])
def test_others_who_move_licenses_do_not_stop_the_run(change: t.Callable[[set[str]], t.Any], page_size: int) -> None:
    space = FakeThingSpace(imeis(5, 50), page_size=page_size)
    run = Run(space, imeis(20), Waves((4,)), meanwhile(change))
    assert run.applied.stopped is None
    assert run.outcomes == ["assigned"] * 20
    assert len(run.warnings) == 1
    assert "where 9 were expected" in run.warnings[0]
    assert "someone else moved licenses in the meantime. The run continued" in run.warnings[0]


def test_a_wave_whose_removals_and_assignments_were_not_carried_out() -> None:
    """The first page of a long list has the expected count all the same."""
    space = FakeThingSpace(imeis(30), total=30, page_size=3)

    def not_carried_out(fake: FakeThingSpace, _action: str, devices: list[str]) -> t.Any:
        rows = [{"deviceId": device, "status": "Success"} for device in devices]
        return {"licUsedCount": len(fake.held), "deviceList": rows}

    run = Run(space, imeis(30, 4), Waves((4,)), not_carried_out, not_carried_out, state="exact")
    assert len(run.warnings) == 1
    assert "After the removals the account holds 30 licenses where 28 were expected" in run.warnings[0]


@pytest.mark.parametrize("page_size", [3, 1000])
def test_others_who_undo_a_wave_stop_the_run(page_size: int) -> None:
    space = FakeThingSpace(imeis(5, 50), page_size=page_size)
    run = Run(space, imeis(20), Waves((4,)), meanwhile(lambda held: held.discard(imei(2))))
    assert run.outcomes == ["assigned", "assigned", "unknown", "assigned", *["skipped"] * 16]
    assert "said that it was assigned; reading back does not show that" in run.applied.rows[2].reason
    assert run.applied.stopped is not None
    assert run.applied.stopped.code == "canary_failed"
    assert len(space.writes) == 1
    assert run.warnings == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_list_that_is_late_does_not_make_a_success_fail(state: State) -> None:
    """The answer and the list contradict each other. So it is in doubt, and the run stops."""
    space = FakeThingSpace([] if state == "present" else imeis(20))
    run = Run(
        space, imeis(20), Waves((4,)), unseen(lambda fake, action, sent: fake.carry_out(action, sent)), state=state
    )
    assert run.outcomes == [*["unknown"] * 4, *["skipped"] * 16]
    assert run.applied.stopped is not None
    assert run.applied.stopped.code == "canary_failed"


def test_a_count_that_fits_is_enough_of_a_long_list() -> None:
    space = FakeThingSpace(imeis(30, 50), page_size=3)
    assert Run(space, imeis(20), Waves((4, 8))).outcomes == ["assigned"] * 20
    assert space.log == ["assign", "list", "assign", "list", "assign"]


def test_what_others_took_is_not_counted_on() -> None:
    """The pool is the one that was read back: a removal that fails then leaves out what does not fit any more."""
    space = FakeThingSpace(imeis(10), total=10)
    words = {"status": "LicenseRemoveFailed", "Reason": "Internal error."}

    def stuck(fake: FakeThingSpace, action: str, devices: list[str]) -> t.Any:
        done = fake.carry_out(action, devices[1:])["deviceList"]
        return {"deviceList": [{"deviceId": devices[0], **words}, *done]}

    run = Run(space, imeis(10, 10), Waves((4,), 2), stuck, state="exact")
    assert run.applied.stopped is None
    assert space.writes[1] == ("assign", imeis(1, 10)), "of two assignments one has its license"
    assert len(space.held) == 10
    assert run.outcomes.count("failed") == run.outcomes.count("skipped") == 1
