# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a report knows about an account: the values as read, before they are evaluated."""

from __future__ import annotations

import dataclasses
import typing as t

from .._simsec.skus import Sku, sku_of

FOTA = "FOTA"
"""The name of a Software Management license where SIM-Secure licenses go by their SKU."""

Json = dict[str, t.Any]
ReportPool = tuple[str, str]
"""A license, and the kind of the ids that hold it."""


class Failure(t.NamedTuple):
    """A part that could not be read."""

    what: str
    code: str
    message: str


class Device(t.NamedTuple):
    """What the device list says about a device."""

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
    :param simsec: the devices of each SKU and kind of id.
    :param candidates: None if the list is not managed.
    """

    file: str
    fota: dict[str, None] | None
    exact: dict[str, bool]
    simsec: dict[ReportPool, dict[str, None]] | None
    candidates: list[str] | None
    protected: frozenset[str]


@dataclasses.dataclass
class AccountData:
    """Everything that is known about an account; None for anything that was not, or could not be, read.

    :param fota: assignment time of each licensed device, in ThingSpace's format.
    :param devices: by kind of id and id.
    :param unnamed: whether there are fleet files, but none of them lists the account.
    """

    name: str
    failures: list[Failure] = dataclasses.field(default_factory=list)
    fota_pool: Json | None = None
    event_based: bool = False
    fota: dict[str, str] | None = None
    subscriptions: list[Json] | None = None
    journal: dict[ReportPool, dict[str, Entry]] | None = None
    beyond_journal: frozenset[str] = frozenset()
    candidates: list[str] | None = None
    devices: dict[str, dict[str, Device]] | None = None
    device_count: int = 0
    wanted: WantedLicenses | None = None
    unnamed: bool = False
    shrink_to: int | None = None
    _skus: dict[str, Sku] = dataclasses.field(default_factory=dict, repr=False)

    def sku(self, license: str) -> Sku:
        """The meaning of a SIM-Secure SKU, according to its name and the account."""
        if license not in self._skus:
            rows = self.subscriptions or []
            types = [str(row.get("license_type") or "") for row in rows if row["sku"] == license]
            self._skus[license] = sku_of(license, types)
        return self._skus[license]
