# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""JSON in one form, for digests and for files, in pieces: a text of a million devices would take too much memory."""

from __future__ import annotations

import hashlib
import itertools
import json
import typing as t

SLICE = 1000
"""The most entries of lists in a piece."""

# In strings, JSON has no line breaks, so that those between the members can be told from their texts.
_encode = json.JSONEncoder(check_circular=False, sort_keys=True, separators=(",\n", ":")).encode


def digest(value: t.Any) -> str:
    """SHA-256 of a value as JSON. Only the same values have the same digest: C(1), C(1.0), and C(true) differ."""
    found = hashlib.sha256()
    for piece in pieces(value):
        found.update(piece.replace("\n", "").encode())
    return found.hexdigest()


def pieces(value: t.Any) -> t.Iterator[str]:
    """A value as JSON with sorted keys and without blanks. For people, each device of a list has a line of its own."""
    if _entries(value) <= SLICE:
        yield _with_lines(_encode(value))
    elif isinstance(value, dict):
        for mark, key in zip(_marks("{"), sorted(value), strict=False):
            yield mark + _encode({key: None})[1:-5]
            yield from pieces(value[key])
        yield "}"
    else:
        flat = _is_flat(value[0])
        for mark, start in zip(_marks("["), range(0, len(value), SLICE if flat else 1), strict=False):
            yield mark
            if flat:
                yield _with_lines(_encode(value[start : start + SLICE]))[1:-1]
            else:
                yield from pieces(value[start])
        yield "]"


def _entries(value: t.Any) -> int:
    """How many entries the lists of a value have. Lists of devices are not looked into."""
    if isinstance(value, dict):
        return sum(map(_entries, value.values()))
    if isinstance(value, list) and value:
        return len(value) + (0 if _is_flat(value[0]) else sum(map(_entries, value)))
    return 0


def _is_flat(value: t.Any) -> bool:
    """Whether a value is like a device: without lists and dictionaries in it."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not any(isinstance(member, (dict, list)) for member in members)


def _marks(opening: str) -> t.Iterator[str]:
    return itertools.chain([opening], itertools.repeat(",\n"))


def _with_lines(text: str) -> str:
    """Keep the line breaks after dictionaries and lists only."""
    for old, new in (("},\n", "}\n"), ("],\n", "]\n"), (",\n", ","), ("\n", ",\n")):
        text = text.replace(old, new)
    return text
