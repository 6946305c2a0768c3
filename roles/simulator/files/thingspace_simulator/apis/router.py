# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All endpoints, and the search for the one that a request means."""

from __future__ import annotations

from urllib.parse import unquote

from ..http import gateway
from ..http.messages import Reply, Request
from ..quirks import Quirks
from . import callbacks, oauth, session
from .call import Route
from .devices import listing
from .fota import routes as fota
from .simsec import licenses, subscriptions

# A later API adds its routes here, and its piece of an account to PARTS of world/account_file.py.
ROUTES = (
    *oauth.ROUTES,
    *session.ROUTES,
    *fota.ROUTES,
    *licenses.ROUTES,
    *subscriptions.ROUTES,
    *listing.ROUTES,
    *callbacks.ROUTES,
)
OPERATIONS = {route.operation for route in ROUTES}
_CONTEXTS = sorted({route.context for route in ROUTES}, key=len, reverse=True)


def find(request: Request, quirks: Quirks) -> tuple[Route, dict[str, str]] | None:
    """Return the route and the decoded names in its path."""
    path = request.path
    for route in ROUTES:
        if route.method != request.method:
            continue
        match = route.pattern.fullmatch(path, len("/api")) if path.startswith("/api/") else None
        if match and (route.offered is None or route.offered(quirks)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def missing(path: str) -> Reply:
    """Answer a request that no route takes: 404 inside a known API, 400 for an unknown one."""
    for context in _CONTEXTS:
        if path.startswith(f"/api{context}/") or path == f"/api{context}":
            return gateway.no_resource(404, context, context.rpartition("/")[2]).reply
    return gateway.no_resource(400, "/".join(path.removeprefix("/api").split("/")[:3]), "v1").reply
