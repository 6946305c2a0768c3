# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How often credentials may be tried. Five refused logins lock a user, and only Verizon can unlock it.

An attempt is counted before the password is sent, and stays counted for an hour whatever the answer is. Only a success,
or proof that nothing was sent, clears it. So neither a killed task nor an unexpected answer can lose an attempt. The
count belongs to the user on that host, whatever application or path the login used.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import typing as t
import urllib.parse

from .._errors import LicensingError, TransportError
from .._text.lists import many
from .connection import Connection
from .login_answer import LoginRefused
from .runtime_dir import Damaged, MemoryStore, Store, StoredState

HOUR = 3600.0

REFUSED = 2
"""After this many refusals, the same secret is not tried again within the hour. If the count ends with the job, so that
each of many jobs could try it, after one.
"""

SENT = 4
"""Attempts without a success: with one password within an hour, and with all passwords in a row."""

LoginOutcome = t.Literal["sent", "refused", "forgotten", "past"]
"""C(sent): neither a refusal nor a success. C(forgotten): a refusal that no longer blocks its password, because a
person says that this is correct. C(past): before a success, so it no longer counts toward attempts in a row. The
password was still sent.
"""


class LoginAttempt(t.NamedTuple):
    """One attempt without a success.

    :param key: distinguishes it from all others.
    :param at: seconds since the epoch.
    :param which: the salted fingerprint of the secret; empty if it is not known.
    """

    key: str
    at: float
    which: str
    outcome: LoginOutcome


class GuardRules(t.NamedTuple):
    """What is guarded.

    :param locks: whether ThingSpace locks after refusals, so that attempts without a clear answer also count.
    """

    locks: bool
    secret_option: str
    name_option: str


USER = GuardRules(True, "password", "username")
APPLICATION = GuardRules(False, "client_secret", "client_id")

_IN_PROCESS = MemoryStore()
"""Counts attempts for all clients of the process if nothing is shared."""


class LoginGuard:
    """Counts the attempts of one user or one application on one host.

    :param store: where the count is kept for all forks and jobs.
    """

    def __init__(self, store: Store, connection: Connection, rules: GuardRules) -> None:
        self._store = store if store.location else _IN_PROCESS
        self._refusals = REFUSED if self._store.lasting else 1
        self._rules = rules
        self._who: str = getattr(connection, rules.name_option) or ""
        self._secret: str = getattr(connection, rules.secret_option) or ""
        place = "\n".join([rules.name_option, _host(connection.base_url), self._who.strip().casefold()])
        self._prints: dict[str, str] = {}
        self._name = "logins-" + hashlib.sha256(place.encode()).hexdigest()[:24]

    @contextlib.contextmanager
    def attempt(self, patience: float) -> t.Iterator[None]:
        """Wrap one login. Logins run one at a time, are counted before they start, and are judged by how they end.

        :param patience: seconds to wait while another task logs in.
        :raises LicensingError: C(login_blocked), or the error of the login.
        """
        with self._store.turn(self._name + "-turn", patience):
            mine = self._begin()
            try:
                yield
            except LoginRefused:
                self._settle(mine, "refused")
                raise
            except TransportError as error:
                if not error.in_doubt:
                    self._settle(mine, None)
                raise
            self._succeeded()

    def forget(self) -> None:
        """A person says that the credentials are correct, so refusals no longer block them.

        Passwords that were sent within the hour still count, so jobs that call this each time cannot lock the user.
        What was only assumed does not.
        """
        with self._opened() as (attempts, _which):
            attempts[:] = [
                attempt._replace(outcome="forgotten") if attempt.outcome == "refused" else attempt
                for attempt in attempts
                if attempt.which
            ]

    def _begin(self) -> LoginAttempt:
        now = self._store.now()
        with self._opened() as (attempts, which):
            self._check(attempts, which)
            mine = LoginAttempt(os.urandom(8).hex(), now, which, "sent")
            attempts.append(mine)
        return mine

    def _settle(self, mine: LoginAttempt, outcome: LoginOutcome | None) -> None:
        with self._opened() as (attempts, _which):
            attempts[:] = [attempt for attempt in attempts if attempt.key != mine.key]
            if outcome:
                attempts.append(mine._replace(outcome=outcome))

    def _succeeded(self) -> None:
        with self._opened() as (attempts, which):
            attempts[:] = [attempt._replace(outcome="past") for attempt in attempts if attempt.which != which]

    def _check(self, attempts: list[LoginAttempt], which: str) -> None:
        mine = [attempt.outcome for attempt in attempts if attempt.which == which]
        row = [attempt.outcome for attempt in attempts if attempt.outcome != "past"]
        again = "run the module thingspace.licensing.session with 'state: absent' to try it again"
        wait = "wait until an hour has passed. If you know that 'password' is right now"
        wait += f", delete {self._place}" if self._store.location else ", run again"
        if mine.count("refused") >= self._refusals:
            count = mine.count("refused")
            why = f"ThingSpace refused this '{self._rules.secret_option}' {many(count, 'time')}"
            then = f"Correct '{self._rules.secret_option}'. If it is right after all, {again}"
        elif not self._rules.locks:
            return
        elif len(mine) >= SENT:
            why = f"this 'password' was sent {len(mine)} times without a success"
            then = f"Correct 'password', or {wait}"
        elif len(row) >= SENT:
            unclear = row.count("sent")
            why = f"{len(row)} logins in a row had no success"
            why += f" ({unclear} of them without a clear answer)" if unclear else ""
            then = f"Another password would not be sent, either, so {wait}"
            if any(not attempt.which for attempt in attempts):
                why = f"the count of logins, {self._place}, was damaged, so up to {SENT} refusals are assumed"
                then = f"Wait until an hour has passed. If 'password' is right, {again}"
        else:
            return
        raise LicensingError(self._blocked(why, then), code="login_blocked")

    def _blocked(self, why: str, then: str) -> str:
        what = "Not logged in" if self._rules.locks else "No access token was requested"
        locks = ", and five refusals lock the account" if self._rules.locks else ""
        kept = f" (logins are counted in {self._store.location})" if self._store.location else ""
        return f"{what}: {why} for '{self._who}' within the last hour{locks}. {then}{kept}."

    def _fingerprint(self, salt: str) -> str:
        if salt not in self._prints:
            raw = hashlib.pbkdf2_hmac("sha256", self._secret.encode(), bytes.fromhex(salt), 20_000)
            self._prints[salt] = raw.hex()
        return self._prints[salt]

    @property
    def _place(self) -> str:
        return self._store.place(self._name)

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[tuple[list[LoginAttempt], str]]:
        """The attempts of the last hour, to be changed in place, and the fingerprint of the current secret."""
        now = self._store.now()
        with self._store.transaction(self._name) as state:
            salt, attempts = _read(state, now)
            which = self._fingerprint(salt)
            try:
                yield attempts, which
            finally:
                if not self._rules.locks:
                    attempts[:] = [attempt for attempt in attempts if attempt.outcome == "refused"]
                state.clear()
                state.update(salt=salt, attempts=[list(attempt) for attempt in attempts])


def _read(state: StoredState, now: float) -> tuple[str, list[LoginAttempt]]:
    """Salt and attempts. A damaged state may have held refusals, so enough are assumed to block for an hour.

    An attempt in the future (the clock was set back) counts from now on.
    """
    salt, rows = state.get("salt"), state.get("attempts")
    fresh = not state and not isinstance(state, Damaged)
    good = isinstance(salt, str) and re.fullmatch("[0-9a-f]{32}", salt) and isinstance(rows, list)
    if not good or not all(map(_is_attempt, rows or ())):
        assumed = [] if fresh else [LoginAttempt(os.urandom(8).hex(), now, "", "sent") for _number in range(SENT)]
        return os.urandom(16).hex(), assumed
    attempts = [LoginAttempt(*row) for row in t.cast("list[list[t.Any]]", rows)]
    recent = [attempt._replace(at=min(attempt.at, now)) for attempt in attempts if now - attempt.at < HOUR]
    return t.cast(str, salt), recent


def _is_attempt(row: t.Any) -> bool:
    if not isinstance(row, list) or len(row) != len(LoginAttempt._fields):
        return False
    key, at, which, outcome = row
    number = isinstance(at, (int, float)) and not isinstance(at, bool) and math.isfinite(at)
    return isinstance(key, str) and number and isinstance(which, str) and outcome in t.get_args(LoginOutcome)


def _host(base_url: str) -> str:
    """Host and port in one spelling."""
    parts = urllib.parse.urlsplit(base_url)
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    return f"{(parts.hostname or '').rstrip('.')}:{port}"
