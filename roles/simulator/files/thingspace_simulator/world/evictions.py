# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evictions: who loses the license when fewer are bought than devices hold (cancel page of v1).

Those on the removal candidate list come first, in the order of the list, then the others by the time of
their assignment, the oldest first. Upgrades that have started finish, so having upgraded protects nobody.
"""

from __future__ import annotations

from zlib import crc32

from ..quirks import Quirks
from .account import Account
from .candidates import candidates_of


def evict(account: Account, quirks: Quirks, now_ms: int) -> list[tuple[str, int]]:
    """Take licenses away until no more are held than bought; return devices and assignment times in that order."""
    excess = len(account.licenses) - account.total
    if excess <= 0:
        return []
    evicted = [(imei, account.licenses[imei]) for imei in order(account, quirks.word("eviction_ties"))[:excess]]
    for imei, _assigned_ms in evicted:
        account.detach(imei)
    if quirks.word("evicted_candidates") == "drop":
        candidates_of(account).drop((imei for imei, _assigned_ms in evicted), now_ms)
    return evicted


def order(account: Account, ties: str) -> list[str]:
    """Return all devices that hold a license, the first to lose it first."""
    held = account.licenses
    candidates = candidates_of(account)
    listed = [imei for imei in dict.fromkeys(candidates.ids) if imei in held]
    others = [imei for imei in held if imei not in candidates]
    if ties == "shuffled":
        others.sort(key=_shuffled)
    else:
        others.sort(reverse=ties == "reverse")
    others.sort(key=held.__getitem__)  # keeps the order among equals
    return listed + others


def _shuffled(imei: str) -> int:
    """Return what looks like chance and is the same every time."""
    return crc32(imei.encode())
