# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""When a device may lose a SIM-Secure license because it gets another one.

Plans, removals, and the undo all use this rule. A device loses its old license only if the journal shows that the new
license is confirmed: by a report under the id of the request that assigned it, or by a count that was watched by the
run that sent it, see C(_simsec/watch.py). An inferred license is not confirmed. An inferred result does not rule out a
removal, either. If the account counts fewer licenses of a SKU than the journal, no license of that SKU is confirmed,
because any device may have lost one. In doubt, the device keeps its old license.
"""

from __future__ import annotations

import typing as t
from types import MappingProxyType

from .._devices.ids import digest_of
from .._devices.same_device import Spellings
from .._devices.wanted import named_devices
from .._errors import OptionsError, Problem
from .._journal.journal import Journal
from .._journal.rows import Removed, Scope
from .._journal.status import NOTHING, DeviceStatus, fold
from .._text.lists import many
from .._thingspace.id_kinds import Kind
from .api import SkuSubscription
from .missing import missing
from .skus import sku_of, sku_problems

OPTION = "replaced_by"

INFERRED = (
    " beyond doubt: that the device holds it was inferred when an answer was lost or from the account's count, or "
    "reports do not agree or came too late"
)
OVERLAID = (
    " beyond doubt: a removal of it, of this device or by another kind of id, may have been carried out after it was "
    "assigned"
)
_AGAIN = ". While a receiver listens, take the new license away, and assign it again when that is reported"
_KNOWN = ". If you know that the device holds it, a task without 'replaced_by' takes this license away"
"""What to do. Without a receiver, only a count can confirm both, which is rarely enough."""

_SHORT = (
    "the account counts {:,} of {} less than the journal knows as confirmed, and this device may be one of those that "
    "lost it"
)


class Instead(t.NamedTuple):
    """Devices that should hold a license.

    :param devices: their ids, of the scope's kind.
    """

    scope: Scope
    devices: frozenset[str]


class Losing(t.NamedTuple):
    """Devices that should lose a license.

    :param scope: the license.
    :param devices: the ids.
    """

    scope: Scope
    devices: t.Sequence[str]


def confirmed(status: DeviceStatus) -> bool:
    """Whether a device certainly holds a license: its own request proves that, and no later request is open."""
    return status.result == "confirmed" and status.held is True and status.proved


def inferred(status: DeviceStatus) -> bool:
    """Whether a device counts as holding a license without proof. Nothing is sent to prove it."""
    return status.held is True and status.result in ("confirmed", "failed") and not status.proved


def foreseen(status: DeviceStatus) -> bool:
    """Whether a plan may remove the old license: the new one is confirmed, or the same plan assigns it.

    A failed assignment is not sent again, and an unconfirmed one may fail. In both cases, the old license stays.
    """
    return confirmed(status) or status.result == "none" or (status.result == "confirmed" and not status.held)


def kept(
    losing: Losing,
    instead: t.Sequence[Instead],
    now: t.Callable[[Scope], t.Mapping[str, DeviceStatus]],
    short: t.Mapping[str, int] = MappingProxyType({}),
    sure: t.Callable[[DeviceStatus], bool] = confirmed,
) -> dict[str, str]:
    """The devices that must not lose their license now, each with the reason.

    :param instead: which devices should hold which license.
    :param now: returns the status of the devices of a scope.
    :param short: how many licenses of a SKU may be missing in the account, so that no device certainly holds one.
    :param sure: the condition for a new license.
    """
    own, devices = losing
    if any(one.scope.sku == own.sku and one.scope.kind != own.kind and one.devices for one in instead):
        why = f"it is kept: devices are to hold {own.sku} by another kind of id, and this may be one of them"
        return dict.fromkeys(devices, why)
    named = [one for one in instead if one.scope.kind == own.kind]
    strangers = [one for one in instead if one.scope.kind != own.kind]
    statuses = {one.scope: now(one.scope) for one in instead if one.scope != own}

    def holds(scope: Scope, device: str) -> bool:
        return sure(statuses[scope].get(device, NOTHING))

    doubt = _doubt(
        [
            one
            for one in strangers
            if one.scope.sku in short or not all(holds(one.scope, device) for device in one.devices)
        ]
    )
    spellings = Spellings((device for one in named for device in one.devices), devices)
    found: dict[str, str] = {}
    for device in devices:
        wanted = [one.scope for one in named if device in one.devices]
        same = "" if wanted else spellings.other(device)
        if same:
            found[device] = f"it is kept: {same} is to hold a license and seems to be this device, spelled differently"
        elif own in wanted:
            found[device] = "it is kept: the device is to hold this license"
        elif wanted:
            held = [scope for scope in wanted if holds(scope, device)]
            if not held:
                found[device] = f"it keeps this license until {' or '.join(scope.sku for scope in wanted)} is confirmed"
                found[device] += _why_not({scope.sku: statuses[scope].get(device, NOTHING) for scope in wanted})
            elif all(scope.sku in short for scope in held):
                found[device] = "it keeps this license: " + _SHORT.format(short[held[0].sku], held[0].sku)
        elif doubt:
            found[device] = doubt
    return found


def _why_not(statuses: t.Mapping[str, DeviceStatus]) -> str:
    """Why a license stays unconfirmed although nothing more is sent for it; empty if a confirmation may still come.

    :param statuses: by SKU.
    """
    inferred_ones = {sku: status for sku, status in statuses.items() if inferred(status)}
    if not inferred_ones:
        return ""
    why = OVERLAID if all(status.overlaid for status in inferred_ones.values()) else INFERRED
    # A lifetime license cannot be taken away.
    again = "" if why == OVERLAID or any(sku_of(sku).lifetime for sku in inferred_ones) else _AGAIN
    return f"{why}{again}{_KNOWN}"


def _doubt(waiting: t.Sequence[Instead]) -> str:
    """Why a device that should hold nothing by this kind of id keeps its license; empty if it need not.

    It may be the same SIM as a device that is named by the other kind, so all of those must be confirmed.
    """
    if not waiting:
        return ""
    named = " and ".join(f"{one.scope.sku} by {one.scope.kind.upper()}" for one in waiting)
    return f"it keeps this license until all of {named} are confirmed: it may be one of those SIMs"


def read_instead(
    entries: t.Sequence[t.Mapping[str, t.Any]] | None, own: Losing, *, state: str, journal: str | None
) -> tuple[list[Instead], list[Problem]]:
    """Read the option C(replaced_by); returns it with all its problems.

    :param own: the license and the devices that the task names.
    """
    if entries is None:
        return [], []
    problems = []
    if state != "absent":
        problems.append(Problem(f"'{OPTION}' needs 'state: absent': it says what devices hold that lose a license."))
    if not journal:
        problems.append(Problem(f"'{OPTION}' needs 'journal', which alone knows what is confirmed."))
    found = []
    for entry in entries:
        one, wrong = _read_one(entry, own)
        found.append(one)
        problems += [Problem(f"'{OPTION}': {problem.text}", problem.code) for problem in wrong]
    return found, problems


def _read_one(entry: t.Mapping[str, t.Any], own: Losing) -> tuple[Instead, list[Problem]]:
    kind = entry.get("kind") or own.scope.kind
    scope = Scope(own.scope.account, entry["sku"], kind)
    problems = list(sku_problems(entry["sku"]))
    path = entry.get("devices_file")
    if not (path or entry.get("devices")) and kind != own.scope.kind:
        problems.append(Problem(f"the entry of {entry['sku']} has another 'kind', so it needs 'devices_file'."))
    # Within a task for a whole account, the devices were read before.
    ids: t.Sequence[str] = entry.get("devices") or own.devices
    if path:
        ids, wrong, _notes = named_devices({"devices_file": path}, "devices", t.cast(Kind, kind))
        problems += wrong
    count = entry.get("count")
    if count is not None and not problems and count != len(ids):
        text = (
            f"{path or 'the task'} names {many(len(ids), 'device')} and not {count}: it is not the list that was meant."
        )
        problems.append(Problem(text, "invalid_devices"))
    elif entry.get("digest") is not None and not problems and entry["digest"] != digest_of(ids):
        text = f"{path or 'the task'} names other devices than the list that was meant: it was written over."
        problems.append(Problem(text, "invalid_devices"))
    return Instead(scope, frozenset(ids)), problems


def kept_now(
    journal: Journal,
    losing: Losing,
    instead: t.Sequence[Instead],
    subscriptions: t.Sequence[SkuSubscription],
    *,
    foresee: bool = False,
) -> dict[str, str]:
    """Like C(kept), with the current state of the journal.

    :param subscriptions: the counts of the account, read before this call.
    :param foresee: whether the same plan assigns the new licenses; see C(foreseen).
    :raises OptionsError: without a journal, it is unknown what is confirmed.
    """
    if not instead:
        return {}
    if not journal.path:
        raise OptionsError([Problem(f"'{OPTION}' needs 'journal', which alone knows what is confirmed.")])
    account, own = losing.scope.account, losing.scope.sku
    others = sorted({one.scope.sku for one in instead} - {own})
    counts = {sku: missing(journal, account, sku, subscriptions, at_most=True) for sku in others}
    short = {sku: count for sku, count in counts.items() if count}
    return kept(losing, instead, statuses_now(journal, losing, instead), short, foreseen if foresee else confirmed)


def statuses_now(
    journal: Journal, losing: Losing, instead: t.Sequence[Instead]
) -> t.Callable[[Scope], dict[str, DeviceStatus]]:
    """What reads the status of the devices that matter for a scope. For parameters, see C(kept)."""
    devices = {one.scope: _asked(losing, one) for one in instead}

    def now(scope: Scope) -> dict[str, DeviceStatus]:
        # The SIM may have lost it by its other id since then, and it is unknown which ids belong together.
        removed = journal.removed_by_another_kind(scope)
        tried = journal.attempts(scope, devices[scope])
        return {device: _unless_taken(fold(attempts), removed) for device, attempts in tried.items()}

    return now


def _unless_taken(status: DeviceStatus, removed: Removed) -> DeviceStatus:
    """Drop the proof if a removal by the other kind of id may have been executed after it."""
    if status.proof is None or not removed.may_follow(status.proof):
        return status
    return status._replace(proof=None, overlaid=True)


def _asked(losing: Losing, one: Instead) -> list[str]:
    """The devices that matter: with another kind of id, all of them, because any may be the same SIM."""
    if one.scope.kind != losing.scope.kind:
        return sorted(one.devices)
    return [device for device in losing.devices if device in one.devices]
