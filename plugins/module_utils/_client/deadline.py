# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The total time of a task."""

from __future__ import annotations

import time
import typing as t

from .._error_codes import Code
from .._errors import TransportError


class Deadline:
    """Counts down from the start of the task.

    :param seconds: the option C(deadline).
    """

    def __init__(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    def extend(self, seconds: float) -> None:
        """Allow at least this many seconds, for work that must not stay half done."""
        self._end = max(self._end, self._clock() + seconds)

    def pause(self, seconds: float) -> None:
        """Subtract this many past seconds from the used time, because something else limits them."""
        self._end += seconds

    def require(self, seconds: float, purpose: str, *, code: Code = "deadline_exceeded") -> None:
        """Raise if fewer than these seconds are left.

        :param purpose: what needs the time; it completes "there is not enough time left to ...".
        :raises TransportError: with C(sent) False.
        """
        if self.remaining() <= seconds:
            raise TransportError(
                f"The task's deadline of {self.seconds:g} s leaves {self.remaining():.1f} s, "
                f"not enough to {purpose}. Raise 'deadline', or give the task fewer devices; "
                "running it again continues where it stopped.",
                code=code,
                in_doubt=False,
                retryable=False,
            )
