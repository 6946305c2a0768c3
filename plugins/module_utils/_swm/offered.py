# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Whether it is worth using a call that not every server may have. What one task finds out, the job remembers.

Source: the page "Synchronous Error Messages". The gateway answers 404 with its own fault if it does not know a path,
and ThingSpace's errors have an C(errorCode) like C(INVALID_PARAMETER) or C(UnifiedWebService.REQUEST_FAILED...).
"""

from __future__ import annotations

import re
import time
import typing as t
import urllib.parse

from .._client.client import Client
from .._client.paging import is_unknown_path
from .._client.runtime_dir import StoredState
from .._client.transport_errors import OF_ONE_CALL
from .._errors import ApiError, IncompleteList, LicensingError, TransportError
from .._plan.batches import NOT_CARRIED_OUT

REMEMBERED = 3600.0
"""For how many seconds it is remembered that a server does not have a call."""

_OF_THINGSPACE = re.compile(r"[A-Z][A-Z0-9_]*|\w+(?:\.\w+)+")
"""The documented forms of ThingSpace's own error codes. The gateway's codes are numbers."""


def can_do_without(error: LicensingError) -> bool:
    """Whether a task may go on in another way after this error of a call that it does not need."""
    if isinstance(error, TransportError):
        return error.code in OF_ONE_CALL
    return isinstance(error, (ApiError, IncompleteList)) and error.code not in NOT_CARRIED_OUT


def says_missing(error: LicensingError) -> bool:
    """Whether an error says that the server does not have a call. A 404 of ThingSpace itself says something else."""
    if not is_unknown_path(error):
        return False
    own = _OF_THINGSPACE.fullmatch(str(error.details.get("api_code", "")))
    return not (own and isinstance(error, ApiError) and error.status == 404)


class Offered:
    """One call.

    :param name: unique for the call and its version.
    :param documented: whether the version has the call at all.
    """

    def __init__(self, client: Client, name: str, *, documented: bool = True) -> None:
        self._client = client
        self._name = name
        self._worth: bool | None = None if documented else False
        self._answered = self._asks_again = False

    def __bool__(self) -> bool:
        if self._worth is None:
            with self._shared() as state:
                if self._asks_again:
                    state.pop(self._name, None)
                missing = state.get(self._name)
            # If it seems to be in the future, the clock was set back.
            self._worth = not (isinstance(missing, float) and 0 <= time.time() - missing < REMEMBERED)
        return self._worth

    def ask_again(self) -> None:
        """Find out in this task, whatever others found out before."""
        self._asks_again = True

    def answered(self) -> None:
        """The server has answered the call in this task. So no later error can mean that it does not have it."""
        self._answered = True

    def is_missing(self, error: LicensingError) -> bool:
        """Whether an error shows that the server does not have the call, and not that it objects to one request."""
        return not self._answered and says_missing(error)

    def give_up(self, error: LicensingError | None = None) -> str:
        """Do not use the call in this task; and not in this job either if the server does not have it.

        :param error: why.
        :returns: what to tell about it; empty if there is no such call.
        """
        self._worth = False
        if error is None or not self.is_missing(error):
            return error.message if error else ""
        with self._shared() as state:
            state[self._name] = time.time()
        return ""

    def _shared(self) -> t.ContextManager[StoredState]:
        """What forks and jobs know of this server."""
        return self._client.store.transaction(f"calls-{urllib.parse.quote(self._client.host, safe='')}")
