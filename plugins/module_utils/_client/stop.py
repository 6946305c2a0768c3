# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether a task must end early: it got a signal, the process that started it is gone, or it lost what it relies on.

A request in progress is finished, and its answer counts. No further request is sent, with two short exceptions: reading
the result of earlier writes, and restoring a list that would otherwise stay short.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import types
import typing as t

from .._errors import TransportError
from .starter import Starter

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Told = t.Callable[[], bool]
"""Whether the task must end soon. Any thread may ask, and never waits."""

LOOK_EVERY = 0.25
"""Seconds between two checks during a wait. Signals do not need these checks, but a starter that dies sends none."""

READING = 30.0
"""Seconds in which a task that has written something may still read after it was told to end."""


class Interrupted(TransportError):
    """The task was told to end before it could send something. Nothing of that was sent."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The task was interrupted: {why}. The rest was not sent. Run again: devices already in the wanted state "
            "are not touched.",
            code="interrupted",
            in_doubt=False,
            retryable=False,
        )


class Stop:
    """Knows whether the task must end. It never must before C(install).

    Python handles signals only in the main thread, once that runs again, and other threads send the requests. So a
    handler only notes the signal, however many arrive. The other threads need not wait for it, because the interpreter
    writes the number of a signal to a pipe as soon as it arrives.
    """

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._event = threading.Event()
        self._why = ""
        self._since = 0.0
        self._allowed_until = 0.0
        self._starter: Starter | None = None
        self._checks: list[t.Callable[[], str]] = []
        self._arrived = -1
        self._before: dict[signal.Signals, t.Any] = {}
        self._breakable = False
        self._lock = threading.RLock()

    def install(self) -> None:
        """From now on, record signals that would end the process, and watch the process that started it.

        An ignored signal stays ignored, as C(nohup) intends.
        """
        if self._starter is not None:
            return
        self._starter = Starter()
        if threading.current_thread() is not threading.main_thread():
            return
        self._arrived, tell = os.pipe()
        os.set_blocking(self._arrived, False)
        os.set_blocking(tell, False)
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)

    def close(self) -> None:
        """Restore the previous signal handlers."""
        if self._before:
            os.close(signal.set_wakeup_fd(-1))
            os.close(self._arrived)
            self._arrived = -1
        for number, handler in self._before.items():
            # None stands for a handler that Python did not set and cannot restore.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
        if self._starter is not None:
            self._starter.close()
            self._starter = None

    def allow(self, seconds: float) -> None:
        """Still let requests pass for this many seconds from now, for work that must not stay half done."""
        self._allowed_until = max(self._allowed_until, self._clock() + seconds)

    def begin_step(self) -> None:
        """Another piece of work begins, for which C(allow) was not meant."""
        self._allowed_until = 0.0

    @contextlib.contextmanager
    def when(self, check: t.Callable[[], str]) -> t.Iterator[None]:
        """While the block runs, the task must also end if this returns why. It is asked before each request."""
        self._checks.append(check)
        try:
            yield
        finally:
            self._checks.remove(check)

    @property
    def why(self) -> str:
        """Why the task must end; empty if it need not."""
        for check in self._checks if not self._event.is_set() else ():
            lost = check()
            if lost:
                self._tell(lost)
        return self._why if self.told else ""

    @property
    def told(self) -> bool:
        """Whether it was told to end, without asking the checks of C(when). Any thread may ask, and never waits."""
        if self._starter is not None and not self._event.is_set():
            with self._lock:
                why = self._signaled() or self._starter.gone()
                if why:
                    self._tell(why)
        return self._event.is_set()

    def require(self, *, reading: bool) -> None:
        """Pass if a request may be sent.

        :param reading: whether it only reads, and the task has written something.
        :raises Interrupted: the request may not be sent.
        """
        if not self.why:
            return
        now = self._clock()
        if now < self._allowed_until or (reading and now < self._since + READING):
            return
        raise Interrupted(self._why)

    def sleep(self, seconds: float) -> None:
        """Wait this long, or until the task must end."""
        end = self._clock() + seconds
        left = seconds
        while left > 0 and not self.why:
            self._event.wait(min(left, LOOK_EVERY))
            left = end - self._clock()

    @contextlib.contextmanager
    def breakable(self, may_break: bool) -> t.Iterator[None]:
        """Inside this block, a signal raises C(Interrupted) at once and is not only noted.

        :param may_break: whether that loses nothing. If it is False, or in any thread but the main one, nothing
            happens.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._breakable = may_break
        try:
            yield
        finally:
            self._breakable = False

    def pause(self, seconds: float) -> None:
        """Wait before a request that C(require) let pass, for the full time if the task must end."""
        if self.why:
            time.sleep(seconds)
        else:
            self.sleep(seconds)

    def _on_signal(self, number: int, _frame: types.FrameType | None) -> None:
        self._tell(_words(number))
        if self._breakable:
            self._breakable = False
            raise Interrupted(self._why)

    def _signaled(self) -> str:
        try:
            arrived = os.read(self._arrived, 1) if self._arrived >= 0 else b""
        except BlockingIOError:
            return ""
        return _words(arrived[0]) if arrived else ""

    def _tell(self, why: str) -> None:
        if not self._event.is_set():
            self._why, self._since = why, self._clock()
            self._event.set()


def _words(number: int) -> str:
    return f"it got the signal {signal.Signals(number).name}"
