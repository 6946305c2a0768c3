# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The values that the journal returns, except attempts."""

from __future__ import annotations

import typing as t

from .._plan.answer import Action
from .status import Attempt


class Scope(t.NamedTuple):
    """What a journal keeps separate: the licenses of one SKU in one account, by one kind of id."""

    account: str
    sku: str
    kind: str


class Hint(t.NamedTuple):
    """A report under an unknown request id about a device of a lost request, soon after that request was sent.

    It proves nothing, because it may be about something else: a request for another license, or one of other systems.
    """

    status: t.Literal["success", "failed"]
    reason: str
    request_id: str


class Lost(t.NamedTuple):
    """A request with an unknown result.

    :param run: the run that sent it.
    :param devices: those of its devices about which nothing else is known, see C(queries.LOST).
    :param hints: by device; a failure if there is one.
    :param kind: of the ids.
    :param tried: those of its devices that were sent again in vain.
    """

    request: int
    run: int
    action: Action
    sent: str
    devices: list[str]
    hints: dict[str, Hint]
    kind: str = "imei"
    tried: t.AbstractSet[str] = frozenset()


class Range(t.NamedTuple):
    """A number that is not known exactly."""

    least: int
    most: int

    def __add__(self, other: t.Any) -> Range:
        """Both together. Unlike other tuples, they are not joined."""
        return Range(self.least + other.least, self.most + other.most)

    def times(self, count: int) -> Range:
        """So many of them together."""
        return Range(self.least * count, self.most * count)

    @property
    def reversed(self) -> Range:
        """The same in the other direction."""
        return Range(-self.most, -self.least)


class Moved(t.NamedTuple):
    """By how much the account's count can have changed since a run read it.

    :param before: assigned licenses of the SKU when that run started; None if nothing can be concluded from it.
    :param others: the change by everything that is not lost.
    :param lost: the change by the devices of lost requests.
    :param earlier: whether requests of earlier runs may have been carried out since.
    """

    before: int | None
    others: Range = Range(0, 0)
    lost: Range = Range(0, 0)
    earlier: bool = False


class Window(t.NamedTuple):
    """What can have changed the account's count of a SKU since a run read it.

    :param before: assigned licenses when that run began.
    :param most: how many devices may have changed since, by action. Each counts once, however often it was sent.
    :param newest: when the last of their requests was sent, by action.
    :param alone: whether that run sent all of these requests, and nothing earlier can still be carried out.
    :param waiting: the requests that have devices without a report, by action.
    :param earlier: whether it includes requests of earlier runs.
    """

    run: int
    before: int
    most: dict[Action, int]
    newest: dict[Action, str]
    waiting: dict[Action, list[int]]
    alone: bool = True
    earlier: bool = False

    def missing(self, action: Action, now: int) -> int:
        """By how much more the count would have to change to show that everything was carried out.

        :param now: the account's count. It changed by more than was sent if the result is negative.
        """
        changed = now - self.before if action == "assign" else self.before - now
        return self.most[action] - changed


class Removed(t.NamedTuple):
    """Removals that may have taken a license from some device.

    :param last: the number of the last one; 0 if there is none.
    :param until: when the last of them was reported; empty if there is none, in the far future if one is still open.
    """

    last: int
    until: str

    def may_follow(self, done: Attempt) -> bool:
        """Whether one of them may have been executed after an assignment; see C(fold)."""
        return self.last > done.request or self.until > done.sent


class Snapshot(t.NamedTuple):
    """Everything that a plan needs to know, read in one transaction.

    :param attempts: for the listed devices that have any, oldest first.
    :param lost: all lost requests of the account and SKU, oldest first.
    :param moved: since the run of the first of these, and since earlier runs that the count may be compared to as well.
    :param latency: the longest recent time until ThingSpace reported on a device, in seconds; None if it never did.
    :param last_run: the number of the account's last run; 0 if it had none.
    :param last_report: the number of the last report that changed no entry; 0 if there was none.
    """

    attempts: dict[str, list[Attempt]]
    lost: list[Lost]
    moved: list[Moved]
    latency: float | None
    last_run: int = 0
    last_report: int = 0

    @property
    def newest(self) -> int:
        """The number of the last request for any of the devices; 0 if there was none."""
        return max((attempt.request for tried in self.attempts.values() for attempt in tried), default=0)
