# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One request budget for all threads, forks, and jobs of a user. It learns which rate the server allows.

Pure functions work on a small state. C(Budget) runs them inside a transaction of the store.

The rate starts without a limit. The first 429 sets it to 0.7 of the accepted rate: the requests that were sent in that
second, less all requests of the burst that are refused as well. Each later 429 sets it to 0.7 of the current rate. The
rate may slowly grow again to 0.85 of the accepted rate, so that a run settles below the limit and does not reach it
again and again. The limit may have been temporary. So after a quarter of an hour without a 429, the rate grows further
(after a minute, if it was learned from only a few requests). Each time it reaches the limit again, the next attempt
waits twice as long.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
import typing as t

from .retry import RETRY_AFTER_CAP
from .runtime_dir import Store

CUT = 0.7
RECOVER_TO = 0.85
RECOVER_AFTER = 20.0
RECOVER_PER_SECOND = 0.02
PROBE_AFTER = 900.0
PROBE_SOON = 60.0
PROBE_AFTER_MOST = 3600.0
SURE_FROM = 5.0
PROBE_GROWTH = 1.03
FASTEST = 10000.0
SLOWEST = 0.2
FORGET_AFTER = 900.0
LONGEST_QUEUE = 4 * 3600.0
WINDOW = 1.0


T = t.TypeVar("T")


@dataclasses.dataclass
class Pace:
    """The shared state. Times are seconds since the epoch. Rates are requests per second (0: no limit)."""

    rate: float = 0.0
    refused_rate: float = 0.0
    cut_at: float = 0.0
    blocked_until: float = 0.0
    next_at: float = 0.0
    window_at: float = 0.0
    window_sent: int = 0
    last_rate: float = 0.0
    learning: bool = False
    probe_after: float = PROBE_AFTER


def reserve(pace: Pace, now: float, limit: float) -> float:
    """Reserve the next free slot. Returns the seconds to wait for it.

    :param limit: the option C(rate_limit), or 0 for no limit.
    """
    if now - max(pace.cut_at, pace.next_at) > FORGET_AFTER:
        pace.rate = pace.refused_rate = 0.0
    rate = _recovered(pace, now)
    if limit > 0:
        rate = min(rate, limit) if rate > 0 else limit
    if max(pace.blocked_until - RETRY_AFTER_CAP, pace.next_at - LONGEST_QUEUE) > now + 1.0:
        pace.blocked_until = pace.next_at = now  # the clock was set back
    start = max(now, pace.blocked_until, pace.next_at if rate > 0 else 0.0)
    pace.next_at = start + (1.0 / rate if rate > 0 else 0.0)
    if start - pace.window_at >= WINDOW:
        # All of them were sent within a second of window_at, even if nothing has been sent since then.
        pace.last_rate = pace.window_sent / WINDOW
        pace.window_at, pace.window_sent = start, 0
    pace.window_sent += 1
    return start - now


def throttled(pace: Pace, now: float, wait: float, sent_at: float | None = None) -> None:
    """Record a 429: no process sends for C(wait) seconds, and all processes send more slowly after that.

    :param sent_at: when the refused request was sent.
    """
    pace.blocked_until = max(pace.blocked_until, now + wait)
    if now - pace.cut_at < WINDOW or (sent_at is not None and sent_at <= pace.cut_at):
        # A burst lowers the rate once. Its other requests were already in progress, but none of them was accepted.
        if pace.learning:
            _learn(pace, pace.refused_rate - 1.0)
        return
    allowed = _recovered(pace, now)
    pace.learning = allowed <= 0
    if allowed > RECOVER_TO * pace.refused_rate:
        # An attempt at a higher rate failed. The limit still exists, so try less often.
        pace.probe_after = min(2.0 * pace.probe_after, PROBE_AFTER_MOST)
    pace.cut_at = now
    if pace.learning:
        _learn(pace, max(pace.last_rate, pace.window_sent) - 1.0)
    else:
        _cut(pace, allowed)


def sent_meanwhile(pace: Pace, count: int, since: float) -> None:
    """Count requests that were sent without a slot of their own.

    If the rate was learned in the meantime, it was learned without them.

    :param since: when the first of them was sent, at most C(WINDOW) before the last one.
    """
    pace.window_sent += count
    if pace.learning and since <= pace.cut_at < since + WINDOW:
        _learn(pace, pace.refused_rate + count)


def _learn(pace: Pace, passed: float) -> None:
    """Treat the requests that passed in a second as what the server allows. If they are few, try again soon."""
    _cut(pace, max(1.0, passed))
    pace.probe_after = PROBE_AFTER if pace.refused_rate >= SURE_FROM else PROBE_SOON


def _cut(pace: Pace, passed: float) -> None:
    pace.refused_rate = max(SLOWEST, passed)
    pace.rate = max(SLOWEST, CUT * pace.refused_rate)


def _recovered(pace: Pace, now: float) -> float:
    if pace.rate <= 0:
        return 0.0
    settled = RECOVER_TO * pace.refused_rate
    quiet = now - pace.cut_at
    if quiet > pace.probe_after:
        return min(FASTEST, settled * math.pow(PROBE_GROWTH, min(quiet - pace.probe_after, 600.0)))
    if quiet <= RECOVER_AFTER:
        return pace.rate
    return max(pace.rate, min(settled, pace.rate * (1.0 + RECOVER_PER_SECOND * (quiet - RECOVER_AFTER))))


class Budget:
    """The pace for one API host and user, shared through a store.

    :param name: key of the state in the store.
    :param limit: the option C(rate_limit) in requests per second; 0 only reacts to 429.
    """

    def __init__(self, store: Store, name: str, limit: float, clock: t.Callable[[], float] = time.time) -> None:
        self._store = store
        self._name = name
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Reserve a slot. Returns the seconds to wait before sending."""
        return self._update(lambda pace, now: reserve(pace, now, self._limit))

    def throttled(self, wait: float, age: float = 0.0) -> None:
        """Tell all processes that the server asked for a pause of C(wait) seconds.

        :param age: seconds since the refused request was sent.
        """
        self._update(lambda pace, now: throttled(pace, now, wait, now - age))

    def _update(self, change: t.Callable[[Pace, float], T]) -> T:
        # With the thread lock, threads of one process do not have to poll for the file lock.
        with self._lock:
            return self._change(change)

    def _change(self, change: t.Callable[[Pace, float], T]) -> T:
        with self._store.transaction(self._name) as state:
            known = {field.name for field in dataclasses.fields(Pace)}
            numbers: dict[str, t.Any] = {
                key: value for key, value in state.items() if key in known and isinstance(value, (int, float))
            }
            pace = Pace(**numbers)
            result = change(pace, self._clock())
            state.update(dataclasses.asdict(pace))
            return result
