# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an id is, and what spreadsheets make of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.ids import clean, passes_luhn, problem, show

GOOD = "990003425730535"


@pytest.mark.parametrize(
    "cell",
    [
        GOOD,
        f"  {GOOD}\t",
        f"\u00a0{GOOD}\u00a0",
        f"\ufeff{GOOD}",
        f"\u200b{GOOD}\u200e",
        f'="{GOOD}"',
        f' ="{GOOD}" ',
        f"='{GOOD}",
        f"={GOOD}",
        f"'{GOOD}",
        f'"{GOOD}"',
        f'"\u00a0{GOOD} "',
    ],
)
def test_wrappings(cell: str) -> None:
    assert clean(cell) == GOOD
    assert problem(clean(cell)) is None


def test_leading_zeros_stay() -> None:
    assert clean('="000003425730535"') == "000003425730535"
    assert problem("000003425730535") is None


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("", "is empty, an IMEI has 15 digits"),
        ("9" * 14, "has 14 digits, an IMEI has 15 digits (a leading zero or the check digit may have been lost)"),
        ("9" * 16, "has 16 digits, an IMEI has 15 digits (this may be an IMEISV)"),
        ("9" * 18, "has 18 digits, an IMEI has 15 digits (this may be an ICCID)"),
        ("8" * 19, "has 19 digits, an IMEI has 15 digits (this may be an ICCID)"),
        ("8" * 20, "has 20 digits, an IMEI has 15 digits (this may be an ICCID)"),
        ("1", "has 1 digit, an IMEI has 15 digits"),
        ("9900034257305O5", "holds 'O', but an id has digits only"),
        ("99 000342573053", "holds ' ', but an id has digits only"),
        ("99-000342-573053-5", "holds '-', but an id has digits only"),
        ("99000342573053\0", "holds 'U+0000', but an id has digits only"),
        ("\u0669" * 15, "holds '\u0669', but an id has digits only"),
    ],
)
def test_problems(device: str, text: str) -> None:
    assert problem(device) == text


@pytest.mark.parametrize("device", ["9.9E+14", "9,9E+14", "9.90003425730535E+14", "9e14", "9.9e14", "-9.9E+14", "9E-3"])
def test_scientific_notation(device: str) -> None:
    assert str(problem(device)).startswith("is in scientific notation: a spreadsheet turned the id into a number")


@pytest.mark.parametrize("device", ["990003425730535.0", "990003425730535.", "990003425730535,00"])
def test_decimal_point(device: str) -> None:
    assert str(problem(device)).startswith("has a decimal point")


@pytest.mark.parametrize(
    ("device", "passes"),
    [
        ("490154203237518", True),
        ("356938035643809", True),
        ("490154203237517", False),
        ("990003425730535", False),
        ("000000000000000", True),
    ],
)
def test_luhn(device: str, passes: bool) -> None:
    assert passes_luhn(device) is passes


@given(st.integers(0, 10**14 - 1))
def test_exactly_one_check_digit_passes(number: int) -> None:
    assert sum(passes_luhn(f"{number:014}{last}") for last in range(10)) == 1


@given(st.from_regex(r"[0-9]{15}", fullmatch=True), st.sampled_from(['="{}"', "'{}", " {} ", '"{}"', "\u00a0{}"]))
def test_wrapped_digits_come_out_again(device: str, wrapping: str) -> None:
    assert clean(wrapping.format(device)) == device


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_has_one_printable_problem(cell: str) -> None:
    device = clean(cell)
    wrong = problem(device)
    if wrong is None:
        assert device.isascii()
        assert device.isdigit()
        assert len(device) == 15
    else:
        assert wrong.isprintable()
    assert show(device).isprintable()
    assert len(show(device)) <= 40


def test_show_is_bounded() -> None:
    assert show("x" * 40) == "x" * 40
    assert show("x" * 41) == "x" * 37 + "..."
    assert show("a\nb\x1b") == "a b\\u001b"


GROUPINGS = ["2-6-6-1", "6-2-6-1", "8-6-1", "14-1", "3-3-3-3-3", "4-4-4-3", "5-5-5"]
GROUPINGS += ["4-4-4-4-2", "4-4-4-4-3", "4-4-4-4-4", "5-5-5-3", "5-5-5-4", "5-5-5-5"]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.sampled_from([" ", "-", "\u2013"]))
def test_only_groups_in_which_ids_are_printed_are_joined(groups: list[int], mark: str) -> None:
    cell = mark.join("7" * count for count in groups)
    assert clean(cell).isdigit() is ("-".join(map(str, groups)) in GROUPINGS)


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("mark", [" ", "-", "\u2011"])
def test_printed_groups(grouping: str, mark: str) -> None:
    cell = mark.join("7" * int(count) for count in grouping.split("-"))
    assert clean(cell) == "".join(filter(str.isdigit, cell))


@pytest.mark.parametrize("cell", ["0049 228 12345678", "20261128 1234567", "49170 1234567890", "+49 170 123456789012"])
def test_other_groups_are_no_id(cell: str) -> None:
    assert "an id has digits only" in str(problem(clean(cell)))
