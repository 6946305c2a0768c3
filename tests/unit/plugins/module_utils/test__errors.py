# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors and their stable codes."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._error_codes import CODES, Code
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import (
    MAX_PROBLEMS,
    ApiError,
    LicensingError,
    OptionsError,
    Problem,
    TransportError,
)

ROOT = Path(__file__).resolve().parents[4]


def test_documentation_lists_every_code_with_its_meaning_and_no_other() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", text.partition("\n## Details\n")[0], re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a code is documented twice"
    assert dict(rows) == CODES
    assert set(CODES) == set(t.get_args(Code)), "a code has no meaning"


def test_every_code_is_used() -> None:
    """That every code of a failure is one of these is checked by its type."""
    used: set[str] = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        if path.name != "_error_codes.py":
            used.update(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', path.read_text(encoding="utf-8")))
            used.update(re.findall(r'(?:code=|Failure\()"(\w+)"', path.read_text(encoding="utf-8")))
    assert set(CODES) - used - {"timeout"} == set()


def test_failure_holds_code_message_and_details() -> None:
    error = LicensingError("It is so.", code="timeout", status=408)
    assert str(error) == "It is so."
    assert error.as_failure() == {"code": "timeout", "message": "It is so.", "status": 408}


def test_only_what_was_sent_is_in_doubt() -> None:
    assert LicensingError("x", code="not_recorded", in_doubt=True).in_doubt
    assert not LicensingError("x", code="timeout").in_doubt
    assert not ApiError("x", code="api_rejected", status=400).in_doubt
    assert "in_doubt" not in TransportError("x", code="timeout", in_doubt=True).as_failure()


def test_what_is_added_to_a_message_is_said_everywhere() -> None:
    error = LicensingError("It broke.", code="timeout")
    error.add(" Run again.", before="In the end: ")
    assert (str(error), error.message) == ("In the end: It broke. Run again.",) * 2
    assert error.as_failure()["message"] == error.message


def test_one_problem_is_the_message() -> None:
    error = OptionsError([Problem("'a' is wrong.", "invalid_account")])
    assert error.as_failure() == {
        "code": "invalid_account",
        "message": "'a' is wrong. Nothing was sent.",
        "problems": ["'a' is wrong."],
        "problem_count": 1,
    }


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (["invalid_devices", "invalid_devices"], "invalid_devices"),
        (["invalid_devices", "invalid_account"], "invalid_options"),
        (["invalid_options"], "invalid_options"),
    ],
)
def test_the_code_of_several_problems(codes: list[Code], code: Code) -> None:
    assert OptionsError([Problem("x", one) for one in codes]).code == code


def test_many_problems_are_bounded_and_counted() -> None:
    error = OptionsError([Problem(f"wrong {number}") for number in range(MAX_PROBLEMS + 234)])
    assert error.details["problem_count"] == 1234
    assert error.details["problems"] == [f"wrong {number}" for number in range(MAX_PROBLEMS)]
    assert error.message.startswith("1234 problems were found:\n- wrong 0\n- wrong 1\n")
    assert "- wrong 19\n- and 1214 more (see failure.problems)\n" in error.message
    assert "wrong 20" not in error.message
