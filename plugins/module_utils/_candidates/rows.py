# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What happened to each device of the removal candidate list: predicted by check mode, or read back afterward."""

from __future__ import annotations

import typing as t

from .._plan.outcomes import Outcome, Row
from .plan import CandidatesPlan, Wish

LISTED = "already on the list"
NOT_LISTED = "not on the list"
RESTORED = "restored: an interrupted run had lost it"
GONE = "ThingSpace took it off the list when it lost its FOTA license"
LOST = "lost: it should stay on the list"
IGNORED = "ThingSpace took the request, but reading back does not show the change"


def rows_after(
    wish: Wish, plan: CandidatesPlan, now: t.Sequence[str], failure: str = "", amiss: Outcome = "failed"
) -> list[Row]:
    """The rows that the list after the run proves.

    :param failure: why some devices are not as wanted; without it, ThingSpace accepted everything.
    :param amiss: the outcome of devices that are not as wanted.
    """
    there = set(now)

    def result(device: str, listed: bool, outcome: Outcome, reason: str) -> Row:
        if (device in there) == listed:
            return Row(device, outcome, reason)
        return Row(device, amiss, failure or IGNORED)

    found: dict[str, Row] = {}
    for device in plan.add:
        found[device] = result(device, True, "added", RESTORED if device in plan.restored else "")
    for device, why in plan.remove.items():
        found[device] = result(device, False, "removed", why)
    found.update((row.device_id, row) for row in _lost(wish, plan, there, failure, amiss))
    if not failure:
        found.update(_moved(plan, now))
    return _in_order(wish, plan, found)


def _lost(wish: Wish, plan: CandidatesPlan, there: t.Container[str], failure: str, amiss: Outcome) -> t.Iterator[Row]:
    """The devices that should stay on the list, and are not there any more."""
    wanted, named = {*plan.target}, {*wish.devices}
    for device in dict.fromkeys(plan.live):
        if device in wanted and device not in there:
            if failure and not plan.appends:
                # A rewrite that broke off may have taken any device off the list.
                yield Row(device, "removed", f"{LOST}. {failure}")
            elif device in named:
                yield Row(device, amiss, failure or IGNORED)


def not_sent(wish: Wish, plan: CandidatesPlan, why: str, unlicensed: t.Sequence[str] = ()) -> list[Row]:
    """The rows of a plan if nothing was sent or everything was restored.

    :param unlicensed: the devices that are the reason.
    """
    found: dict[str, Row] = {}
    for devices, what in ((plan.add, "added"), (plan.remove, "removed"), (plan.move, "moved")):
        found.update({device: Row(device, "skipped", f"{why}; it would be {what}") for device in devices})
    found.update({device: Row(device, "skipped", "not sent: it holds no license") for device in unlicensed})
    return _in_order(wish, plan, found)


def in_doubt(wish: Wish, plan: CandidatesPlan, why: str) -> list[Row]:
    """The rows when the list could not be read after writing."""
    touched = dict.fromkeys((*plan.add, *plan.remove, *plan.move))
    if not plan.appends:
        touched |= dict.fromkeys(plan.live)
    return _in_order(wish, plan, {device: Row(device, "unknown", why) for device in touched})


def _moved(plan: CandidatesPlan, now: t.Sequence[str]) -> t.Iterator[tuple[str, Row]]:
    for device, ahead in zip(now, ("", *now), strict=False):
        if device in plan.move:
            yield device, Row(device, "unchanged", moved_behind(ahead))


def moved_behind(ahead: str) -> str:
    """The text in the row of a device that changed its place. An empty C(ahead) means that it is the first."""
    return f"moved: now behind {ahead}" if ahead else "moved: now the first"


def _in_order(wish: Wish, plan: CandidatesPlan, found: dict[str, Row]) -> list[Row]:
    """The named devices in their order, then the others that the plan touches, then those that were gone before."""
    named = set(wish.devices)
    same = NOT_LISTED if wish.state == "absent" else LISTED
    rows = [found.get(device) or Row(device, "unchanged", same) for device in wish.devices]
    rows += [row for device, row in found.items() if device not in named]
    return rows + [Row(device, "removed", GONE) for device in plan.gone]
