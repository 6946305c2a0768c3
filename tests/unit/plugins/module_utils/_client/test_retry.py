# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry policy: the whole truth table, and every form of Retry-After."""

from __future__ import annotations

import email.utils
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.thingspace.licensing.plugins.module_utils._client.request_result import (
    RequestResult,
    result_of,
)
from ansible_collections.thingspace.licensing.plugins.module_utils._client.retry import (
    BACKOFF_CAP,
    RETRY_AFTER_CAP,
    Happened,
    RetryPolicy,
    parse_retry_after,
)
from ansible_collections.thingspace.licensing.tests.support.fakes import answer

NOW = 1_790_000_000.0
STATUSES = (200, 202, 301, 400, 401, 403, 404, 405, 408, 409, 429, 500, 501, 502, 503, 504, 505, 507)
POLICY = RetryPolicy(retries=3, jitter=lambda: 0.0)


def happened(status: int, retry_after: str | None = None) -> Happened:
    """An attempt that was answered with a plain JSON body."""
    return Happened(result_of(answer(status, {})), status, retry_after=retry_after)


def may(status: int, safe: bool) -> bool:
    """What the description of the policy says about a status."""
    return status == 429 or (safe and status in (408, 500, 502, 503, 504))


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("status", STATUSES)
def test_statuses(status: int, safe: bool, attempt: int) -> None:
    delay = POLICY.delay(attempt, happened(status), safe=safe, now=NOW)
    wanted = {1: 0.25, 2: 0.5, 3: 1.0}.get(attempt) if may(status, safe) else None
    assert delay == wanted


@pytest.mark.parametrize(
    ("sent", "retryable", "safe", "repeated"),
    [
        (True, True, True, True),
        (True, True, False, False),
        (True, False, True, False),
        (True, False, False, False),
        (False, True, True, True),
        (False, True, False, True),
        (False, False, True, False),
        (False, False, False, False),
    ],
)
def test_no_answer(sent: bool, retryable: bool, safe: bool, repeated: bool) -> None:
    happened = Happened(RequestResult.IN_DOUBT if sent else RequestResult.NOT_SENT, retryable=retryable)
    assert (POLICY.delay(1, happened, safe=safe, now=NOW) is not None) is repeated
    assert POLICY.delay(4, happened, safe=safe, now=NOW) is None


@pytest.mark.parametrize("status", [429, 503])
def test_no_retries_at_all(status: int) -> None:
    policy = RetryPolicy(retries=0, jitter=lambda: 0.0)
    assert policy.delay(1, happened(status, "1"), safe=True, now=NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("0.9", 0.9),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e400", None),
        ("999999999", 999_999_999.0),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
        ("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        (email.utils.formatdate(NOW + 30, usegmt=True), 30.0),
        (email.utils.formatdate(NOW - 30, usegmt=True), 0.0),
        (email.utils.formatdate(NOW + 30, usegmt=True).replace(" GMT", " -0000"), 30.0),
        (email.utils.formatdate(NOW + 30 + 3600, usegmt=True).replace("GMT", "+0100"), 30.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(("value", "wait"), [("0.9", 0.9), ("0", 0.0), ("61", 60.0), ("999999999", 60.0), ("-3", 0.0)])
def test_retry_after_wins_over_backoff_up_to_its_cap(value: str, wait: float) -> None:
    for attempt in (1, 3):
        assert POLICY.delay(attempt, happened(429, value), safe=False, now=NOW) == wait


@pytest.mark.parametrize("value", [None, "soon", "nan", "inf"])
def test_unusable_retry_after_falls_back_to_backoff(value: str | None) -> None:
    assert POLICY.delay(2, happened(503, value), safe=True, now=NOW) == 0.5


def test_jitter_spreads_both_kinds_of_wait() -> None:
    policy = RetryPolicy(retries=9, jitter=lambda: 1.0)
    assert policy.delay(1, happened(503), safe=True, now=NOW) == 0.5
    assert policy.delay(9, happened(503), safe=True, now=NOW) == BACKOFF_CAP
    assert policy.delay(1, happened(429, "10"), safe=True, now=NOW) == 10.25


@given(st.text(max_size=40) | st.floats().map(str), st.floats(0, 1), st.integers(1, 50))
def test_any_header_gives_a_bounded_wait(value: str, jitter: float, attempt: int) -> None:
    policy = RetryPolicy(retries=50, jitter=lambda: jitter)
    delay = policy.delay(attempt, happened(429, value), safe=False, now=NOW)
    assert delay is not None
    assert math.isfinite(delay)
    assert 0.0 <= delay <= RETRY_AFTER_CAP + 0.25
