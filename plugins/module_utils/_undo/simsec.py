# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which SIM-Secure licenses of a run are removed and assigned again: its record compared with the journal. Pure."""

from __future__ import annotations

import typing as t

from .._fleet.record import RunAccount
from .._journal.clock import for_people
from .._journal.status import WITHOUT_EFFECT, Attempt
from .._simsec.skus import sku_of
from .changes import OPPOSITE, Change, Left, LicensePool, changes_of, parts_of, pool_of
from .history import Later
from .moves import Former
from .own_requests import RunWindow

Attempts = t.Mapping[str, t.Sequence[Attempt]]
"""The requests of each device, oldest first."""

WORDS = {"assign": "assignment", "remove": "removal"}
NOT_CONFIRMED = "not_confirmed"
"""The code of a change that waits for a confirmation, so that the undo can be repeated later."""

ACTIONS = {"assigned": "assign", "removed": "remove"}


class Why(t.NamedTuple):
    """Why a change is not reversed. The code is empty if it is reversed."""

    code: str
    reason: str


class Reversal(t.NamedTuple):
    """What to do about a pool.

    :param take: devices that lose the license at once; C(moved), those that first get another one back; C(give), those
        that get it back.
    """

    take: list[str]
    moved: list[str]
    give: list[str]


def reverse_simsec(
    account: RunAccount,
    window: RunWindow,
    journal: t.Mapping[LicensePool, Attempts] | None,
    later: Later,
) -> tuple[dict[LicensePool, Reversal], list[Left]]:
    """Decide about every device of every pool.

    :param journal: the requests for the devices of the run, for each pool that the journal knows; None without a
        journal.
    """
    pools = sorted({pool_of(part) for part in account.parts if part.kind == "simsec"})
    changes = {pool: changes_of(parts_of(account, pool)) for pool in pools}
    left: list[Left] = []
    wanted: dict[LicensePool, list[Change]] = {}
    for pool in pools:
        lifetime = sku_of(pool.sku).lifetime or any(part.lifetime for part in parts_of(account, pool))
        for change in changes[pool].values():
            changed_by = later.changed_by(account.account, pool, change)
            known = None if journal is None else journal[pool].get(change.device_id, ())
            if not lifetime and later.undid(account.account, pool, change) and _is_reversed(change, known):
                continue
            code, reason = _lasting(lifetime, changed_by) or _judged(change, known, window)
            if code:
                left.append(pool.left(change, code, reason))
            else:
                wanted.setdefault(pool, []).append(change)
    _leave_single(wanted, left)
    return _in_order(wanted, Former(window, changes, journal or {}), left)


def _is_reversed(change: Change, attempts: t.Sequence[Attempt] | None) -> bool:
    """Whether the journal says that the device's last change was the opposite one, and is confirmed.

    The record of an undo has only that its request was accepted.
    """
    counted = [one for one in attempts or () if _counts(one)]
    opposite = ACTIONS.get(OPPOSITE.get(change.done, ""))
    return bool(counted) and counted[-1].action == opposite and counted[-1].outcome == "success"


def _leave_single(wanted: dict[LicensePool, list[Change]], left: list[Left]) -> None:
    """Give nothing back to a device that keeps what the run gave it. It would hold, and cost, two licenses."""
    kept = {one.device_id: one for one in left if one.done == "assigned" and one.code != "not_done"}
    for pool, rows in wanted.items():
        stay = [one for one in rows if one.done == "removed" and one.device_id in kept]
        left += [pool.left(one, "keeps_license", _keeps(kept[one.device_id])) for one in stay]
        rows[:] = [one for one in rows if one.done != "removed" or one.device_id not in kept]


def _keeps(kept: Left) -> str:
    return f"its license {kept.sku} is not removed, so it does not get this one as well"


def _lasting(lifetime: bool, changed_by: str) -> Why | None:
    if lifetime:
        return Why("lifetime", "a lifetime license stays with its SIM and can never be removed")
    return Why("later_run", changed_by) if changed_by else None


def _judged(change: Change, attempts: t.Sequence[Attempt] | None, window: RunWindow) -> Why:
    """What the journal says about a change."""
    if attempts is None:
        return Why(
            "no_journal", "without a journal, it is unknown whether ThingSpace carried it out, and what came after"
        )
    own = _own(change, attempts, window)
    if own is None:
        action = ACTIONS.get(change.done)
        perhaps = [one for one in attempts if one.action == action and window.may_have_sent(one, change)]
        if perhaps:
            word, when = WORDS[perhaps[-1].action], for_people(perhaps[-1].sent)
            return Why("unknown", f"the record does not say whether the run or someone else sent its {word} of {when}")
        if change.certain:
            return Why("not_in_journal", "the journal knows no request of that run for it; was it another journal?")
        return Why("not_done", "the journal knows no request of that run for it: it was never sent")
    word = WORDS[own.action]
    if own.outcome == "failed" or (own.outcome is None and own.state in WITHOUT_EFFECT):
        return Why("not_done", f"its {word} failed, so there is nothing to reverse ({own.reason or 'no reason given'})")
    since = [attempt for attempt in attempts if attempt.request > own.request and _counts(attempt)]
    if since:
        last = since[-1]
        request = f"its {WORDS[last.action]} of {for_people(last.sent)}"
        request += "" if last.outcome == "success" else ", which is not confirmed"
        return Why("later_request", f"a later request concerned it: {request}")
    if own.outcome == "success":
        return Why("", "")
    if own.state == "accepted":
        if own.sent < window.overdue:
            return Why("", "")
        return Why(NOT_CONFIRMED, f"its {word} of {for_people(own.sent)} is not confirmed yet; run this again later")
    why = f" ({own.reason.rstrip('.')})" if own.reason else ""
    return Why(
        "unknown", f"its {word} of {for_people(own.sent)} has no reliable answer{why}; it is unknown what it holds"
    )


def _own(change: Change, attempts: t.Sequence[Attempt], window: RunWindow) -> Attempt | None:
    """The last request for this device that the run itself sent."""
    action = ACTIONS.get(change.done)
    found = [attempt for attempt in attempts if attempt.action == action and window.sent(attempt, change)]
    return found[-1] if found else None


def _counts(attempt: Attempt) -> bool:
    """Whether a request can have changed anything."""
    return attempt.outcome == "success" or (attempt.outcome is None and attempt.state not in WITHOUT_EFFECT)


def _in_order(
    wanted: t.Mapping[LicensePool, list[Change]], former: Former, left: list[Left]
) -> tuple[dict[LicensePool, Reversal], list[Left]]:
    """No device is without a license in between: one that moved gets its former license before it loses the new one."""
    give = {pool: [one.device_id for one in rows if one.done == "removed"] for pool, rows in wanted.items()}
    given = {device for devices in give.values() for device in devices}
    found: dict[LicensePool, Reversal] = {}
    for pool, rows in wanted.items():
        take: list[str] = []
        moved: list[str] = []
        strangers = former.strangers(pool)
        doubt = former.doubt(pool, strangers, give)
        spellings = former.spellings(pool)
        for change in rows:
            device = change.device_id
            if change.done == "removed":
                continue
            had = former.pools(pool, device)
            same = "" if had else spellings.other(device)
            if same:
                reason = f"{same} held a license before the run and seems to be this device, spelled differently"
                left.append(pool.left(change, "former_license", f"{reason}, so it keeps this one"))
            elif not had and doubt:
                left.append(pool.left(change, "former_license", doubt))
            elif not had:
                (moved if strangers else take).append(device)
            elif any(former.held(one, device) for one in had) or device in given:
                moved.append(device)
            elif any(former.awaited(one, pool, device) for one in had):
                named = " and ".join(one.sku for one in had if former.awaited(one, pool, device))
                reason = (
                    f"its former license {named} was requested again, which is not confirmed yet; run this again later"
                )
                left.append(pool.left(change, NOT_CONFIRMED, reason))
            else:
                doubtful = any(former.inferred(one, device) for one in had)
                lacks = "confirmed beyond doubt" if doubtful else "assigned again"
                reason = f"its former license {had[0].sku} is not {lacks}, so it keeps this one"
                left.append(pool.left(change, "former_license", reason))
        found[pool] = Reversal(take, moved, give[pool])
    return found, left
