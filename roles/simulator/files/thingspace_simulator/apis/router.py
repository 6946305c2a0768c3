# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes as data, and the search for the one that a request means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..http.messages import Reply, Request
from . import errors

if TYPE_CHECKING:
    from ..quirks import Quirks
    from ..service import Service


@dataclass
class Call:
    """One API request on its way: what was asked, of which route, with which names in the path."""

    service: Service
    request: Request
    route: Route
    names: dict[str, str]
    devices: list[str] | None = None


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One documented endpoint. ``needs`` is what is checked first: nothing, the token, token and session."""

    operation: str
    method: str
    path: str
    handler: Handler
    context: str
    version: str
    needs: str = "session"
    is_write: bool = False
    offered: Callable[[Quirks], bool] | None = None
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(text))


class Router:
    """Finds routes; says 900906 like the gateway when there is none."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._contexts = sorted({route.context for route in routes}, key=len, reverse=True)

    def find(self, request: Request, quirks: Quirks) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the decoded names in its path."""
        path = request.path
        for route in self._routes:
            if route.method != request.method:
                continue
            match = route.pattern.fullmatch(path, len("/api")) if path.startswith("/api/") else None
            if match and (route.offered is None or route.offered(quirks)):
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def missing(self, path: str) -> Reply:
        """Answer a request that no route takes: 404 inside a known API, 400 for an unknown one."""
        for context in self._contexts:
            if path.startswith(f"/api{context}/") or path == f"/api{context}":
                return errors.no_resource(404, context, context.rpartition("/")[2]).reply
        return errors.no_resource(400, "/".join(path.removeprefix("/api").split("/")[:3]), "v1").reply
