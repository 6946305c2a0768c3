# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All endpoints, and the search for the one that a request means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

from ..http import gateway
from ..http.messages import Reply, Request
from ..quirks import Quirks
from . import callbacks, candidates, devices, fota, fota_devices, login, simsec
from .call import Route
from .dialects import VERSIONS

_SIMSEC = "/m2m/v1/devices/license/actions/assign"
_STATUS = "/m2m/v1/accounts/{account}/requests/{request}/status"
_CALLBACKS = "/m2m/v1/callbacks/{account}"


def _form(quirk: str, form: str) -> Callable[[Quirks], bool]:
    """Return the test whether a list's path exists in this form: index or query."""
    return lambda quirks: quirks.word(quirk) in ("both", form)


def _firmware(quirks: Quirks) -> bool:
    """Say whether the other published path of assign and remove exists."""
    return quirks.flag("firmware_path")


def _devices(*words: str) -> Callable[[Quirks], bool]:
    """Return the test whether a server offers a call about devices with their license."""
    return lambda quirks: quirks.word("fota_devices") in words


def _software_management(version: str) -> Iterator[Route]:
    """Yield the routes of one version that concern FOTA licenses."""
    account = f"/fota/{version}/licenses/{{account}}"
    index, cancel = f"{account}/index/{{cursor}}", f"{account}/cancel"
    yield Route("fota_subscription", "GET", f"/fota/{version}/subscriptions/{{account}}", fota.subscription)
    yield Route("fota_assign", "POST", f"{account}/assign", fota.assign, is_write=True)
    yield Route("fota_remove", "POST", f"{account}/remove", fota.remove, is_write=True)
    if version != "v3":
        by_index = None if version == "v1" else _form("v2_candidates", "index")
        yield Route("candidates_create", "POST", cancel, candidates.create, is_write=True)
        yield Route("candidates_delete", "DELETE", cancel, candidates.delete, is_write=True)
        yield Route("candidates_list", "GET", f"{cancel}/index/{{start}}", candidates.listing, offered=by_index)
    if version == "v2":
        yield Route("candidates_list", "GET", cancel, candidates.listing, offered=_form("v2_candidates", "query"))
    about = f"/fota/{version}/devices/{{account}}"
    listed = f"{about}/index/{{cursor}}" if version == "v1" else about
    yield Route("fota_device_list", "GET", listed, fota_devices.listing, offered=_devices("all", "lists"))
    if version == "v1":
        yield Route("fota_list", "GET", index, fota.licenses)
        return
    if version == "v3":
        yield Route("fota_device_lookup", "POST", about, fota_devices.lookup, offered=_devices("all"))
    yield Route("fota_list", "GET", account, fota.licenses, offered=_form(f"{version}_list", "query"))
    yield Route("fota_list", "GET", index, fota.licenses, offered=_form(f"{version}_list", "index"))
    other = f"/fota/{version}/firmware/licenses/{{account}}"
    yield Route("fota_assign", "POST", f"{other}/assign", fota.assign, is_write=True, offered=_firmware)
    yield Route("fota_remove", "POST", f"{other}/remove", fota.remove, is_write=True, offered=_firmware)


ROUTES = (
    Route("oauth_token", "POST", "/ts/v1/oauth2/token", login.token, needs="nothing"),
    Route("oauth_revoke", "POST", "/ts/v1/oauth2/revoke", login.revoke, needs="nothing"),
    Route("session_login", "POST", "/m2m/v1/session/login", login.login, needs="token"),
    Route("session_logout", "POST", "/m2m/v1/session/logout", login.logout),
    *(route for version in VERSIONS for route in _software_management(version)),
    Route("simsec_assign", "POST", _SIMSEC, simsec.assign, is_write=True),
    Route("simsec_unassign", "DELETE", _SIMSEC, simsec.unassign, is_write=True),
    Route("request_status", "GET", _STATUS, simsec.status),
    Route("subscriptions_list", "POST", "/m2m/v1/accounts/subscriptions/actions/list", simsec.subscriptions),
    Route("device_list", "POST", "/m2m/v1/devices/actions/list", devices.devices),
    Route("callback_register", "POST", _CALLBACKS, callbacks.register, is_write=True),
    Route("callback_list", "GET", _CALLBACKS, callbacks.listing),
    Route("callback_remove", "DELETE", f"{_CALLBACKS}/name/{{service}}", callbacks.remove, is_write=True),
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


def missing(path: str, quirks: Quirks) -> Reply:
    """Answer a request without a route: as a quirk says inside a known API, 400 for an unknown one."""
    for context in _CONTEXTS:
        if path.startswith(f"/api{context}/") or path == f"/api{context}":
            return gateway.no_resource(int(quirks.word("missing_call")), context, context.rpartition("/")[2]).reply
    return gateway.no_resource(400, "/".join(path.removeprefix("/api").split("/")[:3]), "v1").reply
