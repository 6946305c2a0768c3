# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fota_license, from options to result, over an account that lives in memory."""

from __future__ import annotations

import csv
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import OUTCOMES
from ansible_collections.thingspace.licensing.plugins.modules import fota_license
from ansible_collections.thingspace.licensing.tests.support.fakes import ACCOUNT, FakeThingSpace, imei, imeis
from ansible_collections.thingspace.licensing.tests.support.module_runner import OMIT, Run, runner

SUMMARY = dict.fromkeys(OUTCOMES, 0)


@pytest.fixture
def space() -> FakeThingSpace:
    return FakeThingSpace(imeis(3), total=100)


@pytest.fixture
def run(space: FakeThingSpace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(fota_license.main, space, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"api_version": "v4"}, "api_version"),
        ({"state": "gone"}, "state"),
        ({"lookup": "guess"}, "lookup"),
        ({"report": "some"}, "report"),
        ({"account": OMIT}, "account"),
        ({"devices": OMIT}, "devices"),
        ({"devices_file": "x"}, "mutually exclusive"),
        ({"devices": OMIT, "devices_column": "x"}, "devices"),
        ({"devices_column": "x"}, "devices_file"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"batch_size": "many"}, "batch_size"),
        ({"batch_size": 0}, "'batch_size' is 0; it must be between 1 and 10000"),
        ({"batch_size": 10001}, "'batch_size' is 10001"),
        ({"state": "exact", "lookup": "direct"}, "contradicts"),
        ({"reserve": -1}, "'reserve' is -1"),
        ({"max_removals": "lots"}, "'max_removals' is 'lots'"),
        ({"approved_plan": "yes"}, "not a plan digest"),
        ({"timeout": 0}, "'timeout' is 0"),
    ],
)
def test_invalid_options(run: Run, space: FakeThingSpace, options: dict[str, t.Any], word: str) -> None:
    result = run(**{"account": ACCOUNT, "devices": imeis(1), **options})
    assert result["failed"] is True
    assert result["failure"]["code"] == "invalid_options"
    assert result["failure"]["message"] == result["msg"]
    assert word in result["msg"]
    assert space.log == []


@pytest.mark.parametrize("option", ["timeout", "deadline", "retries", "max_concurrency", "rate_limit", "batch_size"])
def test_null_is_no_number(run: Run, option: str) -> None:
    result = run(account=ACCOUNT, devices=[], **{option: None})
    if "failure" in result:  # some versions of ansible-core take the default instead
        assert (result["failure"]["code"], f"'{option}'" in result["msg"]) == ("invalid_options", True)


def test_present(run: Run, space: FakeThingSpace) -> None:
    wanted = [imei(7), imei(1)]
    result = run(account=ACCOUNT, devices=wanted, report="all", _ansible_diff=True)
    assert result["changed"] is True
    assert result["lookup"] == "list"
    assert {**result["plan"], "digest": ""} == {
        "state": "present",
        "assign": 1,
        "remove": 0,
        "unchanged": 1,
        "unforeseen": 1,
        "digest": "",
    }
    assert len(result["plan"]["digest"]) == 64
    assert result["summary"] == {**SUMMARY, "assigned": 1, "unchanged": 1}
    assert result["devices"] == [
        {"device_id": imei(7), "outcome": "assigned", "reason": ""},
        {"device_id": imei(1), "outcome": "unchanged", "reason": "already licensed"},
    ]
    assert result["licenses"] == {"total": 100, "assigned": 4, "available": 96}
    assert (result["diff"]["before"], result["diff"]["after"]) == ("", imei(7) + "\n")
    assert result["requests"]["retried"] == 0
    assert space.writes == [("assign", [imei(7)])]


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_check_mode_writes_nothing_and_says_the_same(run: Run, space: FakeThingSpace, state: str) -> None:
    options = {"account": ACCOUNT, "devices": [imei(1), imei(2), imei(9)], "state": state, "report": "all"}
    dry = run(**options, _ansible_check_mode=True, _ansible_diff=True)
    assert space.writes == []
    real = run(**options, _ansible_diff=True)
    assert space.writes != []
    for volatile in ("requests", "invocation"):
        dry.pop(volatile, None), real.pop(volatile, None)
    assert dry == real
    again = run(**options)
    assert again["changed"] is False
    assert len(space.writes) == len([row for row in ("remove", "assign") if real["plan"][row]])


def test_guard_stops_before_the_first_write(run: Run, space: FakeThingSpace) -> None:
    wanted = imeis(4, 10)
    result = run(account=ACCOUNT, devices=wanted, max_changes=3, report="all")
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["failure"]["code"] == "guard_tripped"
    assert result["failure"]["guards"] == [{"guard": "max_changes", "planned": 4, "allowed": 3}]
    assert result["summary"] == {**SUMMARY, "skipped": 4}
    assert all(row["reason"].startswith("not sent: the plan was stopped") for row in result["devices"])
    assert space.writes == []
    approved = run(account=ACCOUNT, devices=wanted, max_changes=3, approved_plan=result["failure"]["digest"])
    assert (approved["changed"], approved["summary"]["assigned"]) == (True, 4)
    stale = run(account=ACCOUNT, devices=imeis(5, 10), max_changes=3, approved_plan=result["failure"]["digest"])
    assert stale["failure"]["code"] == "plan_changed"


def test_mixed_result_is_changed_and_failed(run: Run, space: FakeThingSpace, tmp_path: Path) -> None:
    space.bad = {imei(11)}
    report = tmp_path / "rows.csv"
    result = run(account=ACCOUNT, devices=imeis(3, 10), devices_report=str(report))
    assert (result["failed"], result["changed"], result["failure"]["code"]) == (True, True, "devices_failed")
    assert result["summary"] == {**SUMMARY, "assigned": 2, "failed": 1}
    assert result["devices"][1] == {"device_id": imei(11), "outcome": "failed", "reason": "Invalid device id format"}
    with report.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == result["devices"]


def test_defect_is_one_message_without_a_traceback(run: Run, space: FakeThingSpace) -> None:
    space.list_faults = [ZeroDivisionError("pass-word")]
    result = run(account=ACCOUNT, devices=imeis(1))
    assert result["failure"]["code"] == "internal_error"
    assert "ZeroDivisionError in fakes.py" in result["msg"]
    assert "pass-word" not in str(result)
