# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""A list that spells ids differently from the wanted ones says nothing about the wanted devices."""

from __future__ import annotations

import collections
import itertools
import re
import typing as t
import unicodedata

from .._errors import IncompleteList
from .._thingspace.id_kinds import IMEI_UNIT, LENGTHS
from .ids import passes_luhn

_IMEI = LENGTHS["imei"][1]

_SURE, _OFTEN = 2, 4
"""At least so many pairs, and at least every fourth id that nobody named."""


def require_spelling(held: t.Collection[str], wanted: t.Collection[str], *, losing: bool) -> None:
    """Pass if no id of a list is a wanted id in another spelling.

    It may be cut off, padded, an IMEISV, or have marks in it. Or it has a zero in place of the check digit, as it is
    transmitted over the air (3GPP TS 23.003, 6.2.1).

    :param losing: whether devices lose their license, or are said to hold none, because of this list. Then a single
        device with another check digit is enough.
    :raises IncompleteList: if one is. Then a comparison cannot show whether it is on the list.
    """
    listed, named = set(held), set(wanted)
    lacking = named - listed
    if lacking:
        _require_check_digits(listed - named, lacking)
    if lacking and losing:
        _require_one_unit(listed, named)
    odd = {form: device for device in held if not _is_plain(device) for form in _forms(device)}
    if not odd:
        return
    for device in wanted:
        for form in (device.lstrip("0"), device[:IMEI_UNIT].lstrip("0")):
            if form in odd:
                raise IncompleteList(f"it names {odd[form]}, which seems to be {device} in another spelling")


def _require_check_digits(unnamed: t.AbstractSet[str], lacking: t.AbstractSet[str]) -> None:
    """Refuse if ids of one side often have a zero where ids of the other side have their check digit.

    Now and then, made-up ids look like this, in test fleets and in the examples of the documentation.
    """
    pairs = [(device, other) for device in lacking for other in with_another_check_digit(device) if other in unnamed]
    if len(pairs) >= _SURE and len(pairs) * _OFTEN >= len(unnamed):
        device, other = pairs[0]
        raise IncompleteList(f"it names {other}, which seems to be {device}: a zero may stand for the check digit")


def _require_one_unit(listed: t.AbstractSet[str], named: t.AbstractSet[str]) -> None:
    """Refuse if the list lacks a wanted device and names one that nobody wants, and only the check digits differ.

    No two devices share the digits before it. Made-up ids do. Those of a test fleet mostly
    follow each other, so that more than two share them; or neither of two ends in the check digit.
    """
    lacking = {device[:IMEI_UNIT]: device for device in named - listed if _is_plain(device)}
    pairs = {
        other[:IMEI_UNIT]: (lacking[other[:IMEI_UNIT]], other)
        for other in listed - named
        if other[:IMEI_UNIT] in lacking
        and _is_plain(other)
        and passes_luhn(other) != passes_luhn(lacking[other[:IMEI_UNIT]])
    }
    if not pairs:
        return
    units = (device[:IMEI_UNIT] for device in itertools.chain(listed, named - listed))
    count = collections.Counter(unit for unit in units if unit in pairs)
    for unit, (device, other) in pairs.items():
        if count[unit] == 2:
            raise IncompleteList(
                f"it names {other} and not {device}, but two devices never differ in the last digit only. Your list "
                "may be wrong, too"
            )


def with_another_check_digit(device: str) -> t.Iterator[str]:
    """The same id with another last digit, if one of the two ends in a zero and the other one in the check digit."""
    for digit in "0123456789" if device.endswith("0") else "0":
        other = device[:IMEI_UNIT] + digit
        if other != device and passes_luhn(max(device, other)):
            yield other


def _is_plain(device: str) -> bool:
    return len(device) == _IMEI and device.isdigit() and device.isascii()


def _forms(device: str) -> t.Iterator[str]:
    """Its digits without leading zeros and without the fraction of a number, and those that name the device."""
    digits = re.sub(r"\D", "", re.sub(r"\.0+$", "", unicodedata.normalize("NFKC", device)))
    yield digits.lstrip("0")
    if len(digits) > _IMEI:
        yield digits[:IMEI_UNIT].lstrip("0")
