# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One request that changes the removal candidate list, and its result; shared by writing and restoring."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._plan.answer import settle_one
from .._swm.candidates import CandidatesApi

GRACE = 60.0
"""Seconds beyond the deadline for restoring the previous list."""

Fate = t.Literal["written", "untouched", "put_back", "broken"]


class Written(t.NamedTuple):
    """The result of writing.

    :param now: the list afterward; None if it could not be read.
    :param failure: why the run ended early.
    :param fate: what happened to the list; C(broken) if it may be neither the wanted nor the previous one.
    :param unsettled: whether a request may still take effect, whatever the list is now.
    """

    now: list[str] | None
    failure: LicensingError | None
    fate: Fate
    unsettled: bool = False


def step(api: CandidatesApi, send: t.Callable[[], None], took: t.Callable[[list[str]], bool | None]) -> None:
    """Send one request. If its answer is lost, reading the list shows whether it took effect.

    Only a reading that shows the effect settles the request. If none does, C(api.unsettled) is set.

    :param took: judges a reading: True, False, or None if it shows neither.
    :raises LicensingError: the request was refused, or its result is unknown.
    """

    def read_back(_lost: LicensingError) -> bool | None:
        before, api.unsettled = api.unsettled, True
        done = took(api.read())
        api.unsettled = before or not done
        return done

    # It is never sent again, because a late entry would be on the list twice.
    error = settle_one(send, read_back)
    if error is not None:
        raise error


def is_now(before: list[str], after: list[str], now: list[str]) -> bool | None:
    """Whether a request that changes one list into another took effect: None if the list is neither or both."""
    if before == after:
        return None
    return True if now == after else False if now == before else None
