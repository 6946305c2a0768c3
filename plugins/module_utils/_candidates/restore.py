# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Restore the previous removal candidate list after a rewrite that failed halfway."""

from __future__ import annotations

import functools
import typing as t

from .._error_codes import Code
from .._errors import LicensingError
from .._plan.batches import in_batches, rejects_devices
from .._swm.candidates import CandidatesApi
from .._text.lists import few
from .step import GRACE, Fate, Written, is_now, step

MOST_REFUSED = 20
"""How many devices that ThingSpace refuses one by one a restored list may omit."""


def put_list_back(
    api: CandidatesApi, live: list[str], target: list[str], error: LicensingError, batch_size: int
) -> Written:
    """Restore the previous list after a failed rewrite, unless that would overwrite someone else's list."""
    api.allow(GRACE)

    def ended(now: list[str] | None, fate: Fate, said: str, code: Code | None = None) -> Written:
        error.add(f" {said}")
        error.code = code or error.code
        return Written(now, error, fate)

    again = "The previous removal candidates were restored"
    try:
        now = api.read()
        if now == live:
            return ended(now, "untouched", "The removal candidates are as they were.")
        if now == target and error.in_doubt:
            # The request whose answer was lost had only not shown yet.
            api.unsettled = False
            return Written(now, None, "written")
        if not _is_part(now, target) or (target and not now):
            text = "Someone else changed the removal candidates in the meantime, so they were not restored."
            return ended(now, "broken", text, "list_changed")
        before, refused = now, _put_back(api, now, live, batch_size)
        now = api.read()
    except LicensingError as second:
        found = _now(api)
        if found == live:
            return ended(found, "put_back", f"{again}; the list is as it was.")
        text = f"The previous removal candidates could not be restored: {second.message}"
        return ended(found, "broken", text, "list_not_restored")
    if refused:
        text = f"{again}, but ThingSpace does not accept {few(refused)} any more."
        return ended(now, "broken", text, "list_not_restored")
    if now == before:
        api.unsettled = True
        return ended(now, "put_back", f"{again}, but reading the list does not show that yet.")
    if list(dict.fromkeys(now)) != list(dict.fromkeys(live)):
        return ended(now, "broken", f"{again}, and someone else has changed them since.", "list_changed")
    return ended(now, "put_back", f"{again}; the list is as it was.")


def _now(api: CandidatesApi) -> list[str] | None:
    try:
        return api.read()
    except LicensingError:
        return None


def _put_back(api: CandidatesApi, now: list[str], devices: list[str], batch_size: int) -> list[str]:
    """Make this the list, except devices that ThingSpace refuses even alone; returns those.

    :raises LicensingError: it refuses too many, or something else went wrong.
    """
    waiting = [list(batch) for batch in in_batches(devices, batch_size)][::-1]
    done: list[str] = []
    refused: list[str] = []
    while waiting:
        batch = waiting.pop()
        send = functools.partial(api.append if done else api.replace, batch)
        try:
            step(api, send, functools.partial(is_now, done or now, [*done, *batch]))
        except LicensingError as error:
            if not rejects_devices(error) or len(refused) >= MOST_REFUSED:
                raise
            if len(batch) == 1:
                refused += batch
            else:
                waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
            continue
        done += batch
        api.progress.tell("devices put back", len(done), len(devices), len(refused))
    return refused


def _is_part(some: t.Sequence[str], whole: t.Sequence[str]) -> bool:
    """Whether the whole list contains all of some, in the same order."""
    rest = iter(whole)
    return all(device in rest for device in some)
