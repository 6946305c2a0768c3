# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Unwanted SIM-Secure licenses that remain after a plan was carried out.

These are devices with several licenses, and devices that no file lists and from which the plan removes nothing.
"""

from __future__ import annotations

import contextlib
import typing as t

from .._client.stop import Told
from .._devices.same_device import Spellings
from .._journal.file import PATIENCE
from .._journal.journal import Journal, open_journal
from .._journal.status import fold
from .._simsec.skus import sku_of
from .account_parts import Lists, SkuPool

_SEVERAL = "by the journal it holds {}, or may hold them, and this plan takes none of them away"
_IT_HOLDS = "by the journal it holds {}; no file names it by this id, and this plan does not take it away"
_SPELLED = ". {}, which a file names, seems to be this device, spelled differently"


def kept(wanted: t.Mapping[str, t.Any], lists: Lists, path: str | None, told: Told) -> list[dict[str, str]]:
    """The devices of an account that keep an unwanted license, as rows of a plan.

    :param wanted: what C(fleet_files) returned for the account.
    :param lists: its devices, also those that get a SIM-Secure license and those that lose one.
    :param path: the journal; without it, nothing is known.
    :param told: whether the task must end soon.
    :raises LicensingError: the journal cannot be read.
    """
    pools = wanted["simsec"]
    if not path or not pools:
        return []
    losing = {(pool["sku"], pool["kind"]): frozenset(lists[pool["remove_list"]]) for pool in pools}
    with contextlib.closing(open_journal(path, write=False, told=told, patience=PATIENCE)) as journal:
        keeping = _keeping(journal, wanted["account"], losing)
        unnamed = list(_unnamed(journal, wanted, lists, losing))
    several = {device: skus for device, skus in keeping.items() if len(skus) > 1}
    reasons = {
        **{device: _IT_HOLDS.format(sku) + (_SPELLED.format(same) if same else "") for device, (sku, same) in unnamed},
        **{device: _SEVERAL.format(" and ".join(skus)) for device, skus in several.items()},
    }
    return [{"device_id": device, "outcome": "unchanged", "reason": why} for device, why in sorted(reasons.items())]


def _keeping(journal: Journal, account: str, losing: t.Mapping[SkuPool, t.Container[str]]) -> dict[str, list[str]]:
    """The SKUs of the licenses that each device holds and that the plan does not remove."""
    found: dict[str, list[str]] = {}
    for scope, devices in sorted(journal.shared(account).items()):
        leaving = losing.get((scope.sku, scope.kind), ())
        for device, attempts in journal.attempts(scope, devices).items():
            status = fold(attempts)
            if status.may_hold and device not in leaving:
                found.setdefault(device, []).append(scope.sku)
    return found


def _unnamed(
    journal: Journal, wanted: t.Mapping[str, t.Any], lists: Lists, losing: t.Mapping[SkuPool, t.Container[str]]
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
