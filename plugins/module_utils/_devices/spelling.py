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
    """Refuse if one side has a zero in place of all check digits. A single such pair may be two ids of a test fleet."""
    for zeros, others in ((held, wanted), (wanted, held)):
        if not all(device.endswith("0") for device in zeros):
            continue
        known, here = set(others), set(zeros)
        whole = (f"{device[:_UNIT]}{digit}" for device in here - known for digit in "123456789")
        found = [device for device in whole if device in known and device not in here and passes_luhn(device)]
        if len(found) > 1:
            raise IncompleteList(
                f"a zero seems to stand for the check digit of {found[0][:_UNIT]}0, which is {found[0]} elsewhere"
            )


def _is_plain(device: str) -> bool:
    return len(device) == _IMEI and device.isdigit() and device.isascii()


def _forms(device: str) -> t.Iterator[str]:
    """Its digits without leading zeros and without the fraction of a number, and those that name the device."""
    digits = re.sub(r"\D", "", re.sub(r"\.0+$", "", unicodedata.normalize("NFKC", device)))
    yield digits.lstrip("0")
    if len(digits) > _IMEI:
        yield digits[:_UNIT].lstrip("0")
