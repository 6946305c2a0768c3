# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Quantities in options: a number (20), or a percentage (5%)."""

from __future__ import annotations

import math
import re
import typing as t

Quantity: t.TypeAlias = "int | float"
"""A number is an integer, and a percentage is a float from 0 to 1."""

_ROUNDING = 1e-9
"""Corrects 7 % of 100, which would be 7.000000000000001."""


def read_quantity(text: object) -> Quantity | None:
    """The quantity in a text, or None if it is invalid."""
    match = re.fullmatch(r"\s*(\d+)(?:(?:\.(\d+))?\s*(%))?\s*", str(text))
    if not match:
        return None
    number = str(text).strip()
    if not match.group(3):
        return int(number)
    share = float(number.rstrip("% ")) / 100
    return share if share <= 1 else None


def at_most(quantity: Quantity, whole: int) -> int:
    """An upper limit as a number of the whole. A percentage is rounded down."""
    return int(quantity * whole + _ROUNDING) if isinstance(quantity, float) else quantity


def at_least(quantity: Quantity, whole: int) -> int:
    """A minimum as a number of the whole. A percentage is rounded up."""
    return math.ceil(quantity * whole - _ROUNDING) if isinstance(quantity, float) else quantity
