# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The retry policy, a pure function of what happened. It does not sleep, send, or read a clock.

- Not sent, or refused with 429: any request is tried again.
- 408, 500, 502, 503, 504, a 429 that is not whole, or a connection that broke after sending: only reads are tried
  again. A write may have taken effect, so its caller reads back first (see C(_fota/apply.py)).
- Everything else is final.
"""

from __future__ import annotations

import datetime
import email.utils
import math
import typing as t

from .request_result import RequestResult

RETRY_AFTER_CAP = 60.0
"""The longest wait, in seconds, that a C(Retry-After) header can request."""

BACKOFF_BASE = 0.5
BACKOFF_CAP = 30.0

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


class Happened(t.NamedTuple):
    """The result of one attempt.

    :param result: what it proves.
    :param status: HTTP status; None if no answer came.
    :param retryable: False for causes that another attempt cannot fix (a bad certificate).
    :param retry_after: value of the Retry-After header.
    """

    result: RequestResult
    status: int | None = None
    retryable: bool = True
    retry_after: str | None = None


class RetryPolicy(t.NamedTuple):
    """How often a request is repeated, and after which waits.

    :param retries: the most repetitions (0: none).
    :param jitter: returns a number in 0..1; tests replace it.
    """

    retries: int
    jitter: t.Callable[[], float]

    def delay(self, attempt: int, happened: Happened, *, safe: bool, now: float) -> float | None:
        """Seconds to wait before the next attempt; None if there is none.

        :param attempt: number of the attempt that just ended, from 1.
        :param safe: whether the request only reads.
        :param now: seconds since the epoch, to interpret dates.
        """
        if attempt > self.retries or not self._may_repeat(happened, safe):
            return None
        asked = parse_retry_after(happened.retry_after, now)
        if asked is not None:
            return min(asked, RETRY_AFTER_CAP) + 0.25 * self.jitter()
        ceiling = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** (attempt - 1))
        return ceiling * (0.5 + 0.5 * self.jitter())

    @staticmethod
    def _may_repeat(happened: Happened, safe: bool) -> bool:
        if happened.result is RequestResult.THROTTLED:
            return True
        if happened.result is RequestResult.NOT_SENT:
            return happened.retryable
        return safe and happened.retryable and (happened.status is None or happened.status in TRANSIENT)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """The seconds that a Retry-After header (seconds or HTTP date) requests; None if it has no usable value."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _from_date(value, now)
    if not math.isfinite(seconds):
        return None
    return max(0.0, seconds)


def _from_date(value: str, now: float) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.timezone.utc)
    try:
        return max(0.0, date.timestamp() - now)
    except (OverflowError, ValueError):
        return None
