# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module swm_removal_candidates, from options to result, over an account that lives in memory."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates import converge
from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.modules import swm_removal_candidates
from ansible_collections.thingspace.licensing.tests.support.fake_candidates import (
    FakeCandidates,
    become,
    lost,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner

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


@pytest.mark.parametrize(("state", "warned"), [("present", True), ("absent", True), ("exact", False)])
def test_no_device_is_a_warning_unless_it_deletes_the_list(run: Run, state: str, warned: bool) -> None:
    assert ("No device is named" in warnings(run(devices=[], state=state))) is warned


def test_to_want_an_empty_list_that_is_empty_is_no_mistake(run: Run, space: FakeCandidates) -> None:
    space.listed = []
    done = run(devices=[], state="exact")
    assert (done["changed"], warnings(done)) == (False, "")


def test_what_is_listed_already_is_not_asked_about(run: Run, space: FakeCandidates) -> None:
    space.listed = [STRANGER, A]
    assert run(devices=[A, STRANGER], state="exact")["changed"] is True
    assert "licenses" not in space.log


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
    assert f"1 device is on the removal candidate list more than once ({A})" in warnings(result)


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
