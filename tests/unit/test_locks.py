# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The locks fit the ranges they are made from, and hold nothing but exact versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = sorted((CHECKOUT / "locks").glob("python*.txt"))


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def ranges(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(CHECKOUT / name)]


def test_there_is_a_lock_for_each_python_of_development() -> None:
    assert {path.stem for path in LOCKS} >= {"python3.11", "python3.12", "python3.13"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_exact_versions_only(path: Path) -> None:
    # Neither an address nor a path of the machine that made it.
    assert [line for line in lines(path) if not re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.+]+", line)] == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_fits_the_ranges(path: Path) -> None:
    locked = dict(line.split("==") for line in lines(path))
    wrong = [
        f"{wanted}, but {path.name} has {locked.get(canonicalize_name(wanted.name), 'none')}"
        for wanted in ranges("constraints.txt") + ranges("overrides.txt")
        if locked.get(canonicalize_name(wanted.name), "none") not in wanted.specifier
    ]
    assert not wrong, "Run 'make lock'."


@pytest.mark.parametrize(
    "name", ["Makefile", "noxfile.py", "tests/unit/requirements.txt", "tests/integration/requirements.txt"]
)
def test_no_extra_is_named_that_a_lock_drops(name: str) -> None:
    """A lock overrides a requirement with its extras, so what an extra brings is named itself."""
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    locked = {line.split("==")[0] for path in LOCKS for line in lines(path)}
    assert [found for found in re.findall(r"\b([a-z0-9-]+)\[[a-z-]+\]", text) if found in locked] == []


@pytest.mark.parametrize("name", ["extensions/receiver", "tests/unit", "tests/integration"])
def test_what_is_needed_has_a_range(name: str) -> None:
    known = {canonicalize_name(wanted.name) for wanted in ranges("constraints.txt")}
    assert {canonicalize_name(wanted.name) for wanted in ranges(f"{name}/requirements.txt")} <= known
