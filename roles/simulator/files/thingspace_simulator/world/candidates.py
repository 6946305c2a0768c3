# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal candidates of an account: which devices lose their licence first, and in which order (cancel pages)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..fields import strings
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
