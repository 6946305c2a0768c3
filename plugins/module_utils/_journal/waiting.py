# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""How long the journal waits for others. Every wait ends soon once the task must end."""

from __future__ import annotations

import time
import typing as t

from .._errors import LicensingError

if t.TYPE_CHECKING:
    from .._client.stop import Told
    from .store import Licenses

GRACE = 5.0
"""Seconds for an answer in addition to the wait for another process; and in all, once the task must end."""

_LOOK_EVERY = 0.1


class Wait:
    """A wait for another process, from now on.

    :param patience: the most seconds that it lasts.
    :param grace: the most seconds that it goes on after the task was told to end; C(GRACE) by default.
    :ivar told: whether the task was told to end.
    """

    def __init__(self, patience: float, told: Told, *, grace: float | None = None) -> None:
        self._end = time.monotonic() + patience
        self._ask, self._grace = told, GRACE if grace is None else grace
        self.told = False

    def over(self) -> bool:
        """Whether it lasted long enough. Ask often, because this notices that the task must end."""
        if not self.told and self._ask():
            self.told = True
            self._end = min(self._end, time.monotonic() + self._grace)
        return time.monotonic() >= self._end


def sending(account: str, licenses: Licenses, journal: str) -> str:
    """What the job does that has the lock of an account."""
    return f"is sending {licenses} changes for the account {account} with the journal {journal}"


def in_place(journal: str, *, moving: bool) -> str:
    """What the job does for which a move waits; without C(moving), for which all others wait."""
    return f"is sending changes with the journal {journal}" if moving else f"is moving the journal {journal}"


def take_lock(take: t.Callable[[], bool], does: str, patience: float, told: Told) -> None:
    """Take a lock as soon as it is free.

    :param take: tries it once.
    :param does: what the job does that may have it.
    :param patience: seconds to wait for that job.
    :raises LicensingError: C(journal_locked), C(interrupted).
    """
    wait = Wait(patience, told, grace=0.0)
    while not take():
        if wait.over():
            if wait.told:
                raise LicensingError(
                    f"The task was told to end while another job {does}. It waited for that one. Nothing was sent. Run "
                    "again when it is done.",
                    code="interrupted",
                )
            raise LicensingError(
                f"Another job {does}, and did not end within {patience:.0f} s. Nothing was sent. Run again when it is "
                "done.",
                code="journal_locked",
            )
        time.sleep(_LOOK_EVERY)
