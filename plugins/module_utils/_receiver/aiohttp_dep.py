# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The one guarded import of C(aiohttp). If the library is missing, the user gets a message and not a traceback."""

from __future__ import annotations

import types

IS_THERE = True
"""Whether C(aiohttp) is installed."""

try:
    from aiohttp import web
    from aiohttp.http import HttpProcessingError
except ImportError:
    IS_THERE = False
    # Stand-ins for what mypy knows from the import above. receiving() stops before they are used.
    web = types.SimpleNamespace(RequestHandler=object)  # type: ignore[assignment]
    HttpProcessingError = Exception  # type: ignore[misc,assignment]

__all__ = ["IS_THERE", "HttpProcessingError", "web"]
