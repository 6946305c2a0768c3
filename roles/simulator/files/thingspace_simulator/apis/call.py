# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every endpoint is made of: the call, the route that leads to it, and the documented error bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

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
    """One documented endpoint. ``needs`` is what is checked first: nothing, the token, or the session (and the token).

    ``context`` is the API of the path, such as /fota/v3. ``version`` is the last part of that.
    """

    operation: str
    method: str
    path: str
    handler: Handler
    needs: str = "session"
    is_write: bool = False
    offered: Callable[[Quirks], bool] | None = None
    context: str = field(init=False)
    version: str = field(init=False)
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        context = "/".join(self.path.split("/")[:3])
        object.__setattr__(self, "context", context)
        object.__setattr__(self, "version", context.rpartition("/")[2])
        text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(text))


def m2m_error(code: str, message: str, status: int = 400) -> ApiError:
    """Build a connectivity-management error: clients compare the code without the service name."""
    return ApiError(Reply(status, {"errorCode": f"UnifiedWebService.{code}", "errorMessage": message}))


def fota_error(message: str, status: int = 400, code: str = "INVALID_PARAMETER") -> ApiError:
    """Build a software-management error (Error Messages page: INVALID_PARAMETER in all visible rows)."""
    return ApiError(Reply(status, {"errorCode": code, "errorMessage": message}))
