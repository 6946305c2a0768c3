# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Characters that ThingSpace refuses in any field of a request.

Source: Synchronous Error Messages, C(INPUT_INVALID.Request.InvalidCharacter).
"""

from __future__ import annotations

from .._errors import Problem

FORBIDDEN = "'<\\"


def character_problems(option: str, value: str) -> list[Problem]:
    """The problems with the characters of an option. Never quotes the value, because it may be a secret."""
    if not any(char in FORBIDDEN for char in value):
        return []
    return [Problem(f"'{option}' holds an apostrophe, a '<' or a backslash, which ThingSpace refuses in every field.")]
