# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Gets both tokens of ThingSpace once and shares them between all tasks and forks of a user."""

from __future__ import annotations

import functools
import time
import typing as t

from .._errors import LicensingError, TransportError
from .connection import Connection
from .request_result import TokenKind
from .runtime_dir import Store
from .secrets import SecretRegister
from .sender import Sender
from .token_state import TokenState, token_state
from .tokens import Tokens

if t.TYPE_CHECKING:
    from .login import Login
    from .login_guard import LoginGuard

# A module compiles what it imports, each time. Most tasks use the tokens of an earlier one.
# pylint: disable=import-outside-toplevel

TOUCH_EVERY = 60.0
"""Seconds after which a running task reads the shared state again, and notes that it still uses the session."""


class Authenticator:
    """Returns tokens. Logs in if there are none, one process at a time.

    Tokens from the options come first. If ThingSpace refuses one, it is replaced if there are credentials.

    :param store: where tokens are kept.
    :param guards: where logins are counted, if not there.
    """

    def __init__(
        self,
        connection: Connection,
        sender: Sender,
        store: Store,
        secrets: SecretRegister,
        *,
        guards: Store | None = None,
        hide_tokens: bool = True,
    ) -> None:
        self._connection = connection
        self._sender = sender
        self._deadline = sender.deadline
        self._store = store
        self._guards = guards or store
        self._secrets = secrets
        self._hide_tokens = hide_tokens
        self._given: dict[TokenKind, str | None] = {
            "access": connection.access_token,
            "session": connection.session_token,
        }
        self._known: Tokens | None = None
        self._touched = 0.0
        secrets.remember(connection.client_secret, connection.password)
        if connection.client_secret:
            secrets.remember(f"{connection.client_id}:{connection.client_secret}")

    @functools.cached_property
    def _login(self) -> Login:
        from .login import Login

        return Login(self._connection, self._sender)

    @functools.cached_property
    def _user_guard(self) -> LoginGuard:
        from .login_guard import USER, LoginGuard

        return LoginGuard(self._guards, self._connection, USER)

    @functools.cached_property
    def _application_guard(self) -> LoginGuard:
        from .login_guard import APPLICATION, LoginGuard

        return LoginGuard(self._guards, self._connection, APPLICATION)

    def tokens(self) -> Tokens:
        """Tokens that are probably valid. ThingSpace is not asked whether they are.

        :raises LicensingError: C(login_refused), C(login_blocked), or the reason why the login could not be sent.
        """
        if self._known is None or time.time() - self._touched > TOUCH_EVERY:
            self._known = self._agree(None, None)
            self._touched = time.time()
        return self._known

    def renew(self, refused: Tokens, kind: TokenKind) -> None:
        """Replace a token that ThingSpace refused, unless another thread or fork has already replaced it.

        :raises LicensingError: C(auth_rejected) if the token came from the options and cannot be replaced.
        """
        self._known = self._agree(refused, kind)
        self._touched = time.time()

    def cached(self) -> Tokens | None:
        """The tokens that are available without a login, if they should still be valid."""
        with self._state() as state:
            return self._at_hand(state)

    def log_out(self) -> bool:
        """End the session and forget tokens and refused logins. Returns whether there was a session."""
        for guard in (self._user_guard, self._application_guard):
            guard.forget()
        with self._state() as state:
            session = self._given["session"] or state.get("session")
            if session:
                tokens = Tokens(self._access(state, None), session)
                self._hide(tokens)
                self._login.end(tokens)
            state.clear()
        self._known = None
        return session is not None

    def _state(self) -> t.ContextManager[TokenState]:
        return token_state(self._store, self._connection, self._deadline.remaining())

    def _agree(self, refused: Tokens | None, kind: TokenKind | None) -> Tokens:
        """Tokens other than the refused ones. Processes take turns, so that the next one finds these tokens."""
        with self._state() as state:
            if refused and kind and self._given[kind] == getattr(refused, kind):
                self._given[kind] = None
            found = self._at_hand(state)
            if found is None or (refused and kind and getattr(found, kind) == getattr(refused, kind)):
                try:
                    found = self._acquire(state, refused, kind)
                except LicensingError as error:
                    raise _before_the_operation(error) from None
            state.touch()
        self._hide(found)
        return found

    def _at_hand(self, state: TokenState) -> Tokens | None:
        access = self._given["access"] or state.get("access")
        session = self._given["session"] or state.get("session")
        return Tokens(access, session) if access and session else None

    def _acquire(self, state: TokenState, refused: Tokens | None, kind: TokenKind | None) -> Tokens:
        from .login_answer import AccessRefused

        access = self._access(state, refused.access if refused and kind == "access" else None)
        refused_session = refused.session if refused and kind == "session" else None
        try:
            return Tokens(access, self._session(state, access, refused_session))
        except AccessRefused:
            if self._given["access"] == access:
                self._given["access"] = None
            access = self._access(state, access)
            return Tokens(access, self._session(state, access, refused_session))

    def _access(self, state: TokenState, refused: str | None) -> str:
        """An access token other than the refused one."""
        known = self._given["access"] or state.get("access")
        if known and known != refused:
            return known
        if not self._connection.client_secret:
            raise _cannot_renew("access_token", "client_id", "client_secret")
        with self._application_guard.attempt(self._deadline.remaining()):
            token, seconds = self._login.another_access_token(refused or "")
        state.put_access(token, seconds)
        return token

    def _session(self, state: TokenState, access: str, refused: str | None) -> str:
        """A session token other than the refused one."""
        known = self._given["session"] or state.get("session")
        if known and known != refused:
            return known
        if not self._connection.password:
            raise _cannot_renew("session_token", "username", "password")
        token = self._log_in(access)
        state.put_session(token)
        return token

    def _log_in(self, access: str) -> str:
        """Log in. If the answer is lost, log in once more."""
        try:
            return self._log_in_once(access)
        except LicensingError as error:
            if not _may_pass(error):
                raise
        self._login.pause(1.0, "log in again")
        return self._log_in_once(access)

    def _log_in_once(self, access: str) -> str:
        with self._user_guard.attempt(self._deadline.remaining()):
            return self._login.session_token(access)

    def _hide(self, tokens: Tokens) -> None:
        if self._hide_tokens:
            self._secrets.remember(tokens.access, tokens.session)


def _may_pass(error: LicensingError) -> bool:
    """Whether trying again can help after the password was sent. It cannot if a proxy answered with its own page."""
    if isinstance(error, TransportError):
        return error.in_doubt and error.retryable
    return error.code in ("server_error", "rate_limited")


def _before_the_operation(error: LicensingError) -> LicensingError:
    """Turn the failure of a login into a failure of the operation that needs the tokens. Of that, nothing was done."""
    error.in_doubt = False
    return error


def _cannot_renew(token: str, name: str, secret: str) -> LicensingError:
    return LicensingError(
        f"The '{token}' that was handed over is not accepted any more, and there is no '{name}' and '{secret}' to get "
        "a new one. Hand over a fresh token, or set these options.",
        code="auth_rejected",
    )
