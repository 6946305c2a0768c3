# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Session login and logout (their own pages)."""

from __future__ import annotations

from ..http.messages import Reply
from . import errors
from .access import SESSION_HEADER
from .call import Call, Route


def login(call: Call) -> Reply:
    """Open a session. After five refused logins in a row even the right password is refused."""
    if not call.request.body.strip():
        text = "Request cannot be blank. Please provide request details."
        raise errors.m2m("INPUT_INVALID.RequestUndefined", text)
    try:
        given = call.request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise errors.m2m("DeserializationFailed", "The request could not be read.")
    username, password = given.get("username"), given.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        text = "Request cannot be blank. Please provide request details."
        raise errors.m2m("INPUT_INVALID.RequestUndefined", text)
    auth, quirks = call.world.auth, call.world.quirks
    session = auth.login(username, password, quirks.flag("new_login_ends_old_session"))
    if session is None and auth.locked(username):
        # The code of a locked contact is not documented; a client can only see that it is refused.
        raise errors.m2m("REQUEST_FAILED.Contact.Locked", "The contact record is locked.")
    if session is None:
        raise errors.m2m("INPUT_INVALID.Password.Invalid", "The username or password is invalid.")
    reply = {"sessionToken": session}
    extra = quirks.word("login_expires_in")
    return Reply(data=reply if extra == "absent" else {**reply, "expiresIn": int(extra)})


def logout(call: Call) -> Reply:
    """Close the session and answer with its token."""
    session = call.request.headers[SESSION_HEADER]
    call.world.auth.logout(session)
    return Reply(data={"sessionToken": session})


ROUTES = (
    Route("session_login", "POST", "/m2m/v1/session/login", login, needs="token"),
    Route("session_logout", "POST", "/m2m/v1/session/logout", logout),
)
