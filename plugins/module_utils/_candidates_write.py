# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Writing the removal candidate list so that neither a fault nor another writer leaves it short unnoticed.

Appending harms nobody. A rewrite is begun only if the list is still the one that was planned with; if it fails
half-way, the previous list is put back; what became of the list is told from a reading afterwards, never guessed.
"""

from __future__ import annotations

import functools
import typing as t

from ._batches import rejects_devices
from ._candidates_api import CandidatesApi
from ._candidates_kept import KeptList
from ._candidates_plan import CandidatesPlan
from ._errors import LicensingError, is_lost

RESENDS = 2
"""How often a request is sent again after reading showed that it had no effect."""

SAFE_BATCH = 1000
"""What a page of the list holds. No limit of a request is documented; a larger one that is refused is cut to this."""

GRACE = 60.0
"""Seconds beyond the deadline for putting the previous list back."""

Fate = t.Literal["written", "untouched", "put_back", "broken"]


class Written(t.NamedTuple):
    """What came of writing.

    :param now: the list afterwards; None when it could not be read.
    :param failure: why the run ended early.
    :param fate: what became of the list; C(broken) when it may be neither the wanted nor the previous one.
    """

    now: list[str] | None
    failure: LicensingError | None
    fate: Fate


def carry_out(api: CandidatesApi, plan: CandidatesPlan, batch_size: int, kept: KeptList) -> Written:
    """Make the list what the plan wants."""
    if plan.appends:
        return _append(api, plan, batch_size)
    try:
        now = api.read()
    except LicensingError as error:
        return Written(list(plan.live), error, "untouched")
    if now != list(plan.live):
        text = "Somebody changed the removal candidates after this task had planned. Nothing was written. Run again."
        return Written(now, LicensingError(text, code="list_changed"), "untouched")
    kept.keep(plan.live, plan.target)
    written = _rewrite(api, list(plan.live), list(plan.target), batch_size)
    if written.fate == "broken" and written.failure is not None:
        written.failure.message += f" {kept.where_to_find(plan.live)}"
        written.failure.details["previous_list"] = kept.location or list(plan.live)
    else:
        kept.forget()
    return written


def _append(api: CandidatesApi, plan: CandidatesPlan, batch_size: int) -> Written:
    failure: LicensingError | None = None
    try:
        for batch in _batches(plan.target[len(plan.live) :], batch_size):
            _step(api, functools.partial(api.append, batch), functools.partial(_has_taken, batch))
    except LicensingError as error:
        failure = error
    try:
        return Written(api.read(), failure, "written")
    except LicensingError as error:
        return Written(None, failure or error, "broken")


def _rewrite(api: CandidatesApi, live: list[str], target: list[str], batch_size: int) -> Written:
    done = live
    try:
        for number in _replace(api, live, target, batch_size):
            done = target[:number]
    except LicensingError as error:
        if done is live and rejects_devices(error) and batch_size > SAFE_BATCH and len(target) > SAFE_BATCH:
            return _rewrite(api, live, target, SAFE_BATCH)
        return _undo(api, live, target, error)
    try:
        return Written(api.read(), None, "written")
    except LicensingError as error:
        return Written(None, error, "broken")


def _replace(api: CandidatesApi, before: list[str], after: list[str], batch_size: int) -> t.Iterator[int]:
    """Replace one list by another; yields how much of it stands after each request."""
    if not after:
        _step(api, api.delete, functools.partial(_is_now, before, []))
        return
    done: list[str] = []
    for batch in _batches(after, batch_size):
        send = functools.partial(api.append if done else api.replace, batch)
        _step(api, send, functools.partial(_is_now, done or before, [*done, *batch]))
        done = [*done, *batch]
        yield len(done)


def _undo(api: CandidatesApi, live: list[str], target: list[str], error: LicensingError) -> Written:
    """A rewrite failed: put the previous list back, unless somebody else's would be overwritten by that."""
    api.allow(GRACE)
    try:
        now = api.read()
        if now == live:
            error.message += " The removal candidates are as they were."
            return Written(now, error, "untouched")
        if now != target[: len(now)] or (target and not now):
            error.message += " Somebody else changed the removal candidates meanwhile, so they were not put back."
            error.code = "list_changed"
            return Written(now, error, "broken")
        for _number in _replace(api, now, live, SAFE_BATCH):
            pass
        now = api.read()
    except LicensingError as second:
        error.message += f" The previous removal candidates could not be put back: {second.message}"
        error.code = "list_not_restored"
        return Written(None, error, "broken")
    if now != live:
        error.message += " The previous removal candidates were put back, and somebody else changed them since."
        error.code = "list_changed"
        return Written(now, error, "broken")
    error.message += " The previous removal candidates were put back; the list is as it was."
    return Written(now, error, "put_back")


def _step(api: CandidatesApi, send: t.Callable[[], None], took: t.Callable[[list[str]], bool | None]) -> None:
    """Send one request; if its answer gets lost, reading tells whether it took effect, and it is sent again if not.

    :param took: judges a reading: True, False, or None when it shows neither.
    :raises LicensingError: it was refused, or nobody knows what came of it.
    """
    for attempt in range(RESENDS + 1):
        try:
            send()
            return
        except LicensingError as error:
            if not is_lost(error):
                raise
            effect = took(api.read())
            if effect:
                return
            if effect is None or attempt == RESENDS:
                raise


def _is_now(before: list[str], after: list[str], now: list[str]) -> bool | None:
    return True if now == after else False if now == before else None


def _has_taken(batch: t.Sequence[str], now: list[str]) -> bool | None:
    missing = set(batch).difference(now)
    return True if not missing else False if len(missing) == len(batch) else None


def _batches(devices: t.Sequence[str], size: int) -> t.Iterator[t.Sequence[str]]:
    for start in range(0, len(devices), size):
        yield devices[start : start + size]
