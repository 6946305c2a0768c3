# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan whose run was undone is another plan when it is made again, so that an old approval does not cover it."""

from __future__ import annotations

import contextlib
import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.all_runs import runs_of
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.documents import as_json
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.plan_document import PlanDocument
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import RunRecord, timestamp
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record_keep import Places
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.undone import Undos, last_undo
from ansible_collections.thingspace.licensing.tests.support import journals
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imeis
from ansible_collections.thingspace.licensing.tests.support.plans import account, part
from ansible_collections.thingspace.licensing.tests.support.plans import plan as plan_of
from ansible_collections.thingspace.licensing.tests.support.records import run_record

START = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
PLAN, OTHER, REST = "a" * 64, "b" * 64, "d" * 64


@pytest.fixture(params=["directory", *journals.STORES])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Places]:
    """Where runs are kept: with files only, or with a journal only."""
    with contextlib.ExitStack() as stack:
        if request.param == "directory":
            yield Places(str(tmp_path), str(tmp_path / "history"), None)
        else:
            runs = stack.enter_context(
                runs_of(journals.place(request.param, tmp_path), write=True, told=journals.never)
            )
            yield Places(str(tmp_path), None, runs)


def row(device: str, planned: str = "assigned", outcome: str = "") -> dict[str, str]:
    """A device of a run."""
    return {"device_id": device, "planned": planned, "outcome": outcome or planned, "reason": "", "request_id": ""}


def ran(
    places: Places,
    told: str,
    before: dict[str, RunRecord],
    devices: int = 1,
    plan: str | None = None,
    behind: int = 0,
    rows: list[dict[str, str]] | None = None,
) -> RunRecord:
    """A run: C(apply), C(other), C(undo NAME), or C(goes-on) with the rest of it; and whether it was killed.

    :param rows: its devices, instead of so many that it assigned.
    """
    kind, *rest = told.split()
    plan = plan or {"apply": PLAN, "other": OTHER, "goes-on": REST}.get(kind, "c" * 64)
    # One second apart, in the order of the names.
    now = START + datetime.timedelta(seconds=len(before) - behind)
    rows = rows or [row(device) for device in imeis(devices)]
    record = run_record(
        {
            "run": places.enter(now, plan).run,
            "kind": "undo" if kind == "undo" else "apply",
            "started": timestamp(now),
            "ended": None if "killed" in rest else timestamp(now),
            "plan": plan,
            "status": "running" if "killed" in rest else "done",
            "accounts": [{"account": ACCOUNT, "parts": [{"kind": "fota", "devices": rows}]}],
            "undoes": before[rest[0]].run if kind == "undo" else None,
            "approved": PLAN if kind == "goes-on" else None,
        }
    )
    places.begin(record)
    return record


HISTORIES: dict[str, tuple[list[str], tuple[str, str] | None]] = {
    "undone": (["apply", "undo 0"], ("0", "1")),
    "killed, then undone": (["apply killed", "undo 0"], ("0", "1")),
    "its undo was killed": (["apply", "undo 0 killed"], ("0", "1")),
    "undone twice": (["apply", "undo 0", "undo 0"], ("0", "2")),
    "again since": (["apply", "undo 0", "apply"], None),
    "again since, but killed": (["apply", "undo 0", "apply killed"], ("0", "1")),
    "again since, and undone": (["apply", "undo 0", "apply", "undo 2"], ("2", "3")),
    "never undone": (["apply", "other", "undo 1"], None),
    "another one undone": (["other", "undo 0"], None),
    "its undo was undone": (["apply", "undo 0", "undo 1"], None),
    "never": ([], None),
    "gone on, and that undone": (["apply killed", "goes-on", "undo 1"], ("1", "2")),
    "gone on, and the first run undone": (["apply killed", "goes-on", "undo 0"], ("0", "2")),
    "gone on, and both undone": (["apply killed", "goes-on", "undo 1", "undo 0"], ("0", "3")),
    "gone on twice, and the first one undone": (["apply killed", "goes-on killed", "goes-on", "undo 1"], ("1", "3")),
    "gone on since": (["apply killed", "undo 0", "apply killed", "goes-on"], None),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_the_last_undo_is_named(places: Places, history: str) -> None:
    told, expected = HISTORIES[history]
    made: dict[str, RunRecord] = {}
    for number, one in enumerate(told):
        made[str(number)] = ran(places, one, made)
    found = last_undo(PLAN, places.history, places.runs)
    assert found == (None if expected is None else tuple(made[number].run for number in expected))


DONE, LEFT, FOREIGN = imeis(3)
OTHERS: dict[str, tuple[list[str], dict[str, str], tuple[str, str] | None]] = {
    "what it left": (["apply killed", "other", "undo 1"], row(LEFT), ("1", "2")),
    "what it left, and that was killed": (["apply killed", "other killed", "undo 1 killed"], row(LEFT), ("1", "2")),
    "what it left, and once more": (["apply killed", "other", "undo 1", "other", "undo 3"], row(LEFT), ("3", "4")),
    "what it did": (["apply killed", "other", "undo 1"], row(DONE), None),
    "another device": (["apply killed", "other", "undo 1"], row(FOREIGN), None),
    "the opposite": (["apply killed", "other", "undo 1"], row(LEFT, "removed"), None),
    "what failed there, too": (["apply killed", "other", "undo 1"], row(LEFT, outcome="failed"), None),
    "what was undone before": (["other", "undo 0", "apply killed"], row(LEFT), None),
    "what stands": (["apply killed", "other"], row(LEFT), None),
    "what stands again": (["apply killed", "other", "undo 1", "undo 2"], row(LEFT), None),
    "what it did itself since": (["apply killed", "other", "undo 1", "apply"], row(LEFT), None),
}
"""What another run did, in a history, by what it did to a device of it; and the undo that counts."""


@pytest.mark.parametrize("case", OTHERS)
def test_what_another_run_did_of_a_plan_and_was_undone_is_not_its_rest(places: Places, case: str) -> None:
    """Otherwise, the approval of a plan that was begun covers what a plan of its rest did, and an undo took back."""
    told, other, expected = OTHERS[case]
    made: dict[str, RunRecord] = {}
    for number, one in enumerate(told):
        rows = {
            "other": [other],
            "apply": [row(DONE), row(LEFT, outcome="skipped" if "killed" in one else "")],
            "undo": [row(DONE, "removed")],
        }
        made[str(number)] = ran(places, one, made, rows=rows[one.split()[0]])
    found = last_undo(PLAN, places.history, places.runs)
    assert found == (None if expected is None else tuple(made[number].run for number in expected))


@pytest.mark.parametrize("plan", [PLAN, REST])
def test_an_undo_of_a_rest_counts_for_both_plans(places: Places, plan: str) -> None:
    """For the approved plan, and for the rest of it, which has a digest of its own."""
    made: dict[str, RunRecord] = {}
    for number, one in enumerate(("apply killed", "goes-on", "undo 1")):
        made[str(number)] = ran(places, one, made)
    assert last_undo(plan, places.history, places.runs) == (made["1"].run, made["2"].run)


def test_the_clocks_of_undos_prove_nothing(places: Places) -> None:
    """An undo of an undo counts, also if the clock of its node is behind."""
    made: dict[str, RunRecord] = {}
    for number, one in enumerate(("apply", "undo 0", "undo 1", "undo 2")):
        made[str(number)] = ran(places, one, made, behind=3600 if number == 3 else 0)
    assert last_undo(PLAN, places.history, places.runs) == (made["0"].run, made["1"].run)


def test_large_records_and_other_files(places: Places) -> None:
    first = ran(places, "apply", {}, devices=3000)
    made = {"0": first}
    made["1"] = ran(places, "undo 0", made, devices=3000)
    if places.history:
        for name in ("notes.json", "empty.json", ".order.json"):
            Path(places.history, name).write_bytes(b'{"kind":"\xff' if name[0] == "n" else b"")
    assert last_undo(PLAN, places.history, places.runs) == (first.run, made["1"].run)


@pytest.mark.parametrize("store", ["directory", *journals.STORES])
def test_a_plan_that_is_made_again_is_another_one(store: str, tmp_path: Path) -> None:
    """After each undo, and always the same until it is carried out; whoever knows no undo has the first one."""
    journal = None if store == "directory" else journals.place(store, tmp_path)
    directory = None if journal else str(tmp_path / "history")
    undos, base = Undos(directory, journal, journals.never), plan_of(account(part(assign=1)))
    assert (undos.bound(base), undos.last(base.digest)) == (base, None)
    digests = [base.digest]
    made: dict[str, RunRecord] = {}
    with runs_of(journal, write=True, told=journals.never) as runs:
        places = Places(str(tmp_path), directory, runs)
        for number in (0, 2):
            made[str(number)] = ran(places, "apply", made, plan=digests[-1])
            assert undos.bound(base).digest == digests[-1]
            made[str(number + 1)] = ran(places, f"undo {number}", made)
            again = undos.bound(base)
            assert again.again == (made[str(number)].run, made[str(number + 1)].run)
            assert undos.last(digests[-1]) == again.again
            assert (undos.last(again.digest), undos.bound(base)) == (None, again)
            digests.append(again.digest)
    assert len(set(digests)) == 3
    assert PlanDocument.from_json(as_json(again)).sealed() == again
    assert Undos(str(tmp_path / "none"), None, journals.never).bound(base) == base
