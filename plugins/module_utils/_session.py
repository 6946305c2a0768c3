# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Log in and out explicitly: the flow of the module C(session)."""

from __future__ import annotations

from ._module import Context, Result


def run(context: Context) -> Result:
    """Ensure that there is a session, or that there is none. Check mode sends no requests to ThingSpace."""
    wanted = context.params["state"] == "present"
    client = context.connect([], reveal_tokens=wanted)
    cached = client.auth.cached()
    if not wanted:
        if context.check_mode:
            return Result({}, changed=cached is not None)
        return Result({}, changed=client.auth.log_out())
    if context.check_mode:
        return Result({"access_token": None, "session_token": None}, changed=cached is None)
    tokens = client.auth.tokens()
    return Result({"access_token": tokens.access, "session_token": tokens.session}, changed=cached is None)
