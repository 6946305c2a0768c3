# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's own clock. It runs with the wall clock, and tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from ..fields import must


class Clock:
    """Wall time plus an offset; every lifetime in the simulator is measured on it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call ``watcher`` whenever the clock is moved."""
        self._watchers.append(watcher)

    def now(self) -> float:
        """Return the simulated time, in seconds since 1970."""
        return time.time() + self._offset

    def now_ms(self) -> int:
        """Return the simulated time, in whole milliseconds since 1970."""
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Move the clock by seconds."""
        self._move(self._offset + seconds)

    def set(self, moment: float) -> None:
        """Set the clock to a time, in seconds since 1970."""
        self._move(moment - time.time())

    def reset(self) -> None:
        """Return to wall time."""
        self._move(0.0)

    def _move(self, offset: float) -> None:
        """Change the offset and tell the watchers."""
        self._offset = offset
        for watcher in self._watchers:
            watcher()


@lru_cache(maxsize=8192)
def iso(moment_ms: int) -> str:
    """Return a time as ``2017-11-29T16:03:42.000Z`` (license status examples, FOTA v1 and v2)."""
    moment = datetime.fromtimestamp(moment_ms // 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}Z"


@lru_cache(maxsize=8192)
def go_style(moment_ms: int) -> str:
    """Return a time as ``2017-11-29 20:15:42.738 +0000 UTC`` (license status example, FOTA v3)."""
    moment = datetime.fromtimestamp(moment_ms // 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment_ms % 1000:03d} +0000 UTC"


def moment(value: Any) -> int:
    """Take an ISO 8601 time and return milliseconds since 1970."""
    try:
        return parse_ms(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise must("an ISO 8601 time", value) from error


@lru_cache(maxsize=8192)
def parse_ms(text: str) -> int:
    """Return an ISO 8601 time in milliseconds since 1970. Without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)
