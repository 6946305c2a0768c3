# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to the wanted ids: everything that is wrong at once, order kept."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.ids import passes_luhn
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import (
    Wanted,
    named_devices,
    wanted_devices,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis

A, B, C = imeis(3)


def inline(*devices: t.Any, **more: t.Any) -> tuple[Wanted, list[tuple[str, str]]]:
    """The ids of the option C(devices), and the problems."""
    wanted, problems = wanted_devices({"devices": list(devices), **more})
    return wanted, [(problem.code, problem.text) for problem in problems]


def test_order_is_kept() -> None:
    assert inline(C, A, B) == (Wanted([C, A, B], []), [])


@pytest.mark.parametrize("empty", [[], None])
def test_no_device_is_a_warning(empty: list[str] | None) -> None:
    wanted, problems = wanted_devices({"devices": empty})
    assert (wanted.devices, problems) == ([], [])
    assert wanted.warnings == ["No device is named; there is nothing to do."]


def test_empty_file_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("imei\n")
    wanted, problems = wanted_devices({"devices_file": str(tmp_path / "x.csv")})
    assert (wanted.devices, problems, len(wanted.warnings)) == ([], [], 1)


def test_numbers_are_ids_as_long_as_they_kept_their_digits() -> None:
    wanted, problems = inline(int(A), 3425730535, 9.9e14, True, 0)
    assert wanted.devices == [A]
    assert [text.split(". It came as a ")[0] for _code, text in problems] == [
        "devices, entry 2: '3425730535' has 10 digits, an IMEI has 15 digits",
        "devices, entry 3: '990000000000000.0' has a decimal point: a spreadsheet turned the id into a number. "
        "Format the column as text",
        "devices, entry 4: 'True' holds 'T', but an id has digits only",
        "devices, entry 5: '0' has 1 digit, an IMEI has 15 digits",
    ]
    assert all("a number loses its leading zeros" in text for _code, text in problems)


@pytest.mark.parametrize(("value", "name"), [({"device_id": A}, "dict"), ([A], "list")])
def test_structures(value: t.Any, name: str) -> None:
    assert inline(value)[1] == [
        ("invalid_devices", f"devices, entry 1: '{name}' is not an id; ids are a flat list of strings.")
    ]


def test_duplicates_across_forms() -> None:
    wanted, problems = inline(A, B, f'="{A}"', int(B), f" {A}")
    assert wanted.devices == [A, B]
    assert problems == [
        ("invalid_devices", f"devices, entry 3: {A} is named twice, first at devices, entry 1."),
        ("invalid_devices", f"devices, entry 4: {B} is named twice, first at devices, entry 2."),
        ("invalid_devices", f"devices, entry 5: {A} is named twice, first at devices, entry 1."),
    ]


def test_every_problem_of_a_file_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    lines = ["name;imei", f"a;{A}", "", "b;9,9E+14", "c;99000000000000X", f'd;"=""{B}"""', f"e; {A} ", "f;", "g;12"]
    file.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    wanted, problems = wanted_devices({"devices_file": str(file)})
    assert wanted.devices == [A, B]
    assert {problem.code for problem in problems} == {"invalid_devices"}
    assert [problem.text for problem in problems] == [
        f"{file}, line 4: '9,9E+14' is in scientific notation: a spreadsheet turned the id into a number and lost "
        "digits. Format the column as text and export it again.",
        f"{file}, line 5: '99000000000000X' holds 'X', but an id has digits only.",
        f"{file}, line 7: {A} is named twice, first at {file}, line 2.",
        f"{file}, line 8: '' is empty, an IMEI has 15 digits.",
        f"{file}, line 9: '12' has 2 digits, an IMEI has 15 digits.",
    ]


@pytest.mark.parametrize(
    ("content", "column", "code"),
    [(None, None, "file_unreadable"), (f"{A},{B}\n", None, "invalid_options"), (f"{A}\n", "serial", "invalid_options")],
)
def test_file_that_cannot_be_used_is_a_problem(
    tmp_path: Path, content: str | None, column: str | None, code: str
) -> None:
    file = tmp_path / "fleet.csv"
    if content:
        file.write_text(content)
    wanted, problems = wanted_devices({"devices_file": str(file), "devices_column": column})
    assert (wanted, [problem.code for problem in problems]) == (Wanted([], []), [code])


def test_check_digit_is_only_a_warning_and_only_on_demand() -> None:
    good, bad = "490154203237518", "490154203237517"
    assert inline(good, bad) == (Wanted([good, bad], []), [])
    wanted, problems = inline(good, bad, check_digit=True)
    assert (wanted.devices, problems) == ([good, bad], [])
    assert wanted.warnings == [f"1 of 2 ids have a check digit that does not fit (possible typing errors): {bad}."]
    assert inline(good, check_digit=True)[0].warnings == []


def test_check_digit_warning_is_bounded() -> None:
    bad = [f"{number:014}{number % 10}" for number in range(1, 40)]
    bad = [device for device in bad if not passes_luhn(device)]
    (warning,) = inline(*bad, check_digit=True)[0].warnings
    assert warning.endswith(f"{bad[4]}, ....")
    assert bad[5] not in warning


@given(st.lists(st.integers(0, 50) | st.sampled_from(["x", "", "9.9E+14"]), max_size=40))
def test_every_entry_is_a_device_or_a_problem(entries: list[int | str]) -> None:
    given_ = [imei(entry) if isinstance(entry, int) else entry for entry in entries]
    wanted, problems = inline(*given_)
    assert len(wanted.devices) + len(problems) == len(given_)
    assert wanted.devices == list(dict.fromkeys(imei(entry) for entry in entries if isinstance(entry, int)))


def test_other_options_name_devices_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"site,imei,spare\n1,{A},{B}\n2,{A},{C}\n")
    params = {"protected_file": str(tmp_path / "x.csv"), "protected_column": "spare", "devices": ["x"]}
    assert named_devices(params, "protected") == ([B, C], [], [])
    assert named_devices({"protected": None}, "protected") == ([], [], [])
    assert named_devices({"protected": [A, "x"]}, "protected")[1][0].text.startswith("protected, entry 2: 'x'")


@pytest.mark.parametrize("again", [A, int(A), f" {A}"])
def test_naming_a_device_twice_may_be_all_right(again: t.Any) -> None:
    devices, problems, _notes = named_devices({"protected": [C, A, B, again]}, "protected", repeated=True)
    assert (sorted(devices), problems) == ([A, B, C], [])
    assert len(named_devices({"protected": [C, A, B, again]}, "protected")[1]) == 1
