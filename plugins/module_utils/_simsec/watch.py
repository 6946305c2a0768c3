# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Watch the account's counts while a task waits without a listener, and confirm requests by them.

A confirmation needs two equal readings, the second one when the requests are old enough: ThingSpace could have counted
what it had only accepted.

A count beyond the result shows that others changed it. When it comes back, it confirms nothing.

Such a confirmation is enough to remove another license only if nothing at all points to anything else: the task sent
everything that is in flight; the count was seen below the result after ThingSpace had accepted that, and never beyond
it; the journal had proof of every license of the SKU before that; and meanwhile no other number of the account changed.
What another count confirmed without all this is neither over nor proof.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._journal.clock import age, now
from .._journal.journal import Journal
from .._journal.rows import Scope, Window
from .api import SimsecApi, SkuSubscription, proof_of
from .count import beyond, carried_out

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
LONGEST_PAUSE = 60.0
"""Seconds between two readings: these first, and then always the longest."""

CONFIRM_AFTER = 2.0
"""Seconds between the reading that first shows a result and the one that confirms it."""


class Before(t.NamedTuple):
    """What was known right before a run sent anything.

    :param run: the run; 0 if the task only waits for earlier runs.
    :param subscriptions: the account's counts.
    :param sole: whether the journal proves every license that the account counts.
    """

    run: int
    subscriptions: t.Sequence[SkuSubscription]
    sole: bool


def explains(journal: Journal, scope: Scope, count: int | None) -> bool:
    """Whether the journal has proof of exactly as many licenses as the account counts, so that nobody has another one.

    A count that nobody watched is no proof: others may have caused it. Nor are two kinds of ids: they may be one SIM.
    """
    return max(journal.holders(scope.account, scope.sku, "proved").values(), default=0) == count


class Watch:
    """Reads the counts with growing pauses.

    :param settle: how old requests must be, in seconds.
    """

    def __init__(self, api: SimsecApi, journal: Journal, scope: Scope, settle: float, before: Before) -> None:
        self._api = api
        self._journal = journal
        self._scope = scope
        self._settle = settle
        self._before = before
        self._undisturbed = bool(before.run) and before.sole
        self.begin()
        self._exceeded = False
        self.says = "The account's count could not be read."

    def begin(self) -> None:
        """A wait begins. Nothing was seen yet of what was sent before it."""
        self._pauses = iter(PAUSES)
        self._rising = False
        self._reached: frozenset[int] = frozenset()

    def look(self) -> float:
        """Read the counts and record what they confirm. Returns in how many seconds to read them again."""
        pause = next(self._pauses, LONGEST_PAUSE)
        try:
            subscriptions = self._api.subscriptions()
        except LicensingError:
            return pause
        when = now()
        count = proof_of(subscriptions, self._scope.sku)
        windows = self._journal.windows(self._scope.account, self._scope.sku)
        self._compare(count, windows, subscriptions)
        done = carried_out(count, windows)
        again, self._reached = bool(done) and done == self._reached, done
        if not done:
            return pause
        left = self._settle - min(age(sent) for window in windows for sent in window.newest.values())
        if left > 0 or not again:
            return max(CONFIRM_AFTER, left)
        self._journal.keep_counted(done, when, watched=self._proves(windows))
        return pause

    def _compare(self, count: int | None, windows: t.Sequence[Window], subscriptions: list[SkuSubscription]) -> None:
        """Note whether the count is changing, and whether anything else is."""
        self._undisturbed &= _others(subscriptions, self._scope.sku) == _others(
            self._before.subscriptions, self._scope.sku
        )
        if exceeded := beyond(count, windows):
            self._journal.forget_counts(exceeded)
            self._exceeded = True
        if count is None:
            self.says = "The account shows no count that can be used."
            return
        for window in windows:
            for action in window.most:
                missing = window.missing(action, count)
                needed = count + (missing if action == "assign" else -missing)
                shows = f"and {needed:,} would show that everything was done"
                if not missing:
                    shows = f"as if everything was done. It must stay so until the requests are {self._settle:g} s old"
                self.says = f"The account counts {count:,} assigned licenses, {shows}."
                if window.earlier or window.run != self._before.run:
                    self.says += " That includes open requests of earlier runs."
                self.says += " Less does not show which of them are done. Only a receiver hears that."
                if window.run == self._before.run:
                    self._rising |= missing > 0
                    self._undisturbed &= missing >= 0
        if self._exceeded:
            self.says = "The account's count changed by more than what was sent, so others changed it."

    def _proves(self, windows: t.Iterable[Window]) -> bool:
        """Whether nothing but this run's own requests can have changed the count."""
        alone = all(window.run == self._before.run and window.alone and len(window.most) == 1 for window in windows)
        return alone and self._rising and self._undisturbed


def _others(subscriptions: t.Iterable[SkuSubscription], sku: str) -> list[tuple[t.Any, ...]]:
    """All numbers of an account that a change of one SKU leaves as they are."""
    return [
        (row["sku"], row["license_type"], row["purchased"], None if row["sku"] == sku else row["assigned"])
        for row in subscriptions
    ]
