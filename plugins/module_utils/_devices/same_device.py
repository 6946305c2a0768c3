# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds ids that differ as texts but seem to mean one device: with and without the check digit or leading zeros.

An ICCID is written with 19 or 20 digits, and ThingSpace accepts both. In doubt, two ids count as one device.
"""

from __future__ import annotations

import typing as t

from .._thingspace.check_digit import check_digit
from .._thingspace.id_kinds import IMEI_UNIT, LENGTHS
from .ids import passes_luhn
from .made_up import are_made_up
from .spelling import with_another_check_digit

_SHORTEST, _LONGEST, _text = LENGTHS["iccid"]
_IMEI = LENGTHS["imei"][1]


def other_ids(kind: str, device: str) -> list[str]:
    """The other ids that name the same device for certain.

    An ICCID is written with and without its check digit (ITU-T E.118), and may have zeros in front. An IMEI has its
    check digit, or a zero instead, as it is transmitted over the air (3GPP TS 23.003, 6.2.1). Only ids with the right
    check digit count: it is wrong in most of those that somebody made up.
    """
    if kind != "iccid":
        return [*with_another_check_digit(device)]
    plain = device.lstrip("0")
    forms = [plain, plain + check_digit(plain)] + ([plain[:-1]] if passes_luhn(plain) else [])
    lengths = range(_SHORTEST, _LONGEST + 1)
    found = {form.zfill(length) for form in forms for length in lengths if len(form) <= length}
    return sorted(found - {device})


class Spellings:
    """Finds ids among others of the same kind.

    :param devices: the others.
    :param beside: further ids that are known, which may show that somebody made them up.
    """

    def __init__(self, devices: t.Iterable[str], beside: t.Iterable[str] = ()) -> None:
        self._beside = frozenset(beside)
        self._plain = {device.lstrip("0"): device for device in devices}
        self._short = {plain[:-1]: device for plain, device in self._plain.items()}

    def other(self, device: str) -> str:
        """Another spelling of this device's id among the others; empty if there is none."""
        plain = device.lstrip("0")
        found = [self._plain.get(plain), self._plain.get(plain[:-1]), self._short.get(plain)]
        if len(device) == _IMEI:
            found += self._with_another_check_digit(device)
        return next((one for one in found if one and one != device), "")

    def _with_another_check_digit(self, device: str) -> list[str]:
        """Other IMEIs of the same device. Where one is, all with the same digits are looked up."""
        found = [one for one in with_another_check_digit(device) if self._has(one)]
        if not found:
            return []
        unit = device[:IMEI_UNIT]
        siblings = {one for one in (unit + digit for digit in "0123456789") if self._has(one) or one in self._beside}
        return [] if are_made_up({device, *siblings}) else found

    def _has(self, device: str) -> bool:
        return self._plain.get(device.lstrip("0")) == device
