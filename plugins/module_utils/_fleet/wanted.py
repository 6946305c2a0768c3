# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the fleet files want for each account: all sets together, checked against each other."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import Problem
from .._simsec.skus import sku_problems
from .._text.lists import few
from .._thingspace.id_kinds import KIND
from .account_parts import LicenseKind, SkuPool
from .devices import CODE, Named, Selection, Unnamed, quoted
from .read import DeviceSet, FleetAccount

Contents = t.Sequence[tuple[DeviceSet, t.Sequence[Named]]]


@dataclasses.dataclass
class WantedAccount:
    """The devices of an account by their wanted licenses, in the order of the files.

    :ivar sets: the name of each set, and the number of its devices.
    :ivar unnamed: devices that are wanted, and that nobody can name; C(empty), sets that select no device.
    :ivar notes: what an approver must know about the sets.
    """

    fota: dict[str, Named] = dataclasses.field(default_factory=dict)
    simsec: dict[str, tuple[Named, SkuPool]] = dataclasses.field(default_factory=dict)
    candidates: dict[str, Named] = dataclasses.field(default_factory=dict)
    protected: dict[str, Named] = dataclasses.field(default_factory=dict)
    sets: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    unnamed: list[Unnamed] = dataclasses.field(default_factory=list)
    empty: list[DeviceSet] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def of_pool(self, pool: SkuPool) -> list[str]:
        """The devices that hold the licenses of a SKU."""
        return [device for device, (_named, wanted) in self.simsec.items() if wanted == pool]

    def pool_of(self, device: str) -> SkuPool | None:
        """The license that a device should hold; None if there is none."""
        named = self.simsec.get(device)
        return named[1] if named else None

    def all_named(self) -> t.Iterator[Named]:
        """Every device that is listed for any purpose, once."""
        pooled = {device: named for device, (named, _pool) in self.simsec.items()}
        yield from {**self.protected, **self.candidates, **pooled, **self.fota}.values()

    def take(self, one: DeviceSet, selection: Selection) -> None:
        """Keep what must be known about the devices that a set selects, besides those that can be named."""
        self.unnamed += selection.unnamed
        self.empty += [] if selection.named or selection.unnamed else [one]
        self.notes += [selection.note] if selection.note else []

    def is_unsure(self, kind: LicenseKind) -> bool:
        """Whether a device that should hold this kind of license cannot be named, so that any other may be it."""
        return any(device.one.wants(kind) for device in self.unnamed)

    def unnamed_rows(self) -> list[dict[str, str]]:
        """The devices that nobody can name, each once, as rows of a plan."""
        found: dict[str, list[Unnamed]] = {}
        for device in self.unnamed:
            found.setdefault(device.key, []).append(device)
        return [
            {
                "device_id": same[0].shown,
                "outcome": "skipped",
                "reason": f"selected by {few([device.one.name for device in same], tell=quoted)}, but "
                f"no request can name it: {same[0].why}",
            }
            for same in found.values()
        ]

    @property
    def pools(self) -> list[SkuPool]:
        """The SKUs with the kinds of ids, sorted."""
        return sorted({pool for _named, pool in self.simsec.values()})


def check_account(account: FleetAccount, contents: Contents, *, complete: bool) -> tuple[WantedAccount, list[Problem]]:
    """Combine the sets of an account.

    :param contents: the sets with their devices, as far as these are known yet.
    :param complete: whether all devices are known.
    """
    wanted = WantedAccount()
    problems = _skus(account, [one for one, _devices in contents])
    for one, devices in contents:
        wanted.sets.append((one.name, len(devices)))
        problems += _once_in_set(devices)
        if one.fota:
            problems += _take(wanted.fota, devices, "is to hold a FOTA license")
        if one.simsec:
            problems += _pool(wanted, devices, (one.simsec, one.kind))
        if one.removal_candidate:
            problems += _take(wanted.candidates, devices, "is a removal candidate")
        if one.protected:
            wanted.protected.update((named.device, named) for named in devices)
        if one.kind != KIND and (one.fota or one.removal_candidate or one.protected):
            text = f"{one.where}: '{one.name}' holds ICCIDs; FOTA licenses and removal candidates go by IMEI."
            problems.append(Problem(text, CODE))
    return wanted, [*problems, *_contradictions(account, wanted, complete)]


def removes(account: FleetAccount, wanted: WantedAccount, kind: LicenseKind) -> bool:
    """Whether devices that no set names lose this kind of license."""
    return account.is_exact(kind) and not wanted.is_unsure(kind)


def check_all(fleet: t.Sequence[tuple[FleetAccount, WantedAccount]]) -> list[Problem]:
    """Problems between accounts: two with one name, or one device in two of them."""
    problems: list[Problem] = []
    accounts: dict[str, FleetAccount] = {}
    homes: dict[str, tuple[str, Named]] = {}
    for account, wanted in fleet:
        first = accounts.setdefault(account.name, account)
        if first is not account:
            text = f"{account.where}: the account {account.name} is already in {first.where}."
            problems.append(Problem(text, CODE))
            continue
        for named in wanted.all_named():
            home, there = homes.setdefault(named.device, (account.name, named))
            if home != account.name:
                problems.append(_at(named, f"is in account {account.name}, and in account {home} at {there.where}"))
    return problems


def _at(named: Named, what: str) -> Problem:
    return Problem(f"{named.where}: {named.device} {what}.", "invalid_devices")


def _once_in_set(devices: t.Sequence[Named]) -> t.Iterator[Problem]:
    first: dict[str, Named] = {}
    for named in devices:
        before = first.setdefault(named.device, named)
        if before is not named:
            yield _at(named, f"is named twice, first at {before.where}")


def _take(there: dict[str, Named], devices: t.Sequence[Named], what: str) -> t.Iterator[Problem]:
    """Add the devices of a set. They must not be in other sets."""
    known = dict(there)
    for named in devices:
        if named.device in known:
            yield _at(named, f"{what} because of {known[named.device].where} already")
        there.setdefault(named.device, named)


def _pool(wanted: WantedAccount, devices: t.Sequence[Named], pool: SkuPool) -> t.Iterator[Problem]:
    known = dict(wanted.simsec)
    same = _same_sims(known, devices, pool)
    for named in devices:
        if named.device in known:
            first, (sku, _kind) = known[named.device]
            yield _at(named, f"is in two pools, {pool[0]} here and {sku} at {first.where}")
        elif named.device in same:
            first = same[named.device]
            yield _at(
                named,
                f"is to hold {pool[0]}, and so is {first.device} at {first.where}: ThingSpace returned both as ids of "
                "one device. Name it once",
            )
        wanted.simsec.setdefault(named.device, (named, pool))


def _same_sims(
    known: t.Mapping[str, tuple[Named, SkuPool]], devices: t.Iterable[Named], pool: SkuPool
) -> dict[str, Named]:
    """The devices that ThingSpace returned together with a device that has the same SKU by the other kind of id."""
    sku, kind = pool
    others = {device: named for device, (named, (of, by)) in known.items() if of == sku and by != kind}
    if not others:
        return {}
    found = {device: named for named in others.values() for device in named.also}
    found.update((named.device, others[device]) for named in devices for device in named.also if device in others)
    return found


def _contradictions(account: FleetAccount, wanted: WantedAccount, complete: bool) -> t.Iterator[Problem]:
    keeps = (account.fota or {}).get("removal_candidates") == "keep"
    if keeps and account.is_exact("fota") and account.manages("removal_candidates"):
        text = (
            "'fota' keeps the license of every device on the removal candidate list ('removal_candidates: keep'), and "
            "the fleet files take every device off the list that is not to hold one. Leave out 'keep', or do not "
            "manage the list"
        )
        yield Problem(f"{account.where}: {text}.", CODE)
    for device, named in wanted.candidates.items():
        if device in wanted.protected:
            yield _at(named, f"is a removal candidate here, and protected by {wanted.protected[device].where}")
        if complete and account.is_exact("fota") and device not in wanted.fota:
            text = "is a removal candidate, but the fleet files do not want it to hold a FOTA license ('fota: true')"
            yield _at(named, text)


FOR_LIFE = ("lifetime_consent", "lifetime_elsewhere")
"""The settings that name lifetime SKUs."""


def _skus(account: FleetAccount, sets: t.Sequence[DeviceSet]) -> list[Problem]:
    """The problems with the names of SKUs, each reported where it first appears."""
    settings = account.simsec or {}
    places = {sku: (account.where, name) for name in reversed(FOR_LIFE) for sku in settings.get(name, {})}
    places |= {one.simsec: (one.simsec_where, "simsec") for one in reversed(sets) if one.simsec}
    found = [(place, wrong) for sku, (place, name) in places.items() for wrong in sku_problems(sku, name)]
    return [Problem(f"{place}: {wrong.text}", wrong.code) for place, wrong in found]
