# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every endpoint is made of: the call, the route that leads to it, and the documented error bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..background.jobs import Jobs
from ..http.messages import ApiError, Reply, Request
from ..quirks import Quirks
from ..world.world import World


@dataclass
class Call:
    """One API request: what was asked, by which route, with which names in the path."""

    world: World
    jobs: Jobs
    request: Request
    route: Route
    names: dict[str, str]


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One documented endpoint. ``needs`` is what is checked first: nothing, the token, or token and session."""

    operation: str
    method: str
    path: str
    handler: Handler
    needs: str = "session"
    is_write: bool = False
    offered: Callable[[Quirks], bool] | None = None

    @property
    def context(self) -> str:
        """Return the API of the path, such as /fota/v3."""
        return "/".join(self.path.split("/")[:3])

    @property
    def version(self) -> str:
        """Return the version of the API, such as v3."""
        return self.context.rpartition("/")[2]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return the pattern that matches a path and names its parts."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def m2m_error(code: str, message: str, status: int = 400) -> ApiError:
    """Build a connectivity-management error: clients compare the code without the service name."""
    return ApiError(Reply(status, {"errorCode": f"UnifiedWebService.{code}", "errorMessage": message}))


def fota_error(message: str, status: int = 400, code: str = "INVALID_PARAMETER") -> ApiError:
    """Build a software-management error (Error Messages page: INVALID_PARAMETER in all visible rows)."""
    return ApiError(Reply(status, {"errorCode": code, "errorMessage": message}))
