# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan: wanted and current state compared, as a pure value. Check mode and the real run use the same one."""

from __future__ import annotations

import hashlib
import json
import typing as t

State = t.Literal["present", "absent", "exact"]


class Pool(t.NamedTuple):
    """Licenses of an account; None if ThingSpace does not say.

    :param assigned: licenses in use, as the list counts them that the plan is made from.
    :param available: as ThingSpace counts them itself, if it does; in a documented example, they are fewer.
    :param elsewhere: licenses of the account that are in use, too, and that this list does not have.
    """

    total: int | None
    assigned: int | None
    available: int | None = None
    elsewhere: int = 0

    @property
    def in_use(self) -> int | None:
        """Licenses of the account that are in use."""
        return None if self.assigned is None else self.assigned + self.elsewhere

    @property
    def free(self) -> int | None:
        """Licenses that no device holds, never negative."""
        if self.total is None or self.in_use is None:
            return self.available
        spare = max(0, self.total - self.in_use)
        return spare if self.available is None else min(spare, self.available)

    def moved(self, assigned: int, removed: int) -> Pool:
        """The pool after this many licenses were assigned and removed."""
        now = None if self.assigned is None else max(0, self.assigned + assigned - removed)
        left = None if self.available is None else max(0, self.available - assigned + removed)
        return self._replace(assigned=now, available=left)

    def as_result(self) -> dict[str, int | None]:
        """The C(licenses) value of a module's result."""
        return {"total": self.total, "assigned": self.in_use, "available": self.free}


class Plan(t.NamedTuple):
    """What would be done to which device.

    :param assign: devices that get a license, in the order of the input.
    :param remove: devices that lose their license, in a stable order.
    :param unchanged: listed devices that are as wanted.
    :param spared: unlisted devices that an exact run leaves alone.
    :param refused: devices that would change if the API did not refuse that, each with the reason. They are not sent.
    :param locked: unlisted devices that keep their license because it can never be removed, each with the reason.
    :param unforeseen: how many of the changing devices the API may refuse for a reason that could not be read.
    :param unforeseen_why: why it could not be read; empty if that was not tried.
    :param held: licenses held before; None if not all of the account was read.
    :param digest: SHA-256 over scope, wanted state, and current state; None if the current state was not read.
    """

    state: State
    assign: tuple[str, ...]
    remove: tuple[str, ...]
    unchanged: tuple[str, ...]
    held: int | None
    digest: str | None
    spared: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    locked: tuple[tuple[str, str], ...] = ()
    unforeseen: int = 0
    unforeseen_why: str = ""

    @property
    def read(self) -> bool:
        """Whether the current state was read, so that every device of the plan is known to need its change."""
        return self.digest is not None

    @property
    def by_name(self) -> bool:
        """Whether the API was asked about the named devices, so that no list has shown their ids."""
        return self.read and self.held is None

    @property
    def changes(self) -> int:
        """How many devices the plan changes."""
        return len(self.assign) + len(self.remove)

    def as_result(self) -> dict[str, t.Any]:
        """The C(plan) value of a module's result."""
        more = {
            "left_alone": len(self.spared),
            "locked": len(self.locked),
            "incomplete": len(self.refused),
            "unforeseen": self.unforeseen,
        }
        return {
            "state": self.state,
            "assign": len(self.assign),
            "remove": len(self.remove),
            "unchanged": len(self.unchanged),
            **{name: count for name, count in more.items() if count},
            "digest": self.digest,
        }

    def without(self, refusals: t.Mapping[str, str], unforeseen: int = 0) -> Plan:
        """The plan without changes that the API would refuse.

        :param refusals: the reason by device.
        :param unforeseen: for how many of the other changes it is not known whether they would be refused.
        """
        if refusals.keys().isdisjoint((*self.assign, *self.remove)):
            return self._replace(unforeseen=unforeseen)
        kept = [tuple(device for device in part if device not in refusals) for part in (self.assign, self.remove)]
        gone = [tuple((one, refusals[one]) for one in part if one in refusals) for part in (self.assign, self.remove)]
        # An exact run removes devices that nobody named. What it cannot remove is left alone, or no run would succeed.
        refused, locked = (gone[0], gone[1]) if self.state == "exact" else (gone[0] + gone[1], ())
        refused, locked = self.refused + refused, self.locked + locked
        digest = (
            self.digest
            and hashlib.sha256(
                "\n".join([self.digest, "--", *sorted(device for device, _why in refused + locked)]).encode()
            ).hexdigest()
        )
        return self._replace(
            assign=kept[0], remove=kept[1], refused=refused, locked=locked, unforeseen=unforeseen, digest=digest
        )


def make_plan(
    scope: t.Mapping[str, str],
    state: State,
    wanted: t.Sequence[str],
    current: t.AbstractSet[str] | None,
    pool: Pool,
    spare: t.AbstractSet[str] = frozenset(),
    *,
    whole: bool = True,
) -> Plan:
    """Compare wanted and current state.

    :param scope: what else the plan is bound to: account, kind of license, API version.
    :param current: ids that hold a license. If it is None, they were not read. Then every named device is sent, and
        ThingSpace's own answer says which of them changed.
    :param spare: devices that an exact run leaves alone, listed or not.
    :param whole: whether C(current) has all of the account, and not only the named devices.
    """
    if current is None:
        touched = tuple(wanted)
        assign, remove = ((), touched) if state == "absent" else (touched, ())
        return Plan(state, assign, remove, (), None, None)
    digest, held = _digest(scope, state, wanted, current, pool, spare), len(current) if whole else None
    if state == "absent":
        remove = tuple(device for device in wanted if device in current)
        unchanged = tuple(device for device in wanted if device not in current)
        return Plan(state, (), remove, unchanged, held, digest)
    assign = tuple(device for device in wanted if device not in current)
    unchanged = tuple(device for device in wanted if device in current)
    # Any other device that holds a license was not listed.
    extra = sorted(current - set(unchanged)) if state == "exact" and len(unchanged) < len(current) else []
    remove = tuple(device for device in extra if device not in spare)
    spared = tuple(device for device in extra if device in spare)
    return Plan(state, assign, remove, unchanged, held, digest, spared)


def _digest(
    scope: t.Mapping[str, str],
    state: State,
    wanted: t.Sequence[str],
    current: t.AbstractSet[str],
    pool: Pool,
    spare: t.AbstractSet[str],
) -> str:
    """Bound to the wanted and the current state. It changes if either does, whatever the order of the input.

    Only an exact plan depends on devices that are not named. So the digest of another one is the same however it was
    read, and stays the same if someone else changes other devices.
    """
    if state != "exact":
        current = {device for device in wanted if device in current}
    digest = hashlib.sha256(
        json.dumps({"scope": dict(scope), "state": state, "total": pool.total}, sort_keys=True).encode()
    )
    for devices in (wanted, current, spare) if spare else (wanted, current):
        digest.update(b"\n--\n" + "\n".join(sorted(devices)).encode())
    return digest.hexdigest()
