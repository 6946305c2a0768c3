# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which FOTA licenses go back, and which devices are left to a later run."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import OptionsError
from ansible_collections.thingspace.licensing.plugins.module_utils._fleet.record import checksum
from ansible_collections.thingspace.licensing.plugins.module_utils._fota.apply import PERHAPS
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.changes import Change, changes_of
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.fota import reverse_fota
from ansible_collections.thingspace.licensing.plugins.module_utils._undo.history import (
    Later,
    history_of,
    later_than,
    lies_ahead,
)
from ansible_collections.thingspace.licensing.tests.support.journals import never
from ansible_collections.thingspace.licensing.tests.support.records import run_account, run_part, run_record

ONE, TWO = "0000123456-00001", "0000123456-00002"
A, B, C, D = (f"99000000000000{number}" for number in range(1, 5))

Json = dict[str, t.Any]


def part(*rows: tuple[str, str, str], action: str = "exact", **more: t.Any) -> Json:
    """FOTA licenses; rows are device, outcome and what was planned."""
    devices = [
        {"device_id": device, "outcome": outcome, "planned": planned, "reason": "", "request_id": ""}
        for device, outcome, planned in rows
    ]
    fixed = {"kind": "fota", "sku": "", "id_kind": "imei", "lifetime": False, "api_version": "v3", "summary": {}}
    return {**fixed, "action": action, "devices": devices, **more}


def account(*parts: Json, name: str = ONE) -> Json:
    return {"account": name, "parts": list(parts)}


def record(
    *accounts: Json, run: str = "20260101T000000Z-a", started: str = "2026-01-01T00:00:00Z", **more: t.Any
) -> Json:
    fixed = {"format": 1, "kind": "apply", "ended": None, "plan": "", "status": "done", **more}
    made = {**fixed, "run": run, "started": started, "accounts": list(accounts)}
    return {**made, "checksum": checksum(made)}


def write(folder: Path, document: Json, name: str = "") -> None:
    (folder / (name or f"{document['run']}.json")).write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    ("outcome", "planned", "action", "done"),
    [
        ("assigned", "assigned", "exact", ("assigned", True)),
        ("removed", "removed", "exact", ("removed", True)),
        ("accepted", "assigned", "present", ("assigned", True)),
        ("accepted", "", "absent", ("removed", True)),
        ("unknown", "removed", "exact", ("removed", False)),
        ("unknown", "", "present", ("assigned", False)),
        ("failed", "assigned", "exact", None),
        ("skipped", "removed", "exact", None),
        ("unchanged", "", "exact", None),
    ],
)
def test_what_counts_as_a_change(outcome: str, planned: str, action: str, done: tuple[str, bool] | None) -> None:
    changes = changes_of([run_part(part((A, outcome, planned), action=action))])
    assert [(change.done, change.certain) for change in changes.values()] == ([done] if done else [])


def test_what_a_run_took_back_itself_is_no_change() -> None:
    first, second = part((A, "removed", ""), (B, "removed", "")), part((A, "assigned", ""))
    assert changes_of([run_part(first), run_part(second)]) == {B: Change(B, "removed", True)}


def test_a_record_that_does_not_say_what_was_to_be_done() -> None:
    found = reverse_fota(run_account(account(part((A, "unknown", "")))), Later())
    assert (found.take, found.give, [left.code for left in found.left]) == ([], [], ["unknown"])


def test_fota_licenses() -> None:
    rows = ((A, "assigned", ""), (B, "removed", ""), (C, "unknown", "assigned"), (D, "failed", "removed"))
    found = reverse_fota(run_account(account(part(*rows))), Later())
    assert (found.take, found.give, found.left, found.uncertain) == ([A, C], [B], [], 1)


@pytest.mark.parametrize("planned", ["assigned", "removed"])
def test_what_a_device_may_have_had_before_stays(planned: str) -> None:
    """Nobody knows whether the run changed it."""
    made = part((A, "unknown", planned), (B, "unknown", planned))
    made["devices"][0]["reason"] = PERHAPS
    found = reverse_fota(run_account(account(made)), Later())
    assert found.take + found.give == [B]
    assert [(left.device_id, left.code) for left in found.left] == [(A, "unknown")]


def test_a_later_run_of_which_nobody_knows_what_it_did(tmp_path: Path) -> None:
    """Its record was gone when it ended, so the one that replaces it names no device."""
    undone = record(account(part((A, "assigned", ""))), plan="0" * 64)
    write(tmp_path, undone)
    failed = {"code": "failed", "message": "The record that the run began with is gone."}
    lost = record({**account(), "failure": failed}, run="20260102T000000Z-b", started="2026-01-02T00:00:00Z")
    write(tmp_path, {**lost, "status": "failed"} | {"checksum": checksum({**lost, "status": "failed"})})
    with pytest.raises(OptionsError, match="nobody knows what that run changed"):
        later_than(run_record(undone), str(tmp_path), None, told=never)


def test_what_a_later_run_did(tmp_path: Path) -> None:
    """The last one counts; other accounts, earlier runs and what came to nothing do not."""
    undone = record(account(part(*((one, "assigned", "") for one in (A, B, C, D)))))
    day = {"run": "20260102T000000Z-b", "started": "2026-01-02T00:00:00Z"}
    write(tmp_path, record(account(part((A, "removed", ""), (B, "failed", "removed"))), **day))
    next_day = {"run": "20260103T000000Z-c", "started": "2026-01-03T00:00:00Z"}
    write(
        tmp_path,
        record(account(part((A, "assigned", ""), (B, "unknown", "removed"), (C, "unknown", "assigned"))), **next_day),
    )
    other = {"run": "20260104T000000Z-d", "started": "2026-01-04T00:00:00Z"}
    write(tmp_path, record(account(part((D, "removed", "")), name=TWO), **other))
    (tmp_path / "20251231T000000Z-e.json").write_text("never read: earlier by its name", encoding="utf-8")
    write(tmp_path, undone)
    found = reverse_fota(
        run_account(undone["accounts"][0]), later_than(run_record(undone), str(tmp_path), None, told=never)
    )
    assert found.take == [B, D]
    assert [(left.device_id, left.code, left.reason) for left in found.left] == [
        (A, "later_run", "a later run, 20260103T000000Z-c, assigned it"),
        (
            C,
            "later_run",
            "a later run, 20260103T000000Z-c, was about to assign it, and does not know what became of that",
        ),
    ]


@pytest.mark.parametrize(
    ("by_undo", "since", "left"),
    [
        ("removed", "", []),
        ("removed", "assigned", ["later_run"]),
        ("removed", "removed", ["later_run"]),
        ("assigned", "", ["later_run"]),
    ],
)
def test_what_an_undo_of_the_run_reversed_is_undone(tmp_path: Path, by_undo: str, since: str, left: list[str]) -> None:
    """Unless something else changed the device since. Either way, it is left alone."""
    undone = record(account(part((A, "assigned", ""))))
    write(tmp_path, undone)
    undo = {"run": "20260102T000000Z-b", "started": "2026-01-02T00:00:00Z", "kind": "undo", "undoes": undone["run"]}
    write(tmp_path, record(account(part((A, by_undo, ""))), **undo))
    if since:
        more = {"run": "20260103T000000Z-c", "started": "2026-01-03T00:00:00Z"}
        write(tmp_path, record(account(part((A, since, ""))), **more))
    later = later_than(run_record(undone), str(tmp_path), None, told=never)
    found = reverse_fota(run_account(undone["accounts"][0]), later)
    assert (found.take, found.give, [one.code for one in found.left]) == ([], [], left)


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    """All of them are told: a later run that nobody can read may have changed anything."""
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text("{", encoding="utf-8")
    for directory, count in ((tmp_path, 2), (tmp_path / "none", 1)):
        with pytest.raises(OptionsError) as raised:
            later_than(run_record(record()), str(directory), None, told=never)
        assert (raised.value.code, raised.value.details["problem_count"]) == ("run_file_invalid", count)


NEW, OTHER = "9f8e7d6c", "00000000"


def run_of(number: int, year: int, history: str = NEW, seen: int = 0) -> Json:
    """Name and begin of a run with a number.

    :param seen: the last number of the other identity that was there when it began.
    """
    return {
        "run": f"{year}0101T000000Z-{number:06}-{history}-1a2b3c4d",
        "started": f"{year}-01-01T00:00:00Z",
        "seen": {OTHER: seen} if seen else {},
    }


def unnumbered(started: str) -> Json:
    """Name and begin of a run of a release without numbers."""
    return {"run": re.sub("[-:]", "", started) + "-a", "started": started}


def told(undone: Json, folder: Path) -> str:
    """Why the change of the device stays; empty if it is undone."""
    found = reverse_fota(
        run_account(undone["accounts"][0]), later_than(run_record(undone), str(folder), None, told=never)
    )
    assert [*found.take, *(left.device_id for left in found.left)] == [A]
    return found.left[0].reason if found.left else ""


@pytest.mark.parametrize("first", [2020, 2025, 2099])
@pytest.mark.parametrize("second", [2020, 2025, 2099])
def test_the_order_of_numbered_runs_does_not_depend_on_clocks(tmp_path: Path, first: int, second: int) -> None:
    runs = [
        record(account(part((A, "assigned", ""))), **run_of(number, year)) for number, year in ((1, first), (2, second))
    ]
    for one in runs:
        write(tmp_path, one)
    assert told(runs[0], tmp_path) == f"a later run, {runs[1]['run']}, assigned it"
    assert told(runs[1], tmp_path) == ""


def test_a_run_of_a_time_that_has_not_come_whose_order_nobody_knows(tmp_path: Path) -> None:
    """It is refused where a run may have come after it, and only there."""
    undone = record(account(part((A, "assigned", ""))), run="20990101T000000Z-a", started="2099-01-01T00:00:00Z")
    write(tmp_path, undone)
    assert lies_ahead(run_record(undone))
    assert not lies_ahead(run_record(record()))
    assert told(undone, tmp_path) == ""
    for name in ("", "another.json"):
        earlier = record(account(part((A, "removed", ""))), started="2026-01-01T00:00:00Z")
        write(tmp_path, earlier, name)
        with pytest.raises(OptionsError) as raised:
            later_than(run_record(undone), str(tmp_path), None, told=never)
        assert raised.value.code == "run_order_unknown"
        (tmp_path / (name or f"{earlier['run']}.json")).unlink()


@pytest.mark.parametrize(
    ("undone", "other", "later"),
    [
        # A directory that was copied, or records of two put together: no clock tells.
        (run_of(5, 2025), run_of(4, 2026, OTHER), True),
        (run_of(4, 2025), run_of(5, 2024, OTHER), True),
        # What was there when the undone run began had begun before.
        (run_of(1, 2025, seen=4), run_of(4, 2024, OTHER), False),
        (run_of(1, 2025, seen=4), run_of(4, 2026, OTHER), False),
        (run_of(1, 2025, seen=4), run_of(5, 2024, OTHER), True),
        (run_of(1, 2099, seen=4), run_of(4, 2024, OTHER), False),
        (run_of(4, 2025, OTHER), run_of(1, 2024, seen=4), True),
        # Records of 0.5 beside those with numbers, and alone.
        (run_of(1, 2025), unnumbered("2024-01-01T00:00:00Z"), False),
        (run_of(1, 2025), unnumbered("2025-01-01T00:00:00Z"), True),
        (run_of(1, 2025), unnumbered("2024-12-31T00:00:00Z"), False),
        (run_of(1, 2025), unnumbered("2024-12-31T00:00:01Z"), True),
        (run_of(1, 2025), unnumbered("2024-99-31T00:00:01Z"), True),
        (unnumbered("2025-01-01T00:00:00Z"), run_of(1, 2024), True),
        (unnumbered("2025-01-01T12:00:00Z"), unnumbered("2025-01-01T10:00:00Z"), True),
        (unnumbered("2025-01-03T12:00:00Z"), unnumbered("2025-01-01T10:00:00Z"), False),
        # The same number twice, as without a lock.
        (run_of(3, 2025), {**run_of(3, 2025), "run": f"20250101T000000Z-000003-{NEW}-ffffffff"}, True),
    ],
)
def test_what_is_not_proven_to_be_earlier_counts_as_later(
    tmp_path: Path, undone: Json, other: Json, later: bool
) -> None:
    made = record(account(part((A, "assigned", ""))), **undone)
    write(tmp_path, made)
    write(tmp_path, record(account(part((A, "assigned", ""))), **other))
    assert bool(told(made, tmp_path)) is later


def test_a_killed_undo_does_not_hide_what_another_later_run_did(tmp_path: Path) -> None:
    """Whichever of the two was the last one."""
    undone = record(account(part((A, "assigned", ""))), **run_of(1, 2025))
    write(tmp_path, undone)
    write(tmp_path, record(account(part((A, "unknown", "removed"))), **run_of(3, 2026)))
    assert told(undone, tmp_path) == ""
    write(tmp_path, record(account(part((A, "assigned", ""))), **run_of(2, 2026)))
    assert told(undone, tmp_path) == f"a later run, {run_of(2, 2026)['run']}, assigned it"


@pytest.mark.parametrize(("status", "later"), [("done", True), ("failed", True), ("running", False)])
def test_a_run_that_was_at_work_beside_it(tmp_path: Path, status: str, later: bool) -> None:
    """It began before and ended after: nobody knows whose change came last, so it stays. A killed one did not."""
    first = {**record(account(part((A, "assigned", ""))), **run_of(1, 2025)), "status": status}
    first["checksum"] = checksum(first)
    second = {**record(account(part((A, "assigned", ""))), **run_of(2, 2026)), "beside": [first["run"]]}
    second["checksum"] = checksum(second)
    for one in (first, second):
        write(tmp_path, one)
    assert bool(told(second, tmp_path)) is later
    at_once = ["a run at the same time, ", ", and which of them came last is unknown"]
    if later:
        assert told(second, tmp_path) == f"{first['run']}, assigned it".join(at_once)
    by_second = f"{second['run']}, assigned it"
    assert told(first, tmp_path) == (by_second.join(at_once) if later else f"a later run, {by_second}")


def test_the_history_that_a_record_names(tmp_path: Path) -> None:
    """It holds only while it keeps that record; a directory that somebody names comes first."""
    undone = record(account(part((A, "assigned", "assigned"))), history=str(tmp_path))
    assert history_of(run_record(undone), None) is None
    assert history_of(run_record(undone), "elsewhere") == "elsewhere"
    write(tmp_path, undone)
    assert history_of(run_record(undone), None) == str(tmp_path)
    assert history_of(run_record(record()), None) is None


def test_the_records_of_all_runs_are_beside_the_record_of_one(tmp_path: Path) -> None:
    """Or around it, if it has the name of its run. A given directory comes first."""
    run, beside = run_record(record()), tmp_path / "history"
    places = {name: str(tmp_path / name) for name in ("run.json", f"{run.run}.json", "other.json")}
    assert {name: history_of(run, None, place) for name, place in places.items()} == {
        "run.json": None,
        f"{run.run}.json": str(tmp_path),
        "other.json": None,
    }
    beside.mkdir()
    assert {history_of(run, None, place) for place in places.values()} == {str(beside)}
    assert history_of(run, "elsewhere", places["run.json"]) == "elsewhere"
    assert history_of(run, None, run.run) is None


def test_a_run_that_was_undone_and_the_undo_that_is_carried_out(tmp_path: Path) -> None:
    """The first is told. The second is no later run to itself, because its record is begun before it reads them."""
    undone = record(account(part((A, "assigned", "assigned"))))
    mark = "1-4711081547110815"
    undo = record(
        account(part((A, "removed", "removed"))),
        run="20260102T000000Z-b",
        started="2026-01-02T00:00:00Z",
        kind="undo",
        undoes=undone["run"],
        mark=mark,
    )
    for document in (undone, undo):
        write(tmp_path, document)
    later = later_than(run_record(undone), str(tmp_path), None, told=never)
    assert later.undone_by == [undo["run"]]
    assert reverse_fota(run_account(undone["accounts"][0]), later) == ([], [], [], 0)
    assert later_than(run_record(undone), str(tmp_path), None, own=mark, told=never).undone_by == []
    assert later_than(run_record(undone), str(tmp_path), None, own="1-0000000000000000", told=never).undone_by == [
        undo["run"]
    ]
