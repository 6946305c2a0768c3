# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a run changed according to its record, and how changes that are not reversed are described. Pure."""

from __future__ import annotations

import typing as t

from .._devices.ids import problem
from .._fleet.account_parts import LIMITS, PartKind
from .._fleet.record import RunAccount, RunPart, RunRow
from .._plan.outcomes import HAD_BEFORE
from .._report.text import visible
from .._thingspace.id_kinds import KIND, Kind

ChangeKind = t.Literal["assigned", "removed", "added", "moved"]

OPPOSITE: dict[str, ChangeKind] = {"assigned": "removed", "removed": "assigned"}
_CARRIED_OUT = ("assigned", "removed", "added")


class Change(t.NamedTuple):
    """What a run did to one device.

    :param certain: whether the run saw that it was done, or at least accepted.
    :param request_id: ThingSpace's id of the request, if the record knows it.
    :param had_before: whether the device may have been as wanted before the run.
    """

    device_id: str
    done: ChangeKind
    certain: bool
    request_id: str = ""
    had_before: bool = False


class Left(t.NamedTuple):
    """A change that is not reversed, and the reason.

    :param code: stable, for programs.
    """

    kind: str
    sku: str
    device_id: str
    done: ChangeKind
    code: str
    reason: str


class LicensePool(t.NamedTuple):
    """A kind of license, with its SKU and kind of ids if there are several."""

    kind: PartKind
    sku: str = ""
    id_kind: Kind = KIND

    def left(self, change: Change, code: str, reason: str) -> Left:
        """Say why a change is not reversed."""
        return Left(self.kind, self.sku, change.device_id, change.done, code, reason)


class Instead(t.NamedTuple):
    """A license that devices must hold again before they lose another one."""

    name: str
    sku: str
    kind: Kind
    devices: list[str]


class UndoPart(t.NamedTuple):
    """What one license module does to reverse a run.

    :param step: C(take), C(give), or C(moved) for devices that first get another license back.
    :param name: the name of the list of its devices.
    :param limits: those of the fleet file when the run was planned.
    :param replaced_by: of a part that removes SIM-Secure licenses.
    :param target: digest of the restored removal candidate list, for C(digest_in_order).
    """

    kind: PartKind
    state: str
    step: str
    name: str
    devices: list[str]
    limits: dict[str, t.Any]
    api_version: str | None = None
    sku: str | None = None
    id_kind: Kind | None = None
    replaced_by: list[Instead] | None = None
    target: str | None = None


FOTA = LicensePool("fota")
CANDIDATES = LicensePool("removal_candidates")


def without_odd_ids(account: RunAccount) -> tuple[RunAccount, list[Left]]:
    """The account's part of a run without invalid ids. ThingSpace may report these, but no request can name them."""
    left: list[Left] = []
    parts = []
    for part in account.parts:
        pool = pool_of(part)
        wrong = {row["device_id"]: problem(row["device_id"], pool.id_kind) for row in part.devices}
        for change in changes_of([part]).values():
            why = wrong[change.device_id]
            if why:
                shown = change._replace(device_id=visible(change.device_id))
                left.append(pool.left(shown, "no_device_id", f"ThingSpace reported it like this, and it {why}"))
        rows = [row for row in part.devices if not wrong[row["device_id"]]]
        parts.append(part._replace(devices=rows, before=_usable(part.before), after=_usable(part.after)))
    return account._replace(parts=parts), left


def _usable(devices: list[str] | None) -> list[str] | None:
    return None if devices is None else [device for device in devices if not problem(device)]


def pool_of(part: RunPart) -> LicensePool:
    """The licenses of a part of a run."""
    return LicensePool(part.kind, part.sku, part.id_kind) if part.kind == "simsec" else LicensePool(part.kind)


def parts_of(account: RunAccount, pool: LicensePool) -> list[RunPart]:
    """The parts of an account's run that concern these licenses."""
    return [part for part in account.parts if pool_of(part) == pool]


def limits_of(account: RunAccount, pool: LicensePool) -> dict[str, t.Any]:
    """The limits of the fleet file for these licenses when the run was planned, which the undo honors.

    The records of earlier releases have none.
    """
    limits = next((part.limits for part in parts_of(account, pool) if part.limits is not None), {})
    return {name: limits[name] for name in LIMITS if limits.get(name) is not None}


def change_of(part: RunPart, row: RunRow) -> Change | None:
    """What happened to a device; None if nothing can have changed.

    If the run did not learn the result, or was killed, its plan counts as the result.
    """
    if not part.may_have_changed(row):
        return None
    outcome, planned = row["outcome"], row["planned"]
    if outcome in _CARRIED_OUT:
        return Change(row["device_id"], t.cast(ChangeKind, outcome), True, row["request_id"])
    if outcome == "unchanged":
        return Change(row["device_id"], "moved", True)
    done = planned or {"present": "assigned", "absent": "removed"}.get(part.action, "moved")
    had_before = row["reason"].endswith(HAD_BEFORE)
    return Change(row["device_id"], t.cast(ChangeKind, done), outcome == "accepted", row["request_id"], had_before)


def changes_of(parts: t.Iterable[RunPart]) -> dict[str, Change]:
    """What a run did to each device, over all parts that concern the same licenses."""
    found: dict[str, Change] = {}
    for part in parts:
        for row in part.devices:
            change = change_of(part, row)
            if change is None:
                continue
            before = found.pop(change.device_id, None)
            # Something that a run did and reversed itself is not a change.
            if before is None or before.done != OPPOSITE.get(change.done):
                found[change.device_id] = change
    return found
