# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which requests of the journal a run has sent. Clocks cannot show it, because others may send, too. Pure."""

from __future__ import annotations

import typing as t

from .._journal.status import Attempt
from .changes import Change


class RunWindow(t.NamedTuple):
    """What distinguishes the requests of a run from others.

    :param started: when it started.
    :param ended: None if it was killed or is still running.
    :param overdue: a request that was accepted before this time is no longer expected to be confirmed.
    :param mark: the start of the names of its requests; empty in records of releases before 0.6.
    """

    started: str
    ended: str | None
    overdue: str
    mark: str = ""

    def sent(self, attempt: Attempt, change: Change | None) -> bool:
        """Whether the run is proven to have sent a request.

        :param change: what its record says about the device and the license.
        """
        if self.mark:
            return attempt.x_request_id.startswith(self.mark)
        # A record may name a request of an earlier run that was not confirmed yet.
        named = change is not None and bool(change.request_id) and change.request_id == attempt.request_id
        return named and self._holds(attempt)

    def may_have_sent(self, attempt: Attempt, change: Change) -> bool:
        """Whether the run may have sent a request, because nothing contradicts it."""
        return not self.mark and not change.request_id and self._holds(attempt)

    def _holds(self, attempt: Attempt) -> bool:
        """Whether the run was in progress then. Records have whole seconds. By itself, this proves nothing."""
        second = attempt.sent[:19]
        return self.started[:19] <= second and (self.ended is None or second <= self.ended[:19])
