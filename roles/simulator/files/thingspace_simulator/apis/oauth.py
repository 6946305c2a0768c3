# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth token and revoke (Getting Credentials page)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from ..http import gateway
from ..http.messages import Reply
from ..world.auth import same
from . import errors
from .call import Call, Route


def _client(call: Call) -> dict[str, str]:
    """Check the Basic header and return the form; the body of these two calls is form-encoded."""
    scheme, _space, encoded = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise gateway.missing_credentials()
    try:
        key, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        key = secret = ""
    credentials = call.world.auth.credentials
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
    value, seconds = call.world.auth.token()
    scope = form.get("scope") or "am_application_scope default"
    return Reply(data={"access_token": value, "scope": scope, "token_type": "Bearer", "expires_in": seconds})


def revoke(call: Call) -> Reply:
    """End a token; no body back."""
    call.world.auth.revoke(_client(call).get("token", ""))
    return Reply(body=b"")


ROUTES = (
    Route("oauth_token", "POST", "/ts/v1/oauth2/token", token, needs="nothing"),
    Route("oauth_revoke", "POST", "/ts/v1/oauth2/revoke", revoke, needs="nothing"),
)
