# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Masks the many texts of a list. The texts of a page are searched together, because almost none contains a secret."""

from __future__ import annotations

import re
import typing as t

from .fault import Mask

_MOST = 50_000
"""Characters that are searched together."""

_APART = "|"
"""Separates texts. No encoding uses this character, so each text is decoded separately."""

_TIMES = re.compile(
    r"(?:(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d(?: UTC)?)?)?\|)*", re.ASCII
)


def are_times(texts: t.Collection[str]) -> bool:
    """Whether each text is empty or has the form of a time, with nothing else in it. Fast for many texts."""
    joined = _APART.join([*texts, ""])
    return joined.count(_APART) == len(texts) and _TIMES.fullmatch(joined) is not None


def changes(texts: t.Iterable[str], mask: Mask) -> dict[str, str]:
    """The texts that contain a secret, each with its replacement."""
    found: dict[str, str] = {}
    for part in _parts(text for text in dict.fromkeys(texts) if not are_times((text,))):
        joined = _APART.join(part)
        if mask(joined) != joined:
            found.update((text, shown) for text in part if (shown := mask(text)) != text)
    return found


def mask_ids(ids: list[str], mask: Mask) -> list[str]:
    """Device ids without secrets. What is not a plain number may be anything.

    All are looked at together, because there may be a million of them.
    """
    return ids if _digits("".join(ids)) else [one if _digits(one) else mask(one) for one in ids]


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _parts(texts: t.Iterable[str]) -> t.Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        if part and size + len(text) >= _MOST:
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text) + 1
    if part:
        yield part
