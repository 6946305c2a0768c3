# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The requests that return and end tokens: OAuth2 client credentials, session login, and logout.

Sources: Getting Credentials (a token lasts 1 h, and requests within the hour return the same one), Start/End
Connectivity Management Session.
"""

from __future__ import annotations

import base64
import math
import typing as t

from .connection import Connection
from .login_answer import APPLICATION, USER, logout_problem, token_and_value
from .sender import Sender
from .tokens import Tokens
from .transport import HeaderAuth, Request

OAUTH_PATH = "/ts/v1/oauth2/token"
LOGIN_PATH = "/m2m/v1/session/login"
LOGOUT_PATH = "/m2m/v1/session/logout"

HOUR = 3600.0


class Login:
    """Logs in and out. Stores nothing."""

    def __init__(self, connection: Connection, sender: Sender) -> None:
        self._connection = connection
        self._sender = sender

    def access_token(self) -> tuple[str, float]:
        """C(POST /ts/v1/oauth2/token): an access token, and for how many more seconds it is valid.

        :raises LoginRefused: the application's credentials were refused.
        """
        pair = f"{self._connection.client_id}:{self._connection.client_secret}"
        basic = HeaderAuth({"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})
        form = {"grant_type": "client_credentials"}
        answer = self._sender.send(self._request("get an access token", OAUTH_PATH, basic, form=form), safe=True)
        token, value = token_and_value(answer, APPLICATION, "access_token")
        return token, _seconds(value.get("expires_in", HOUR))

    def another_access_token(self, refused: str) -> tuple[str, float]:
        """As C(access_token), but not the token that was just refused.

        Within its hour, the server returns the same token, and its clock may be slightly ahead of ours.
        """
        token, seconds = self.access_token()
        if token == refused:
            self.pause(min(max(seconds, 0.0), 5.0) + 0.5, "wait for the access token to expire")
            token, seconds = self.access_token()
        return token, seconds

    def session_token(self, access: str) -> str:
        """C(POST /m2m/v1/session/login): a session token. The password is sent once, whatever the answer is.

        :raises LoginRefused: the user's credentials were refused.
        :raises AccessRefused: the access token was refused.
        :raises LicensingError: there was no reliable answer. C(in_doubt) says whether ThingSpace may have processed the
            login.
        """
        body = {"username": self._connection.username, "password": self._connection.password}
        bearer = HeaderAuth({"Authorization": f"Bearer {access}"})
        answer = self._sender.send(self._request("log in", LOGIN_PATH, bearer, json=body), safe=False, once=True)
        return token_and_value(answer, USER, "sessionToken")[0]

    def end(self, tokens: Tokens) -> None:
        """C(POST /m2m/v1/session/logout). It is not an error if the session had already ended."""
        answer = self._sender.send(self._request("log out", LOGOUT_PATH, tokens.auth()), safe=True)
        problem = logout_problem(answer)
        if problem is not None:
            raise problem

    def pause(self, seconds: float, purpose: str) -> None:
        """Wait, if the deadline allows it."""
        self._sender.pause(seconds, purpose)

    def _request(self, operation: str, path: str, auth: HeaderAuth, **content: t.Any) -> Request:
        return Request(operation, "POST", self._connection.base_url + path, auth, **content)


def _seconds(value: t.Any) -> float:
    """How long an access token is valid, in seconds. If the answer does not say, it is the documented hour."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return HOUR
    return seconds if math.isfinite(seconds) else HOUR
