# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the journal says about one request: before it is sent, and after it was answered."""

from __future__ import annotations

import contextlib
import typing as t

from .._errors import ApiError, LicensingError
from .._journal.journal import Journal
from .._journal.rows import Scope
from .._plan.answer import Action
from .._plan.batches import rejects_devices, words

REPEATED = "ThingSpace did not accept it. It was sent again."


class Recorded:
    """A request of a run. It is recorded anew each time it is sent, because a refused one may be repeated much later.

    :param run: the number of the run in the journal.
    :param name: its C(X-Request-ID).
    :ivar number: of the last record; 0 if there is none, so nothing was sent.
    """

    def __init__(
        self, journal: Journal, run: int, scope: Scope, action: Action, devices: t.Sequence[str], name: str
    ) -> None:
        self._journal = journal
        self._run, self._scope, self._action = run, scope, action
        self._devices, self._name = devices, name
        self.number = 0

    def not_accepted(self) -> None:
        """Record that ThingSpace did not accept it, if it was sent at all."""
        if self.number:
            self._journal.settle(self.number, "rejected", REPEATED)
            self.number = 0

    def intend(self) -> None:
        """Record it before it is sent.

        :raises LicensingError: it could not be recorded, so it must not be sent.
        """
        self.number = self._journal.intend(self._run, self._scope, self._action, self._devices, self._name)

    def settle(self, error: LicensingError) -> None:
        """Record that it failed as a whole, or what is in doubt. If this cannot be written, its result is unknown."""
        if not self.number:
            return
        with contextlib.suppress(LicensingError):
            if error.in_doubt:
                self._journal.settle(self.number, "unknown", error.message)
            elif len(self._devices) == 1 and rejects_devices(error):
                self._journal.refused(self.number, error.message, words(error))
            else:
                answered = isinstance(error, ApiError)
                self._journal.settle(self.number, "rejected" if answered else "not_sent", error.message)

    def accepted(self, request_id: str) -> None:
        """Record ThingSpace's answer.

        An answer with the id of an older request proves nothing, because it may be a copy of that request's answer.

        :raises LicensingError: the answer proves nothing, or could not be recorded.
        """
        try:
            fresh = self._journal.accepted(self.number, request_id)
        except LicensingError as error:
            raise _not_recorded(request_id, error) from None
        if not fresh:
            doubt = _of_an_older_one(request_id)
            self.settle(doubt)
            raise doubt


def _of_an_older_one(request_id: str) -> ApiError:
    return ApiError(
        f"The answer names the request {request_id}, which is older: it is in the journal, or was reported on before "
        "this request was sent. The answer may be a copy of that one's, so it is not known whether this request was "
        "accepted.",
        code="bad_answer",
        status=200,
        in_doubt=True,
    )


def _not_recorded(request_id: str, error: LicensingError) -> LicensingError:
    return LicensingError(
        f"ThingSpace accepted the request {request_id}, but that could not be written into the journal: "
        f"{error.message} Note the request id. Its confirmations will be matched by device.",
        code="not_recorded",
        in_doubt=True,
    )
