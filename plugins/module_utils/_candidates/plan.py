# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan for the removal candidate list: wanted x current x protected, as a pure value. Order counts."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import hashlib
import json
import typing as t

from .._plan.guards import Limits, Planned, Wording, exceeded, stop_unless_allowed
from .._plan.plan import State
from .._thingspace.api_versions import CandidatesVersion


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a task requests for the list.

    :param devices: the named devices; C(present) adds them at the end of the list, C(absent) removes them from it, and
        C(exact) requests exactly these in this order.
    :param protected: devices that must never be listed, in any state.
    :param before: the list before the same run removed licenses; None if it removed none.
    :param licensed: the only devices that still hold a license then. ThingSpace may take the others off the list by
        itself when they lose theirs. That does not change the plan.
    """

    account: str
    api_version: CandidatesVersion
    state: State
    devices: t.Sequence[str]
    protected: frozenset[str]
    before: tuple[str, ...] | None = None
    licensed: frozenset[str] = frozenset()

    def gone(self, live: t.Sequence[str]) -> tuple[str, ...]:
        """The devices that ThingSpace took off the list with their license, in the order in which they were on it."""
        keep = {*live, *self.licensed, *self.devices}
        return tuple(device for device in dict.fromkeys(self.before or ()) if device not in keep)

    def list_before(self, live: t.Sequence[str]) -> list[str]:
        """The list before the run changed anything in the account, with what others have added to it since."""
        if self.before is None:
            return [*live]
        known = {*self.before}
        return [*self.before, *(device for device in live if device not in known)]


@dataclasses.dataclass(frozen=True)
class CandidatesPlan:
    """The changes to the list.

    :param unchanged: how many of the named devices are as wanted.
    :param live: the list in ThingSpace.
    :param base: the list to start from: the live one, or the one that an interrupted run was going to change.
    :param target: the wanted list.
    :param add: devices to list, in the order of the target.
    :param remove: devices to remove from the list, with the reason, in the order of the list.
    :param move: the fewest devices that must change places among those that stay, and devices that are on the list more
        than once and lose a place.
    :param restored: devices of C(add) that are not named: an interrupted run had lost them.
    :param gone: devices that the same run took off the list before, with their license. Nothing is left to do about
        them.
    :param digest: SHA-256 over the wish and the live list, including its order, as it was before licenses were removed.
    """

    state: State
    unchanged: int
    live: tuple[str, ...]
    base: tuple[str, ...]
    target: tuple[str, ...]
    add: tuple[str, ...]
    remove: dict[str, str]
    move: frozenset[str]
    restored: frozenset[str]
    gone: tuple[str, ...]
    digest: str

    @property
    def changes(self) -> int:
        """How many devices the plan touches."""
        return len(self.add) + len(self.remove) + len(self.move)

    def as_result(self) -> dict[str, t.Any]:
        """The C(plan) value of the module's result."""
        counts = {"add": len(self.add), "remove": len(self.remove), "move": len(self.move)}
        return {"state": self.state, **counts, "unchanged": self.unchanged, "digest": self.digest}

    @property
    def needed(self) -> bool:
        """Whether anything must be written. A device that is on the list twice is enough."""
        return self.live != self.target

    @property
    def appends(self) -> bool:
        """Whether appending is enough. It does not overwrite what others write."""
        return self.target[: len(self.live)] == self.live


def make_candidates_plan(wish: Wish, live: t.Sequence[str], whole: t.Sequence[str] | None = None) -> CandidatesPlan:
    """Compare the wish with the list.

    :param whole: the list to start from, if an interrupted run left only a part of it.
    """
    base = list(live if whole is None else whole)
    target = _target(wish, base)
    listed, named = set(live), set(wish.devices)
    places: t.Mapping[str, int] = collections.Counter(live) if len(listed) < len(live) else {}
    # A duplicate of another device is no reason to rewrite the list. A rewrite removes all duplicates.
    twice = wish.state == "present" and any(places.get(device, 0) > 1 for device in named)
    if whole is not None or twice or target[: len(base)] != base:
        target = list(dict.fromkeys(target))
    wanted = set(target)
    stay = [device for device in dict.fromkeys(live) if device in wanted]
    add = tuple(device for device in target if device not in listed)
    remove = {device: _why(wish, device) for device in dict.fromkeys(live) if device not in wanted}
    move = _moved(stay, target)
    if len(wanted) == len(target):
        move |= {device for device in stay if places.get(device, 0) > 1}
    return CandidatesPlan(
        state=wish.state,
        unchanged=len(named.difference(add, remove, move)),
        live=tuple(live),
        base=tuple(base),
        target=tuple(target),
        add=add,
        remove=remove,
        move=move,
        restored=frozenset(wanted - listed - named),
        gone=wish.gone(live),
        digest=_digest(wish, live, whole),
    )


def enforce_candidates(plan: CandidatesPlan, limits: Limits) -> None:
    """Stop a plan that is not the approved one, or that exceeds a limit without being approved.

    A change of the list does not remove a license by itself, so there are no default limits.

    :raises LicensingError: C(plan_changed) or C(guard_tripped); nothing was written.
    """
    if plan.needed:
        planned = Planned(plan.changes, len(plan.remove), len(plan.live))
        said = Wording(removes="takes {} off the list", removed="device", whole="listed")
        stop_unless_allowed(plan.digest, exceeded(planned, limits, said), limits)


def _target(wish: Wish, base: t.Sequence[str]) -> list[str]:
    if wish.state == "exact":
        return list(wish.devices)
    named = set(wish.devices)
    kept = [device for device in base if device not in wish.protected]
    if wish.state == "absent":
        return [device for device in kept if device not in named]
    there = set(kept)
    return kept + [device for device in wish.devices if device not in there]


def _why(wish: Wish, device: str) -> str:
    if device in wish.protected:
        return "protected"
    return "not named" if wish.state == "exact" else ""


def _moved(before: t.Sequence[str], target: t.Sequence[str]) -> frozenset[str]:
    """The devices that change their order: all that stay, except a longest run that keeps its order."""
    if before == target:
        return frozenset()
    place = {device: number for number, device in reversed(list(enumerate(target)))}
    places = [place[device] for device in before]
    # Patience sorting: the smallest last place of an ascending run of each length, and the predecessor of each device.
    ends: list[int] = []
    runs: list[int] = []
    previous: dict[int, int] = {}
    for index, value in enumerate(places):
        length = bisect.bisect_left(ends, value)
        previous[index] = runs[length - 1] if length else -1
        ends[length : length + 1] = [value]
        runs[length : length + 1] = [index]
    still: set[int] = set()
    index = runs[-1] if runs else -1
    while index >= 0:
        still.add(index)
        index = previous[index]
    return frozenset(device for number, device in enumerate(before) if number not in still)


def _digest(wish: Wish, live: t.Sequence[str], whole: t.Sequence[str] | None) -> str:
    scope = {"kind": "candidates", "account": wish.account, "api_version": wish.api_version, "state": wish.state}
    digest = hashlib.sha256(json.dumps(scope, sort_keys=True).encode())
    if wish.before is not None and _only_left(wish, wish.before, live):
        live = wish.before
    for devices in (wish.devices, sorted(wish.protected), live, whole or ()):
        digest.update(b"\n--\n" + "\n".join(devices).encode())
    return digest.hexdigest()


def _only_left(wish: Wish, before: t.Sequence[str], live: t.Sequence[str]) -> bool:
    """Whether the list differs from the earlier one only by devices that lost their license in the meantime."""
    gone = {*wish.gone(live)}
    return [device for device in before if device not in gone] == [*live]
