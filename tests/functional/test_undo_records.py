# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of runs, and undoing them, where ThingSpace or somebody else did what nobody expects."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.thingspace.licensing.tests.functional.test_candidates import Between
from ansible_collections.thingspace.licensing.tests.support.fleets import Fleet, imeis, seeded
from ansible_collections.thingspace.licensing.tests.support.harness import Simulator
from ansible_collections.thingspace.licensing.tests.support.somebody import Somebody
from ansible_collections.thingspace.licensing.tests.support.undoing import Undoing


class WhenPlanned(dict[int, t.Callable[[], None]]):
    """Something that is done once, before the first request after the plan was written."""

    def __init__(self, plan: Path, action: t.Callable[[], None]) -> None:
        super().__init__()
        self._plan, self._action = plan, action
        self.done = False

    def pop(self, number: int, default: t.Any = None) -> t.Any:  # pylint: disable=unused-argument
        if self.done or not self._plan.exists():
            return default
        self.done = True
        return self._action


def test_what_somebody_added_between_plan_and_write_stays(tmp_path: Path, simulator: Simulator) -> None:
    simulator.state(accounts=seeded(1, a1={"candidates": imeis(1, 3)}))
    somebody, between = Somebody(simulator), Between(simulator)
    candidate, licensed = imeis(1, 7, 8)[0], imeis(1, 15, 16)[0]

    def interfere() -> None:
        somebody.candidates(1, candidate, type="append")
        somebody.fota(1, "assign", licensed)

    undo = Undoing(Fleet(tmp_path, simulator))
    one = imeis(1, 20)
    undo.fleet.write(
        1,
        {"ids": one[:12], "fota": True},
        {"ids": [one[1], one[0]], "removal_candidate": True},
        fota={"max_removals": 3},
    )
    undo.fleet.connection["THINGSPACE_BASE_URL"] = between.base_url
    between.before = meanwhile = WhenPlanned(undo.fleet.folder / "apply" / "plan.json", interfere)
    try:
        undo.apply()
        assert meanwhile.done, undo.ran.text
        done = undo("undo")
    finally:
        between.close()
    (account,) = simulator.state()["accounts"]
    assert account["candidates"] == [*imeis(1, 3), candidate], done.text
    assert sorted(held["device_id"] for held in account["licenses"]) == [*imeis(1, 10), licensed], done.text


def test_an_id_that_can_be_none_on_the_list_of_the_account(tmp_path: Path, simulator: Simulator) -> None:
    """The run's record is whole, and an undo gives back all the rest."""
    odd, listed = "99000000000000", imeis(1, 3)
    simulator.state(accounts=seeded(1, a1={"candidates": [listed[0], odd, *listed[1:]]}))
    undo = Undoing(Fleet(tmp_path, simulator))
    undo.fleet.write(1, {"ids": imeis(1, 12), "fota": True}, {"ids": [listed[0]], "removal_candidate": True})
    record = undo.apply()
    assert (undo.ran.returncode, record["status"]) == (0, "done"), undo.ran.text
    part = next(one for one in record["accounts"][0]["parts"] if one["kind"] == "removal_candidates")
    assert part["before"] == [listed[0], odd, *listed[1:]]
    assert {row["device_id"]: row["outcome"] for row in part["devices"]}[odd] == "removed"
    done = undo("undo", name="undone.json")
    assert done.returncode == 0, done.text
    (account,) = simulator.state()["accounts"]
    assert account["candidates"] == listed
    assert sorted(held["device_id"] for held in account["licenses"]) == imeis(1, 10)
    told = (done.dest / "cannot.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[3:6] for line in told[1:]] == [[odd, "removed", "no_device_id"]]
