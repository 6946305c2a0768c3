# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How the removal candidate list is restored without losing what others have changed since the run. Pure."""

from __future__ import annotations

import hashlib
import typing as t

from .._candidates.rows import moved_behind
from .._devices.ids import show
from .._fleet.record import RunAccount, RunPart
from .._text.lists import few
from .._thingspace.api_versions import CANDIDATES_VERSION
from .changes import CANDIDATES, Left, UndoPart, changes_of, limits_of, parts_of
from .history import Later

CANDIDATES_LIST = "undo-candidates"


def candidates_part(account: RunAccount, devices: list[str], target: str) -> UndoPart:
    """The part that restores the list.

    :param target: digest of the restored list, for C(digest_in_order).
    """
    version = next((part.api_version for part in parts_of(account, CANDIDATES) if part.api_version), CANDIDATES_VERSION)
    limits = limits_of(account, CANDIDATES)
    return UndoPart("removal_candidates", "exact", "", CANDIDATES_LIST, devices, limits, version, target=target)


def digest_in_order(devices: t.Iterable[str]) -> str:
    """The fingerprint of a list in which the order matters."""
    return hashlib.sha256("\n".join(devices).encode()).hexdigest()


class Restoration(t.NamedTuple):
    """What to do about the list.

    :param devices: the wanted list; None if it is left alone.
    """

    devices: list[str] | None
    left: list[Left]


def returning(parts: t.Sequence[RunPart]) -> list[str]:
    """The devices that return to the list when it is restored, in their order."""
    gone = {change.device_id for change in changes_of(parts).values() if change.done == "removed"}
    return [device for device in _before(parts) or () if device in gone]


def restore(
    account: str,
    parts: t.Sequence[RunPart],
    live: t.Sequence[str],
    unlicensed: t.Container[str],
    later: Later,
    losing: t.Container[str] = (),
) -> Restoration:
    """Compare what the run left with the current list.

    The order of the list matters, so nothing is merged: a list that someone else has changed since is left alone, even
    if it looks as the run left it.

    :param live: the list as ThingSpace has it.
    :param unlicensed: devices that cannot be put back on it because they hold no license.
    :param losing: devices that lose their license in the undo. ThingSpace may take them off the list by itself.
    """
    changes = changes_of(parts)
    before = _before(parts)

    def leave(code: str, reason: str) -> Restoration:
        return Restoration(None, [CANDIDATES.left(change, code, reason) for change in changes.values()])

    if before is None:
        return leave("no_list", "the run did not know the list before it")
    there = list(dict.fromkeys(live))
    lacking = [device for device in before if device not in set(there) and device in unlicensed]
    target = [device for device in before if device not in set(lacking)]
    if target != there:
        if runs := later.took_over(account, CANDIDATES, changes):
            return leave("list_changed", f"later runs changed the same devices on the list ({', '.join(runs)})")
        # An undo that did a part is ended by the next one.
        last = later.last_undo(account, CANDIDATES) or parts
        runs = later.runs(account, CANDIDATES)
        if why := _differs(last, there, losing, alone=not runs):
            by = f" by later runs ({', '.join(runs)})" if runs else ""
            return leave("list_changed", f"the list was changed since{by}: {why}")
    # A device that is missing on the list stays missing, whatever the run did to it.
    reason = "it holds no license, so it cannot be restored on the list"
    return Restoration(
        target, [CANDIDATES.left(changes[one], "not_licensed", reason) for one in lacking if one in changes]
    )


def _before(parts: t.Sequence[RunPart]) -> list[str] | None:
    before = parts[0].before if parts else None
    return None if before is None else list(dict.fromkeys(before))


def _differs(parts: t.Sequence[RunPart], there: list[str], losing: t.Container[str], *, alone: bool) -> str:
    """How the list differs from what a run left; empty if it does not.

    :param alone: whether no later run changed it. One that did knew the list that a broken rewrite left.
    """
    before = _before(parts) or []
    changes = changes_of(parts).values()
    after = parts[-1].after
    broken = alone and any(part.failure is not None and part.failure.code == "list_not_restored" for part in parts)
    gone = {change.device_id for change in changes if change.done == "removed"}
    new = {change.device_id for change in changes if change.done == "added"}
    expected = set(after) if after is not None else (set(before) - gone) | new
    found = set(there)
    # What the run put on the list is wanted off it.
    taken = {device for device in new - found if device in losing}
    expected -= taken
    if broken:
        # Where a rewrite broke off, nobody knows what became of these.
        unsure = {change.device_id for change in changes if not change.certain}
        expected, found = expected - unsure, found - unsure
    parts_ = [
        f"{len(devices)} {what} ({few(devices, 3, show)})"
        for devices, what in ((sorted(found - expected), "more"), (sorted(expected - found), "fewer"))
        if devices
    ]
    if parts_:
        return "it has " + " and ".join(parts_)
    if broken:
        # It left some order between the former and the new one.
        return ""
    if after is not None:
        left = [device for device in dict.fromkeys(after) if device not in taken]
        return "" if left == there else "its order is another one"
    moved = {change.device_id for change in changes if change.done == "moved"}
    reasons = {row["device_id"]: row["reason"] for part in parts for row in part.devices if row["device_id"] in moved}
    if not all(reasons.values()):
        return "the run moved devices, and its record does not have the order that it left"
    ahead = dict(zip(there, ["", *there], strict=False))
    # Nothing shows the place of a device that was behind one of those.
    lost = {moved_behind(device) for device in taken}
    behind = all(reason in lost or moved_behind(ahead[device]) == reason for device, reason in reasons.items())
    stayed = [device for device in before if device in found and device not in moved]
    same = [device for device in there if device in set(stayed)] == stayed
    return "" if behind and same else "its order is another one"
