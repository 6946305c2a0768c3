# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The C(diff) of modules that move licences between devices."""

from __future__ import annotations

import typing as t

DIFF_LINES = 500
CONTEXT = 3


def device_diff(title: str, before: t.Sequence[str], after: t.Sequence[str]) -> dict[str, str]:
    """Licensed devices before and after, of those that change."""
    return {"before_header": title, "after_header": title, "before": _lines(before), "after": _lines(after)}


def _lines(devices: t.Sequence[str]) -> str:
    shown = "".join(device + "\n" for device in devices[:DIFF_LINES])
    return shown + (f"... and {len(devices) - DIFF_LINES} more\n" if len(devices) > DIFF_LINES else "")


def order_diff(title: str, before: t.Sequence[str], after: t.Sequence[str]) -> dict[str, str]:
    """A list before and after, in its order; what is equal at its beginning and end is left out but for a few lines."""
    shorter = min(len(before), len(after))
    head = next((place for place in range(shorter) if before[place] != after[place]), shorter)
    tail = next((place for place in range(shorter - head) if before[-1 - place] != after[-1 - place]), shorter - head)
    start, end = max(0, head - CONTEXT), max(0, tail - CONTEXT)
    above = f"... {start} more above\n" if start else ""
    below = f"... {end} more below\n" if end else ""
    shown = [above + _lines(devices[start : len(devices) - end]) + below for devices in (before, after)]
    return {"before_header": title, "after_header": title, "before": shown[0], "after": shown[1]}
