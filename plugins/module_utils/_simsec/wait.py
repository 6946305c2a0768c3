# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Wait until every device is confirmed: watch the journal, ask about a request for one device, and count."""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._client.stop import Interrupted, Stop
from .._errors import MAX_PROBLEMS, LicensingError, Problem
from .._journal.confirmation import Confirmation
from .._journal.journal import Journal
from .._journal.rows import Scope
from .._journal.status import Attempt, DeviceStatus, fold
from .._text.lists import first, many
from .again import SENDS_ALL
from .api import SimsecApi, proof_of
from .count import contradicts
from .watch import Watch

POLL = 0.5
"""Seconds between two readings of the journal."""

ASK_EVERY = 5.0
"""Seconds between two requests for the status of a request."""

ASK_AGAIN = 30.0
"""The same if the status is not believed, because the account's count may not be up to date."""


def wait_problems(
    wait: bool, wait_timeout: float, journal: str | None, waves: object, *, devices: int
) -> list[Problem]:
    """Problems with the options of these names, for this many devices."""
    problems = []
    if wait_timeout <= 0:
        problems.append(Problem(f"'wait_timeout' is {wait_timeout}; it must be more than 0 seconds."))
    if wait and not journal and devices > 1:
        problems.append(
            Problem(
                "'wait' needs 'journal' for more than one device: a receiver writes confirmations into it, and the "
                "account's count proves nothing without it."
            )
        )
    missing = " and ".join(name for name, given in (("journal", journal), ("wait", wait)) if not given)
    if waves and missing:
        problems.append(Problem(f"'waves' needs {missing}: each wave is judged by what is confirmed of it."))
    return problems


class Waiting:
    """Waits for the confirmations of devices, once or several times.

    :param seconds: the limit for all waits together.
    :param stop: knows whether the task must end early; without it, the task never does.
    :ivar watch: reads the account's counts meanwhile; None if reports are expected.
    :ivar newest: the last request that it waits for. Other tasks may have sent later ones for the same devices, whose
        results say nothing about this task. None as long as the account is locked.
    :ivar waited: for how many seconds it has waited in all.
    """

    def __init__(
        self,
        journal: Journal,
        scope: Scope,
        api: SimsecApi,
        seconds: float,
        sleep: t.Callable[[float], None] | None = None,
        clock: t.Callable[[], float] = time.monotonic,
        stop: Stop | None = None,
    ) -> None:
        self._journal = journal
        self._scope = scope
        self._api = api
        self._stop = stop or Stop()
        self._sleep = sleep or self._stop.sleep
        self._clock = clock
        self.watch: Watch | None = None
        self.newest: int | None = None
        self._count_at = self._paused_until = 0.0
        self._may_ask = True
        self._left = seconds
        self._disbelieved = ""
        self.waited = 0.0
        self._step = api.progress.about(scope.sku).step("devices confirmed")

    def wait(self, devices: t.Sequence[str], spare: int = 0) -> list[str]:
        """Wait while there is time and reports can arrive. Return the devices without a confirmation.

        Returns at once if the task must end; see C(interrupted).

        :param spare: how many devices may be failed or unconfirmed at the end. The wait ends when there are no more.
        """
        start = self._clock()
        end = start + self._left
        ask_at, pause = start, POLL
        self._count_at = self._paused_until = start
        if self.watch is not None:
            self.watch.begin()
        self._step.begin(len(devices))
        waiting, failed = self._unconfirmed(devices)
        while len(waiting) > max(0, spare - failed) and self._may_go_on(end):
            if len(devices) == 1 and self._may_ask and self._clock() >= ask_at:
                self._ask(devices[0])
                ask_at = self._clock() + (ASK_AGAIN if self._disbelieved else ASK_EVERY)
            elif self.watch is not None and self._clock() >= self._count_at:
                self._count_at = self._clock() + self.watch.look()
            else:
                self._sleep(min(pause, max(0.0, end - self._clock())))
            began = self._clock()
            self._pause_deadline()
            waiting, more = self._unconfirmed(waiting)
            failed += more
            # Reading a hundred thousand devices takes long. Leave four fifths of the time to other processes.
            pause = max(POLL, 4 * (self._clock() - began))
        self._pause_deadline()
        took = self._clock() - start
        self._left -= took
        self.waited += took
        return waiting

    def _pause_deadline(self) -> None:
        """Waiting has a limit of its own. So requests are possible however long it takes."""
        now = self._clock()
        self._api.not_counted(now - self._paused_until)
        self._paused_until = now

    @property
    def interrupted(self) -> Interrupted | None:
        """Why the wait ended early, if the task must end."""
        return Interrupted(self._stop.why) if self._stop.why else None

    def _may_go_on(self, end: float) -> bool:
        return self._clock() < end and bool(self._journal.path or self._may_ask) and not self._stop.why

    @property
    def says(self) -> str:
        """What the account's counts show about what is not confirmed, as sentences; empty if nobody looked."""
        if self._disbelieved or self.watch is None:
            return self._disbelieved
        return self.watch.says

    def statuses(self, devices: t.Sequence[str]) -> dict[str, DeviceStatus]:
        """The status of these devices in the journal, without what other tasks sent since."""
        attempts = self._journal.attempts(self._scope, devices)
        return {device: fold(filter(self._awaited, attempts.get(device, ()))) for device in devices}

    def _awaited(self, attempt: Attempt) -> bool:
        return self.newest is None or attempt.request <= self.newest

    def _unconfirmed(self, devices: t.Sequence[str]) -> tuple[list[str], int]:
        """The devices without a confirmation, and how many of the others failed."""
        statuses = self.statuses(devices)
        results = [statuses[device].result for device in devices]
        waiting = [device for device, result in zip(devices, results, strict=True) if result == "pending"]
        self._step.add(results.count("confirmed"), results.count("failed"))
        return waiting, results.count("failed")

    def _ask(self, device: str) -> None:
        """Ask ThingSpace. This is best effort: the call is documented for other operations, so a refusal means nothing,
        and what the account's count contradicts is not believed.

        The status is that of the whole request. It says nothing about one of several devices.
        """
        attempt = self.statuses([device])[device].last
        said = None
        if attempt is not None and attempt.request_id and self._journal.named_by(attempt.request_id) == 1:
            with contextlib.suppress(LicensingError):
                said = self._api.request_status(attempt.request_id)
        if attempt is None or said is None:
            self._may_ask = False
            return
        status = "success" if said[0] == "success" else "failed" if said[0].startswith("fail") else None
        if status is None:
            return
        claim = f"the status of the request is {said[1]}"
        against = self._against(attempt, done=status == "success")
        self._disbelieved = f"ThingSpace said that {claim}, {against}." if against else ""
        if against:
            return
        reason = "" if status == "success" else claim
        confirmation = Confirmation(attempt.request_id, ((self._scope.kind, device),), t.cast(t.Any, status), reason)
        self._journal.confirm([confirmation])

    def _against(self, attempt: Attempt, *, done: bool) -> str:
        """Why this result is not believed: the account's count excludes it, or could not be read. Empty otherwise."""
        try:
            count = proof_of(self._api.subscriptions(), self._scope.sku)
        except LicensingError:
            return "but the account's count could not be read to check that"
        windows = self._journal.windows(self._scope.account, self._scope.sku)
        return "and the account's count contradicts that" if contradicts(count, windows, attempt, done=done) else ""


def unconfirmed_error(
    waiting: t.Sequence[str], overdue: int, waited: float, counted: str = "", *, journal: bool = True
) -> LicensingError:
    """The error of a wait that ended without all confirmations.

    :param overdue: how many of the devices were accepted too long ago to wait for.
    :param waited: for how many seconds the task waited.
    :param counted: what the account's count shows, as sentences, if the task looked at it.
    :param journal: whether there is one. Otherwise, only ThingSpace's status of the request could confirm it.
    """
    named = first(waiting, 20)
    late = f" {overdue} of them were accepted more than an hour ago and not waited for." if overdue else ""
    were = "was" if len(waiting) == 1 else "were"
    within = f" within {waited:.0f} s" if waited >= 1 else ""
    if not journal:
        then = (
            "The request was accepted, and ThingSpace does not say what became of it. Only with 'journal' can a "
            f"receiver or the account's count confirm it. {SENDS_ALL}"
        )
    else:
        then = "Their requests were accepted and are not sent again: run again to see their results."
        if counted:
            then += f" {counted}"
        else:
            then += (
                " If nothing is ever confirmed, check that a receiver is running, and registered with the path, the "
                "user name, and the password that it expects (callback, callback_info)."
            )
    return LicensingError(
        f"{many(len(waiting), 'device')} {were} not confirmed{within}: {named}.{late} {then}",
        code="unconfirmed",
        pending=list(waiting[:MAX_PROBLEMS]),
    )
