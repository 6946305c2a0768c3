# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth token and revoke (Getting Credentials page), session login and logout (their own pages)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from ..http.messages import Reply
from ..world.auth import same
from . import errors
from .access import SESSION_HEADER
from .router import Call, Route


def _client(call: Call) -> dict[str, str]:
    """Check the Basic header and return the form; the body of these two calls is form-encoded."""
    scheme, _space, encoded = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise errors.missing_credentials()
    try:
        key, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        key = secret = ""
    credentials = call.service.auth.credentials
    if not (same(key, credentials["client_id"]) and same(secret, credentials["client_secret"])):
        raise errors.oauth(401, "invalid_client", "A valid OAuth client could not be found for client_id")
    form = parse_qs(call.request.body.decode(errors="replace"), keep_blank_values=True)
    fields = {name: values[0] for name, values in form.items()}
    if not fields.get("grant_type"):
        raise errors.oauth(400, "invalid_request", "Missing grant_type parameter value")
    if fields["grant_type"] != "client_credentials":
        raise errors.oauth(400, "unsupported_grant_type", "Unsupported grant_type value")
    return fields


def token(call: Call) -> Reply:
    """Answer with the token of the application: within its hour always the same one."""
    form = _client(call)
    value, seconds = call.service.auth.token()
    scope = form.get("scope") or "am_application_scope default"
    return Reply(data={"access_token": value, "scope": scope, "token_type": "Bearer", "expires_in": seconds})


def revoke(call: Call) -> Reply:
    """End a token; no body back."""
    call.service.auth.revoke(_client(call).get("token", ""))
    return Reply(body=b"")


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
    auth, quirks = call.service.auth, call.service.quirks
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
    call.service.auth.logout(session)
    return Reply(data={"sessionToken": session})


ROUTES = (
    Route("oauth_token", "POST", "/ts/v1/oauth2/token", token, "/ts/v1", "v1", needs="nothing"),
    Route("oauth_revoke", "POST", "/ts/v1/oauth2/revoke", revoke, "/ts/v1", "v1", needs="nothing"),
    Route("session_login", "POST", "/m2m/v1/session/login", login, "/m2m/v1", "v1", needs="token"),
    Route("session_logout", "POST", "/m2m/v1/session/logout", logout, "/m2m/v1", "v1"),
)
