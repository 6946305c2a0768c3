# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""One line for each account, device, and license: the wanted state, the current state, and the result of both. Pure."""

from __future__ import annotations

import typing as t

from .data import FOTA, AccountData, Device, Entry
from .reclaim import Reclaim, Rules, reclaim
from .text import utc

Drift = t.Literal["", "as wanted", "missing", "extra", "kept", "unknown"]
"""C(missing): wanted, not held. C(extra): held, not wanted, to be removed. C(kept): not wanted, left alone."""

NOBODY: dict[str, None] = {}


class Line(t.NamedTuple):
    """A device and a license.

    :param wanted: yes, no, or empty if no fleet file manages the license.
    :param held: yes, no, or unknown.
    :param since: when it was assigned, in UTC.
    :param source: where C(held) comes from.
    :param locked: whether the held license can never be removed; None if that is not known.
    :param place: on the removal candidate list, from 1; 0 if it is not on the list.
    """

    device_id: str
    kind: str
    license: str
    wanted: str
    held: str
    since: str
    source: str
    drift: Drift
    state: str
    last_connected: str
    place: int
    protected: bool
    reclaim: Reclaim
    why: str
    locked: bool | None = None


def lines_of(data: AccountData, rules: Rules) -> list[Line]:
    """All lines of an account; devices without any license come last."""
    maker = _Maker(data, rules)
    lines = [*maker.fota(), *maker.simsec()]
    named = {line.device_id for line in lines}
    # For a device that is listed by its SIM. Both indexes hold the same object.
    known = {id(maker.devices["iccid"].get(line.device_id)) for line in lines if line.kind == "iccid"}
    for device, facts in maker.devices["imei"].items():
        if device not in named and id(facts) not in known:
            lines.append(maker.line(device, ("", "imei"), None, Entry("no", ""), "ThingSpace", facts=facts))
    return lines


def by_id(data: AccountData, rules: Rules) -> dict[str, dict[str, Device]]:
    """The devices by kind of id and id. If a device has two lines, one in a state that is not retired counts."""
    found: dict[str, dict[str, Device]] = {"imei": {}, "iccid": {}}
    for device in data.devices or ():
        for kind, name in (("imei", device.imei), ("iccid", device.iccid)):
            there = found[kind].get(name)
            if name and (there is None or there.state.lower() in rules.retired):
                found[kind][name] = device
    return found


class _Maker:
    def __init__(self, data: AccountData, rules: Rules) -> None:
        self.devices = by_id(data, rules)
        self._data = data
        self._rules = rules
        self._places = {device: place for place, device in enumerate(data.candidates or [], 1)}
        self._protected = data.wanted.protected if data.wanted else NOBODY

    def fota(self) -> t.Iterator[Line]:
        """The FOTA licenses."""
        data = self._data
        wanted = data.wanted.fota if data.wanted else None
        held = data.fota
        pool = (FOTA, "imei")
        absent = Entry("unknown" if data.fota_unseen else "no", "")
        for device, assigned in (held or {}).items():
            yield self.line(device, pool, wanted, Entry("yes", assigned), "ThingSpace")
        for device in dict.fromkeys([*(wanted or NOBODY), *self._places]):
            if held is None or device not in held:
                yield self.line(device, pool, wanted, absent, "" if data.fota_unseen else "ThingSpace")

    def simsec(self) -> t.Iterator[Line]:
        """The SIM-Secure licenses, if the journal knows which devices hold them."""
        data = self._data
        wanted = data.wanted.simsec if data.wanted else None
        for pool in sorted(_pools(wanted) | _pools(data.journal)):
            sku, kind = pool
            known = (data.journal or {}).get(sku, {}).get(kind, {})
            named = wanted.get(sku, {}).get(kind, NOBODY) if wanted is not None else None
            blind = data.journal is None or sku in data.beyond_journal
            for device, entry in known.items():
                if entry.held != "no" or device in (named or NOBODY):
                    yield self.line(device, pool, named, entry, "journal")
            for device in named or NOBODY:
                if device not in known:
                    yield self.line(
                        device, pool, named, Entry("unknown" if blind else "no", ""), "journal" * (not blind)
                    )

    def line(
        self,
        device: str,
        pool: tuple[str, str],
        wanted: t.Container[str] | None,
        entry: Entry,
        source: str,
        facts: Device | None = None,
    ) -> Line:
        """The line of a device that holds a license, or should hold it."""
        license, kind = pool
        facts = facts or self.devices[kind].get(device)
        is_wanted = wanted is not None and device in wanted
        lifetime = license not in ("", FOTA) and self._data.sku(license).lifetime
        upgraded = (self._data.fota_upgrades or {}).get(device) if license == FOTA else ""
        locked = "bound for life" if lifetime else upgraded and f"the firmware was upgraded ({upgraded})"
        stays = bool(locked)
        drift = self._drift(license, entry.held, is_wanted, stays) if wanted is not None else ""
        verdict: tuple[Reclaim, str] = ("", "")
        last = facts.last_connected if facts else ""
        state = facts.state if facts else None if self._data.devices is not None else ""
        if entry.held == "yes":
            extra = drift == "extra" or (drift == "kept" and license == FOTA and stays and self._exact(license))
            verdict = reclaim(
                self._rules, state=state, last_connected=last, locked=locked, wanted=is_wanted, extra=extra
            )
        return Line(
            device_id=device,
            kind=kind,
            license=license,
            wanted="" if wanted is None else "yes" if is_wanted else "no",
            held=entry.held,
            since=utc(entry.since) if entry.since else "",
            source=source,
            drift=drift,
            state="not in the account" if state is None else state,
            last_connected=utc(last) if last else "",
            place=self._places.get(device, 0) if license in ("", FOTA) else 0,
            protected=device in self._protected,
            reclaim=verdict[0],
            why=verdict[1],
            locked=None if entry.held != "yes" or locked is None else stays,
        )

    def _exact(self, license: str) -> bool:
        return self._data.wanted is not None and self._data.wanted.exact[FOTA if license == FOTA else "simsec"]

    def _drift(self, license: str, held: str, wanted: bool, stays: bool) -> Drift:
        if wanted:
            return "as wanted" if held == "yes" else "missing" if held == "no" else "unknown"
        if held == "no":
            return ""
        if stays or not self._exact(license):
            return "kept"
        return "extra" if held == "yes" else "unknown"


def _pools(found: t.Mapping[str, t.Iterable[str]] | None) -> set[tuple[str, str]]:
    return {(sku, kind) for sku, kinds in (found or {}).items() for kind in kinds}
