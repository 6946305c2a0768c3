# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Sending one action for many devices: full batches, several at a time; a rejected batch is narrowed down.

Nothing is sent twice here. What has no trustworthy answer is put aside in C(in_doubt) for C(_apply) to read back.
"""

from __future__ import annotations

import concurrent.futures
import threading
import typing as t

from ._errors import ApiError, LicensingError, is_lost
from ._fota_api import Action, Answer, FotaApi, Verdict

REJECTIONS_IN_A_ROW = 40
"""Rejected requests without one accepted in between, after which narrowing down gives up."""

LOST_IN_A_ROW = 4
"""Lost answers without one good in between, after which no further batch is sent."""


NOT_CARRIED_OUT = frozenset({"login_refused", "rate_limited"})
"""Answers to a batch that say nothing about the devices in it: it was turned away before anybody looked at it."""


class Doubt(t.NamedTuple):
    """A device whose fate only reading can tell.

    :param resend: whether it may be sent again when reading shows no change.
    """

    reason: str
    resend: bool


class Sending:
    """What came of one action; filled by several threads.

    :param answers: ThingSpace's verdict by device.
    :param in_doubt: devices without a trustworthy answer.
    :param stopped: why no further batch was sent; devices in neither of the above were not sent at all.
    """

    def __init__(self, api: FotaApi, action: Action, batch_size: int) -> None:
        self.answers: dict[str, Answer] = {}
        self.in_doubt: dict[str, Doubt] = {}
        self.stopped: LicensingError | None = None
        self._api = api
        self._action = action
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._rejected_in_a_row = 0
        self._lost_in_a_row = 0

    def send(self, devices: t.Sequence[str]) -> None:
        """Send all these devices, as many batches at a time as C(max_concurrency) allows."""
        size = self._batch_size
        batches = [devices[start : start + size] for start in range(0, len(devices), size)]
        workers = min(self._api.max_concurrency, len(batches)) or 1
        with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
            for done in [pool.submit(self._send_batch, batch, True) for batch in batches]:
                done.result()

    def _send_batch(self, batch: t.Sequence[str], whole: bool) -> None:
        """Send one batch; C(whole) is False for a part of a rejected one."""
        if self.stopped:
            return
        try:
            answers = self._api.write(self._action, batch)
        except LicensingError as error:
            self._handle(batch, error, whole)
            return
        self._take(batch, answers)

    def _take(self, batch: t.Sequence[str], answers: dict[str, Answer]) -> None:
        with self._lock:
            self._rejected_in_a_row = self._lost_in_a_row = 0
            for device in batch:
                answer = answers.get(device)
                if answer is None:
                    self.in_doubt[device] = Doubt("ThingSpace's answer left this device out", True)
                elif answer.verdict is Verdict.UNCLEAR:
                    self.in_doubt[device] = Doubt(answer.reason, False)
                else:
                    self.answers[device] = answer

    def _handle(self, batch: t.Sequence[str], error: LicensingError, whole: bool) -> None:
        if is_lost(error):
            with self._lock:
                self._lost_in_a_row += 1
                pointless = error.code == "redirected"
                self.in_doubt.update(dict.fromkeys(batch, Doubt(error.message, not pointless)))
                if pointless or self._lost_in_a_row >= LOST_IN_A_ROW:
                    self.stopped = self.stopped or error
        elif _rejects_devices(error):
            self._narrow(batch, error, whole)
        else:
            if isinstance(error, ApiError) and error.code not in NOT_CARRIED_OUT:
                self._refuse(batch, _words(error))
            self.stopped = self.stopped or error

    def _narrow(self, batch: t.Sequence[str], error: LicensingError, whole: bool) -> None:
        """Find out which devices the rejection is about, so that only they fail."""
        with self._lock:
            self._rejected_in_a_row += 1
            hopeless = self._rejected_in_a_row > REJECTIONS_IN_A_ROW
        if len(batch) == 1 or hopeless:
            self._refuse(batch, _words(error))
            return
        if whole and self._action == "assign":
            batch, unfit = self._fitting(batch)
            if unfit:
                self._refuse(unfit, f"{_words(error)} (the account has no free licence for it)")
                if batch:
                    self._send_batch(batch, False)
                return
        middle = len(batch) // 2
        self._send_batch(batch[:middle], False)
        self._send_batch(batch[middle:], False)

    def _fitting(self, batch: t.Sequence[str]) -> tuple[t.Sequence[str], t.Sequence[str]]:
        """Split a batch into what the free licences suffice for, and the rest."""
        try:
            free = self._api.pool(self._api.page()).free
        except LicensingError:
            return batch, ()
        return (batch, ()) if free is None else (batch[:free], batch[free:])

    def _refuse(self, devices: t.Sequence[str], reason: str) -> None:
        with self._lock:
            self.answers.update(dict.fromkeys(devices, Answer(Verdict.REFUSED, reason)))


def _rejects_devices(error: LicensingError) -> bool:
    """Whether a request was refused because of what is in it, so that a part of it may pass."""
    return isinstance(error, ApiError) and error.code == "api_rejected" and error.status in (400, 413, 422)


def _words(error: LicensingError) -> str:
    return str(error.details.get("api_message") or error.details.get("api_code") or error.message)
