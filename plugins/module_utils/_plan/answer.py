# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What an API says about single devices of a write, the same for all licenses, and how a lost answer is settled."""

from __future__ import annotations

import enum
import typing as t

from .._errors import LicensingError
from .._progress import Progress

Action = t.Literal["assign", "remove"]
D = t.TypeVar("D")


class Terms(t.NamedTuple):
    """What an action is called.

    :param done: the outcome of a device for which it was done.
    :param already: why a device needs no request.
    """

    noun: str
    opposite: Action
    done: t.Literal["assigned", "removed"]
    already: str


ACTIONS: dict[Action, Terms] = {
    "assign": Terms("assignment", "remove", "assigned", "already licensed"),
    "remove": Terms("removal", "assign", "removed", "holds no license"),
}


class DeviceResult(enum.Enum):
    """What ThingSpace's answer to a request says about one device."""

    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Answer(t.NamedTuple):
    """ThingSpace's answer for one device, with its text."""

    result: DeviceResult
    reason: str


class Withheld(LicensingError):
    """A batch with devices that must not be sent any more. Nothing of it was sent.

    The client passes it on because it is no defect. Users never see it, because C(Sending) sends the rest.

    :ivar going: the other devices of the batch.
    """

    def __init__(self, going: t.Sequence[str]) -> None:
        super().__init__("Some devices must not be sent any more.", code="plan_changed")
        self.going = going


class Writer(t.Protocol):
    """Sends one batch."""

    @property
    def max_concurrency(self) -> int:
        """How many batches may be in progress at a time."""

    @property
    def progress(self) -> Progress:
        """Gets the progress of sending."""

    def write(self, action: Action, devices: t.Sequence[str]) -> dict[str, Answer]:
        """Send one batch. Returns the answer for each device that was named in it.

        :raises Withheld: only a part of the batch may still be sent.
        :raises LicensingError: the batch failed as a whole; C(in_doubt) says whether it may have taken effect.
        """

    def free(self) -> int | None:
        """Licenses that no device holds now; None if ThingSpace does not say."""


def settle(send: t.Callable[[], D], read_back: t.Callable[[D], bool | None], resends: int = 0) -> D | None:
    """Send writes, and settle those without a reliable answer by reading back. This is the only place that does so.

    Only a reading that shows the effect settles a write. No change yet proves nothing, because the request may still be
    executed. So a write is sent again only if that does no harm, and its result is unknown otherwise.

    :param send: sends what is not done; returns what is in doubt now, or something empty.
    :param read_back: returns True if all of it took effect, False if it may be sent again, None if it must not be.
    :param resends: how often it may be sent again.
    :returns: what stays in doubt.
    """
    for _attempt in range(1 + resends):
        doubt = send()
        took_effect = not doubt or read_back(doubt)
        if took_effect:
            return None
        if took_effect is None:
            break
    return doubt


def settle_one(
    send: t.Callable[[], None], read_back: t.Callable[[LicensingError], bool | None], resends: int = 0
) -> LicensingError | None:
    """The same for one write; returns its error if it was refused or stays in doubt."""

    def error_of() -> LicensingError | None:
        try:
            send()
        except LicensingError as error:
            return error
        return None

    return settle(error_of, lambda error: read_back(error) if error and error.in_doubt else None, resends)
