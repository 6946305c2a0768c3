# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The requests that yield and end tokens: OAuth2 client credentials, session login and logout.

Sources: Getting Credentials (token for 1 h, the same one within the hour), Start/End Connectivity Management Session.
"""

from __future__ import annotations

import base64
import dataclasses
import typing as t

from ._answers import decode, parse_fault
from ._connection import Connection
from ._errors import ApiError
from ._sender import Sender
from ._transport import HeaderAuth, Request, Response

OAUTH_PATH = "/ts/v1/oauth2/token"
LOGIN_PATH = "/m2m/v1/session/login"
LOGOUT_PATH = "/m2m/v1/session/logout"


@dataclasses.dataclass(frozen=True, repr=False)
class Tokens:
    """What every call carries. Has no C(repr), so that it can never be printed."""

    access: str
    session: str

    def auth(self) -> HeaderAuth:
        """Both headers of a resource call."""
        return HeaderAuth({"Authorization": f"Bearer {self.access}", "VZ-M2M-Token": self.session})


class LoginRefused(ApiError):
    """ThingSpace looked at the credentials and refused them."""


class AccessRefused(ApiError):
    """The gateway turned a login away because of the access token, so no password was looked at."""


class Login:
    """Logs in and out; keeps nothing."""

    def __init__(self, connection: Connection, sender: Sender) -> None:
        self._connection = connection
        self._sender = sender

    def access_token(self) -> tuple[str, float]:
        """C(POST /ts/v1/oauth2/token): an access token and the seconds it is still good for.

        :raises LoginRefused: the application's credentials are refused.
        """
        pair = f"{self._connection.client_id}:{self._connection.client_secret}"
        basic = HeaderAuth({"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})
        form = {"grant_type": "client_credentials"}
        answer = self._sender.send(self._request("get an access token", OAUTH_PATH, basic, form=form), safe=True)
        if answer.status in (400, 401, 403):
            raise _refused(LoginRefused, "the application's credentials ('client_id', 'client_secret')", answer)
        value = decode(answer)
        try:
            seconds = float(value.get("expires_in", 3600))
        except (TypeError, ValueError):
            seconds = 3600.0
        return _token(value, "access_token"), seconds

    def another_access_token(self, refused: str) -> tuple[str, float]:
        """As C(access_token), but not the one that was just refused.

        Within its hour the same token is handed out, and the server's clock may be a moment ahead of ours.
        """
        token, seconds = self.access_token()
        if token == refused:
            self.pause(min(max(seconds, 0.0), 5.0) + 0.5, "wait for the access token to expire")
            token, seconds = self.access_token()
        return token, seconds

    def session_token(self, access: str) -> str:
        """C(POST /m2m/v1/session/login): a session token. Sent once.

        :raises LoginRefused: the user's credentials are refused.
        :raises AccessRefused: the access token is.
        :raises LicensingError: no trustworthy answer; C(is_lost) tells whether the login may have been judged.
        """
        body = {"username": self._connection.username, "password": self._connection.password}
        bearer = HeaderAuth({"Authorization": f"Bearer {access}"})
        answer = self._sender.send(self._request("log in", LOGIN_PATH, bearer, json=body), safe=False)
        if 400 <= answer.status < 500 and answer.status not in (404, 405, 408, 429):
            kind = AccessRefused if parse_fault(answer.body).gateway else LoginRefused
            raise _refused(kind, "the user's login ('username', 'password')", answer)
        return _token(decode(answer), "sessionToken")

    def end(self, tokens: Tokens) -> None:
        """C(POST /m2m/v1/session/logout); a session that is over already is no error."""
        answer = self._sender.send(self._request("log out", LOGOUT_PATH, tokens.auth()), safe=True)
        if answer.status >= 500 or answer.status == 429:
            decode(answer)

    def pause(self, seconds: float, purpose: str) -> None:
        """Wait, if the deadline allows it."""
        self._sender.pause(seconds, purpose)

    def _request(self, operation: str, path: str, auth: HeaderAuth, **content: t.Any) -> Request:
        return Request(operation, "POST", self._connection.base_url + path, auth, **content)


E_ = t.TypeVar("E_", bound=ApiError)


def _refused(kind: type[E_], whose: str, answer: Response) -> E_:
    fault = parse_fault(answer.body, answer.mask)
    return kind(
        f"ThingSpace refused {whose} (HTTP {answer.status}: {fault.text.rstrip('.')}). Correct them before running "
        "again: a user's account locks after five refused logins, and only Verizon can unlock it.",
        code="login_refused",
        status=answer.status,
        api_code=fault.code,
        api_message=fault.message,
    )


def _token(value: t.Mapping[str, t.Any], field: str) -> str:
    token = value.get(field)
    if isinstance(token, str) and token and token.isascii() and token.isprintable():
        return token
    raise ApiError(
        f"The answer to the login holds no '{field}'. Check 'base_url'.",
        code="bad_answer",
        status=200,
        effect_possible=True,
    )
