# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that spells a wanted id in its own way is refused: exact would take the license away and assign it again."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.thingspace.licensing.plugins.module_utils._devices.ids import passes_luhn
from ansible_collections.thingspace.licensing.plugins.module_utils._devices.spelling import require_spelling
from ansible_collections.thingspace.licensing.plugins.module_utils._errors import IncompleteList

WANTED = ("350000000000007", "003500000000076", "990003425730535")
SPELLED: dict[str, t.Callable[[str], str]] = {
    "IMEISV": lambda device: device[:14] + "01",
    "a digit too many": lambda device: device + "0",
    "check digit and software version": lambda device: device + "01",
    "without check digit": lambda device: device[:14],
    "without leading zeros": lambda device: device.lstrip("0") + ".0",
    "a leading zero too many": lambda device: "0" + device,
    "hyphens": lambda device: f"{device[:6]}-{device[6:]}",
    "a float": lambda device: f"{device}.0",
    "an apostrophe": lambda device: "'" + device,
    "wide digits": lambda device: "".join(chr(0xFF10 + int(digit)) for digit in device),
    "a label": lambda device: f"imei:{device}",
}


@pytest.mark.parametrize("how", SPELLED)
@pytest.mark.parametrize("device", WANTED)
def test_another_spelling_is_found(how: str, device: str) -> None:
    odd = SPELLED[how](device)
    others = ["350000000000999", "99000342573088801"]
    with pytest.raises(IncompleteList) as caught:
        require_spelling([*others, odd], WANTED, losing=False)
    assert odd in str(caught.value)
    assert device in str(caught.value)
    require_spelling([*others, odd], [other for other in WANTED if other != device], losing=True)
    require_spelling([*others, device], WANTED, losing=True)


WHOLE = [
    "350000000000014",
    "350000000000022",
    "350000000000048",
    "350000000000055",
    "350000000000063",
    "350000000000071",
    "350000000000089",
    "350000000000097",
    "350000000000105",
    "350000000000113",
]
ZERO = [f"{device[:14]}0" for device in WHOLE]


@pytest.mark.parametrize("count", [3, 5, 9, 10])
@pytest.mark.parametrize("zero_is", ["held", "wanted"])
def test_zeros_in_place_of_check_digits_are_found(zero_is: str, count: int) -> None:
    """As they are transmitted over the air, be it those of all devices or of some."""
    assert all(map(passes_luhn, WHOLE))
    mixed = [*ZERO[:count], *WHOLE[count:]]
    with pytest.raises(IncompleteList) as caught:
        require_spelling(*((mixed, WHOLE) if zero_is == "held" else (WHOLE, mixed)), losing=False)
    assert any(one in str(caught.value) for one in WHOLE)
    assert any(one in str(caught.value) for one in ZERO)


@pytest.mark.parametrize("wrong", ["0", "1", "5"])
@pytest.mark.parametrize("wrong_is", ["held", "wanted"])
@pytest.mark.parametrize("unit", [0, 9])
def test_a_single_wrong_check_digit_is_found_before_it_costs_a_license(wrong: str, wrong_is: str, unit: int) -> None:
    """No two devices differ in it alone."""
    right = WHOLE[unit]
    other = right[:14] + wrong
    assert other not in WHOLE
    odd = [*WHOLE[:unit], other, *WHOLE[unit + 1 :]]
    many = [f"35{number:013}" for number in range(10**12, 10**12 + 5000, 10)]
    held, wanted = (odd, WHOLE) if wrong_is == "held" else (WHOLE, odd)
    require_spelling([*held, *many], wanted, losing=False)
    with pytest.raises(IncompleteList) as caught:
        require_spelling([*held, *many], wanted, losing=True)
    assert right in str(caught.value)
    assert other in str(caught.value)


def test_ids_that_only_look_alike_are_left_alone() -> None:
    """Test fleets have such ids, and so do examples of the documentation."""
    consecutive = [f"{350000000000000 + number}" for number in range(400)]
    for held, wanted in itertools.product((consecutive[:200], consecutive[::3], consecutive[:1], []), repeat=2):
        require_spelling(held, wanted, losing=True)
    require_spelling(WHOLE, WHOLE, losing=True)
    require_spelling([*ZERO, *WHOLE], WHOLE, losing=True)
    require_spelling(ZERO, [*ZERO, *WHOLE], losing=True)
    neighbors = ["350000000000011", "350000000000012"]
    assert not any(map(passes_luhn, neighbors))
    require_spelling(neighbors[:1], neighbors[1:], losing=True)
