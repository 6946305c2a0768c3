# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exit codes of the pipeline program are those that its documentation lists."""

from __future__ import annotations

import importlib.util
import re
import typing as t
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRAM = CHECKOUT / "extensions" / "pipeline" / "licensing.py"
STATUSES = ("no_change", "incomplete", "changes", "guard_tripped", "error", "plan_changed", "", "another")


@pytest.fixture(scope="module")
def program() -> t.Any:
    spec = importlib.util.spec_from_file_location("licensing_program", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("returncode", [0, 2, -15])
def test_only_what_is_whole_is_green(program: t.Any, status: str, returncode: int) -> None:
    codes = {"no_change": 0, "incomplete": 4, "changes": 2, "guard_tripped": 3}
    planned = 1 if returncode else codes.get(status, 1)
    assert program.exit_code("plan", status, returncode) == planned
    done = 1 if not status else 4 if status == "incomplete" else 0
    refused = 3 if status == "plan_changed" and returncode > 0 else 1
    assert program.exit_code("apply", status, returncode) == (refused if returncode else done)


@pytest.mark.parametrize("page", ["docs/plan.md", "extensions/pipeline/README.md"])
def test_each_code_is_documented(program: t.Any, page: str) -> None:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    found = {int(code) for code in re.findall(r"^\| (\d) \|", text, re.MULTILINE)}
    assert found == {*program.PLANNED.values(), program.ERROR}
