# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who loses the license when fewer are bought than devices hold (cancel pages).

Those on the removal candidate list come first, in the order of the list, then the others by the time of
their assignment, the oldest first. Upgrades that have started finish, so having upgraded protects nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from ..fields import strings
from ..quirks import Quirks
from .account import Account


class Candidates:
    """Device ids in the order in which they were named, and when the list was last changed."""

    def __init__(self, ids: Iterable[str], updated_ms: int) -> None:
        self._order = list(ids)
        self._listed = set(self._order)
        self.updated_ms = updated_ms

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, device_id: object) -> bool:
        return device_id in self._listed

    @property
    def ids(self) -> Sequence[str]:
        """Return all of them; not to be changed."""
        return self._order

    def page(self, start: int, size: int) -> tuple[list[str], bool]:
        """Return up to ``size`` ids from a record number on, and whether there are more."""
        return self._order[start : start + size], start + size < len(self._order)

    def append(self, ids: Sequence[str], now_ms: int) -> None:
        """Add to the end."""
        if ids:
            self._order.extend(ids)
            self._listed.update(ids)
            self.updated_ms = now_ms

    def replace(self, ids: Sequence[str], now_ms: int) -> None:
        """Forget the list and take this one."""
        if ids != self._order:
            self._order, self._listed = list(ids), set(ids)
            self.updated_ms = now_ms

    def drop(self, ids: Iterable[str], now_ms: int) -> None:
        """Take ids off the list, those that are not on it included."""
        gone = self._listed.intersection(ids)
        if gone:
            self.replace([one for one in self._order if one not in gone], now_ms)


def candidates_of(account: Account) -> Candidates:
    """Return the list of an account. One that was never changed is as old as the subscription."""
    found: Candidates = account.parts.setdefault("candidates", Candidates((), account.updated_ms))
    return found


def load(given: Any, account: Account, where: str, problems: list[str]) -> Candidates:
    """Read the list; whether its devices hold a license is not asked."""
    try:
        return Candidates(strings(given), account.updated_ms)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return Candidates((), account.updated_ms)


def dump(candidates: Candidates) -> list[str]:
    """Write the list."""
    return list(candidates.ids)


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
