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

MOST_REFUSED = 20
"""Devices that putting back may leave out because ThingSpace refuses them one by one."""

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
        written = _append(api, plan.target[len(plan.live) :], batch_size)
    else:
        try:
            now = api.read()
        except LicensingError as error:
            return Written(list(plan.live), error, "untouched")
        if now != list(plan.live):
            text = (
                "Somebody changed the removal candidates after this task had planned. Nothing was written. Run again."
            )
            return Written(now, LicensingError(text, code="list_changed"), "untouched")
        kept.keep(plan.base, plan.target)
        written = _rewrite(api, list(plan.live), list(plan.target), batch_size)
        if written.fate == "broken" and written.failure is not None:
            written.failure.message += f" {kept.where_to_find(plan.base)}"
            written.failure.details["previous_list"] = kept.location or list(plan.base)
    as_it_was = written.fate in ("untouched", "put_back") and plan.base == plan.live
    if as_it_was or (written.fate == "written" and written.failure is None):
        kept.forget()
    return written


def _append(api: CandidatesApi, devices: t.Sequence[str], batch_size: int) -> Written:
    failure: LicensingError | None = None
    taken = 0
    try:
        for batch in _batches(devices, batch_size):
            _step(api, functools.partial(api.append, batch), functools.partial(_has_taken, batch))
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
        return _undo(api, live, target, error, min(batch_size, SAFE_BATCH))
    try:
        return Written(api.read(), None, "written")
    except LicensingError as error:
        return Written(None, error, "broken")


def _too_many(error: LicensingError, devices: t.Sequence[str], batch_size: int) -> bool:
    """Whether a request may have been refused because of its size alone."""
    return rejects_devices(error) and min(batch_size, len(devices)) > SAFE_BATCH


def _replace(api: CandidatesApi, before: list[str], after: list[str], batch_size: int) -> t.Iterator[t.Sequence[str]]:
    """Replace one list by another; yields each batch that stands."""
    if not after:
        _step(api, api.delete, functools.partial(_is_now, before, []))
        return
    done: list[str] = []
    for batch in _batches(after, batch_size):
        send = functools.partial(api.append if done else api.replace, batch)
        _step(api, send, functools.partial(_is_now, done or before, [*done, *batch]))
        done = [*done, *batch]
        api.progress.tell("devices written", len(done), len(after))
        yield batch


def _undo(api: CandidatesApi, live: list[str], target: list[str], error: LicensingError, batch_size: int) -> Written:
    """A rewrite failed: put the previous list back, unless somebody else's would be overwritten by that."""
    api.allow(GRACE)
    try:
        now = api.read()
        if now == live:
            error.message += " The removal candidates are as they were."
            return Written(now, error, "untouched")
        if not _is_part(now, target) or (target and not now):
            error.message += " Somebody else changed the removal candidates meanwhile, so they were not put back."
            error.code = "list_changed"
            return Written(now, error, "broken")
        refused = _put_back(api, now, live, batch_size)
        now = api.read()
    except LicensingError as second:
        found = _now(api)
        if found == live:
            error.message += " The previous removal candidates were put back; the list is as it was."
            return Written(found, error, "put_back")
        error.message += f" The previous removal candidates could not be put back: {second.message}"
        error.code = "list_not_restored"
        return Written(found, error, "broken")
    if refused:
        shown = ", ".join(refused[:5]) + (", ..." if len(refused) > 5 else "")
        error.message += (
            f" The previous removal candidates were put back, but ThingSpace does not take {shown} any more."
        )
        error.code = "list_not_restored"
        return Written(now, error, "broken")
    if list(dict.fromkeys(now)) != list(dict.fromkeys(live)):
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


def _now(api: CandidatesApi) -> list[str] | None:
    try:
        return api.read()
    except LicensingError:
        return None


def _put_back(api: CandidatesApi, now: list[str], devices: list[str], batch_size: int) -> list[str]:
    """Make this the list, but for devices that ThingSpace refuses even alone; returns those.

    :raises LicensingError: it refuses too many, or something else went wrong.
    """
    waiting = [list(batch) for batch in _batches(devices, batch_size)][::-1]
    done: list[str] = []
    refused: list[str] = []
    while waiting:
        batch = waiting.pop()
        send = functools.partial(api.append if done else api.replace, batch)
        try:
            _step(api, send, functools.partial(_is_now, done or now, [*done, *batch]))
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
    """Whether all of some stand in the whole, in the same order."""
    rest = iter(whole)
    return all(device in rest for device in some)


def _is_now(before: list[str], after: list[str], now: list[str]) -> bool | None:
    return True if now == after else False if now == before else None


def _has_taken(batch: t.Sequence[str], now: list[str]) -> bool | None:
    missing = set(batch).difference(now)
    return True if not missing else False if len(missing) == len(batch) else None


def _batches(devices: t.Sequence[str], size: int) -> t.Iterator[t.Sequence[str]]:
    for start in range(0, len(devices), size):
        yield devices[start : start + size]
