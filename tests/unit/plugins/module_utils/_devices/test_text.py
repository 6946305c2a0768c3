# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts as people paste them into a form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.wanted import wanted_devices
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import Problem
from ansible_collections.thingspace.licensing.tests.support.fakes import imei, imeis

A, B, C = imeis(3)


def pasted(text: str, column: str | None = None) -> tuple[list[str], list[Problem]]:
    """The ids of a text, and the problems."""
    wanted, problems = wanted_devices({"devices_text": text, "devices_column": column})
    return wanted.devices, problems


def told(text: str, column: str | None = None) -> list[str]:
    """The problems of a text that is refused."""
    return [problem.text for problem in pasted(text, column)[1]]


@pytest.mark.parametrize(
    "text",
    [
        f"{A},{B},{C}",
        f"{A}, {B}, {C},",
        f"{A};{B};{C}\n",
        f"{A}\t{B}\t{C}",
        f"{A} | {B} | {C}",
        f"\n\n  {A} {B}\u00a0{C}  \n\n",
        f'"{A}","{B}",\'{C}',
        f'="{A}";="{B}";="{C}"',
        f"{A}\n{B}\n{C}",
        f"{A}\r\n\r\n{B}\r\n{C}\r\n",
        f"{A}\r{B}\r{C}",
        f"{A},\n{B},\n{C}",
        f'"{A}"\n\'{B}\n="{C}"\n',
        f"{A} {B}\n{C}\n",
        f"imei\n{A}\n{B}\n{C}\n",
        f"\ufeffIMEI;Site\n{A};Bonn\n{B};Kiel\n{C};\n",
        f'\ufeff"Device ID","Site"\n"{A}","Bonn, Rhein"\n"{B}",x\n{C},\n',
        f"site\timei\nx\t{A}\ny\t{B}\nz\t{C}",
        f"{A}\n{B}, {C}\n",
        f"{A}\n{B};{C}\n",
        f"{A}\n{B}\t{C}",
        f"imei\n{A},{B}\n{C}\n",
        f"{A} {B},\n\n{C}\n",
    ],
)
def test_separators_headers_and_habits_of_spreadsheets(text: str) -> None:
    assert pasted(text) == ([A, B, C], [])


@pytest.mark.parametrize("text", ["", "  \n ", " , ;\n,"])
def test_a_text_without_an_id_names_no_device(text: str) -> None:
    wanted, problems = wanted_devices({"devices_text": text})
    assert (wanted.devices, problems) == ([], [])
    assert wanted.warnings == ["No device is named; there is nothing to do."]


def test_every_bad_line_is_told_with_its_number() -> None:
    text = f"imei,site\n{A},x\n\n99000,y\n9.9E+14,z\n{{{{ 7*7 }}}},z\n{A},again\n"
    problems = told(text)
    assert [problem.split(":")[0] for problem in problems] == [f"devices_text, line {n}" for n in (4, 5, 6, 7)]
    assert "has 5 digits" in problems[0]
    assert "scientific notation" in problems[1]
    assert "holds '{'" in problems[2]
    assert problems[3] == f"devices_text, line 7: {A} is named twice, first at devices_text, line 2."


def test_in_one_line_the_place_is_told() -> None:
    problems = told(f"{A}, x, {B}, {A}")
    assert problems[0].startswith("devices_text, entry 2: 'x' holds 'x'")
    assert problems[1] == f"devices_text, entry 4: {A} is named twice, first at devices_text, entry 1."


def test_ids_that_are_broken_by_blanks_are_told() -> None:
    assert "devices_text, line 2: '99000' has 5 digits" in told(f"{A}\n99000 000000001\n")[0]


@pytest.mark.parametrize("other", ["Bonn", "99000", "9.9E+14"])
def test_a_line_of_several_ids_among_other_things_is_refused(other: str) -> None:
    text = f"{A}\n{B}, {C}\n{other}\n"
    assert pasted(text)[0] == []
    assert "devices_text" in told(text)[0]
    assert "line 2, column 2" in told(text)[0]


def test_the_columns_of_a_header_are_no_list() -> None:
    assert "not clear which" in told(f"imei,imei2\n{A},{B}\n{C},\n")[0]


def test_a_column_makes_a_file_of_a_single_line() -> None:
    assert pasted(f"{B},{A}", "2") == ([A], [])
    assert pasted(f"old,new\n{B},{A}\n", "new") == ([A], [])
    assert "there is no column 'imei'. Found: old, new" in told(f"old,new\n{B},{A}\n", "imei")[0]


def test_what_may_be_a_list_or_a_table_is_not_guessed() -> None:
    problem = told(f"{A},{B}\n{C},{imei(9)}\n")[0]
    assert "not clear which of the 2 columns" in problem
    assert "all ids in one line" in problem


@pytest.mark.parametrize("text", [f'"{A}\n{B}\n{C}\n', f"\0{A}\n{B}\n"])
def test_what_is_no_list_is_told_as_a_text(text: str) -> None:
    wanted, problems = wanted_devices({"devices_text": text})
    assert wanted.devices == []
    assert problems[0].code == "invalid_devices"
    assert problems[0].text.startswith("The text in 'devices_text' cannot be used: ")


def test_a_column_needs_something_to_be_a_column_of() -> None:
    problems = wanted_devices({"devices": [A], "devices_column": "imei"})[1]
    assert [problem.text for problem in problems] == [
        "'devices_column' needs 'devices_file' or 'devices_text', whose column it names."
    ]


@given(st.text(alphabet="0123456789 ,;|\t\r\n\"'=\ufeff\0iI{%é", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever comes out as an id is one that stands in the text."""
    devices, problems = pasted(text)
    assert all(device in text for device in devices)
    assert all(len(device) == 15 and device.isdigit() for device in devices) or problems


@given(
    st.lists(st.integers(0, 10**6).map(imei), unique=True, min_size=1), st.sampled_from([",", ";", " ", "\n", "\r\n"])
)
def test_any_list_with_any_separator(devices: list[str], separator: str) -> None:
    assert pasted(separator.join(devices)) == (devices, [])
