# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account: which devices hold its licenses, and which lose theirs when the subscription shrinks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from ..quirks import Quirks
from .device import Device, Directory
from .listeners import Listener

MRC = "TS-HFOTA-MRC"
EVENT = "TS-HFOTA-EVNT"


@dataclass
class Sku:
    """One SIM-Secure SKU of an account. ``pending`` is how accepted requests will change the number assigned."""

    sku: str
    license_type: str
    purchased: int
    licenses: dict[str, int]
    pending: int = 0

    @property
    def free(self) -> int:
        """Return the licenses that no device holds; never negative."""
        return max(0, self.purchased - len(self.licenses))


class SortedIds:
    """A set of ids that answers "the next N after X" without a walk through the whole account."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._order = sorted(ids)
        self._added: list[str] = []
        self._removed: set[str] = set()

    def add(self, new_id: str) -> None:
        """Add an id that is not in the set."""
        if new_id in self._removed:
            self._removed.discard(new_id)
        else:
            self._added.append(new_id)

    def discard(self, old_id: str) -> None:
        """Remove an id that is in the set."""
        self._removed.add(old_id)

    def after(self, cursor: str, size: int) -> tuple[list[str], bool]:
        """Return up to ``size`` ids greater than ``cursor`` in order, and whether there are more."""
        if self._added:
            self._order.extend(self._added)
            self._order.sort()  # sorting a nearly sorted list is cheap
            self._added = []
        if self._removed:
            self._order = [one for one in self._order if one not in self._removed]
            self._removed = set()
        start = bisect_right(self._order, cursor)
        return self._order[start : start + size], start + size < len(self._order)


class Candidates:
    """The removal candidates: device ids in the order in which they were listed, and the time of the last change."""

    def __init__(self, ids: Iterable[str] = (), updated_ms: int = 0) -> None:
        self.ids = list(ids)
        self._listed = set(self.ids)
        self.updated_ms = updated_ms

    def __contains__(self, device_id: object) -> bool:
        return device_id in self._listed

    def replace(self, ids: Sequence[str], now_ms: int) -> None:
        """Replace the whole list."""
        if ids != self.ids:
            self.ids, self._listed, self.updated_ms = list(ids), set(ids), now_ms

    def append(self, ids: Sequence[str], now_ms: int) -> None:
        """Add to the end."""
        if ids:
            self.ids.extend(ids)
            self._listed.update(ids)
            self.updated_ms = now_ms

    def drop(self, ids: Iterable[str], now_ms: int) -> None:
        """Remove ids from the list. Ids that are not on it are ignored."""
        gone = self._listed.intersection(ids)
        if gone:
            self.replace([one for one in self.ids if one not in gone], now_ms)


@dataclass
class Account:
    """A billing account: its subscriptions, its devices, and the assignment time (milliseconds) of each license."""

    name: str
    purchase_type: str = MRC
    license_count: int = 0
    updated_ms: int = 0
    active: bool = True
    devices: dict[str, Device] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)
    candidates: Candidates = field(default_factory=Candidates)
    skus: dict[str, Sku] = field(default_factory=dict)
    listeners: dict[str, Listener] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)  # when a request last changed the license of a device
    directory: Directory = field(init=False)
    _devices: SortedIds = field(init=False)
    _order: SortedIds = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Directory(self.devices)
        self._order = SortedIds(self.licenses)
        self._devices = SortedIds(self.devices)

    @property
    def has_pool(self) -> bool:
        """Say whether licenses of this account are bought in advance (MRC) rather than per event."""
        return MRC in self.purchase_type.split(",")

    @property
    def total(self) -> int:
        """Return the licenses bought. Event-only accounts have none (subscription pages)."""
        return self.license_count if self.has_pool else 0

    @property
    def free(self) -> int:
        """Return the licenses that no device holds; never negative."""
        return max(0, self.total - len(self.licenses))

    def attach(self, imei: str, now_ms: int) -> None:
        """Give a license to a device that has none."""
        self.licenses[imei] = self.changed[imei] = now_ms
        self._order.add(imei)

    def detach(self, imei: str, now_ms: int) -> None:
        """Return the license of a device to the pool."""
        del self.licenses[imei]
        self.changed[imei] = now_ms
        self._order.discard(imei)

    def add(self, imei: str) -> None:
        """Make sure that the account has a device."""
        if imei not in self.devices:
            self.devices[imei] = Device(imei)
            self._devices.add(imei)

    def licensed_after(self, cursor: str, size: int, only: Iterable[str] | None = None) -> tuple[list[str], bool]:
        """Return a page of licensed devices with an IMEI greater than ``cursor``, and whether there are more.

        ``only`` are those that the list has, if it does not have all.
        """
        order = self._order if only is None else SortedIds(only)
        return order.after(cursor, size)

    def devices_after(self, cursor: str, size: int) -> tuple[list[str], bool]:
        """Return a page of devices, licensed or not, in the same way."""
        return self._devices.after(cursor, size)


def evict(account: Account, quirks: Quirks, now_ms: int) -> list[tuple[str, int]]:
    """Take licenses away until devices hold no more than are bought. Return device and assignment time of each.

    Listed devices lose theirs first, in the order of the list, then the others by assignment time, the oldest
    first. Upgrades that have started finish, so an upgrade protects no device (cancel pages); a quirk protects them.
    """
    excess = len(account.licenses) - account.total
    if excess <= 0:
        return []
    held, ties = account.licenses, quirks.word("eviction_ties")
    if quirks.word("eviction_upgraded") == "keep":
        held = {imei: moment for imei, moment in held.items() if not account.devices[imei].upgraded}
    listed = [imei for imei in dict.fromkeys(account.candidates.ids) if imei in held]
    others = [imei for imei in held if imei not in account.candidates]
    if ties == "shuffled":
        others.sort(key=lambda imei: crc32(imei.encode()))  # looks random, but is the same every time
    else:
        others.sort(reverse=ties == "reverse")
    others.sort(key=held.__getitem__)  # keeps the order among equals
    evicted = [(imei, held[imei]) for imei in (listed + others)[:excess]]
    for imei, _assigned_ms in evicted:
        account.detach(imei, now_ms)
    if quirks.word("evicted_candidates") == "drop":
        account.candidates.drop((imei for imei, _assigned_ms in evicted), now_ms)
    return evicted
