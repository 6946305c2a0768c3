# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Send SIM-Secure changes. The journal records each request before it is sent, and then its answer."""

from __future__ import annotations

import itertools
import random
import re
import threading
import typing as t

from .._errors import LicensingError, Problem
from .._journal.journal import Journal
from .._journal.rows import Scope
from .._plan.answer import Action, Answer, DeviceResult, Withheld
from .._plan.batches import Sending
from .._plan.outcomes import RequestRow
from .api import SimsecApi, pool_of
from .plan import Decision, row_of
from .recorded import Recorded

X_REQUEST_ID = re.compile(r"[0-9]-[0-9]{3,30}")
"""C(X-Request-ID) within both the pattern and the length of 32 that the public SDK describes."""

_LONGEST = 32
_SUFFIX = 4


class Sent(t.NamedTuple):
    """The results of a run.

    :param results: of each planned device.
    :param stopped: why the run ended early, if it did.
    :param withheld: the decisions about planned devices that were not sent, because they were not to be sent any more.
    """

    results: dict[str, RequestRow]
    stopped: LicensingError | None
    withheld: t.Mapping[str, Decision]


Withhold = t.Callable[[t.Sequence[str]], dict[str, Decision]]
"""Returns the decisions about those devices that must not be sent any more; see C(RightBefore)."""


class JournaledWriter:
    """Sends the batches of one run and writes the journal; used by several threads.

    :param withhold: is called right before each time a request is sent.
    :param newest: the number of the last request for these devices before; later the last one that was sent.
    :ivar withheld: the decisions about planned devices that are not sent any more.
    """

    def __init__(
        self,
        api: SimsecApi,
        journal: Journal,
        scope: Scope,
        run: int,
        names: t.Iterator[str],
        withhold: Withhold,
        newest: int = 0,
    ) -> None:
        self._api = api
        self._journal = journal
        self._scope = scope
        self._run = run
        self._names = names
        self._lock = threading.Lock()
        self._withhold = withhold
        self.newest = newest
        self.withheld: dict[str, Decision] = {}
        self.request_ids: dict[str, str] = {}
        self.max_concurrency = api.max_concurrency
        self.progress = api.progress.about(scope.sku)

    def free(self) -> int | None:
        """Licenses of the SKU that no device holds now."""
        pool = pool_of(self._api.subscriptions(), self._scope.sku)
        return pool.free if pool else None

    def write(self, action: Action, devices: t.Sequence[str]) -> dict[str, Answer]:
        """Send one request. Its answer only says that it was accepted.

        Each time it is sent, it is decided about and recorded right before.

        :raises Withheld: some of the devices must not be sent any more.
        :raises LicensingError: the whole request failed, or it could not be recorded and was therefore not sent.
        """
        with self._lock:
            name = next(self._names)
        request = Recorded(
            self._journal, self._run, self._scope, action, devices, name, lambda: self._require_going(devices)
        )
        try:
            request_id = self._api.change(action, self._scope.sku, self._scope.kind, devices, name, request)
        except Withheld:
            if not request.newest:
                with self._lock:
                    self._names = itertools.chain([name], self._names)
            raise
        except LicensingError as error:
            request.settle(error)
            raise
        finally:
            with self._lock:
                self.newest = max(self.newest, request.newest)
        try:
            request.accepted(request_id)
        except LicensingError as error:
            if error.code == "not_recorded":
                self._name(devices, request_id)
            raise
        self._name(devices, request_id)
        return dict.fromkeys(devices, Answer(DeviceResult.DONE, ""))

    def _require_going(self, devices: t.Sequence[str]) -> None:
        going = self.going(devices)
        if len(going) < len(devices):
            raise Withheld(going)

    def going(self, devices: t.Sequence[str]) -> t.Sequence[str]:
        """Those of the devices that may still be sent. What was withheld once stays so."""
        with self._lock:
            left = [device for device in devices if device not in self.withheld]
        withheld = self._withhold(left)
        with self._lock:
            self.withheld.update(withheld)
        return [device for device in left if device not in withheld]

    def _name(self, devices: t.Sequence[str], request_id: str) -> None:
        with self._lock:
            self.request_ids.update(dict.fromkeys(devices, request_id))


def send(writer: JournaledWriter, action: Action, devices: t.Sequence[str], batch_size: int) -> Sent:
    """Send all these devices. A device without a reliable answer is C(unknown) and not sent again."""
    sending = Sending(writer, action, batch_size)
    sending.send(devices)
    results: dict[str, RequestRow] = {}
    not_sent = f"not sent: {sending.stopped.message}" if sending.stopped else "not sent"
    for device in devices:
        request_id = writer.request_ids.get(device, "")
        answer, doubt = sending.answers.get(device), sending.in_doubt.get(device)
        if device in writer.withheld:
            results[device] = row_of(device, writer.withheld[device])
        elif doubt is not None:
            results[device] = RequestRow(device, "unknown", doubt.reason, request_id)
        elif answer is None:
            results[device] = RequestRow(device, "skipped", sending.left_out.get(device, not_sent), "")
        elif answer.result is DeviceResult.DONE:
            results[device] = RequestRow(device, "accepted", "", request_id)
        else:
            results[device] = RequestRow(device, "failed", answer.reason, "")
    return Sent(results, sending.stopped, writer.withheld)


def request_id_problems(given: str | None) -> list[Problem]:
    """Problems with the option C(request_id)."""
    if given is None or X_REQUEST_ID.fullmatch(given):
        return []
    shown = "".join(char if char.isprintable() else "?" for char in given)[:40]
    return [
        Problem(
            f"'request_id' is '{shown}'; it must be one digit, a hyphen and 3 to 30 digits, like 1-12345.",
            "invalid_request_id",
        )
    ]


def request_names(given: str | None, requests: int) -> t.Iterator[str]:
    """A name for each request: the given one, with a number after it if there are several, or else random names.

    The parts of a refused request get further names: numbered ones if there is room, and finally random ones.

    :raises LicensingError: C(invalid_request_id): there is no room for the number.
    """
    generator = random.SystemRandom()
    others: t.Iterator[str] = iter(lambda: f"1-{generator.randrange(10**18):018d}", None)
    if given is None:
        return others
    numbered = (f"{given}{number:0{_SUFFIX}d}" for number in range(1, 10**_SUFFIX))
    if requests <= 1:
        return itertools.chain([given], numbered if len(given) + _SUFFIX <= _LONGEST else (), others)
    if len(given) + _SUFFIX > _LONGEST:
        raise LicensingError(
            f"'request_id' has {len(given)} characters; the plan needs {requests} requests, and a number of {_SUFFIX} "
            f"digits must fit after it within {_LONGEST}. Nothing was sent.",
            code="invalid_request_id",
        )
    return itertools.chain(numbered, others)
