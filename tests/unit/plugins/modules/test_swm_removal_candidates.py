# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module swm_removal_candidates, from options to result, over an account that lives in memory."""

from __future__ import annotations

import csv
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates import converge
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.plugins.modules import swm_removal_candidates
from ansible_collections.thingspace.licensing.tests.support.fake_candidates import (
    FakeCandidates,
    become,
    broken,
    lost,
    lost_after,
    refused,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner

SUMMARY: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
A, B, C, D, E, F = imeis(6)
STRANGER = imei(77)


@pytest.fixture
def space() -> FakeCandidates:
    """Devices 0 to 19 hold a license, the first four of them are candidates."""
    return FakeCandidates([A, B, C, D], imeis(20))


@pytest.fixture
def run(space: FakeCandidates, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(converge, "CandidatesApi", space.api)
    monkeypatch.setattr(converge, "FotaApi", space.licenses)
    return runner(swm_removal_candidates.main, None, monkeypatch, capsys, account=ACCOUNT, report="all")


@pytest.fixture
def kept(tmp_path: Path) -> KeptList:
    """The kept list in a runtime directory, where a task was killed that wanted D, C, B, A."""
    kept = KeptList(FileStore(str(tmp_path / "run")), ACCOUNT)
    kept.keep([A, B, C, D], [D, C, B, A])
    return kept


def rows(result: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [tuple(row.values()) for row in result["devices"]]


def warnings(result: dict[str, t.Any]) -> str:
    return "\n".join(str(text) for text in result.get("warnings", []))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"api_version": "v3"}, "api_version"),
        ({"state": "gone"}, "state"),
        ({"unlicensed": "maybe"}, "unlicensed"),
        ({"account": OMIT}, "account"),
        ({"devices": OMIT}, "devices"),
        ({"devices_file": "x"}, "mutually exclusive"),
        ({"protected": [A], "protected_file": "x"}, "mutually exclusive"),
        ({"protected_column": "x"}, "protected_file"),
        ({"batch_size": 0}, "'batch_size' is 0; it must be between 1 and 100000"),
        ({"batch_size": 100001}, "'batch_size' is 100001"),
        ({"reserve": 1}, "reserve"),
    ],
)
def test_invalid_options(run: Run, space: FakeCandidates, options: dict[str, t.Any], word: str) -> None:
    result = run(**{"devices": [A], **options})
    assert (result["failed"], result["failure"]["code"]) == (True, "invalid_options")
    assert word in result["msg"]
    assert space.log == []


@pytest.mark.parametrize("state", ["present", "exact", "absent"])
def test_what_is_wanted_cannot_be_protected(run: Run, space: FakeCandidates, state: str) -> None:
    result = run(devices=[B, A], protected=[A, A], state=state)
    if state == "absent":
        assert (space.listed, rows(result)[1]) == ([C, D], (A, "removed", "protected"))
        return
    assert (result["failure"]["code"], result["failure"]["problem_count"]) == ("invalid_devices", 1)
    assert f"{A} is named, and protected" in result["msg"]
    assert space.log == []


def test_all_problems_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("imei\nx\n")
    result = run(devices=["y"], protected_file=str(tmp_path / "p.csv"), batch_size=0, devices_report="/none/x")
    assert result["failure"]["problem_count"] == 4


@pytest.mark.parametrize(
    ("options", "listed", "summary", "order"),
    [
        ({"devices": [F, B, E]}, [A, B, C, D, F, E], {"added": 2, "unchanged": 1}, [F, B, E]),
        ({"devices": [C, A, F], "state": "absent"}, [B, D], {"removed": 2, "unchanged": 1}, [C, A, F]),
        (
            {"devices": [D, A, E, B], "state": "exact"},
            [D, A, E, B],
            {"added": 1, "removed": 1, "unchanged": 3},
            [D, A, E, B, C],
        ),
        ({"devices": [], "state": "exact"}, [], {"removed": 4}, [A, B, C, D]),
        ({"devices": [E], "protected": [B, A, B]}, [C, D, E], {"added": 1, "removed": 2}, [E, A, B]),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 10_000])
def test_check_mode_says_the_same_as_the_run_and_a_second_run_changes_nothing(
    run: Run,
    space: FakeCandidates,
    options: dict[str, t.Any],
    listed: list[str],
    summary: dict[str, int],
    order: list[str],
    batch_size: int,
) -> None:
    dry = run(**options, batch_size=batch_size, _ansible_check_mode=True, _ansible_diff=True)
    assert (space.writes, space.listed) == ([], [A, B, C, D])
    real = run(**options, batch_size=batch_size, _ansible_diff=True)
    assert space.listed == listed
    for result in (dry, real):
        del result["requests"], result["invocation"]
    assert dry == real
    assert (real["changed"], real["lookup"], real["candidate_count"]) == (True, "list", len(listed))
    assert real["summary"] == {**SUMMARY, **summary}
    assert [row["device_id"] for row in real["devices"]] == order
    assert "warnings" not in real
    space.writes.clear()
    again = run(**options, batch_size=batch_size, _ansible_diff=True)
    assert (again["changed"], space.writes) == (False, [])
    assert {row["outcome"] for row in again["devices"]} <= {"unchanged"}
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_move(run: Run) -> None:
    result = run(devices=[D, A, B, C], state="exact", report="changed", _ansible_diff=True)
    assert rows(result) == [(D, "unchanged", "moved: now the first")]
    assert {**result["plan"], "digest": ""} == {
        "state": "exact",
        "add": 0,
        "remove": 0,
        "move": 1,
        "unchanged": 3,
        "digest": "",
    }
    assert result["diff"]["before"].split() == [A, B, C, D]
    assert result["diff"]["after"].split() == [D, A, B, C]


@pytest.mark.parametrize(("state", "warned"), [("present", True), ("absent", True), ("exact", False)])
def test_no_device_is_a_warning_unless_it_deletes_the_list(run: Run, state: str, warned: bool) -> None:
    assert ("No device is named" in warnings(run(devices=[], state=state))) is warned


@pytest.mark.parametrize("check_mode", [True, False])
def test_devices_without_a_license_are_refused(run: Run, space: FakeCandidates, check_mode: bool) -> None:
    result = run(devices=[STRANGER, E, imei(78)], _ansible_check_mode=check_mode)
    assert (result["failure"]["code"], result["failure"]["unlicensed"]) == ("not_licensed", [STRANGER, imei(78)])
    assert "2 of 3 devices that the plan puts on the removal candidates hold no license" in result["msg"]
    assert (space.writes, result["changed"], result["summary"]) == ([], False, {**SUMMARY, "skipped": 3})
    space.purchase_type = "TS-HFOTA-EVNT"
    assert "event-based" in run(devices=[STRANGER])["msg"]


@pytest.mark.parametrize(("unlicensed", "asked", "warned"), [("warn", True, True), ("ignore", False, False)])
def test_devices_without_a_license_on_request(
    run: Run, space: FakeCandidates, unlicensed: str, asked: bool, warned: bool
) -> None:
    result = run(devices=[STRANGER], unlicensed=unlicensed)
    assert (result["changed"], space.listed[-1]) == (True, STRANGER)
    assert ("licenses" in space.log) is asked
    assert (f"hold no license: {STRANGER}" in warnings(result)) is warned


def test_what_is_listed_already_is_not_asked_about(run: Run, space: FakeCandidates) -> None:
    space.listed = [STRANGER, A]
    assert run(devices=[A, STRANGER], state="exact")["changed"] is True
    assert "licenses" not in space.log


def test_guards_and_approval(run: Run, space: FakeCandidates) -> None:
    wish = {"devices": [D, E], "state": "exact", "max_removals": "50%", "max_changes": 3}
    stopped = run(**wish, _ansible_diff=True)
    assert stopped["failure"]["guards"] == [
        {"guard": "max_changes", "planned": 4, "allowed": 3},
        {"guard": "max_removals", "planned": 3, "allowed": 2},
    ]
    assert "(50 % of 4 listed)" in stopped["msg"]
    assert (stopped["changed"], stopped["diff"]["before"]) == (False, stopped["diff"]["after"])
    assert {row["outcome"] for row in stopped["devices"]} == {"skipped", "unchanged"}
    digest = stopped["failure"]["digest"]
    assert digest == stopped["plan"]["digest"]
    for options in ({"devices": [E, D]}, {"protected": [F]}):
        assert run(**{**wish, **options}, approved_plan=digest)["failure"]["code"] == "plan_changed"
    space.listed = [B, A, C, D]
    assert run(**wish, approved_plan=digest)["failure"]["code"] == "plan_changed"
    assert space.writes == []
    space.listed = [A, B, C, D]
    assert run(**wish, approved_plan=digest)["changed"] is True
    assert space.listed == [D, E]


def test_what_thingspace_ignores_is_in_doubt(run: Run, space: FakeCandidates, tmp_path: Path) -> None:
    space.faults = {1: lambda _space, _effect: None}
    result = run(devices=[E], devices_report=str(tmp_path / "r.csv"))
    assert (result["failure"]["code"], result["changed"]) == ("outcome_unknown", True)
    assert result["devices"][0]["reason"].endswith("reading back does not show the change")
    with (tmp_path / "r.csv").open(newline="") as stream:
        assert list(csv.DictReader(stream)) == result["devices"]


def test_a_refused_rewrite_is_put_back(run: Run, space: FakeCandidates) -> None:
    space.faults = {2: refused}
    result = run(devices=[D, C, B, A], state="exact", batch_size=2)
    assert (result["failure"]["code"], result["failure"]["list"]) == ("api_rejected", "put_back")
    assert (result["changed"], result["candidate_count"], space.listed) == (False, 4, [A, B, C, D])
    assert {row[1] for row in rows(result)} == {"skipped", "unchanged"}
    assert any("put back as it was" in row[2] for row in rows(result))


def test_a_list_that_may_be_broken_is_in_the_result(run: Run, space: FakeCandidates) -> None:
    space.faults, space.happenings = {2: refused}, {3: broken, 4: broken}
    result = run(devices=[D, C, B, A], state="exact", batch_size=2)
    assert (result["failure"]["code"], result["failure"]["list"]) == ("list_not_restored", "broken")
    assert result["failure"]["previous_list"] == [A, B, C, D]
    assert result["candidate_count"] is None
    assert {row[1] for row in rows(result)} == {"unknown", "unchanged"}


def test_an_append_that_fails_half_way_says_what_was_added(run: Run, space: FakeCandidates) -> None:
    space.faults = {2: refused}
    result = run(devices=[E, F], batch_size=1)
    assert (result["failure"]["code"], result["failure"]["list"], result["changed"]) == (
        "api_rejected",
        "written",
        True,
    )
    assert [row[1] for row in rows(result)] == ["added", "failed"]


def test_reading_back_fails(run: Run, space: FakeCandidates) -> None:
    space.happenings = {2: broken}
    result = run(devices=[E])
    assert (result["failure"]["code"], result["candidate_count"]) == ("connection_failed", None)
    assert result["summary"] == {**SUMMARY, "unknown": 1}
    assert space.listed[-1] == E


def test_a_lost_answer_is_settled(run: Run, space: FakeCandidates) -> None:
    space.faults = {1: lost_after}
    assert rows(run(devices=[E])) == [(E, "added", "")]


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        ([A, B, C, D, E, STRANGER], f"1 added ({STRANGER})"),
        ([A, D, E], f"2 taken off ({B}, {C})"),
        ([B, A, C, D, E], "its order is another one"),
    ],
)
def test_somebody_elses_change_after_writing(run: Run, space: FakeCandidates, listed: list[str], text: str) -> None:
    space.happenings = {2: become(listed)}
    result = run(devices=[E])
    assert text in warnings(result)
    assert ("failure" in result, result["changed"], result["candidate_count"]) == (False, True, len(listed))
    space.listed = [A, B, C, D]
    space.happenings = {space.readings + 2: become(listed)}
    result = run(devices=[A, B, C, D, E], state="exact")
    assert (result["failure"]["code"], text in result["msg"]) == ("list_changed", True)


def test_somebody_elses_change_before_writing(run: Run, space: FakeCandidates) -> None:
    space.happenings = {2: become([A, B])}
    result = run(devices=[A], state="absent")
    assert (result["failure"]["code"], result["failure"]["list"]) == ("list_changed", "untouched")
    assert (space.writes, result["summary"]) == ([], {**SUMMARY, "skipped": 1})


def test_a_device_that_stands_on_the_list_twice_is_no_change_of_somebody(run: Run, space: FakeCandidates) -> None:
    space.listed = [A, B, A]
    result = run(devices=[C])
    assert space.listed == [A, B, A, C]
    assert "Someone else" not in warnings(result)


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_task_after_one_that_was_killed(run: Run, space: FakeCandidates, kept: KeptList, check_mode: bool) -> None:
    space.listed = [D, C]
    runtime_dir = str(Path(str(kept.location)).parent)
    result = run(devices=[E], runtime_dir=runtime_dir, _ansible_check_mode=check_mode)
    assert "2 of them are left of the 4 before" in warnings(result)
    assert result["summary"] == {**SUMMARY, "added": 3, "unchanged": 1}
    assert {row[2] for row in rows(result)[1:3]} == {"restored: an interrupted run had lost it"}
    assert space.listed == ([D, C] if check_mode else [A, B, C, D, E])
    assert (kept.recover([D, C], put_aside=False).whole is None) is not check_mode


@pytest.mark.parametrize(
    ("left", "wish"),
    [
        # What is left is appended to.
        ([A, B], {"devices": [E]}),
        # What is left is what is wanted.
        ([D, C], {"devices": [D, C], "state": "exact"}),
        # It was killed before the first request, or after the last.
        ([A, B, C, D], {"devices": [A]}),
        ([D, C, B, A], {"devices": [A]}),
    ],
)
def test_what_was_taken_up_once_is_not_taken_up_again(
    run: Run, space: FakeCandidates, kept: KeptList, left: list[str], wish: dict[str, t.Any]
) -> None:
    space.listed = left
    runtime_dir = str(Path(str(kept.location)).parent)
    assert "failure" not in run(**wish, runtime_dir=runtime_dir)
    # Somebody shortens the list for good.
    space.listed = [space.listed[0]]
    result = run(devices=[F], runtime_dir=runtime_dir)
    assert "warnings" not in result
    assert space.listed == [left[0], F]


@pytest.mark.parametrize("later", ["at once", "after a look", "after the next task"])
@pytest.mark.parametrize(("batch_size", "number"), [(10, 1), (2, 1), (2, 2), (1, 1), (1, 2), (1, 3)])
def test_a_request_that_takes_effect_late_costs_no_candidate(
    run: Run, space: FakeCandidates, tmp_path: Path, batch_size: int, number: int, later: str
) -> None:
    late: list[t.Callable[[FakeCandidates], None]] = []

    def held_back(changed: FakeCandidates, effect: t.Callable[[FakeCandidates], None]) -> None:
        late.append(effect)
        lost(changed, effect)

    def task(**options: t.Any) -> dict[str, t.Any]:
        wish = {"devices": [A], "state": "absent", "batch_size": batch_size, "runtime_dir": str(tmp_path / "run")}
        return run(**wish, **options)

    space.faults = {number: held_back}
    first = task()
    assert (first["changed"], first["failure"]["code"]) == (True, "connection_failed")
    assert rows(first)[0][1] == "unknown"
    assert space.listed == [A, B, C, D], "as it was, for now"
    if later == "after a look":
        assert not task(_ansible_check_mode=True).get("failed")
    if later == "after the next task":
        assert not task().get("failed")
        assert space.listed == [B, C, D]
    late[0](space)
    told = task()
    assert not told.get("failed")
    assert space.listed == [B, C, D]
    if later == "after the next task" and batch_size < 3:
        assert told["changed"]
        assert "warnings" in told


def test_a_late_append_is_mended_by_the_task_that_wants_the_devices(run: Run, space: FakeCandidates) -> None:
    late: list[t.Callable[[FakeCandidates], None]] = []

    def held_back(changed: FakeCandidates, effect: t.Callable[[FakeCandidates], None]) -> None:
        late.append(effect)
        lost(changed, effect)

    space.faults = {1: held_back}
    assert run(devices=[E, F])["summary"]["unknown"] == 2
    assert run(devices=[E, F])["changed"]
    late[0](space)
    assert space.listed == [A, B, C, D, E, F, E, F]
    dry = run(devices=[E, F], _ansible_check_mode=True)
    assert (dry["changed"], dry["plan"]["move"]) == (True, 2)
    assert run(devices=[E, F], max_changes=1)["failure"]["code"] == "guard_tripped"
    result = run(devices=[E, F])
    assert (result["changed"], space.listed) == (True, [A, B, C, D, E, F])
    assert run(devices=[E, F])["changed"] is False


def test_doubles_that_stay_are_no_success(run: Run, space: FakeCandidates) -> None:
    space.listed = [A, B, A]
    space.faults = {1: lambda _space, _effect: None}
    result = run(devices=[A])
    assert (result["failure"]["code"], f"1 listed twice ({A})" in result["msg"]) == ("list_changed", True)


def test_doubles_that_nobody_named_are_told(run: Run, space: FakeCandidates) -> None:
    space.listed = [A, B, A]
    result = run(devices=[B])
    assert result["changed"] is False
    assert f"1 devices are on the removal candidate list more than once ({A})" in warnings(result)


def test_a_list_that_cannot_be_read(run: Run, space: FakeCandidates) -> None:
    space.happenings = {1: broken}
    result = run(devices=[E])
    assert (result["failure"]["code"], result["changed"], "plan" in result) == ("connection_failed", False, False)


def test_an_empty_file_protects_nobody_and_that_is_said(run: Run, space: FakeCandidates, tmp_path: Path) -> None:
    path = tmp_path / "nobody.csv"
    path.write_text("imei\n", encoding="utf-8")
    assert "names no device, so none is protected" in warnings(run(devices=[E], protected_file=str(path)))


def test_nothing_to_do_is_only_said_when_nothing_is_done(run: Run, space: FakeCandidates) -> None:
    assert "nothing to do" in warnings(run(devices=[], state="absent"))
    assert "warnings" not in run(devices=[], state="absent", protected=[B])
    assert space.listed == [A, C, D]


def test_the_rows_tell_who_is_to_blame(run: Run, space: FakeCandidates) -> None:
    result = run(devices=[STRANGER, E])
    assert result["failure"]["code"] == "not_licensed"
    assert [row[2] for row in rows(result)] == [
        "not sent: it holds no license",
        "not sent: the plan was stopped; it would be added",
    ]


@pytest.mark.parametrize("state", ["exact", "present"])
def test_the_list_before_is_written_before_anything_is_sent(
    run: Run, space: FakeCandidates, tmp_path: Path, state: str
) -> None:
    """A task that is killed at its first write has left it; one that cannot write it sends nothing."""
    path, seen = tmp_path / "before.csv", list[str]()

    def look(changed: FakeCandidates, effect: t.Callable[[FakeCandidates], None]) -> None:
        seen.append(path.read_bytes().decode())
        effect(changed)

    space.faults = {1: look}
    run(devices=[E], state=state, before_file=str(path))
    assert [text.split() for text in seen] == [["device_id", A, B, C, D]]
    space.writes.clear()
    space.log.clear()
    assert not run(devices=[E], state="absent", before_file=str(path), _ansible_check_mode=True).get("failed")
    path.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converge, "write_csv", _full_disk)
        result = run(devices=[E], state="absent", before_file=str(path))
    assert (result["failure"]["code"], result["changed"], space.writes) == ("report_unwritable", False, [])


def _full_disk(path: str, *_rest: object) -> None:
    raise LicensingError(f"{path}: no space left", code="report_unwritable")
