# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a report knows about an account: the values as read, before they are evaluated."""

from __future__ import annotations

import dataclasses
import sys
import typing as t

from .._simsec.skus import Sku, sku_of
from .text import visible

FOTA = "FOTA"
"""The name of a Software Management license where SIM-Secure licenses go by their SKU."""

FLEET_FILES = "the fleet files"
"""The name of the part that says what is wanted."""

Json = dict[str, t.Any]
Value = t.TypeVar("Value")
BySku = dict[str, dict[str, dict[str, Value]]]
"""A value for each device, by the SKU and the kind of the ids that hold it."""


class ReadFailure(t.NamedTuple):
    """A part that could not be read."""

    what: str
    code: str
    message: str


class Device(t.NamedTuple):
    """A line of the device list. An id that the device does not have is empty."""

    imei: str
    iccid: str
    state: str
    last_connected: str


class Entry(t.NamedTuple):
    """What the journal says about a device: whether it holds the license (yes, no, unknown) and since when."""

    held: str
    since: str


@dataclasses.dataclass
class WantedLicenses:
    """What the fleet files want for an account.

    :param exact: for C(FOTA) and C(simsec), whether devices that are not listed lose the license.
    :param candidates: None if the list is not managed.
    :param api_versions: those that the file sets, by kind of license.
    """

    file: str
    fota: dict[str, None] | None
    exact: dict[str, bool]
    simsec: BySku[None] | None
    candidates: list[str] | None
    protected: dict[str, None]
    api_versions: dict[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class AccountData:
    """Everything that is known about an account; None for anything that was not, or could not be, read.

    :param fota: assignment time of each licensed device, in ThingSpace's format.
    :param fota_upgrades: when each licensed device was last upgraded, as far as that is known; empty if it never was.
    :param upgrades_unread: why nothing is known about upgrades, if the list of devices with them could not be used.
    :param beyond_journal: SKUs of which the account counts more licenses than the journal can explain.
    :param unnamed: whether there are fleet files, but none of them lists the account.
    """

    name: str
    failures: list[ReadFailure] = dataclasses.field(default_factory=list)
    devices: list[Device] | None = None
    fota_pool: Json | None = None
    event_based: bool = False
    fota: dict[str, str] | None = None
    fota_upgrades: dict[str, str] | None = None
    upgrades_unread: str = ""
    subscriptions: list[Json] | None = None
    journal: BySku[Entry] | None = None
    beyond_journal: list[str] = dataclasses.field(default_factory=list)
    candidates: list[str] | None = None
    wanted: WantedLicenses | None = None
    unnamed: bool = False
    shrink_to: int | None = None
    _skus: dict[str, Sku] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def fota_elsewhere(self) -> int:
        """How many licenses the account has in use whose devices C(fota) does not have."""
        assigned = (self.fota_pool or {}).get("assigned")
        return max(0, assigned - len(self.fota)) if self.fota is not None and isinstance(assigned, int) else 0

    @property
    def fota_unseen(self) -> bool:
        """Whether a device that C(fota) does not have may hold a license all the same."""
        return self.fota is None or self.fota_elsewhere > 0

    def as_json(self) -> Json:
        """The fields of which JSON is made, with every text as it was read."""
        made = {**vars(self), "wanted": self.wanted and vars(self.wanted)}
        del made["_skus"]
        return made

    @classmethod
    def from_json(cls, fields: t.Iterable[tuple[str, t.Any]]) -> AccountData:
        """The account from the items of C(as_json), with texts as a report shows them.

        :raises TypeError: a field is something else. Other errors are possible, too.
        """
        made: Json = {}
        for name, value in fields:
            if value is not None and name in _KINDS and not isinstance(value, _KINDS[name]):
                raise TypeError(name)
            made[name] = _MADE[name](value) if name in _MADE and value is not None else value
        return cls(**made)

    def sku(self, license: str) -> Sku:
        """The meaning of a SIM-Secure SKU, according to its name and the account."""
        if license not in self._skus:
            rows = self.subscriptions or []
            types = [str(row.get("license_type") or "") for row in rows if row["sku"] == license]
            self._skus[license] = sku_of(license, types)
        return self._skus[license]


_KINDS: dict[str, type] = {
    "fota_pool": dict,
    "fota": dict,
    "fota_upgrades": dict,
    "candidates": list,
    "shrink_to": int,
    "wanted": dict,
}
"""Of fields whose values are not looked into when they are read."""

_MADE: dict[str, t.Callable[[t.Any], t.Any]] = {
    "name": visible,
    "upgrades_unread": visible,
    "failures": lambda failures: [ReadFailure(*map(visible, failure)) for failure in failures],
    "subscriptions": lambda rows: [{**row, "sku": visible(row["sku"])} for row in rows],
    "beyond_journal": lambda skus: [visible(sku) for sku in skus],
    "journal": lambda pools: {
        visible(sku): {
            kind: {device: Entry(sys.intern(held), since) for device, (held, since) in known.items()}
            for kind, known in kinds.items()
        }
        for sku, kinds in pools.items()
    },
    "devices": lambda rows: [
        Device(imei, iccid, sys.intern(visible(state)), last) for imei, iccid, state, last in rows
    ],
    "wanted": lambda value: WantedLicenses(**{**value, "file": visible(value["file"])}),
}
"""Makes the value of a field from its plain value, if they differ."""
