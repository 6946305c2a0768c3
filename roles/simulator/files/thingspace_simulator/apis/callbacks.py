# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering, listing and removing callback listeners (callback pages)."""

from __future__ import annotations

from ..fields import Place
from ..http.messages import Reply
from ..world.listeners import KINDS, Listener
from .call import Call, m2m_error
from .m2m import account_of, body_of


def register(call: Call) -> Reply:
    """Register a listener, which replaces the earlier one of the service. The error code is ours."""
    account = account_of(call, call.names["account"])
    given = body_of(call)
    wanted = {"service": given.get("name"), **{name: given.get(name) for name in ("url", "username", "password")}}
    place = Place("callback")
    fields = place.read(wanted, KINDS)
    if place.problems:
        text = f"The callback cannot be registered: {'; '.join(place.problems)}."
        raise m2m_error("INPUT_INVALID.Callback.Invalid", text)
    listener = Listener(**fields)
    account.listeners[listener.service] = listener
    return Reply(data={"accountName": account.name, "serviceName": listener.service})


def listing(call: Call) -> Reply:
    """Answer with all listeners, with passwords in clear text as documented."""
    account = account_of(call, call.names["account"])
    rows = [
        {
            "accountName": account.name,
            "serviceName": one.service,
            "url": one.url,
            "username": one.username,
            "password": one.password,
        }
        for one in account.listeners.values()
    ]
    return Reply(data=rows)


def remove(call: Call) -> Reply:
    """Remove a listener."""
    account = account_of(call, call.names["account"])
    service = call.names["service"]
    if account.listeners.pop(service, None) is None:
        raise m2m_error("REQUEST_FAILED.CallbackNotFound", f"No callback is registered for {service}.")
    return Reply(data={"accountName": account.name, "serviceName": service})
