# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What an API says about single devices of a write, in the same terms for every kind of license."""

from __future__ import annotations

import enum
import typing as t

from .._progress import Progress

Action = t.Literal["assign", "remove"]


class Verdict(enum.Enum):
    """What ThingSpace's answer says about one device."""

    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Answer(t.NamedTuple):
    """ThingSpace's answer for one device, with its text."""

    verdict: Verdict
    reason: str


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

        :raises LicensingError: the batch failed as a whole; C(in_doubt) says whether it may have taken effect.
        """

    def free(self) -> int | None:
        """Licenses that no device holds now; None if ThingSpace does not say."""
