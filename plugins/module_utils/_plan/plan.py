# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan: wanted x current, as a pure value. Check mode and the real run use the same one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

State = t.Literal["present", "absent", "exact"]


class Pool(t.NamedTuple):
    """Licenses of an account; None where ThingSpace does not say.

    :param available: as ThingSpace counts them itself, where it does; in a documented example, fewer.
    """

    total: int | None
    assigned: int | None
    available: int | None = None

    @property
    def free(self) -> int | None:
        """Licenses that no device holds, never negative."""
        if self.total is None or self.assigned is None:
            return self.available
        spare = max(0, self.total - self.assigned)
        return spare if self.available is None else min(spare, self.available)

    def moved(self, assigned: int, removed: int) -> Pool:
        """The pool after so many licenses were assigned and removed."""
        now = None if self.assigned is None else max(0, self.assigned + assigned - removed)
        left = None if self.available is None else max(0, self.available - assigned + removed)
        return Pool(self.total, now, left)

    def as_result(self) -> dict[str, int | None]:
        """The C(licenses) value of a module's result."""
        return {"total": self.total, "assigned": self.assigned, "available": self.free}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What would be done to which device.

    :param assign: devices to license, in the order they were named.
    :param remove: devices to lose their license, in a stable order.
    :param unchanged: named devices that are as wanted.
    :param spared: devices that an exact run leaves alone though they are not named.
    :param held: licenses held before, None when the current state was not listed.
    :param digest: SHA-256 over scope, wanted and live state; None when the live state was not listed.
    """

    state: State
    assign: tuple[str, ...]
    remove: tuple[str, ...]
    unchanged: tuple[str, ...]
    held: int | None
    digest: str | None
    spared: tuple[str, ...] = ()

    @property
    def changes(self) -> int:
        """How many devices the plan touches."""
        return len(self.assign) + len(self.remove)

    def as_result(self) -> dict[str, t.Any]:
        """The C(plan) value of a module's result."""
        spared = {"left_alone": len(self.spared)} if self.spared else {}
        return {
            "state": self.state,
            "assign": len(self.assign),
            "remove": len(self.remove),
            "unchanged": len(self.unchanged),
            **spared,
            "digest": self.digest,
        }


def make_plan(
    scope: t.Mapping[str, str],
    state: State,
    wanted: t.Sequence[str],
    current: t.AbstractSet[str] | None,
    pool: Pool,
    spare: t.AbstractSet[str] = frozenset(),
) -> Plan:
    """Compare wanted with current.

    :param scope: what the plan is bound to besides the devices: account, kind of license, API version.
    :param current: ids that hold a license; None when they were not listed: then every named device is touched, and
        ThingSpace's own answer tells which of them changed.
    :param spare: devices that an exact run leaves alone, named or not.
    """
    if current is None:
        touched = tuple(wanted)
        assign, remove = ((), touched) if state == "absent" else (touched, ())
        return Plan(state, assign, remove, (), None, None)
    digest = _digest(scope, state, wanted, current, pool, spare)
    if state == "absent":
        remove = tuple(device for device in wanted if device in current)
        unchanged = tuple(device for device in wanted if device not in current)
        return Plan(state, (), remove, unchanged, len(current), digest)
    assign = tuple(device for device in wanted if device not in current)
    unchanged = tuple(device for device in wanted if device in current)
    # Whoever holds a license and is not among the unchanged was not named.
    extra = sorted(current - set(unchanged)) if state == "exact" and len(unchanged) < len(current) else []
    remove = tuple(device for device in extra if device not in spare)
    spared = tuple(device for device in extra if device in spare)
    return Plan(state, assign, remove, unchanged, len(current), digest, spared)


def _digest(
    scope: t.Mapping[str, str],
    state: State,
    wanted: t.Sequence[str],
    current: t.AbstractSet[str],
    pool: Pool,
    spare: t.AbstractSet[str],
) -> str:
    """Bound to the wanted and the live state: it changes as soon as either does, whatever the order of the input."""
    digest = hashlib.sha256(
        json.dumps({"scope": dict(scope), "state": state, "total": pool.total}, sort_keys=True).encode()
    )
    for devices in (wanted, current, spare) if spare else (wanted, current):
        digest.update(b"\n--\n" + "\n".join(sorted(devices)).encode())
    return digest.hexdigest()
