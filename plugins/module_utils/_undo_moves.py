# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a device held before a run, so that undoing the run does not leave it without a SIM-Secure license. Pure."""

from __future__ import annotations

import typing as t

from ._same_device import Spellings
from ._simsec_moves import confirmed
from ._standing import NOTHING, Attempt, Standing, fold
from ._undo_changes import Change, Pool

Changes = t.Mapping[Pool, t.Mapping[str, Change]]
Attempts = t.Mapping[Pool, t.Mapping[str, t.Sequence[Attempt]]]
Given = t.Mapping[Pool, t.Sequence[str]]


class Former(t.NamedTuple):
    """What was there before a run.

    :param started: when it began.
    :param changes: what it did, by license.
    :param journal: the requests for the devices that it changed, of all licenses that the journal knows; where the run
        assigned something, also those for all devices that are named by another kind of id.
    """

    started: str
    changes: Changes
    journal: Attempts

    def pools(self, pool: Pool, device: str) -> list[Pool]:
        """The other licenses that a device held before the run, or may have held; of the same kind of id."""
        others = {one for one in (*self.changes, *self.journal) if one != pool and one.id_kind == pool.id_kind}
        return sorted(one for one in others if self._had(one, device))

    def strangers(self, pool: Pool) -> dict[Pool, list[str]]:
        """Who held, or may have held, a license before the run by another kind of id.

        Each may be the same SIM as a device that got one by this kind: nobody knows which ids belong together.
        """
        found: dict[Pool, list[str]] = {}
        for one in {*self.changes, *self.journal}:
            if one.id_kind != pool.id_kind:
                devices = {*self.changes.get(one, {}), *self.journal.get(one, {})}
                found[one] = sorted(device for device in devices if self._had(one, device))
        return {one: devices for one, devices in sorted(found.items()) if devices}

    def held(self, pool: Pool, device: str) -> bool:
        """Whether a device certainly holds a license now."""
        attempts = self.journal.get(pool, {}).get(device, ())
        return confirmed(fold(attempts)) if attempts else False

    def spellings(self, pool: Pool) -> Spellings:
        """The ids, of the same kind, that held a license before the run."""
        same = {one for one in (*self.changes, *self.journal) if one.id_kind == pool.id_kind}
        named = {one: {*self.changes.get(one, ()), *self.journal.get(one, ())} for one in same}
        return Spellings(device for one in sorted(same) for device in sorted(named[one]) if self._had(one, device))

    def instead(self, pool: Pool, devices: t.Sequence[str]) -> dict[Pool, list[str]]:
        """By license who has to hold it before one of the devices loses this one."""
        found: dict[Pool, list[str]] = {}
        for device in devices:
            for one in self.pools(pool, device):
                found.setdefault(one, []).append(device)
        own = {device for named in found.values() for device in named}
        return found if own.issuperset(devices) else {**found, **self.strangers(pool)}

    def doubt(self, pool: Pool, strangers: Given, given: Given) -> str:
        """Why a device that held nothing by this kind of id keeps what the run gave it; empty when it need not.

        It may be one of the strangers. If one of those held the same license, it lost that one, too.

        :param given: the devices that get a license back, by license.
        """
        for one, devices in strangers.items():
            named = f"{one.sku} by {one.id_kind.upper()}"
            if one.sku == pool.sku:
                return f"devices held {named} before the run, and it may be one of those SIMs, so it keeps this one"
            if not all(self.held(one, device) or device in given.get(one, ()) for device in devices):
                return f"a device that held {named} before the run may not hold it now and may be the same SIM"
        return ""

    def _had(self, pool: Pool, device: str) -> bool:
        return self._took(pool, device) or self._before(pool, device).may_hold

    def _took(self, pool: Pool, device: str) -> bool:
        change = self.changes.get(pool, {}).get(device)
        return change is not None and change.done == "removed"

    def _before(self, pool: Pool, device: str) -> Standing:
        attempts = self.journal.get(pool, {}).get(device, ())
        # Records have whole seconds.
        earlier = [attempt for attempt in attempts if attempt.sent[:19] < self.started[:19]]
        return fold(earlier) if earlier else NOTHING
