# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read an account's callback listeners: the flow of C(callback_info)."""

from __future__ import annotations

from .._module import Context, Result
from .api import CallbackApi


def run(context: Context) -> Result:
    """Read the listeners. Of a password, the result shows only whether there is one."""
    account, wanted = context.params["account"], (context.params["service"] or "").casefold()
    rows = [
        {**listener.as_result(account, context.secrets.mask), "has_password": bool(listener.password)}
        for listener in CallbackApi(context.connect([]), account).listeners()
        if not wanted or listener.service.casefold() == wanted
    ]
    return Result({"callbacks": rows})
