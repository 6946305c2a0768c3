# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Canary waves: a few devices first, and the others only if these are as wanted. Cutting and judging are pure."""

from __future__ import annotations

import collections
import itertools
import typing as t

from .._errors import LicensingError, Problem
from .._text.lists import are, first, many
from .._text.quantities import Quantity, at_least, at_most, read_quantity
from .outcomes import RequestRow, Row, Rows
from .plan import Plan

AS_WANTED = frozenset({"assigned", "removed", "unchanged"})

_NAMED = 5
_WORDS = {"accepted": "not confirmed"}


class Waves(t.NamedTuple):
    """The options about waves.

    :param sizes: how many of the changing devices are done after each wave; empty to do all at once.
    :param spare: how many of the tried devices may miss the wanted state.
    """

    sizes: tuple[Quantity, ...] = ()
    spare: Quantity = 0

    def ends(self, changes: int) -> list[int]:
        """How many of this many changes are done after each wave. The last wave ends with all of them."""
        ends = [0]
        for size in (*self.sizes, changes):
            end = min(changes, at_least(size, changes))
            # A wave that is not larger than the previous one is dropped.
            if end > ends[-1]:
                ends.append(end)
        return ends[1:]

    def requests(self, changes: int, batch_size: int) -> int:
        """How many requests this many changes of one kind take."""
        return sum(-(-(end - start) // batch_size) for start, end in itertools.pairwise([0, *self.ends(changes)]))

    def allowed(self, tried: int) -> int:
        """How many of this many devices may miss the wanted state."""
        return at_most(self.spare, tried)

    def as_result(self, changes: int) -> dict[str, list[int]]:
        """The part of a module's C(plan) value about waves; nothing without the option."""
        return {"waves": self.ends(changes)} if self.sizes else {}


class CanaryFailed(LicensingError):
    """Too many devices of the waves so far are not as wanted."""

    def __init__(self, message: str, tried: int, amiss: int, allowed: int) -> None:
        super().__init__(message, code="canary_failed", tried=tried, not_as_wanted=amiss, allowed=allowed)
        self.short = f"the canary wave failed, {amiss} of {many(tried, 'device')} {are(amiss)} not as wanted"


def waves_from(waves: t.Sequence[object] | None, max_failures: object) -> tuple[Waves, list[Problem]]:
    """Read the options of these names. Returns them with all problems."""
    problems = [Problem(f"'waves' {text}.") for text in size_problems(waves or ())]
    spare = 0 if max_failures is None else read_quantity(max_failures)
    if spare is None:
        text = f"'max_failures' is '{max_failures}'; use a number like 2 or a percentage like 5%, or leave it out."
        problems.append(Problem(text))
    if problems:
        return Waves(), problems
    return Waves(tuple(t.cast(Quantity, read_quantity(size)) for size in waves or ()), spare or 0), []


def size_problems(given: t.Iterable[object]) -> t.Iterator[str]:
    """The problems with the sizes of waves. A number and a share can only be compared once the plan is known."""
    last: dict[type, Quantity] = {}
    for entry in given:
        size = read_quantity(entry)
        if not size:
            yield f"has the entry '{str(entry)[:40]}'; use numbers like 10 and percentages like 5%, more than 0"
        elif size <= last.get(type(size), 0):
            yield f"has {entry} after one that is not smaller; each says how many devices are done in all by then"
        else:
            last[type(size)] = size


def cut(plan: Plan, waves: Waves) -> list[Plan]:
    """The part of a plan that each wave carries out, in order.

    Each wave takes the same share of the removals and of the assignments, the former rounded up. So up to any wave, the
    assignments never need more licenses than are free or were freed, unless those of the whole plan do: with F free
    licenses, R removals, A assignments, and the share s, F + ceil(s R) - floor(s A) >= F + s (R - A), which is a mean
    of F and F + R - A.
    """
    changes, removals = plan.changes, len(plan.remove)
    parts: list[Plan] = []
    removed, assigned = 0, 0
    for end in waves.ends(changes):
        remove = -(-removals * end // changes)
        gone, there = plan.remove[removed:remove], plan.assign[assigned : end - remove]
        parts.append(plan._replace(remove=gone, assign=there, unchanged=(), spared=(), refused=(), locked=()))
        removed, assigned = remove, end - remove
    return parts


def judge(waves: Waves, tried: Rows, left: int) -> CanaryFailed | None:
    """Whether the waves so far went well enough to continue.

    :param tried: the rows of all tried devices; C(accepted) ones were not confirmed in time.
    :param left: how many devices would follow.
    """
    # Skipped devices follow from the others, so they are named last.
    amiss = sorted((row for row in tried if row.outcome not in AS_WANTED), key=lambda row: row.outcome == "skipped")
    allowed = waves.allowed(len(tried))
    if len(amiss) <= allowed:
        return None
    counts = collections.Counter(_WORDS.get(row.outcome, row.outcome) for row in amiss)
    sums = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    named = first(amiss, _NAMED, "; ", _named)
    more = " (see 'devices', or 'devices_report')" if len(amiss) > _NAMED else ""
    advice = (
        " Unconfirmed requests are not sent again. If nothing is ever confirmed, check that a receiver is running and "
        "registered (callback_info)."
    )
    unsent = f"{many(left, 'more device')} {'was' if left == 1 else 'were'} not sent"
    return CanaryFailed(
        f"The canary wave failed: {len(amiss)} of {many(len(tried), 'device')} did not reach the wanted state "
        f"({sums}), and 'max_failures' allows {allowed}: {named}{more}. {unsent}. Check the failed devices, fix "
        "the problem, and run again: finished changes stay."
        f"{advice if 'not confirmed' in counts else ''}",
        len(tried),
        len(amiss),
        allowed,
    )


def why_left_out(stopped: LicensingError) -> str:
    """The reason for the devices that were not sent because an earlier wave failed."""
    return f"not sent: {stopped.short if isinstance(stopped, CanaryFailed) else stopped.message}"


def _named(row: Row | RequestRow) -> str:
    reason = row.reason.rstrip(".")
    return f"{row.device_id} {_WORDS.get(row.outcome, row.outcome)}{f': {reason}' if reason else ''}"
