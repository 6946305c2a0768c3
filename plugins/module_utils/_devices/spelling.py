# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.


"""A list that spells ids differently from the wanted ones says nothing about the wanted devices."""

from __future__ import annotations

import re
import typing as t

from .._errors import IncompleteList

_IMEI = 15


def require_spelling(held: t.Iterable[str], wanted: t.Iterable[str]) -> None:
    """Pass if no id of a list is a wanted id in another spelling: cut off, padded, or with marks in it.

    :raises IncompleteList: if one is. Then a comparison cannot show whether it is on the list.
    """
    odd = {_plain(device): device for device in held if not (len(device) == _IMEI and device.isdigit())}
    if not odd:
        return
    for device in wanted:
        for spelled in (device, device[: _IMEI - 1], device.lstrip("0")):
            if spelled in odd:
                raise IncompleteList(f"it names {odd[spelled]}, which seems to be {device} in another spelling")


def _plain(device: str) -> str:
    """Its digits, without leading zeros and without the fraction of a number."""
    return re.sub(r"\D", "", re.sub(r"\.0+$", "", device)).lstrip("0")
