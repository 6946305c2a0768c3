# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Write the removal candidate list so that no fault and no other writer can shorten it unnoticed.

Appending does no harm. A rewrite begins only if the list is still the planned one. If it fails halfway, the previous
list is restored. The result comes from reading the list afterward, never from a guess.
"""

from __future__ import annotations

import functools
import typing as t

from .._errors import LicensingError
from .._plan.batches import in_batches, rejects_devices
from .._swm.candidates import CandidatesApi
from .backup import KeptList
from .plan import CandidatesPlan
from .restore import put_list_back
from .step import GRACE, Written, is_now, step

SAFE_BATCH = 1000
"""Devices on a page of the list. A request has no documented limit. If a larger batch is refused, this size is used."""


def carry_out(api: CandidatesApi, plan: CandidatesPlan, batch_size: int, kept: KeptList) -> Written:
    """Write the list of the plan."""
    if plan.appends:
        written = _append(api, plan.target[len(plan.live) :], batch_size)
    else:
        if api.withheld:
            return Written(list(plan.live), _unwritable(), "untouched")
        try:
            now = api.read()
        except LicensingError as error:
            return Written(list(plan.live), error, "untouched")
        if now != list(plan.live):
            text = "Someone changed the removal candidates after the plan. Nothing was written. Run again."
            return Written(now, LicensingError(text, code="list_changed"), "untouched")
        kept.keep(plan.base, plan.target)
        written = _rewrite(api, list(plan.live), list(plan.target), batch_size)
        if api.unsettled:
            kept.doubt()
        if (written.fate == "broken" or api.unsettled) and written.failure is not None:
            late = "" if written.fate == "broken" else " A request that got no answer may still change the list."
            written.failure.add(f"{late} {kept.where_to_find(plan.base)}")
            written.failure.details["previous_list"] = kept.location or list(plan.base)
    written = written._replace(unsettled=api.unsettled)
    as_it_was = written.fate in ("untouched", "put_back") and plan.base == plan.live
    # If a request may still take effect, the rewrite is not over, and only a later task can see its result.
    if not written.unsettled and (as_it_was or (written.fate == "written" and written.failure is None)):
        kept.confirm(plan.live if as_it_was else written.now or ())
    return written


def _unwritable() -> LicensingError:
    return LicensingError(
        "The removal candidates contain an invalid device id that must not be shown, so the list cannot be written "
        "back. Nothing was written. Ask Verizon what the list contains.",
        code="bad_answer",
    )


def _append(api: CandidatesApi, devices: t.Sequence[str], batch_size: int) -> Written:
    failure: LicensingError | None = None
    taken = 0
    try:
        for batch in in_batches(devices, batch_size):
            step(api, functools.partial(api.append, batch), functools.partial(_has_taken, batch))
            taken += len(batch)
            api.progress.tell("devices written", taken, len(devices))
    except LicensingError as error:
        if not taken and _too_many(error, devices, batch_size):
            return _append(api, devices, SAFE_BATCH)
        failure = error
        api.allow(GRACE)
    try:
        return Written(api.read(), failure, "written")
    except LicensingError as error:
        return Written(None, failure or error, "broken")


def _rewrite(api: CandidatesApi, live: list[str], target: list[str], batch_size: int) -> Written:
    done: list[str] = []
    try:
        for batch in _replace(api, live, target, batch_size):
            done += batch
    except LicensingError as error:
        if not done and _too_many(error, target, batch_size):
            return _rewrite(api, live, target, SAFE_BATCH)
        return put_list_back(api, live, target, error, min(batch_size, SAFE_BATCH))
    try:
        return Written(api.read(), None, "written")
    except LicensingError as error:
        return Written(None, error, "broken")


def _too_many(error: LicensingError, devices: t.Sequence[str], batch_size: int) -> bool:
    """Whether a request may have been refused only because of its size."""
    return rejects_devices(error) and min(batch_size, len(devices)) > SAFE_BATCH


def _replace(api: CandidatesApi, before: list[str], after: list[str], batch_size: int) -> t.Iterator[t.Sequence[str]]:
    """Replace one list by another; yields each batch that was written."""
    if not after:
        step(api, api.delete, functools.partial(is_now, before, []))
        return
    done: list[str] = []
    for batch in in_batches(after, batch_size):
        send = functools.partial(api.append if done else api.replace, batch)
        step(api, send, functools.partial(is_now, done or before, [*done, *batch]))
        done = [*done, *batch]
        api.progress.tell("devices written", len(done), len(after))
        yield batch


def _has_taken(batch: t.Sequence[str], now: list[str]) -> bool | None:
    missing = set(batch).difference(now)
    return True if not missing else False if len(missing) == len(batch) else None
