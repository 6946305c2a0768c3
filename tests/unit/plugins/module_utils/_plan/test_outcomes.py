# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows, their sums, the failure they amount to, and the report file."""

from __future__ import annotations

import csv
import os
import re
import stat
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._errors import LicensingError
from ansible_collections.thingspace.licensing.plugins.module_utils._plan import outcomes as outcomes_module
from ansible_collections.thingspace.licensing.plugins.module_utils._plan.outcomes import (
    OUTCOMES,
    Report,
    Reporting,
    Row,
    as_it_was,
    end,
    failure_of,
    harmless,
    report_path_problems,
    reported,
    summarize,
    write_csv,
)

ALL = [Row(f"d{number}", outcome, "why") for number, outcome in enumerate(OUTCOMES)]


def test_outcomes_are_those_of_the_documentation() -> None:
    assert set(OUTCOMES) == {"assigned", "removed", "added", "unchanged", "accepted", "failed", "unknown", "skipped"}


def test_summary_has_every_outcome() -> None:
    assert summarize([]) == dict.fromkeys(OUTCOMES, 0)
    assert summarize([*ALL, Row("x", "failed", "")]) == {**dict.fromkeys(OUTCOMES, 1), "failed": 2}


@pytest.mark.parametrize(
    ("report", "outcomes"),
    [
        ("none", []),
        ("failed", ["failed", "unknown", "skipped"]),
        ("changed", ["assigned", "removed", "added", "accepted", "failed", "unknown", "skipped"]),
        ("all", list(OUTCOMES)),
    ],
)
def test_reported(report: Report, outcomes: list[str]) -> None:
    rows = reported(ALL, report)
    assert [row["outcome"] for row in rows] == outcomes
    assert all(set(row) == {"device_id", "outcome", "reason"} for row in rows)


def test_what_changed_its_place_is_reported_as_changed() -> None:
    rows = [Row("a", "unchanged", "moved"), Row("b", "unchanged", "")]
    counts = {report: len(reported(rows, report, {"a"})) for report in t.get_args(Report)}
    assert counts == {"changed": 1, "failed": 0, "all": 2, "none": 0}


def test_good_rows_are_no_failure() -> None:
    assert failure_of([]) is None
    assert failure_of([row for row in ALL if row.outcome not in ("failed", "unknown", "skipped")]) is None


@pytest.mark.parametrize(
    ("outcomes", "code", "counts", "again"),
    [
        (["failed"], "devices_failed", "1 failed", False),
        (["skipped", "failed"], "devices_failed", "1 failed, 1 skipped", True),
        (["unknown"], "outcome_unknown", "1 unknown", True),
        (["failed", "unknown", "skipped", "assigned"], "outcome_unknown", "1 failed, 1 unknown, 1 skipped", True),
    ],
)
def test_failure(outcomes: list[t.Any], code: str, counts: str, again: bool) -> None:
    error = failure_of([Row(f"d{number}", outcome, "why") for number, outcome in enumerate(outcomes)])
    assert error is not None
    assert error.code == code
    assert f"({counts}): " in error.message
    assert ("Run again" in error.message) is again
    assert f"d0 {outcomes[0]}: why" in error.message


@pytest.mark.parametrize("others", [0, 1])
def test_what_would_be_refused_each_time_is_not_to_be_run_again(others: int) -> None:
    rows = [Row(f"d{number}", "skipped", "not sent: it would be refused") for number in range(2 + others)]
    error = failure_of(rows, {"d0", "d1"})
    assert error is not None
    assert "Leave out of the list what ThingSpace would refuse." in error.message
    assert ("Run again" in error.message) is bool(others)


def test_failure_names_five() -> None:
    error = failure_of([Row(f"d{number}", "failed", "no") for number in range(9)])
    assert error is not None
    assert error.message == (
        "9 of 9 devices did not reach the wanted state (9 failed): d0 failed: no; d1 failed: no; d2 failed: no; "
        "d3 failed: no; d4 failed: no; and 4 more (see 'devices', or 'devices_report')."
    )


@pytest.mark.parametrize(
    ("code", "moved", "counts"),
    [("interrupted", True, True), ("interrupted", False, False), ("unconfirmed", True, False)],
)
def test_a_run_that_ended_early_says_how_far_it_had_come(code: t.Any, moved: bool, counts: bool) -> None:
    stopped = LicensingError("No.", code=code)
    values, failure = end(ALL[:1], Reporting("all", None), {"plan": 1}, stopped, began=moved)
    assert (values["plan"], values["summary"]["assigned"], len(values["devices"])) == (1, 1, 1)
    assert (failure, str(stopped)) == (stopped, "No. The run ended early; so far: 1 assigned." if counts else "No.")


def test_the_worst_is_the_failure(tmp_path: Path) -> None:
    nowhere = Reporting("none", str(tmp_path / "none" / "out.csv"))
    codes = [end(rows, nowhere, {}, None)[1].code for rows in (ALL, ALL[:1])]  # type: ignore[union-attr]
    assert codes == ["outcome_unknown", "report_unwritable"]


def test_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    write_csv(str(path), Row._fields, [Row("1", "failed", 'say "no", please\nnow'), Row("2", "assigned", "")])
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["device_id", "outcome", "reason"],
            ["1", "failed", 'say "no", please now'],
            ["2", "assigned", ""],
        ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["out.csv"]


def test_report_that_fails_leaves_the_old_one_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full(_source: str, _target: str) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outcomes_module.os, "replace", full)
    with pytest.raises(LicensingError, match="No space left on device") as raised:
        write_csv(str(path), ["a"], [])
    assert raised.value.code == "report_unwritable"
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["out.csv"])


def test_report_into_nowhere(tmp_path: Path) -> None:
    with pytest.raises(LicensingError, match="No such file or directory") as raised:
        write_csv(str(tmp_path / "none" / "out.csv"), ["a"], [])
    assert raised.value.code == "report_unwritable"


def test_words_that_cannot_be_encoded_do_not_lose_the_report(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(str(path), Row._fields, [Row("1", "failed", "half a \ud83d sign"), Row("2", "assigned", "")])
    assert path.read_text(encoding="utf-8").splitlines()[1:] == ["1,failed,half a \\ud83d sign", "2,assigned,"]
    assert os.listdir(tmp_path) == ["out.csv"]


BLANKS = " \u00a0\u1680\u2003\u202f\u205f\u3000\u3164\u115f\u1160\uffa0\u2800"
STARTS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207c\u2212"


@pytest.mark.parametrize("blank", ["", *BLANKS, "\u2003\u3164 "])
@pytest.mark.parametrize("start", [*STARTS, ";", "|", "%", "\t", "\r", "'="])
def test_formulas_are_defused(start: str, blank: str) -> None:
    assert harmless(f"{blank}{start}HYPERLINK(1)") == f"'{blank}{start}HYPERLINK(1)"


@pytest.mark.parametrize(
    ("cell", "made"),
    [
        (";=1+1", "';'=1+1"),
        ("meters;=cmd|' /C calc'!A0", "meters;'=cmd|' /C calc'!A0"),
        ("a| @x", "a|' @x"),
        ("a;b;-1", "a;b;'-1"),
        ("a, -1", "a, -1"),
        ("not sent: x=1", "not sent: x=1"),
    ],
)
def test_formulas_behind_a_mark_that_may_part_cells_elsewhere(cell: str, made: str) -> None:
    assert harmless(cell) == made


SIGNS = st.text(alphabet="=+-@;|%'\t\r a\u00a0\uff1d1" + BLANKS + STARTS)


@given(SIGNS | st.text())
def test_cells_come_back_and_begin_no_formula_wherever_they_are_parted(text: str) -> None:
    found = harmless(text)
    assert as_it_was(found) == text
    for part in re.split(r"[;|\t]", found):
        assert part.strip(BLANKS)[:1] not in tuple(STARTS)


def test_no_cell_of_a_report_hides_anything(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    nasty = "a\x1b[2Jb\x9bc\u202ed\u200be\x7ff\r\ng"
    write_csv(str(path), Row._fields, [Row("1", "failed", nasty)])
    assert path.read_bytes().splitlines()[1] == rb"1,failed,a\u001b[2Jb\u009bc\u202ed\u200be\u007ff  g"


def test_report_path_is_looked_at_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_path_problems(None) == []
    assert report_path_problems("") == []
    assert report_path_problems(str(tmp_path / "out.csv")) == []
    for path, why in ((tmp_path, "it is a directory"), (tmp_path / "none" / "x", "does not exist")):
        (problem,) = report_path_problems(str(path))
        assert (problem.code, why in problem.text) == ("report_unwritable", True)
    monkeypatch.setattr(outcomes_module.os, "access", lambda _path, _mode: False)
    (problem,) = report_path_problems(str(tmp_path / "out.csv"))
    assert "is not writable" in problem.text


def test_relative_report_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert report_path_problems("out.csv") == []
    write_csv("out.csv", ["a"], [["1"]])
    assert (tmp_path / "out.csv").read_text() == "a\n1\n"
