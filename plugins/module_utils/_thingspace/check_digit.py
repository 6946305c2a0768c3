# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The check digit of an IMEI and of an ICCID (ISO/IEC 7812-1). Pure."""

from __future__ import annotations


def check_digit(digits: str) -> str:
    """The digit that follows these."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        digit = int(char) * (1 if position % 2 else 2)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)
