# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Makes all output text visible: results, warnings, diffs, and every cell of CSV, Markdown, and HTML.

Until then, texts from ThingSpace, from files, and from people are kept unchanged, so the code need not track where a
text comes from.
"""

from __future__ import annotations

import json
import re
import typing as t
import unicodedata

BLOCK = "\n\t"
"""Characters that may stay in a text of several lines."""

_SPACES = "\t\n\r\v\f\x85\u2028\u2029"
_HIDDEN = re.compile(r"\\[ubfr]|\x7f")


def visible(text: str, keep: str = "") -> str:
    """A text without hidden characters or terminal control sequences.

    Control characters (C0, C1, DEL), marks of text direction, characters without width, and surrogates are spelled out
    as in JSON. Line breaks become spaces.

    :param keep: line breaks that stay; see C(BLOCK).
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep or unicodedata.category(char) == "Zs" else _spelled(char)
        for char in text
    )


def visible_all(value: t.Any) -> t.Any:
    """A result in which every text is visible; usually the same object, because nothing needs to change."""
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
