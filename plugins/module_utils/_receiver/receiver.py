# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Receive a confirmation: check the sender, read the body, write the journal, and answer.

The standalone receiver and the event source share this. It knows nothing about HTTP except the status. ThingSpace
repeats a callback that is not answered with 2xx, so only confirmations in the journal get a success status.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import typing as t

from .._error_codes import CODES
from .._errors import LicensingError
from .._journal.confirmation import Caller, Confirmation, caller_in, confirmation_in, parse_body
from .commit import GroupCommit

if t.TYPE_CHECKING:
    from .._journal.journal import Recorded

Log = t.Callable[[str], None]
OnRecorded = t.Callable[[Confirmation, "Recorded"], None]


class Reply(t.NamedTuple):
    """What to answer: an HTTP status and a small JSON object."""

    status: int
    body: dict[str, str]


class Accepted:
    """The accepted credentials.

    ThingSpace sends an old password for a quarter of an hour after a new one is registered, so there may be several.

    :param pairs: usernames and passwords; if there are none, everyone is accepted.
    """

    def __init__(self, pairs: t.Sequence[tuple[str, str]]) -> None:
        self._pairs = [(_digest(username), _digest(password)) for username, password in pairs]

    def __repr__(self) -> str:
        return f"Accepted({len(self._pairs)} hidden)"

    def admits(self, caller: Caller) -> bool:
        """Whether username and password belong together and are accepted. Takes the same time for any input."""
        username, password = _digest(caller.username), _digest(caller.password)
        admitted = not self._pairs
        for right_username, right_password in self._pairs:
            same_username = hmac.compare_digest(username, right_username)
            same_password = hmac.compare_digest(password, right_password)
            admitted |= same_username & same_password
        return admitted


class Receiver:
    """Takes the bodies of callbacks; called for many at once.

    :param commit: the journal.
    :param log: gets one line for each message, without credentials and bodies.
    :param on_recorded: called for each new confirmation after it is in the journal; must not block for long.
    """

    def __init__(
        self, commit: GroupCommit, accepted: Accepted, *, log: Log, on_recorded: OnRecorded | None = None
    ) -> None:
        self._commit = commit
        self._accepted = accepted
        self._log = log
        self._on_recorded = on_recorded

    async def take(self, body: bytes, peer: str) -> Reply:
        """Record one callback. Answers 200, 400, 401, or 503 if the journal cannot record it."""
        try:
            value = parse_body(body)
            if not self._accepted.admits(caller_in(value)):
                return self.refuse(peer, 401, "wrong_credentials", "The username or the password is wrong.")
            confirmation = confirmation_in(value)
        except LicensingError as error:
            return self.refuse(peer, 400, error.code, error.message)
        try:
            recorded = await self._commit.record(confirmation)
        except LicensingError as error:
            self._note(peer, "not_recorded", f"{_named(confirmation)} {error.code}: {error.message}")
            return Reply(503, {"error": error.code, "message": CODES.get(error.code, "")})
        self._note(peer, recorded.outcome, _named(confirmation))
        if self._on_recorded is not None and recorded.outcome != "duplicate":
            try:
                self._on_recorded(confirmation, recorded)
            except Exception as error:  # pylint: disable=broad-exception-caught
                # The confirmation is recorded, even if the hook fails.
                self._note(peer, "hook_failed", f"{_named(confirmation)} {type(error).__name__}")
        return Reply(200, {"status": recorded.outcome})

    async def health(self) -> Reply:
        """Whether callbacks can be recorded now."""
        try:
            await self._commit.check()
        except LicensingError as error:
            return Reply(503, {"status": "failing", "error": error.code, "reason": CODES.get(error.code, "")})
        return Reply(200, {"status": "ok"})

    def refuse(self, peer: str, status: int, code: str, message: str) -> Reply:
        """Log and return a refusal.

        :param message: contains nothing that the caller sent.
        """
        self._note(peer, "refused", f"{status} {code}: {message}")
        return Reply(status, {"error": code, "message": message})

    def _note(self, peer: str, outcome: str, text: str) -> None:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._log(f"{now} {peer} {outcome} {text}")


def _named(confirmation: Confirmation) -> str:
    devices = ",".join(f"{kind}:{name}" for kind, name in confirmation.devices[:5])
    return f"request={confirmation.request_id} device={devices} status={confirmation.status}"


def _digest(text: str) -> bytes:
    """A digest of constant length, so that a comparison does not reveal the length of the right one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
