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

REPEATED = "ThingSpace did not accept it. It may have been sent again."


class Recorded:
    """A request of a run. It is decided about and recorded each time it is sent, see C(EachTime).

    :param run: the number of the run in the journal.
    :param name: its C(X-Request-ID).
    :param require: raises an error if it must not be sent any more.
    :ivar number: of its last record, if that is open.
    :ivar newest: of its last record; 0 if it was never sent.
    """

    def __init__(
        self,
        journal: Journal,
        run: int,
        scope: Scope,
        action: Action,
        devices: t.Sequence[str],
        name: str,
        require: t.Callable[[], None],
    ) -> None:
        self._journal = journal
        self._run, self._scope, self._action = run, scope, action
        self._devices, self._name = devices, name
        self._require = require
        self.number = self.newest = 0

    def before(self) -> None:
        """Record it before it is sent.

        :raises LicensingError: it must not be sent, or could not be recorded.
        """
        self._require()
        self.number = self.newest = self._journal.intend(
            self._run, self._scope, self._action, self._devices, self._name
        )

    def not_carried_out(self) -> None:
        """Record that ThingSpace did not accept it."""
        self._journal.settle(self.number, "rejected", REPEATED)
        self.number = 0

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
