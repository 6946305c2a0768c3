# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit on requests in a sliding second, on wall time because callers sleep on wall time."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from email.utils import formatdate

from . import gateway
from .messages import Reply


class RateLimit:
    """Counts the requests let through; refused ones do not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed: deque[float] = deque()

    def wait(self, limit: int) -> float:
        """Return 0 and count the request, or how many seconds too early it is."""
        if limit <= 0:
            return 0.0
        with self._lock:
            now = time.monotonic()
            while self._passed and now - self._passed[0] >= 1.0:
                self._passed.popleft()
            if len(self._passed) < limit:
                self._passed.append(now)
                return 0.0
            return max(0.001, 1.0 - (now - self._passed[len(self._passed) - limit]))


def too_many(form: str, wait: float) -> Reply:
    """Build the 429. Nobody has published one; the body is the gateway's usual form."""
    seconds = max(1, int(wait + 0.999))
    values = {
        "seconds": str(seconds),
        "date": formatdate(time.time() + seconds + 1, usegmt=True),
        "nonsense": "soon",
        "huge": "86400000",
    }
    reply = gateway.fault(429, "900802", "Message throttled out", "You have exceeded your quota").reply
    return replace(reply, headers={"Retry-After": values[form]} if form in values else {})
