# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Devices that hold, or may hold, several SIM-Secure licenses at a time, and keep them after a plan was carried out."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ._journal import Journal, open_journal
from ._journal_file import PATIENCE
from ._standing import fold

Pool = tuple[str, str]
"""A SKU, and the kind of the ids that hold it."""


def doubles(wanted: t.Mapping[str, t.Any], lists: str, path: str | None) -> list[dict[str, str]]:
    """The devices of an account that keep more than one license, as rows of a plan.

    :param wanted: what C(fleet_files) returned of the account.
    :param lists: directory of its device lists, which name those that the plan takes a license from.
    :param path: the journal; without one, nobody knows.
    :raises LicensingError: the journal cannot be read.
    """
    if not path or not wanted["simsec"]:
        return []
    losing = {
        (pool["sku"], pool["kind"]): _listed(os.path.join(lists, f"{pool['remove_list']}.txt"))
        for pool in wanted["simsec"]
    }
    with contextlib.closing(open_journal(path, write=False, patience=PATIENCE)) as journal:
        keeping = _keeping(journal, wanted["account"], losing)
    return [_row(device, skus) for device, skus in sorted(keeping.items()) if len(skus) > 1]


def _keeping(journal: Journal, account: str, losing: t.Mapping[Pool, t.Container[str]]) -> dict[str, list[str]]:
    """The SKUs of which each device holds a license, and which the plan leaves it."""
    found: dict[str, list[str]] = {}
    for scope, devices in sorted(journal.shared(account).items()):
        leaving = losing.get((scope.sku, scope.kind), ())
        for device, attempts in journal.attempts(scope, devices).items():
            standing = fold(attempts)
            if standing.may_hold and device not in leaving:
                found.setdefault(device, []).append(scope.sku)
    return found


def _row(device: str, skus: t.Sequence[str]) -> dict[str, str]:
    named = " and ".join(skus)
    reason = f"by the journal it holds {named}, or may hold them, and this plan takes none of them away"
    return {"device_id": device, "outcome": "unchanged", "reason": reason}


def _listed(path: str) -> frozenset[str]:
    try:
        with open(path, encoding="ascii") as stream:
            return frozenset(stream.read().split())
    except FileNotFoundError:
        return frozenset()
