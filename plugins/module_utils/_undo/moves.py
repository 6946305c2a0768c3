# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a device held before a run, so that an undo does not leave it without a SIM-Secure license. Pure."""

from __future__ import annotations

import typing as t

from .._devices.same_device import Spellings
from .._journal.status import Attempt, DeviceStatus, fold
from .._simsec.moves import confirmed, inferred
from .changes import Change, LicensePool
from .own_requests import RunWindow

Changes = t.Mapping[LicensePool, t.Mapping[str, Change]]
AttemptsByPool = t.Mapping[LicensePool, t.Mapping[str, t.Sequence[Attempt]]]
Given = t.Mapping[LicensePool, t.Sequence[str]]


class Former(t.NamedTuple):
    """The state before a run. The numbers of the requests show the order, whatever the clocks said.

    :param window: what distinguishes its requests from others.
    :param changes: what it did, by license.
    :param journal: the requests for the devices that it changed, for all licenses that the journal knows. If the run
        assigned something, also those for all devices that are listed by another kind of id.
    """

    window: RunWindow
    changes: Changes
    journal: AttemptsByPool

    def pools(self, pool: LicensePool, device: str) -> list[LicensePool]:
        """The other licenses, by the same kind of id, that a device held or may have held before the run."""
        others = {one for one in (*self.changes, *self.journal) if one != pool and one.id_kind == pool.id_kind}
        own = self._own(pool, device)
        return sorted(one for one in others if self._had(one, device, own))

    def strangers(self, pool: LicensePool) -> dict[LicensePool, list[str]]:
        """Which devices held, or may have held, a license before the run by another kind of id.

        Each may be the same SIM as a device that got a license by this kind, because nobody knows which ids belong
        together.
        """
        found: dict[LicensePool, list[str]] = {}
        own = self._last(pool)
        for one in {*self.changes, *self.journal}:
            if one.id_kind != pool.id_kind:
                devices = {*self.changes.get(one, {}), *self.journal.get(one, {})}
                found[one] = sorted(device for device in devices if self._had(one, device, own))
        return {one: devices for one, devices in sorted(found.items()) if devices}

    def held(self, pool: LicensePool, device: str) -> bool:
        """Whether a device certainly holds a license now."""
        return confirmed(self._status(pool, device))

    def inferred(self, pool: LicensePool, device: str) -> bool:
        """Whether a device counts as holding a license now, and not beyond doubt."""
        return inferred(self._status(pool, device))

    def _status(self, pool: LicensePool, device: str) -> DeviceStatus:
        return fold(self.journal.get(pool, {}).get(device, ()))

    def awaited(self, pool: LicensePool, instead: LicensePool, device: str) -> bool:
        """Whether a license was requested again after the run, and that is not confirmed yet.

        :param instead: the license that the run gave the device.
        """
        attempts, own = self.journal.get(pool, {}).get(device, ()), self._own(instead, device)
        last = attempts[-1] if attempts else None
        if last is None or own is None or last.request < own:
            return False
        return last.action == "assign" and last.outcome is None and last.state == "accepted"

    def spellings(self, pool: LicensePool) -> Spellings:
        """The ids of the same kind that held a license before the run."""
        same = {one for one in (*self.changes, *self.journal) if one.id_kind == pool.id_kind}
        named = {one: {*self.changes.get(one, ()), *self.journal.get(one, ())} for one in same}
        own = self._last(pool)
        had = (device for one in sorted(same) for device in sorted(named[one]) if self._had(one, device, own))
        return Spellings(had, self.changes.get(pool, ()))

    def instead(self, pool: LicensePool, devices: t.Sequence[str]) -> dict[LicensePool, list[str]]:
        """By license, the devices that must hold it before one of the devices loses this one."""
        found: dict[LicensePool, list[str]] = {}
        for device in devices:
            for one in self.pools(pool, device):
                found.setdefault(one, []).append(device)
        own = {device for named in found.values() for device in named}
        return found if own.issuperset(devices) else {**found, **self.strangers(pool)}

    def doubt(self, pool: LicensePool, strangers: Given, given: Given) -> str:
        """Why a device that held nothing by this kind of id keeps what the run gave it; empty if it need not.

        It may be one of the strangers. If one of those held the same license, it lost that license, too.

        :param given: the devices that get a license back, by license.
        """
        for one, devices in strangers.items():
            named = f"{one.sku} by {one.id_kind.upper()}"
            if one.sku == pool.sku:
                return f"devices held {named} before the run, and it may be one of those SIMs, so it keeps this one"
            if not all(self.held(one, device) or device in given.get(one, ()) for device in devices):
                return f"a device that held {named} before the run may not hold it now and may be the same SIM"
        return ""

    def _own(self, pool: LicensePool, device: str) -> int | None:
        """The number of the run's own last request for a license and a device; None if none is proven to be its own.

        Requests of others before that one count as sent before the run. In doubt, the device keeps what it has.
        """
        change = self.changes.get(pool, {}).get(device)
        attempts = self.journal.get(pool, {}).get(device, ())
        return max((one.request for one in attempts if self.window.sent(one, change)), default=None)

    def _last(self, pool: LicensePool) -> int | None:
        """The number of the run's own last request for a license; None if none is proven to be its own."""
        numbers = [self._own(pool, device) for device in self.changes.get(pool, {})]
        return max((number for number in numbers if number is not None), default=None)

    def _had(self, pool: LicensePool, device: str, own: int | None) -> bool:
        """Whether a device may have held a license when the run sent a request, or ever if no request is known."""
        change = self.changes.get(pool, {}).get(device)
        if change is not None and change.done == "removed":
            return True
        attempts = self.journal.get(pool, {}).get(device, ())
        others = [one for one in attempts if not self.window.sent(one, change)]
        if own is None:
            return any(fold(others[:count]).may_hold for count in range(1, len(others) + 1))
        return fold(one for one in others if one.request < own).may_hold
