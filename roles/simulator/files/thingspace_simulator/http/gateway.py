# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway before all APIs, WSO2's: its error bodies (Synchronous Error Messages page), its limit on requests."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from email.utils import formatdate

from .messages import ApiError, Reply


def fault(status: int, code: str, message: str, description: str) -> ApiError:
    """Build an error; the code is a string."""
    return ApiError(Reply(status, {"fault": {"code": code, "message": message, "description": description}}))


def no_resource(status: int, context: str, version: str) -> ApiError:
    """Build 900906: 400 for an unknown API, 404 for a wrong endpoint or method."""
    description = (
        f"Access failure for API: {context}, version: {version}. Check the API documentation and add a proper"
        " REST resource path to the invocation URL"
    )
    return fault(status, "900906", "No matching resource found in the API for the given request", description)


def missing_credentials() -> ApiError:
    """Build 900902; the page says Basic even where Bearer is what is missing."""
    description = (
        "Required OAuth credentials not provided. Make sure your API invocation call has a header:"
        ' "Authorization: Basic ACCESS_TOKEN"'
    )
    return fault(401, "900902", "Missing Credentials", description)


def invalid_credentials(context: str, version: str) -> ApiError:
    """Build 900901: a wrong and an expired Bearer token look the same."""
    description = (
        f"Access failure for API: {context}, version: {version}. Make sure you have given the correct access token"
    )
    return fault(401, "900901", "Invalid Credentials", description)


def wrong_authentication() -> ApiError:
    """Build the 403 for a wrong kind of authentication, which is XML."""
    text = (
        '<am:fault xmlns:am="http://wso2.org/apimanager"><am:code>404</am:code><am:type>Status report</am:type>'
        "<am:message>Not Found</am:message><am:description>The requested resource is not available."
        "</am:description></am:fault>"
    )
    return ApiError(Reply(403, body=text.encode(), content_type="application/xml; charset=UTF-8"))


def too_many(form: str, wait: float) -> Reply:
    """Build the 429. Nobody has published one; the body is the gateway's usual form."""
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
    """Counts the requests let through in a sliding second, on wall time because callers sleep on it.

    Refused ones do not count.
    """

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
