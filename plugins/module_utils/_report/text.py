# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Texts and timestamps from other sources, as a report shows them."""

from __future__ import annotations

import datetime
import functools
import typing as t

from .._text import visible as text_visible
from .._text.timestamps import parse_time

MAX_TEXT = 500


def visible(value: t.Any) -> str:
    """A text of limited length in which nothing is hidden. Characters that do not print, or that change the direction
    of writing, are shown as escapes.
    """
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable() and len(text) <= MAX_TEXT:
        return text
    words = " ".join(text.split())
    shown = text_visible.visible(words[: MAX_TEXT + 1])
    return shown if len(words) <= MAX_TEXT else shown[: MAX_TEXT - 3] + "..."


@functools.lru_cache(maxsize=1 << 16)
def utc(text: str) -> str:
    """A timestamp as C(2026-01-31T12:00:00Z); empty if the text is none."""
    time = parse_time(text)
    return time.isoformat()[:19] + "Z" if time else ""


def day_of(timestamp: str) -> datetime.date:
    """The day of a timestamp from C(utc)."""
    return datetime.date.fromisoformat(timestamp[:10])
