# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The C(diff) of modules: devices that gain or lose something, or changes in the order of a list."""

from __future__ import annotations

import typing as t

from .visible import visible

DIFF_LINES = 500
CONTEXT = 3


def text_diff(title: str, before: str, after: str) -> dict[str, str]:
    """Two texts under one title."""
    return {"before_header": title, "after_header": title, "before": before, "after": after}


def device_diff(what: str, of: int, before: t.Sequence[str], after: t.Sequence[str]) -> dict[str, str]:
    """The licensed devices before and after: only those that change. C(what) is the account and the kind of license."""
    title = f"{what} licenses, {len(before) + len(after)} of {of} devices change"
    return text_diff(title, _lines(before), _lines(after))


def order_diff(
    title: str, before: t.Sequence[str], after: t.Sequence[str], moved: t.AbstractSet[str]
) -> dict[str, str]:
    """A list before and after, in its order. Only changes and a few lines around them are shown.

    :param moved: devices on both lists that change their place.
    """
    changed = moved | (set(before) ^ set(after))
    near = _neighbors(before, changed) | _neighbors(after, changed)
    if not near and before != after:
        near = {*before, *after}
    return text_diff(title, _lines(_abridged(before, near)), _lines(_abridged(after, near)))


def _neighbors(devices: t.Sequence[str], changed: t.AbstractSet[str]) -> set[str]:
    """The changed devices of a list, and those around them."""
    near: set[str] = set()
    for place, device in enumerate(devices):
        if device in changed:
            near.update(devices[max(0, place - CONTEXT) : place + CONTEXT + 1])
    return near


def _abridged(devices: t.Sequence[str], near: t.AbstractSet[str]) -> list[str]:
    """The near devices of a list, with counts of the devices left out between them."""
    lines: list[str] = []
    left_out = 0
    for device in devices:
        if device not in near:
            left_out += 1
            continue
        if left_out:
            lines.append(f"... {left_out} more")
            left_out = 0
        lines.append(device)
    return [*lines, f"... {left_out} more"] if left_out and lines else lines


def _lines(devices: t.Sequence[str]) -> str:
    shown = "".join(visible(device) + "\n" for device in devices[:DIFF_LINES])
    return shown + (f"... and {len(devices) - DIFF_LINES} more\n" if len(devices) > DIFF_LINES else "")
