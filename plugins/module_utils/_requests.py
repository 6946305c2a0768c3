# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The one guarded import of C(requests): a missing library becomes a message, not a traceback."""

from __future__ import annotations

import traceback
import typing as t

if t.TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

REQUESTS_IMPORT_ERROR: str | None = None
"""Traceback of the failed import, or None when C(requests) is there."""

try:
    import requests
    from requests.auth import AuthBase
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    # Two stand-ins for names that mypy knows from the import above; run_module stops before either is used.
    requests = None  # type: ignore[assignment]

    class AuthBase:  # type: ignore[no-redef]
        """Stand-in so that classes can be defined when C(requests) is missing; it is never used."""


__all__ = ("REQUESTS_IMPORT_ERROR", "AuthBase", "requests")
