# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fota_license makes of the removal candidate list."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._candidates.backup import KeptList
from ansible_collections.thingspace.licensing.plugins.module_utils._client.runtime_dir import FileStore
from ansible_collections.thingspace.licensing.plugins.modules import fota_license
from ansible_collections.thingspace.licensing.tests.support.fakes import (
    ACCOUNT,
    FakeThingSpace,
    imei,
    imeis,
    refusal,
)
from ansible_collections.thingspace.licensing.tests.support.module_runner import Run, runner


@pytest.fixture
def space() -> FakeThingSpace:
    """Devices 0 to 19 are licensed; 1, 18 and 30 are candidates, in this order: 30, 1, 18."""
    space = FakeThingSpace(imeis(20), total=100)
    space.candidates = [imei(30), imei(1), imei(18)]
    return space


@pytest.fixture
def run(space: FakeThingSpace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(fota_license.main, space, monkeypatch, capsys, account=ACCOUNT, report="all")


def texts(result: dict[str, t.Any]) -> str:
    return "\n".join(str(warning) for warning in result.get("warnings", []))


@pytest.mark.parametrize("check", [True, False])
def test_assigning_to_a_listed_device_says_so(run: Run, check: bool) -> None:
    result = run(devices=[imei(30), imei(31), imei(1)], _ansible_check_mode=check)
    assert [(row["outcome"], row["reason"]) for row in result["devices"]] == [
        ("assigned", "removal candidate, place 1"),
        ("assigned", ""),
        ("unchanged", "already licensed"),
    ]
    assert f"which lose it first when the subscription shrinks: {imei(30)}. " in texts(result)


def test_removing_from_listed_devices_says_so(run: Run) -> None:
    result = run(devices=[imei(18), imei(1), imei(2)], state="absent")
    assert [row["reason"] for row in result["devices"]] == [
        "removal candidate, place 3",
        "removal candidate, place 2",
        "",
    ]
    assert f"of no use without one: {imei(18)}, {imei(1)} (2 in all)" in texts(result)


def test_a_stopped_plan_says_so_too(run: Run) -> None:
    result = run(devices=[imei(1)], state="absent", max_removals="0")
    assert result["failure"]["code"] == "guard_tripped"
    assert result["devices"][0]["reason"].endswith("it would be removed; removal candidate, place 2")


def test_a_second_run_does_not_ask_for_the_list(run: Run, space: FakeThingSpace) -> None:
    assert run(devices=[imei(1), imei(2)])["changed"] is False
    assert "candidates" not in space.log


def test_exact_removes_listed_devices_unless_told_to_leave_them_alone(run: Run, space: FakeThingSpace) -> None:
    wanted = imeis(18)[2:]
    dry = run(devices=wanted, state="exact", removal_candidates="keep", _ansible_check_mode=True)
    real = run(devices=wanted, state="exact", removal_candidates="keep")
    assert dry["devices"] == real["devices"]
    assert dry["plan"] == real["plan"]
    outcomes = {row["device_id"]: (row["outcome"], row["reason"]) for row in real["devices"]}
    assert outcomes[imei(0)] == outcomes[imei(19)] == ("removed", "")
    assert outcomes[imei(1)] == outcomes[imei(18)] == ("unchanged", "left alone: a removal candidate")
    assert space.held == {*wanted, imei(1), imei(18)}
    again = run(devices=wanted, state="exact", removal_candidates="keep")
    assert again["changed"] is False
    assert run(devices=wanted, state="exact")["summary"]["removed"] == 2
    assert space.held == set(wanted)


def test_the_digest_is_bound_to_what_is_left_alone(run: Run, space: FakeThingSpace) -> None:
    def digest(**options: t.Any) -> str:
        result = run(devices=imeis(18), state="exact", _ansible_check_mode=True, **options)
        return str(result["plan"]["digest"])

    before = digest(removal_candidates="keep")
    assert before != digest(removal_candidates="report") == digest(removal_candidates="ignore")
    space.candidates = [imei(1)]
    assert before != digest(removal_candidates="keep")


def test_a_list_that_cannot_be_read_is_a_warning(run: Run, space: FakeThingSpace) -> None:
    space.candidates_fault = refusal("no list today")
    result = run(devices=[imei(30)])
    assert result["changed"] is True
    assert "could not be found out: no list today" in texts(result)


def test_no_such_list_is_nothing_to_talk_about(run: Run, space: FakeThingSpace) -> None:
    space.candidates_fault = refusal("no such path", 404)
    assert "no such path" not in texts(run(devices=[imei(30)]))


def test_what_shall_be_left_alone_must_be_known(run: Run, space: FakeThingSpace) -> None:
    space.candidates_fault = refusal("no list today")
    result = run(devices=imeis(19), state="exact", removal_candidates="keep")
    assert result["failure"]["code"] == "api_rejected"
    assert space.writes == []


def test_ignore_does_not_ask(run: Run, space: FakeThingSpace) -> None:
    space.candidates = [imei(33)]
    result = run(devices=[imei(33)], removal_candidates="ignore")
    assert result["devices"] == [{"device_id": imei(33), "outcome": "assigned", "reason": ""}]
    assert imei(33) not in texts(result)
    assert "candidates" not in space.log


@pytest.mark.parametrize("state", ["present", "absent"])
def test_direct_answers_that_change_nothing_are_no_news(run: Run, space: FakeThingSpace, state: str) -> None:
    space.candidates, space.page_size = [imei(5), imei(44)], 4
    result = run(devices=[imei(5 if state == "present" else 44)], state=state, lookup="direct")
    assert (result["lookup"], result["changed"]) == ("direct", False)
    assert imei(44) not in texts(result)
    assert "candidates" not in space.log


def test_direct_answers_that_change_something_are(run: Run, space: FakeThingSpace) -> None:
    space.candidates, space.page_size = [imei(45)], 4
    result = run(devices=[imei(45)], lookup="direct")
    assert result["lookup"] == "direct"
    assert result["devices"][0]["reason"] == "removal candidate, place 1"
    assert f"which lose it first when the subscription shrinks: {imei(45)}" in texts(result)


def test_a_stopped_plan_warns_of_nothing_that_happened(run: Run, space: FakeThingSpace) -> None:
    space.candidates = [imei(6)]
    result = run(devices=[imei(6)], state="absent", max_removals="0")
    assert result["devices"][0]["reason"].endswith("removal candidate, place 1")
    assert imei(6) not in texts(result)


def test_the_list_is_read_once_and_what_is_left_alone_is_counted(run: Run, space: FakeThingSpace) -> None:
    result = run(devices=imeis(18)[2:], state="exact", removal_candidates="keep")
    assert result["plan"]["left_alone"] == 2
    assert space.log.count("candidates") == 1


def test_what_an_interrupted_rewrite_lost_is_left_alone_too(run: Run, space: FakeThingSpace, tmp_path: Path) -> None:
    kept = KeptList(FileStore(str(tmp_path)), ACCOUNT)
    kept.keep([imei(1), imei(18), imei(19)], [imei(1), imei(18)])
    space.candidates = [imei(1)]
    options = {"devices": imeis(18)[2:], "state": "exact", "removal_candidates": "keep", "runtime_dir": str(tmp_path)}
    result = run(**options)
    assert result["plan"]["left_alone"] == 3
    assert "was interrupted" in texts(result)
    assert kept.recover([imei(1)], put_aside=False).whole == [imei(1), imei(18), imei(19)]
