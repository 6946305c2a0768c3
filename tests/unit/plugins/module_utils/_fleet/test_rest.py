# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a plan is the rest of an approved one, whose run ended before it was done: only the record can tell."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError, Problem
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.all_runs import keep_record, runs_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.approval import difference, read_approved
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.kept_plans import keep_plan, kept_plan
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import PlanDocument
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunRecord
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import write_record
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.rest import undone_of
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.plans import Json, account, part, plan
from ansible_collections.thingspace.licensing.tests.support.records import run_account

DEVICES = [f"99000000000000{number}" for number in range(4)]
Outcomes = t.Mapping[int, str]


def rows(*numbers: int, outcome: str = "assigned") -> list[Json]:
    return [{"device_id": DEVICES[number], "outcome": outcome, "reason": "", "request_id": ""} for number in numbers]


def planned(*numbers: int, kind: str = "fota", wanted: str = "w", **more: t.Any) -> PlanDocument:
    """A plan that licenses these devices, and waits for an account that has no part in this."""
    one = part(kind, assign=len(numbers), **more) if numbers else part(kind, unchanged=4, **more)
    return plan(account(one, rows=[rows(*numbers)], wanted=wanted), account(part(), name="other"))


def recorded(plan: PlanDocument, outcomes: Outcomes, name: str = "20260101T000000Z-a", **more: t.Any) -> RunRecord:
    """A run of a plan with these results for the devices."""
    devices = [
        {"device_id": DEVICES[number], "planned": "assigned", "outcome": outcome, "reason": "", "request_id": ""}
        for number, outcome in outcomes.items()
    ]
    made = {"kind": "fota", "action": "exact", "devices": devices, "list": "fota"}
    accounts = [run_account({"account": "a", "parts": [made]})]
    record = RunRecord(name, "apply", "2026-01-01T00:00:00Z", None, plan.digest, "running", accounts)
    return record._replace(**more).signed()


def compared(
    now: PlanDocument, approved: PlanDocument, made: t.Iterable[RunRecord], folder: Path, place: str
) -> LicensingError | None:
    """Why a plan is not the approved one, with these records in a journal or a directory."""
    journal = journals.place("sqlite", folder) if place == "journal" else None
    with runs_of(journal, write=True, told=never) as runs:
        for record in made:
            if runs is not None:
                keep_record(runs, record)
            else:
                write_record(str(folder), f"{record.run}.json", record)
    return difference(now, approved, "", lambda digest: undone_of(digest, str(folder), journal, told=never))


KILLED: Outcomes = dict.fromkeys(range(4), "unknown")
CASES: dict[str, tuple[Outcomes | None, PlanDocument, bool]] = {
    "killed in the middle": (KILLED, planned(2, 3), True),
    "killed before anything was done": (KILLED, planned(0, 1, 2, 3), True),
    "killed after everything": (KILLED, planned(), True),
    "ended, with some not done": ({0: "assigned", 1: "assigned", 2: "skipped", 3: "failed"}, planned(2, 3), True),
    "someone took a license again that the run gave": (
        {0: "assigned", 1: "assigned", 2: "skipped", 3: "skipped"},
        planned(1, 2, 3),
        False,
    ),
    "done, and one taken again": (dict.fromkeys(range(4), "assigned"), planned(3), False),
    "no run began": (None, planned(2, 3), False),
    "something else is wanted": (KILLED, planned(2, 3, wanted="other"), False),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", ["journal", "directory"])
def test_what_is_a_rest(case: str, place: str, tmp_path: Path) -> None:
    outcomes, now, rest = CASES[case]
    approved = planned(0, 1, 2, 3)
    # The last one is of another plan.
    made = [] if outcomes is None else [recorded(approved, outcomes, f"20260101T000000Z-{approved.digest[:8]}-b")]
    made.append(recorded(planned(0), KILLED, f"20260101T000000Z-{planned(0).digest[:8]}-c"))
    if place == "directory" and made[1:]:
        made.insert(0, recorded(approved, {0: "assigned"}, f"20260101T000000Z-{approved.digest[:8]}-a"))
    found = compared(now, approved, made, tmp_path, place)
    assert (found is None) is rest
    if now.digest != approved.digest and now.status != "no_change":
        assert difference(now, approved) is not None, "without the record, nobody knows"


GOES_ON: dict[str, tuple[Outcomes, PlanDocument, bool]] = {
    "killed again": ({2: "unknown", 3: "unknown"}, planned(3), True),
    "done since": ({2: "assigned", 3: "assigned"}, planned(3), False),
    "someone took a license again that the first run gave": ({2: "unknown", 3: "unknown"}, planned(1, 3), False),
}


@pytest.mark.parametrize("case", GOES_ON)
@pytest.mark.parametrize("place", ["journal", "directory"])
def test_what_is_left_after_a_run_that_went_on(case: str, place: str, tmp_path: Path) -> None:
    """The last run of an approved plan knows, also if it had only the rest of it to do."""
    outcomes, now, rest = GOES_ON[case]
    approved = planned(0, 1, 2, 3)
    went_on = planned(2, 3)
    names = [f"20260101T00000{number}Z-{one.digest[:8]}-a" for number, one in enumerate((approved, went_on))]
    made = [recorded(approved, KILLED, names[0]), recorded(went_on, outcomes, names[1], approved=approved.digest)]
    found = compared(now, approved, made, tmp_path, place)
    assert (found is None) is rest


OTHERS: dict[str, PlanDocument] = {
    "another device": plan(
        account(part(assign=1), rows=[[{**rows(0)[0], "device_id": "990000000000009"}]]), account(part(), name="other")
    ),
    "another outcome": plan(account(part(remove=1), rows=[rows(0, outcome="removed")]), account(part(), name="other")),
    "a list with only some of the new devices": planned(0, kind="removal_candidates"),
    "another limit": plan(account({**part(assign=1), "max_changes": 9}, rows=[rows(0)]), account(part(), name="other")),
    "for life": plan(account({**part(assign=1), "lifetime": True}, rows=[rows(0)]), account(part(), name="other")),
    "stopped by a limit": planned(0, failure={"code": "guard_tripped", "message": "too many"}),
    "another account, too": plan(account(part(assign=1), rows=[rows(0)]), account(part(), name="third")),
}


LISTS: dict[str, tuple[list[Json], bool]] = {
    "as planned": (rows(0, 1, outcome="removed") + rows(2, outcome="added"), True),
    "one left with its license": (rows(1, outcome="removed") + rows(2, outcome="added"), True),
    "all left with their licenses": (rows(2, outcome="added"), True),
    "somebody added one": (rows(0, 1, 3, outcome="removed") + rows(2, outcome="added"), False),
    "somebody listed a new device": (rows(0, 1, outcome="removed"), False),
    "somebody took another one off": (rows(1, outcome="removed") + rows(2, 3, outcome="added"), False),
}


@pytest.mark.parametrize("case", LISTS)
@pytest.mark.parametrize("written", [False, True])
def test_devices_may_leave_a_list_that_was_not_written(case: str, written: bool) -> None:
    """They may leave it with their license. Nothing may be added to it, and a list that was written is done."""
    found, rest = LISTS[case]

    def of(devices: list[Json]) -> PlanDocument:
        counts = {"remove": sum(one["outcome"] == "removed" for one in devices), "add": len(devices)}
        return plan(account(part("removal_candidates", **counts), rows=[devices]), account(part(), name="other"))

    approved, now = of(LISTS["as planned"][0]), of(found)
    begun = {("a", "removal_candidates"): set[str]() if written else set(DEVICES)}
    same = now.digest == approved.digest
    assert (difference(now, approved, "", lambda _digest: begun) is None) is (same or (rest and not written))


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_another_plan(case: str) -> None:
    now = OTHERS[case]
    approved = planned(0, 1, 2, 3, kind="removal_candidates" if "list" in case else "fota")
    everything = {("a", name): set(DEVICES) for name in ("fota", "removal_candidates")}
    assert difference(now, approved, "", lambda _digest: everything) is not None


@pytest.mark.slow
@pytest.mark.parametrize("store", journals.STORES)
def test_a_digest_is_enough_for_a_plan_in_the_journal(store: str, tmp_path: Path) -> None:
    journal = journals.place(store, tmp_path)
    first, idle = planned(0, 1), planned()
    if store == "sqlite":
        keep_plan(first, journal, told=never, begins=False)
        keep_plan(idle, journal, told=never, begins=True)
        assert not Path(journal).exists(), "a plan creates no file, unless it is carried out"
    for document in (first, idle):
        keep_plan(document, journal, told=never, begins=True)
    problems: list[Problem] = []
    assert read_approved(first.digest.upper(), journal, problems, told=never) == first
    # What is not kept is compared as a whole.
    assert read_approved(idle.digest, journal, problems, told=never) == idle.digest
    assert read_approved(first.digest, None, problems, told=never) == first.digest
    assert problems == []


def test_a_plan_that_was_changed_in_the_journal_is_not_the_approved_one(tmp_path: Path) -> None:
    journal = journals.place("sqlite", tmp_path)
    with runs_of(journal, write=True, told=never) as runs:
        assert runs is not None
        keep_plan(planned(0), journal, told=never, begins=False)
        keep_plan(planned(0, 1, 2, 3), journal, told=never, begins=False)
        with runs._store.writing() as db:
            db.execute("UPDATE fleet_plan SET document = (SELECT max(document) FROM fleet_plan)")
    assert kept_plan(planned(0).digest, journal, told=never) is None
    assert kept_plan(planned(0, 1, 2, 3).digest, journal, told=never) is not None
