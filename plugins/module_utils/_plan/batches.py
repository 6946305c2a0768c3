# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Sends one action for many devices: full batches, several at a time. A rejected batch is divided.

Nothing is sent twice here. Devices without a reliable answer go to C(in_doubt), and C(_fota/apply.py) reads them back.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import typing as t

from .._errors import ApiError, LicensingError
from .answer import ACTIONS, Action, Answer, DeviceResult, Withheld, Writer

REJECTIONS_BEFORE_CHECK = 40
"""After this many rejected parts of one batch, with none accepted, single devices are tried to see if that helps."""

SINGLES_IN_CHECK = 10

LOST_IN_A_ROW = 4
"""After this many lost answers in a row, no further batch is sent."""


NOT_CARRIED_OUT = frozenset({"login_refused", "rate_limited"})
"""Answers to a batch that say nothing about its devices: it was refused before anyone looked at it."""


POINTLESS = frozenset({"redirected", "not_recorded", "internal_error"})
"""Lost answers after which nothing more is sent, because the next answer would be lost in the same way."""


_UNCLEAR = "ThingSpace's answer says neither that it was done nor that it was refused ({})."


class Doubt(t.NamedTuple):
    """A device whose result only reading can show. Its request may still be executed, so no change yet proves nothing.

    :param resend: whether it may be sent again if reading shows no change.
    """

    reason: str
    resend: bool


@dataclasses.dataclass
class Search:
    """The search for the devices that caused the rejection of a batch."""

    batch: t.Sequence[str]
    rejected: int = 0
    accepted: bool = False
    checked: bool = False
    hopeless: bool = False
    one_by_one: bool = False


def _never(_reason: str) -> bool:
    return False


class Sending:
    """The results of one action. Several threads fill it. Devices that the writer withholds get no result here.

    :param of_a_device: whether the reason of a refusal can only be meant for devices of the request, and not for all of
        it. Such a refusal never ends a search.
    :param answers: ThingSpace's answer by device.
    :param in_doubt: devices without a reliable answer.
    :param left_out: devices that were not tried alone, because every part of their batch was rejected.
    :param stopped: why no further batch was sent; devices in none of the above were not sent at all.
    """

    def __init__(
        self,
        writer: Writer,
        action: Action,
        batch_size: int,
        of_a_device: t.Callable[[str], bool] = _never,
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.in_doubt: dict[str, Doubt] = {}
        self.left_out: dict[str, str] = {}
        self.stopped: LicensingError | None = None
        self._writer = writer
        self._action = action
        self._batch_size = batch_size
        self._of_a_device = of_a_device
        self._lock = threading.Lock()
        self._lost_in_a_row = 0
        self._step = writer.progress.step(f"{ACTIONS[action].noun}s sent")

    def send(self, devices: t.Sequence[str]) -> None:
        """Send all these devices, with as many batches at a time as C(max_concurrency) allows."""
        self._step.begin(len(devices))
        batches = list(in_batches(devices, self._batch_size))
        workers = min(self._writer.max_concurrency, len(batches)) or 1
        with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
            for done in [pool.submit(self._send_batch, batch, None) for batch in batches]:
                done.result()

    def _send_batch(self, batch: t.Sequence[str], search: Search | None) -> None:
        """Send one batch or, in a search, one part of a rejected batch."""
        if search is not None:
            batch = self._untried(batch)
        if self.stopped or not batch or (search is not None and search.hopeless):
            return
        try:
            answers = self._writer.write(self._action, batch)
        except Withheld as withheld:
            self._send_batch(withheld.going, search)
            return
        except LicensingError as error:
            self._handle(batch, error, search)
            return
        if search is not None:
            search.accepted = True
        self._take(batch, answers)

    def _take(self, batch: t.Sequence[str], answers: dict[str, Answer]) -> None:
        with self._lock:
            self._lost_in_a_row = 0
            refused = 0
            for device in batch:
                answer = answers.get(device)
                if answer is None:
                    self.in_doubt[device] = Doubt("ThingSpace's answer left this device out.", False)
                elif answer.result is DeviceResult.UNCLEAR:
                    self.in_doubt[device] = Doubt(_UNCLEAR.format(answer.reason or "no status"), False)
                else:
                    self.answers[device] = answer
                    refused += answer.result is DeviceResult.REFUSED
            self._step.add(len(batch), refused)

    def _handle(self, batch: t.Sequence[str], error: LicensingError, search: Search | None) -> None:
        if error.in_doubt:
            with self._lock:
                self._lost_in_a_row += 1
                pointless = error.code in POINTLESS
                self.in_doubt.update(dict.fromkeys(batch, Doubt(error.message, not pointless)))
                self._step.add(len(batch))
                if pointless or self._lost_in_a_row >= LOST_IN_A_ROW:
                    self.stopped = self.stopped or error
        elif rejects_devices(error):
            self._narrow(batch, error, search)
        else:
            if isinstance(error, ApiError) and error.code not in NOT_CARRIED_OUT:
                self._refuse(batch, words(error))
            self.stopped = self.stopped or error

    def _narrow(self, batch: t.Sequence[str], error: LicensingError, search: Search | None) -> None:
        """Find the devices that caused the rejection, so that only they fail."""
        if len(batch) == 1:
            self._refuse(batch, words(error))
            if search is None:
                return
        if search is None:
            search = Search(batch)
            batch = self._cut_to_pool(batch, error)
            if len(batch) < len(search.batch):
                self._send_batch(batch, search)
                return
        search.rejected += 1
        if search.rejected > REJECTIONS_BEFORE_CHECK and not search.accepted and not search.checked:
            self._check_singles(search)
        if search.hopeless:
            self._leave_out(search, error)
        elif len(batch) > 1:
            middle = len(batch) // 2
            for part in in_batches(batch, 1) if search.one_by_one else (batch[:middle], batch[middle:]):
                self._send_batch(part, search)

    def _check_singles(self, search: Search) -> None:
        """Try single devices from all over the batch. If ThingSpace accepts none, it objects to something else.

        If its reason is one of a device, there are just many of them. Then most parts would be rejected, too.
        """
        search.checked = True
        untried = self._untried(search.batch)
        tried = untried[:: max(1, len(untried) // SINGLES_IN_CHECK)]
        for device in tried:
            if not search.accepted:
                self._send_batch([device], search)
        if not search.accepted:
            reasons = [self.answers[device].reason for device in tried if device in self.answers]
            search.one_by_one = bool(reasons) and all(map(self._of_a_device, reasons))
            search.hopeless = not search.one_by_one

    def _leave_out(self, search: Search, error: LicensingError) -> None:
        reason = f"not tried alone: ThingSpace refused every part of its batch ({words(error)})"
        with self._lock:
            self.left_out.update(dict.fromkeys(self._untried(search.batch), reason))
            if not any(answer.result is not DeviceResult.REFUSED for answer in self.answers.values()):
                self.stopped = self.stopped or error

    def _untried(self, devices: t.Sequence[str]) -> list[str]:
        """Those that were neither answered nor sent in vain. The latter must be read back first."""
        return [device for device in devices if device not in self.answers and device not in self.in_doubt]

    def _cut_to_pool(self, batch: t.Sequence[str], error: LicensingError) -> t.Sequence[str]:
        """The part of a rejected batch for which there are free licenses. The rest is refused."""
        fitting, unfit = self._fitting(batch) if self._action == "assign" else (batch, ())
        if unfit:
            self._refuse(unfit, f"{words(error)} (the account has no free license for it)")
        return fitting

    def _fitting(self, batch: t.Sequence[str]) -> tuple[t.Sequence[str], t.Sequence[str]]:
        """Split a batch into devices for which there are free licenses, and the rest."""
        try:
            free = self._writer.free()
        except LicensingError:
            return batch, ()
        return (batch, ()) if free is None else (batch[:free], batch[free:])

    def _refuse(self, devices: t.Sequence[str], reason: str) -> None:
        with self._lock:
            self.answers.update(dict.fromkeys(devices, Answer(DeviceResult.REFUSED, reason)))
            self._step.add(len(devices), len(devices))


def in_batches(devices: t.Sequence[str], size: int) -> t.Iterator[t.Sequence[str]]:
    """The devices in batches of this size."""
    for start in range(0, len(devices), size):
        yield devices[start : start + size]


def rejects_devices(error: LicensingError) -> bool:
    """Whether a request was refused because of its content, so that a part of it may be accepted."""
    return isinstance(error, ApiError) and error.code == "api_rejected" and error.status in (400, 413, 422)


def words(error: LicensingError) -> str:
    """ThingSpace's own text, if there is one."""
    return str(error.details.get("api_message") or error.details.get("api_code") or error.message)
