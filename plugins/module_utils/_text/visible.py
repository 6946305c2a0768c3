# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The only door for text that leaves: a result, a warning, a diff, and every cell of CSV, Markdown and HTML pass here.

Texts of ThingSpace's, of files and of people are kept as they came until then, so that nothing has to be remembered
about where a text comes from.
"""

from __future__ import annotations

import json
import re
import typing as t
import unicodedata

BLOCK = "\n\t"
"""What may stay in a text of several lines."""

_SPACES = "\t\n\r\v\f\x85\u2028\u2029"
_HIDDEN = re.compile(r"\\[ubfr]|\x7f")


def visible(text: str, keep: str = "") -> str:
    """A text in which nothing is hidden and that plays no tricks on a terminal.

    Control characters (C0, C1, DEL), what turns the direction of writing, characters without width and halves of
    characters are spelled out as in JSON; breaks of a line become blanks.

    :param keep: breaks that stay, see C(BLOCK).
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep or unicodedata.category(char) == "Zs" else _spelled(char)
        for char in text
    )


def visible_all(value: t.Any) -> t.Any:
    """A result in which every text is as C(visible) makes it; the same one if it is already, as nearly always."""
    if not _HIDDEN.search(json.dumps(value, default=str, skipkeys=True)):
        return value
    return _walked(value)


def _spelled(char: str) -> str:
    if char in _SPACES:
        return " "
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _walked(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return visible(value, BLOCK)
    if isinstance(value, t.Mapping):
        return {_walked(key): _walked(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walked(one) for one in value]
    return value
