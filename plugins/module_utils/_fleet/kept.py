# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Unwanted SIM-Secure licenses that remain after a plan was carried out.

These are devices with several licenses, also because the plan assigns another one and cannot take the former away yet,
and devices that no file lists and from which the plan removes nothing.
"""

from __future__ import annotations

import collections
import contextlib
import typing as t

from .._client.stop import Told
from .._devices.same_device import Spellings
from .._journal.file import PATIENCE
from .._journal.journal import Journal, open_journal
from .._journal.rows import Scope
from .._journal.status import DeviceStatus, fold
from .._simsec.moves import foreseen
from .._simsec.skus import sku_of
from .account_parts import Lists, RunOptions, SkuPool

_SEVERAL = "by the journal it holds {}, or may hold them, and this plan takes none of them away"
_GETS = "by the journal it holds {}, or may hold it; this plan assigns {} and does not take the former license away"
_IT_HOLDS = "by the journal it holds {}; no file names it by this id, and this plan does not take it away"
_SPELLED = ". {}, which a file names, seems to be this device, spelled differently"


class _Getting(t.NamedTuple):
    """The devices that should hold a SKU.

    :param again: whether the plan sends those again whose assignment failed.
    """

    devices: t.Container[str]
    again: bool

    def is_assigned(self, device: str, status: DeviceStatus) -> bool:
        """Whether the plan assigns it to a device."""
        sent = not status.held and (foreseen(status) or (self.again and status.result == "failed"))
        return device in self.devices and sent


class _Keeps(t.NamedTuple):
    """The SKUs that a device holds or may hold and that the plan does not remove, and those that the plan assigns."""

    held: list[str]
    new: list[str]

    @property
    def reason(self) -> str:
        """Why the device is not as wanted; empty if it has a single license at the end."""
        if len(self.held) + len(self.new) < 2:
            return ""
        held = " and ".join(self.held)
        return _GETS.format(held, " and ".join(self.new)) if self.new else _SEVERAL.format(held)


def kept(wanted: t.Mapping[str, t.Any], lists: Lists, run: RunOptions, told: Told) -> list[dict[str, str]]:
    """The devices of an account that keep an unwanted license, as rows of a plan.

    :param wanted: what C(fleet_files) returned for the account.
    :param lists: its devices, also those that get a SIM-Secure license and those that lose one.
    :param run: with the journal; without it, nothing is known.
    :param told: whether the task must end soon.
    :raises LicensingError: the journal cannot be read.
    """
    pools = wanted["simsec"]
    if not run.journal or not pools:
        return []
    losing = {(pool["sku"], pool["kind"]): frozenset(lists[pool["remove_list"]]) for pool in pools}
    getting = {
        (pool["sku"], pool["kind"]): _Getting(frozenset(lists[pool["list"]]), run.simsec(pool)["retry_failed"])
        for pool in pools
    }
    with contextlib.closing(open_journal(run.journal, write=False, told=told, patience=PATIENCE)) as journal:
        keeping = _keeping(journal, wanted["account"], losing, getting)
        unnamed = list(_unnamed(journal, wanted, lists, losing))
    reasons = {
        **{device: _IT_HOLDS.format(sku) + (_SPELLED.format(same) if same else "") for device, (sku, same) in unnamed},
        **{device: keeps.reason for device, keeps in keeping.items() if keeps.reason},
    }
    return [{"device_id": device, "outcome": "unchanged", "reason": why} for device, why in sorted(reasons.items())]


def _keeping(
    journal: Journal,
    account: str,
    losing: t.Mapping[SkuPool, t.AbstractSet[str]],
    getting: t.Mapping[SkuPool, _Getting],
) -> dict[str, _Keeps]:
    """What each device has at the end that may have more than one license then."""
    found: dict[str, _Keeps] = collections.defaultdict(lambda: _Keeps([], []))
    nobody = _Getting((), again=False)
    shared = journal.shared(account)
    for scope, devices in sorted(shared.items()):
        pool = (scope.sku, scope.kind)
        leaving = losing.get(pool, ())
        for device, status in _statuses(journal, scope, devices):
            if status.may_hold and device not in leaving:
                found[device].held.append(scope.sku)
            elif getting.get(pool, nobody).is_assigned(device, status):
                found[device].new.append(scope.sku)
    for scope in sorted(journal.scopes(account)):
        others = [(sku, one) for (sku, kind), one in getting.items() if kind == scope.kind and sku != scope.sku]
        # The journal may know a million of them.
        known = journal.ids(scope) if others else []
        several = {*shared.get(scope, ()), *losing.get((scope.sku, scope.kind), frozenset[str]())}
        for sku, one in others:
            moving = [device for device in known if device in one.devices and device not in several]
            for device, status in _statuses(journal, scope, moving):
                if status.may_hold:
                    found[device].held.append(scope.sku)
                    found[device].new.append(sku)
    return found


def _statuses(journal: Journal, scope: Scope, devices: t.Sequence[str]) -> t.Iterator[tuple[str, DeviceStatus]]:
    for device, attempts in journal.attempts(scope, devices).items():
        yield device, fold(attempts)


def _unnamed(
    journal: Journal, wanted: t.Mapping[str, t.Any], lists: Lists, losing: t.Mapping[SkuPool, t.AbstractSet[str]]
) -> t.Iterator[tuple[str, tuple[str, str]]]:
    """The devices that hold a SKU, are in no file, and keep it; with the SKU and the listed id of perhaps the same SIM.

    That happens only if the files list devices by another kind of id or in another spelling.
    """
    pools = [pool for pool in wanted["simsec"] if pool["state"] == "exact" and pool["count"]]
    kinds = {pool["kind"] for pool in pools}
    for scope in journal.scopes(wanted["account"]) if pools else ():
        # A lifetime license stays, whatever the files say.
        if sku_of(scope.sku).lifetime:
            continue
        named = frozenset[str]().union(*(lists[pool["list"]] for pool in pools if pool["kind"] == scope.kind))
        leaving = losing.get((scope.sku, scope.kind), ())
        strangers, known = bool(kinds - {scope.kind}), journal.ids(scope)
        spellings = Spellings(named, known)
        others = [device for device in known if device not in named and device not in leaving]
        same = {device: spellings.other(device) for device in others}
        asked = others if strangers else [device for device in others if same[device]]
        for device, attempts in journal.attempts(scope, asked).items():
            if fold(attempts).may_hold:
                yield device, (scope.sku, same[device])
