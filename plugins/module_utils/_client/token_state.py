# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The tokens that the tasks of a user share. C(_client/login_guard.py) counts refused logins.

The state belongs to one server, application, and user. A salted fingerprint ties the tokens to the secrets that they
were requested with.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t

from .connection import Connection
from .request_result import TokenKind
from .runtime_dir import Store, StoredState

SESSION_IDLE = 18 * 60.0
"""Seconds after which an unused session is no longer trusted. ThingSpace ends it after 20 minutes."""


_Kept = dict[str, t.Any]


class TokenState:
    """A view of the shared state, inside its transaction: the tokens of these secrets. Those of others stay.

    :param now: the time, by the clock of the store.
    """

    def __init__(self, state: StoredState, fingerprint: str, now: t.Callable[[], float]) -> None:
        self._state = state
        self._fingerprint = fingerprint
        self._now = now

    def get(self, kind: TokenKind) -> str | None:
        """The shared token, if it should still be valid."""
        return self._valid(self._all().get(self._fingerprint, {}), kind)

    def put_access(self, token: str, seconds: float) -> None:
        """Share an access token that is valid for this many seconds."""
        self._put(access=token, access_until=self._now() + seconds)

    def put_session(self, token: str) -> None:
        """Share a session token."""
        self._put(session=token, session_used=self._now())

    def touch(self) -> None:
        """Note that the session is in use."""
        if self.get("session"):
            self._put(session_used=self._now())

    def clear(self) -> None:
        """Forget the tokens of these secrets."""
        self._state["tokens"] = {
            fingerprint: tokens for fingerprint, tokens in self._all().items() if fingerprint != self._fingerprint
        }

    def _all(self) -> dict[str, _Kept]:
        found = self._state.get("tokens")
        entries = found.items() if isinstance(found, dict) else ()
        return {fingerprint: tokens for fingerprint, tokens in entries if isinstance(tokens, dict)}

    def _put(self, **values: t.Any) -> None:
        """Change the tokens of these secrets, and forget those of others that nobody can use any more."""
        before = self._all()
        good = {
            fingerprint: tokens
            for fingerprint, tokens in before.items()
            if self._valid(tokens, "access") or self._valid(tokens, "session")
        }
        self._state["tokens"] = {**good, self._fingerprint: {**before.get(self._fingerprint, {}), **values}}

    def _valid(self, tokens: _Kept, kind: TokenKind) -> str | None:
        token = tokens.get(kind)
        until = _time(tokens, "access_until" if kind == "access" else "session_used")
        until += SESSION_IDLE if kind == "session" else 0.0
        return token if isinstance(token, str) and token and self._now() < until else None


def _time(tokens: _Kept, key: str) -> float:
    value = tokens.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


@contextlib.contextmanager
def token_state(store: Store, connection: Connection, patience: float) -> t.Iterator[TokenState]:
    """Lock the state of this server, application, and user.

    :param patience: seconds to wait while another task logs in.
    """
    who = "\n".join([connection.base_url, connection.client_id or "", connection.username or ""])
    name = "session-" + hashlib.sha256(who.encode()).hexdigest()[:24]
    with store.transaction(name, patience=patience) as state:
        salt = state.get("salt")
        if not isinstance(salt, str) or not re.fullmatch("[0-9a-f]{32}", salt):
            state.clear()
            salt = state["salt"] = os.urandom(16).hex()
        material = "\n".join([connection.client_secret or "", connection.password or ""]).encode()
        fingerprint = hashlib.pbkdf2_hmac("sha256", material, bytes.fromhex(salt), 20_000).hex()
        yield TokenState(state, fingerprint, store.now)
