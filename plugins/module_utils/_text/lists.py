# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Long lists and numbers of things in a sentence. Pure."""

from __future__ import annotations

import itertools
import re
import typing as t

T = t.TypeVar("T")

_SENTENCES = re.compile(r"(?<=[.!?]) ")


def first(items: t.Collection[T], most: int, between: str = ", ", tell: t.Callable[[T], str] = str) -> str:
    """The first items, and the number of the others: C(a, b and 3 more), or with C(; ), C(a; b; and 3 more)."""
    named = between.join(map(tell, itertools.islice(items, most)))
    left = len(items) - most
    return f"{named}{' ' if between == ', ' else between}and {left} more" if left > 0 else named


def few(items: t.Collection[T], most: int = 5, tell: t.Callable[[T], str] = str) -> str:
    """The first items, for a sentence that contains their number: C(a, b, ...)."""
    return ", ".join(map(tell, itertools.islice(items, most))) + (", ..." if len(items) > most else "")


def many(count: int, one: str, more: str = "") -> str:
    """A number of things: C(1 device), C(1,200 devices). Pass the plural if it does not end in s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def said_once(texts: t.Iterable[str]) -> str:
    """Texts in one line. Each sentence is said only once, because several failures may have the same cause."""
    return " ".join(dict.fromkeys(sentence for text in texts for sentence in _SENTENCES.split(text)))


def are(count: int | None) -> str:
    """The verb after a number of things: C(is) or C(are)."""
    return "is" if count == 1 else "are"
