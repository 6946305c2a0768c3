# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Sends one request as often as the policy allows, at the pace of the shared budget, and within the task's deadline."""

from __future__ import annotations

import dataclasses
import threading
import time
import typing as t

from .._errors import TransportError
from .budget import Budget
from .deadline import Deadline
from .request_result import RequestResult, result_of
from .response import Response
from .retry import RETRY_AFTER_CAP, Happened, RetryPolicy, parse_retry_after
from .stop import Stop
from .transport import Request


class EachTime(t.Protocol):
    """Gets notified each time a request is sent, because a refused one may be sent again much later."""

    def before(self) -> None:
        """It is about to be sent, after everything that waits. If this raises an error, it is not sent."""

    def not_carried_out(self) -> None:
        """It was not carried out, and may be sent again."""


class Exchange(t.Protocol):
    """The interface of a transport. Tests replace it."""

    def send(self, request: Request, limit: float) -> Response:
        """See C(Transport.send)."""

    def close(self) -> None:
        """See C(Transport.close)."""


@dataclasses.dataclass
class RequestCount:
    """The cost of a task.

    :param sent: requests sent, including repetitions and logins.
    :param retried: repetitions among them.
    :param throttled: 429 answers among them.
    :param throttled_seconds: seconds spent waiting for the pace, summed over all threads.
    """

    sent: int = 0
    retried: int = 0
    throttled: int = 0
    throttled_seconds: float = 0.0

    @classmethod
    def total(cls, counts: t.Iterable[RequestCount]) -> RequestCount:
        """The cost of several clients together."""
        return cls(*map(sum, zip(*map(dataclasses.astuple, counts), strict=True)))

    def as_result(self) -> dict[str, t.Any]:
        """The C(requests) value of a module's result."""
        return {**dataclasses.asdict(self), "throttled_seconds": round(self.throttled_seconds, 3)}

    def warn_if_throttled(self, warn: t.Callable[[str], None], who: str, advice: str) -> None:
        """Warn if ThingSpace slowed somebody down; the advice names the options that avoid it."""
        if self.throttled:
            warn(
                f"ThingSpace answered 'too many requests' {self.throttled} times; {who} waited "
                f"{self.throttled_seconds:.1f} s in all. {advice} avoid this."
            )


class Sender:
    """Combines transport, retry policy, budget, and deadline."""

    def __init__(
        self,
        transport: Exchange,
        policy: RetryPolicy,
        budget: Budget,
        deadline: Deadline,
        sleep: t.Callable[[float], None] | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._budget = budget
        self.stop = stop or Stop()
        self._sleep = sleep or self.stop.pause
        self._lock = threading.Lock()
        self._writes = 0
        self.deadline = deadline
        self.count = RequestCount()

    @property
    def writes(self) -> int:
        """How many requests may have changed something so far."""
        return self._writes

    def close(self) -> None:
        """Close the connections that the transport keeps open."""
        self._transport.close()

    def may_write(self, more: int) -> None:
        """Count a request that may change something before it is sent, and subtract it if a change is ruled out."""
        with self._lock:
            self._writes += more

    def pause(self, seconds: float, purpose: str) -> None:
        """Wait, if the deadline allows it.

        :raises TransportError: the deadline does not allow it.
        """
        self.deadline.require(seconds, purpose)
        self._sleep(seconds)

    def send(
        self,
        request: Request,
        *,
        safe: bool,
        once: bool = False,
        retries: int | None = None,
        each_time: EachTime | None = None,
    ) -> Response:
        """The answer to a request, with any status, after the repetitions that the policy allows.

        :param safe: whether the request only reads, so that it may be repeated blindly.
        :param once: never repeat it after any part of it was sent, whatever happens.
        :param retries: never repeat it more often, even if the policy allows it.
        :raises TransportError: there was no answer; C(in_doubt) says whether an attempt may have been executed.
        :raises Interrupted: the task must end, so the request was not sent.
        """
        attempt = 0
        while True:
            attempt += 1
            self._keep_pace(request, safe)
            if each_time is not None:
                each_time.before()
                self.deadline.require(0.0, f"send '{request.operation}'")
            self._require(safe)
            began = time.monotonic()
            outcome = self._attempt(request, attempt, safe)
            happened = _happened(outcome)
            delay = self._policy.delay(attempt, happened, safe=safe, now=time.time())
            if retries is not None and attempt > retries:
                delay = None
            if happened.status == 429:
                # All requests pause, including this one, in _keep_pace.
                pause = delay if delay is not None else _asked_pause(happened)
                self._budget.throttled(pause, age=time.monotonic() - began)
                with self._lock:
                    self.count.throttled += 1
            if delay is None or (once and happened.result is not RequestResult.NOT_SENT):
                if isinstance(outcome, TransportError):
                    raise outcome
                return outcome
            if each_time is not None:
                each_time.not_carried_out()
            if happened.status != 429:
                self.deadline.require(delay, f"wait {delay:.1f} s and repeat '{request.operation}'")
                self._require(safe)
                self._sleep(delay)

    def _require(self, safe: bool) -> None:
        """Once the task must end, nothing is sent except reads that check what it has written."""
        self.stop.require(reading=safe and self._writes > 0)

    def _keep_pace(self, request: Request, safe: bool) -> None:
        wait = self._budget.reserve()
        pace = " at the pace that ThingSpace allows" if wait > 0 else ""
        self.deadline.require(wait, f"send '{request.operation}'{pace}")
        if wait > 0:
            self._require(safe)
            with self._lock:
                self.count.throttled_seconds += wait
            self._sleep(wait)

    def _attempt(self, request: Request, attempt: int, safe: bool) -> Response | TransportError:
        with self._lock:
            self.count.sent += 1
            self.count.retried += attempt > 1
        try:
            # A read need not be finished if the task must end and has written nothing.
            with self.stop.breakable(safe and self._writes == 0):
                return self._transport.send(request, self.deadline.remaining())
        except TransportError as error:
            return error


def _asked_pause(happened: Happened) -> float:
    """The pause for the other requests if this one gives up."""
    asked = parse_retry_after(happened.retry_after, time.time())
    return 1.0 if asked is None else min(asked, RETRY_AFTER_CAP)


def _happened(outcome: Response | TransportError) -> Happened:
    if isinstance(outcome, TransportError):
        return Happened(result_of(outcome), retryable=outcome.retryable)
    return Happened(result_of(outcome), status=outcome.status, retry_after=outcome.headers.get("retry-after"))
