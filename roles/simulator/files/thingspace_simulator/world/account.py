# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account: its devices and their FOTA licenses; other APIs keep parts of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..fields import Kind, is_count, or_null, read_list
from .clock import iso, moment, parse_ms
from .device import Device
from .device import imei as imei_kind
from .directory import Directory

MRC = "TS-HFOTA-MRC"
EVENT = "TS-HFOTA-EVNT"
# Licenses of a state that does not say otherwise were attached at the moment of the documented example.
SEEDED_MS = parse_ms("2017-11-29T16:03:42.000Z")


class SortedIds:
    """A set of ids that answers "the next N after X" without walking the whole account."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._order = sorted(ids)
        self._added: list[str] = []
        self._removed: set[str] = set()

    def add(self, new_id: str) -> None:
        """Take in an id that is not there yet."""
        if new_id in self._removed:
            self._removed.discard(new_id)
        else:
            self._added.append(new_id)

    def discard(self, old_id: str) -> None:
        """Drop an id that is there."""
        self._removed.add(old_id)

    def after(self, cursor: str, size: int) -> tuple[list[str], bool]:
        """Return up to ``size`` ids greater than ``cursor`` in order, and whether there are more."""
        self._settle()
        start = bisect_right(self._order, cursor)
        return self._order[start : start + size], start + size < len(self._order)

    def _settle(self) -> None:
        """Work in the changes since the last read; sorting a nearly sorted list is cheap."""
        if self._added:
            self._order.extend(self._added)
            self._order.sort()
            self._added = []
        if self._removed:
            self._order = [one for one in self._order if one not in self._removed]
            self._removed = set()


@dataclass
class Account:
    """A billing account: its FOTA subscription, its devices and the licenses they hold."""

    name: str
    purchase_type: str = MRC
    license_count: int = 0
    updated_ms: int = 0
    active: bool = True
    devices: dict[str, Device] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    directory: Directory = field(init=False)
    _order: SortedIds = field(default_factory=SortedIds)

    def __post_init__(self) -> None:
        self.directory = Directory(self.devices)
        self._order = SortedIds(self.licenses)

    @property
    def has_pool(self) -> bool:
        """Say whether licenses of this account are bought in advance (MRC) rather than per event."""
        return MRC in self.purchase_type.split(",")

    @property
    def total(self) -> int:
        """Return the licenses bought; event-only accounts have none (subscription pages)."""
        return self.license_count if self.has_pool else 0

    @property
    def free(self) -> int:
        """Return the licenses that no device holds; never negative."""
        return max(0, self.total - len(self.licenses))

    def attach(self, imei: str, moment_ms: int) -> None:
        """Give a device that has none a license."""
        self.licenses[imei] = moment_ms
        self._order.add(imei)

    def detach(self, imei: str) -> None:
        """Take the license of a device back into the pool."""
        del self.licenses[imei]
        self._order.discard(imei)

    def licensed_after(self, cursor: str, size: int) -> tuple[list[str], bool]:
        """Return a page of licensed devices with an IMEI greater than ``cursor``."""
        return self._order.after(cursor, size)


_LICENSE_KINDS: dict[str, Kind] = {"device_id": imei_kind, "assigned_at": or_null(moment)}


def read_licenses(given: Any, first: Callable[[int], Iterable[str]], where: str, problems: list[str]) -> dict[str, int]:
    """Read who holds a license, and since when: the ``first`` so many devices, plain ids, or objects."""
    if is_count(given):
        return dict.fromkeys(first(given), SEEDED_MS)
    licenses: dict[str, int] = {}
    for device, fields in read_list(given, "device_id", _LICENSE_KINDS, where, problems).items():
        assigned_ms = fields.get("assigned_at")
        licenses[device] = SEEDED_MS if assigned_ms is None else assigned_ms
    return licenses


def dump_licenses(licenses: Mapping[str, int]) -> list[dict[str, str]]:
    """Write who holds a license, and since when."""
    return [{"device_id": device, "assigned_at": iso(assigned_ms)} for device, assigned_ms in licenses.items()]
