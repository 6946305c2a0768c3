# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering, listing and removing callback listeners (callback pages)."""

from __future__ import annotations

from ..fields import read
from ..http.messages import Reply
from ..world.listeners import KINDS, Listener, listeners_of
from . import errors
from .call import Call, Route
from .m2m import account_of, body_of

PATH = "/m2m/v1/callbacks/{account}"


def register(call: Call) -> Reply:
    """Take in a listener; one that was there for the service is replaced. The error code is ours."""
    account = account_of(call, call.names["account"])
    given = body_of(call)
    wanted = {"service": given.get("name"), **{name: given.get(name) for name in ("url", "username", "password")}}
    problems: list[str] = []
    fields = read(wanted, KINDS, "callback", problems)
    if problems:
        text = f"The callback cannot be registered: {'; '.join(problems)}."
        raise errors.m2m("INPUT_INVALID.Callback.Invalid", text)
    listener = Listener(**fields)
    listeners_of(account)[listener.service] = listener
    return Reply(data={"accountName": account.name, "serviceName": listener.service})


def listing(call: Call) -> Reply:
    """Answer with all listeners, passwords in clear text as documented."""
    account = account_of(call, call.names["account"])
    rows = [
        {
            "accountName": account.name,
            "serviceName": one.service,
            "url": one.url,
            "username": one.username,
            "password": one.password,
        }
        for one in listeners_of(account).values()
    ]
    return Reply(data=rows)


def remove(call: Call) -> Reply:
    """Drop a listener."""
    account = account_of(call, call.names["account"])
    service = call.names["service"]
    if listeners_of(account).pop(service, None) is None:
        raise errors.m2m("REQUEST_FAILED.CallbackNotFound", f"No callback is registered for {service}.")
    return Reply(data={"accountName": account.name, "serviceName": service})


ROUTES = (
    Route("callback_register", "POST", PATH, register, is_write=True),
    Route("callback_list", "GET", PATH, listing),
    Route("callback_remove", "DELETE", f"{PATH}/name/{{service}}", remove, is_write=True),
)
