# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The one guarded import of C(requests). If the library is missing, the user gets a message and not a traceback."""

from __future__ import annotations

import traceback
import typing as t

if t.TYPE_CHECKING:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

REQUESTS_IMPORT_ERROR: str | None = None
"""Traceback of the failed import, or None if C(requests) is installed."""

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    # Stand-ins for names that mypy knows from the import above. run_module stops before any is used.
    requests = urllib3 = None  # type: ignore[assignment]

    class _StandIn:
        """Allows classes to be defined if C(requests) is missing. It is never used."""

    globals().update(
        (name, type(name, (_StandIn,), {}))
        for name in (
            "AuthBase",
            "HTTPAdapter",
            "HTTPConnection",
            "HTTPConnectionPool",
            "HTTPSConnection",
            "HTTPSConnectionPool",
        )
    )


__all__ = (
    "REQUESTS_IMPORT_ERROR",
    "AuthBase",
    "HTTPAdapter",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "requests",
    "urllib3",
)
