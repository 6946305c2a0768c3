# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth token and session (their own pages), and the check of both before every other call."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from ..http import gateway
from ..http.messages import ApiError, Reply
from ..world.auth import same
from .call import Call, fota_error, m2m_error
from .m2m import blank, object_of

SESSION_HEADER = "vz-m2m-token"
# "The Session has expired." is documented; the two other texts are not, only their codes are.
_SESSION_TEXT = {
    "Expired": "The Session has expired.",
    "Format": "The Session token is missing.",
    "Invalid": "The Session token is not valid.",
}


def check(call: Call) -> None:
    """Raise the documented error unless the call has what its route needs."""
    if call.route.needs == "nothing":
        return
    _check_token(call)
    if call.route.needs == "session":
        _check_session(call)


def _check_token(call: Call) -> None:
    """Check the Authorization header as the gateway does."""
    given = call.request.headers.get("authorization", "")
    if not given:
        raise gateway.missing_credentials()
    scheme, _space, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise gateway.wrong_authentication()
    if not call.world.auth.token_is_good(token.strip()):
        raise gateway.invalid_credentials(call.route.context, call.route.version)


def _check_session(call: Call) -> None:
    """Check the session. Connectivity management always uses its own documented codes."""
    problem = call.world.auth.session_problem(call.request.headers.get(SESSION_HEADER))
    if problem is None:
        return
    form = call.world.quirks.word("session_error")
    if call.route.context == "/m2m/v1" and not form.startswith("m2m_"):
        form = "m2m_400"
    raise _session_error(form, problem)


def _session_error(form: str, problem: str) -> ApiError:
    """Build a session error in one of the known forms. ``problem`` is Expired, Format or Invalid.

    FOTA's own form is not documented. ``uws_400`` is that of the Location API, its closest relative.
    """
    if form.startswith("m2m_"):
        family = "INPUT_INVALID" if problem == "Invalid" else "REQUEST_FAILED"
        return m2m_error(f"{family}.SessionToken.{problem}", _SESSION_TEXT[problem], int(form[4:]))
    if form == "diagnostics_401":
        return fota_error("An error was encountered when trying to verify the UWS account.", 401, "INVALID_ACCOUNT")
    if form == "cloud_connector_401":
        body = {
            "error": "unauthorized",
            "error_description": "Failure response received for UWS V1 REST accounts: [400]",
            "cause": "Requested service is unauthorized for given token",
        }
        return ApiError(Reply(401, body))
    return fota_error(f"UWS verification failure ({_SESSION_TEXT[problem]})")


def _oauth_error(status: int, error: str, description: str) -> ApiError:
    """Build an OAuth error (provider exception of the SDKs: error, error_description)."""
    return ApiError(Reply(status, {"error": error, "error_description": description}))


def _client(call: Call) -> dict[str, str]:
    """Check the Basic header and return the form-encoded body."""
    scheme, _space, encoded = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise gateway.missing_credentials()
    try:
        key, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        key = secret = ""
    credentials = call.world.auth.credentials
    if not (same(key, credentials["client_id"]) and same(secret, credentials["client_secret"])):
        raise _oauth_error(401, "invalid_client", "A valid OAuth client could not be found for client_id")
    form = parse_qs(call.request.body.decode(errors="replace"), keep_blank_values=True)
    fields = {name: values[0] for name, values in form.items()}
    if not fields.get("grant_type"):
        raise _oauth_error(400, "invalid_request", "Missing grant_type parameter value")
    if fields["grant_type"] != "client_credentials":
        raise _oauth_error(400, "unsupported_grant_type", "Unsupported grant_type value")
    return fields


def token(call: Call) -> Reply:
    """Answer with the token of the application. It stays the same for an hour."""
    form = _client(call)
    value, seconds = call.world.auth.token()
    scope = form.get("scope") or "am_application_scope default"
    return Reply(data={"access_token": value, "scope": scope, "token_type": "Bearer", "expires_in": seconds})


def revoke(call: Call) -> Reply:
    """End a token. The answer has no body."""
    call.world.auth.revoke(_client(call).get("token", ""))
    return Reply(body=b"")


def login(call: Call) -> Reply:
    """Open a session. After five refused logins in a row even the right password is refused."""
    given = object_of(call)
    username, password = given.get("username"), given.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise blank()
    auth, quirks = call.world.auth, call.world.quirks
    session = auth.login(username, password, quirks.flag("new_login_ends_old_session"))
    if session is None and auth.locked(username):
        # The code of a locked contact is not documented: a client can only see that it is refused.
        raise m2m_error("REQUEST_FAILED.Contact.Locked", "The contact record is locked.")
    if session is None:
        raise m2m_error("INPUT_INVALID.Password.Invalid", "The username or password is invalid.")
    reply = {"sessionToken": session}
    extra = quirks.word("login_expires_in")
    return Reply(data=reply if extra == "absent" else {**reply, "expiresIn": int(extra)})


def logout(call: Call) -> Reply:
    """Close the session and answer with its token."""
    session = call.request.headers[SESSION_HEADER]
    call.world.auth.logout(session)
    return Reply(data={"sessionToken": session})
