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
import time
import typing as t

from .connection import Connection
from .request_result import TokenKind
from .runtime_dir import Store, StoredState

SESSION_IDLE = 18 * 60.0
"""Seconds after which an unused session is no longer trusted. ThingSpace ends it after 20 minutes."""


class TokenState:
    """A view of the shared state, inside its transaction."""

    def __init__(self, state: StoredState, fingerprint: str) -> None:
        self._state = state
        self._fingerprint = fingerprint
        if state.get("fingerprint") != fingerprint:
            for key in ("access", "access_until", "session", "session_used"):
                state.pop(key, None)
            state["fingerprint"] = fingerprint

    def get(self, kind: TokenKind) -> str | None:
        """The shared token, if it should still be valid."""
        token = self._state.get(kind)
        until = self._time("access_until" if kind == "access" else "session_used")
        until += SESSION_IDLE if kind == "session" else 0.0
        return token if isinstance(token, str) and token and time.time() < until else None

    def put_access(self, token: str, seconds: float) -> None:
        """Share an access token that is valid for this many seconds."""
        self._state.update(access=token, access_until=time.time() + seconds)

    def put_session(self, token: str) -> None:
        """Share a session token."""
        self._state.update(session=token, session_used=time.time())

    def touch(self) -> None:
        """Note that the session is in use."""
        self._state["session_used"] = time.time()

    def clear(self) -> None:
        """Forget everything."""
        self._state.clear()

    def _time(self, key: str) -> float:
        value = self._state.get(key)
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
        yield TokenState(state, hashlib.pbkdf2_hmac("sha256", material, bytes.fromhex(salt), 20_000).hex())
