# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Where a list can be cut into pieces that are read side by side.

A cursor is documented as "only devices with IMEIs larger than this", and any IMEI of the account is a valid one. So the
ids that are expected on a list are places where it can be cut. Each piece ends where the next one begins.
"""

from __future__ import annotations

import bisect
import typing as t

from .page import Fetch, Page

PAGES = 8
"""A piece has at least this many pages, because each further piece may cost one page more than a chain."""


class Cuts(t.NamedTuple):
    """How a list may be cut.

    :param expected: ids that are probably on the list, in any order.
    :param at_once: how many pages may be read at a time.
    :param fetch: reads the page after such an id, which the list can do without; None to read it like any other.
    :param overlapping: whether a piece must have the device with which the next one begins. A list that a count proves
        can do without.
    """

    expected: t.Collection[str] = ()
    at_once: int = 1
    fetch: Fetch | None = None
    overlapping: bool = False


UNCUT = Cuts()


def starts_of(first: Page, cuts: Cuts) -> list[str]:
    """The cursors at which the rest of a list can be read side by side; empty if it is to be read as a chain.

    The pieces have whole pages if the account holds exactly the expected devices.
    """
    ids = [device for device, _time in first.devices]
    if not first.more or first.assigned is None or not ids or first.cursor != ids[-1] or not ascending(ids):
        return []
    left, size = first.assigned - len(ids), len(ids)
    pages = -(-left // size)
    pieces = min(cuts.at_once, pages // PAGES)
    if pieces < 2:
        return []
    expected = sorted({device for device in cuts.expected if len(device) == len(ids[-1])})
    beyond = expected[bisect.bisect_right(expected, ids[-1]) :]
    devices = -(-pages // pieces) * size - cuts.overlapping
    places = [round(devices * piece * len(beyond) / left) - 1 for piece in range(1, pieces)]
    cursors = dict.fromkeys([ids[-1], *(beyond[place] for place in places if 0 <= place < len(beyond))])
    return list(cursors) if len(cursors) > 1 else []


def unsplit(what: str, why: str) -> str:
    """What to tell of a list that could not be read in pieces."""
    return f"The {what} were read page by page, because reading in pieces failed: {why}."


def ascending(ids: list[str]) -> bool:
    """Whether each id is larger than the one before."""
    return len(ids[0]) == len(ids[-1]) and ids == sorted(ids) and len(set(ids)) == len(ids)
