# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WSO2 gateway in front of all APIs: its errors (Synchronous Error Messages page) and its rate limit."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import deque
from dataclasses import replace
from email.utils import formatdate

from .messages import ApiError, Reply


def fault(status: int, code: str, message: str, description: str) -> ApiError:
    """Build an error. The code is a string."""
    return ApiError(Reply(status, {"fault": {"code": code, "message": message, "description": description}}))


def no_resource(status: int, context: str, version: str) -> ApiError:
    """Build 900906: 400 for an unknown API, 404 for a wrong endpoint or method."""
    description = (
        f"Access failure for API: {context}, version: {version}. Check the API documentation and add a proper"
        " REST resource path to the invocation URL"
    )
    return fault(status, "900906", "No matching resource found in the API for the given request", description)


def missing_credentials() -> ApiError:
    """Build 900902. The page says Basic even where a Bearer token is missing."""
    description = (
        "Required OAuth credentials not provided. Make sure your API invocation call has a header:"
        ' "Authorization: Basic ACCESS_TOKEN"'
    )
    return fault(401, "900902", "Missing Credentials", description)


def invalid_credentials(context: str, version: str) -> ApiError:
    """Build 900901, for a wrong as for an expired Bearer token."""
    description = (
        f"Access failure for API: {context}, version: {version}. Make sure you have given the correct access token"
    )
    return fault(401, "900901", "Invalid Credentials", description)


def wrong_authentication() -> ApiError:
    """Build the 403 for a wrong authentication scheme. It is XML."""
    text = (
        '<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code><am:type>Status report</am:type>'
        "<am:message>Not Found</am:message><am:description>The requested resource is not available."
        "</am:description></am:fault>"
    )
    return ApiError(Reply(403, body=text.encode(), content_type="application/xml; charset=UTF-8"))


def too_many(form: str, wait: float) -> Reply:
    """Build the 429. No document shows one, so the body has the gateway's usual form."""
    seconds = max(1, int(wait + 0.999))
    values = {
        "seconds": str(seconds),
        "date": formatdate(time.time() + seconds + 1, usegmt=True),
        "nonsense": "soon",
        "huge": "86400000",
    }
    reply = fault(429, "900802", "Message throttled out", "You have exceeded your quota").reply
    return replace(reply, headers={"Retry-After": values[form]} if form in values else {})


class RateLimit:
    """Counts the accepted requests in a sliding second, on wall time because callers sleep on it."""

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._passed: deque[float] = deque()

    def wait(self, limit: int) -> float:
        """Count the request and return 0, or return how many seconds too early it is."""
        if limit <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            while self._passed and now - self._passed[0] >= 1.0:
                self._passed.popleft()
            if len(self._passed) < limit:
                self._passed.append(now)
                return 0.0
            return max(0.001, 1.0 - (now - self._passed[len(self._passed) - limit]))
