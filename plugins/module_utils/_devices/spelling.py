# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""A list that spells ids differently from the wanted ones says nothing about the wanted devices."""

from __future__ import annotations

import re
import typing as t
import unicodedata

from .._errors import IncompleteList
from .ids import passes_luhn

_IMEI = 15
_UNIT = 14
"""The digits that name the device. The check digit follows, or in an IMEISV the version of the software."""

_SURE, _OFTEN = 2, 4
"""At least so many pairs, and at least every fourth id that nobody named."""


def require_spelling(held: t.Collection[str], wanted: t.Collection[str]) -> None:
    """Pass if no id of a list is a wanted id in another spelling.

    It may be cut off, padded, an IMEISV, or have marks in it. Or it has a zero in place of the check digit, as it is
    transmitted over the air (3GPP TS 23.003, 6.2.1).

    :raises IncompleteList: if one is. Then a comparison cannot show whether it is on the list.
    """
    _require_check_digits(held, wanted)
    odd = {form: device for device in held if not _is_plain(device) for form in _forms(device)}
    if not odd:
        return
    for device in wanted:
        for form in (device.lstrip("0"), device[:_UNIT].lstrip("0")):
            if form in odd:
                raise IncompleteList(f"it names {odd[form]}, which seems to be {device} in another spelling")


def _require_check_digits(held: t.Collection[str], wanted: t.Collection[str]) -> None:
    """Refuse if ids of one side often have a zero where ids of the other side have their check digit.

    Now and then, made-up ids look like this, in test fleets and in the examples of the documentation.
    """
    listed, named = set(held), set(wanted)
    pairs = [(device, other) for device in named - listed for other in _spelled(device) if other in listed - named]
    if len(pairs) >= _SURE and len(pairs) * _OFTEN >= len(listed - named):
        device, other = pairs[0]
        raise IncompleteList(f"it names {other}, which seems to be {device}: a zero may stand for the check digit")


def _spelled(device: str) -> t.Iterator[str]:
    """The same id with another last digit, if one of the two ends in a zero and the other one in the check digit."""
    for digit in "0123456789" if device.endswith("0") else "0":
        other = device[:_UNIT] + digit
        if other != device and passes_luhn(max(device, other)):
            yield other


def _is_plain(device: str) -> bool:
    return len(device) == _IMEI and device.isdigit() and device.isascii()


def _forms(device: str) -> t.Iterator[str]:
    """Its digits without leading zeros and without the fraction of a number, and those that name the device."""
    digits = re.sub(r"\D", "", re.sub(r"\.0+$", "", unicodedata.normalize("NFKC", device)))
    yield digits.lstrip("0")
    if len(digits) > _IMEI:
        yield digits[:_UNIT].lstrip("0")
