# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads fields of answers whose spelling differs between versions and whose types differ from the documentation."""

from __future__ import annotations

import typing as t

LARGEST = 10**12
"""No count is larger than this. A larger number would break later code."""


def number(value: t.Mapping[str, t.Any], names: tuple[str, ...]) -> int | None:
    """The whole number in the first of these fields that has one, even as a string; None if no field has one."""
    for name in names:
        found: t.Any = value.get(name)
        if isinstance(found, bool):
            continue
        try:
            number_found = int(found)
            if abs(number_found) <= LARGEST:
                return number_found
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def truth(found: object) -> bool | None:
    """A truth value, even as a string. None for anything else, which must not count as false."""
    if isinstance(found, str):
        return {"true": True, "false": False}.get(found.strip().lower())
    return found if isinstance(found, bool) else None


def text(value: t.Mapping[str, t.Any], names: tuple[str, ...]) -> str:
    """The first of these fields that exists, as text."""
    for name in names:
        if value.get(name) is not None:
            return str(value[name])
    return ""
