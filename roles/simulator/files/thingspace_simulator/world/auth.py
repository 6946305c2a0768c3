# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may call: the OAuth token of the application, and the sessions of the user."""

from __future__ import annotations

import hmac
import secrets
import threading
import uuid
from typing import Any

from .clock import Clock

TOKEN_LIFETIME = 3600  # Getting Credentials page: the token stays the same for one hour
SESSION_IDLE = 1200  # Start Connectivity Management Session page: 20 minutes of inactivity
LOGIN_ATTEMPTS = 5  # same page: locked after five consecutive refused logins
CREDENTIALS = ("client_id", "client_secret", "username", "password")
WORD = "not-secret"  # each of them, by default; Ansible masks it, so no path or message may contain it


def same(one: str, other: str) -> bool:
    """Compare two secrets."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))


class Auth:
    """Tokens, sessions and the count of refused logins, on the simulator's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self.credentials = dict.fromkeys(CREDENTIALS, WORD)
        self._token = ""
        self._token_until = 0.0
        self._sessions: dict[str, float] = {}
        self._refused: dict[str, int] = {}

    def reset(self) -> None:
        """Forget the token, all sessions and all refused logins."""
        with self._lock:
            self._token = ""
            self._sessions.clear()
            self._refused.clear()

    def token(self) -> tuple[str, int]:
        """Return the application's token and how many whole seconds it is still valid."""
        with self._lock:
            now = self._clock.now()
            if not self._token or self._token_until - now < 1:
                self._token = secrets.token_hex(16)
                self._token_until = now + TOKEN_LIFETIME
            return self._token, round(self._token_until - now)

    def token_is_good(self, token: str) -> bool:
        """Say whether a Bearer token is the current one and still valid."""
        with self._lock:
            return bool(self._token) and same(token, self._token) and self._clock.now() < self._token_until

    def revoke(self, token: str | None = None) -> None:
        """End a token; without an argument, the current one."""
        with self._lock:
            if token is None or same(token, self._token):
                self._token = ""

    def locked(self, username: str) -> bool:
        """Say whether a user is locked out, so that even the right password is refused."""
        with self._lock:
            return self._refused.get(username, 0) >= LOGIN_ATTEMPTS

    def login(self, username: str, password: str, only_one: bool) -> str | None:
        """Open a session and return its token, or None if the login is refused."""
        with self._lock:
            right = same(username, self.credentials["username"]) and same(password, self.credentials["password"])
            if self.locked(username) or not right:
                self._refused[username] = self._refused.get(username, 0) + 1
                return None
            self._refused.pop(username, None)
            if only_one:
                self._sessions.clear()
            session = str(uuid.uuid4())
            self._sessions[session] = self._clock.now()
            return session

    def logout(self, session: str) -> None:
        """Close a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def session_problem(self, session: str | None) -> str | None:
        """Return what is wrong with a session token: Format (missing), Invalid (not a GUID), Expired, or None.

        The 20 minutes of a valid session start again.
        """
        if not session:
            return "Format"
        try:
            uuid.UUID(session)
        except ValueError:
            return "Invalid"
        with self._lock:
            now = self._clock.now()
            if now - self._sessions.get(session, float("-inf")) >= SESSION_IDLE:
                self._sessions.pop(session, None)
                return "Expired"
            self._sessions[session] = now
            return None

    def expire_sessions(self) -> None:
        """End all sessions."""
        with self._lock:
            self._sessions.clear()

    def report(self) -> dict[str, Any]:
        """Return counts, without tokens."""
        with self._lock:
            now = self._clock.now()
            return {
                "token": bool(self._token) and now < self._token_until,
                "sessions": sum(1 for used in self._sessions.values() if now - used < SESSION_IDLE),
                "refused_logins": dict(self._refused),
                "locked": [user for user, count in self._refused.items() if count >= LOGIN_ATTEMPTS],
            }
