# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the software-management API that concern licenses, for v1, v2 and v3."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...quirks import Quirks
from ..call import Handler, Route
from . import candidates
from .change import assign, remove
from .dialects import VERSIONS
from .licenses import licenses, subscription


def _form(quirk: str, form: str) -> Callable[[Quirks], bool]:
    """Return the test whether a form of a list's path is offered: index or query."""
    return lambda quirks: quirks.word(quirk) in ("both", form)


def _firmware(quirks: Quirks) -> bool:
    """Say whether the other published path of assign and remove is offered."""
    return quirks.flag("firmware_path")


def _routes(version: str) -> Iterator[Route]:
    """Yield the routes of one version."""
    context = f"/fota/{version}"
    account = f"{context}/licenses/{{account}}"

    def route(
        operation: str, method: str, path: str, handler: Handler, offered: Callable[[Quirks], bool] | None = None
    ) -> Route:
        return Route(operation, method, path, handler, is_write=method != "GET", offered=offered)

    yield route("fota_subscription", "GET", f"{context}/subscriptions/{{account}}", subscription)
    yield route("fota_assign", "POST", f"{account}/assign", assign)
    yield route("fota_remove", "POST", f"{account}/remove", remove)
    if version != "v3":
        yield route("candidates_create", "POST", f"{account}/cancel", candidates.create)
        yield route("candidates_delete", "DELETE", f"{account}/cancel", candidates.delete)
        by_index = None if version == "v1" else _form("v2_candidates", "index")
        yield route("candidates_list", "GET", f"{account}/cancel/index/{{start}}", candidates.listing, by_index)
    if version == "v2":
        yield route("candidates_list", "GET", f"{account}/cancel", candidates.listing, _form("v2_candidates", "query"))
    if version == "v1":
        yield route("fota_list", "GET", f"{account}/index/{{cursor}}", licenses)
        return
    yield route("fota_list", "GET", account, licenses, _form(f"{version}_list", "query"))
    yield route("fota_list", "GET", f"{account}/index/{{cursor}}", licenses, _form(f"{version}_list", "index"))
    other = f"{context}/firmware/licenses/{{account}}"
    yield route("fota_assign", "POST", f"{other}/assign", assign, _firmware)
    yield route("fota_remove", "POST", f"{other}/remove", remove, _firmware)


ROUTES = tuple(route for version in VERSIONS for route in _routes(version))
