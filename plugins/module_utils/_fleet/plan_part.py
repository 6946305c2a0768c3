# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan for one kind of license of an account: what changes, under which limits, and what stands in its way."""

from __future__ import annotations

import typing as t

from .._text.canonical import digest
from .._thingspace.api_versions import ApiVersion
from .._thingspace.id_kinds import Kind
from .account_parts import COUNTS, Action, PartKind
from .documents import Failure, Json, as_json, rows_of

PlanStatus = t.Literal["no_change", "incomplete", "changes", "guard_tripped", "error"]
_STATUSES: tuple[PlanStatus, ...] = t.get_args(PlanStatus)
"""In this order, the worse status comes later."""

IDLE = ("no_change", "incomplete")
"""With these statuses, there is nothing to do."""

TITLES: dict[PartKind, str] = {
    "fota": "FOTA licenses",
    "removal_candidates": "Removal candidates",
    "simsec": "SIM-Secure licenses",
}

PlanRow = dict[str, str]
"""A device with its C(outcome) and C(reason). Plans have millions of them, so they stay as they are in the file."""

PlanRows = t.Annotated[list[PlanRow], rows_of("device_id", "outcome", "reason")]


class PlanCounts(t.NamedTuple):
    """How many devices a part changes and leaves. A kind of license that cannot be added or moved has None for that.

    :param digest: binds the module that carries the part out; None if the module did not list the current state.
    :param incomplete: devices that are not as wanted and that the part does not change.
    :param waves: after how many devices each wave ends.
    """

    digest: str | None
    incomplete: int = 0
    unchanged: int | None = None
    assign: int | None = None
    remove: int | None = None
    add: int | None = None
    move: int | None = None
    waves: list[int] | None = None

    @property
    def by_change(self) -> dict[str, int]:
        """The number of devices for each kind of change."""
        return {name: getattr(self, name) or 0 for name in COUNTS}

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return any(self.by_change.values())


class PlanLimits(t.NamedTuple):
    """The limits of a part in the fleet file. A share is a text, such as C(5%)."""

    reserve: int | None
    lifetime_consent: int | None
    max_changes: int | None
    max_removals: int | str | None


class PlanPart(t.NamedTuple):
    """What is planned for one kind of license, SKU, and kind of id.

    :param list: the name of the list of its devices, unique in the account.
    :param action: the C(state) of its module.
    :param plan: the numbers.
    :param licenses: the pool as the module returned it; None if there is none.
    :param held: how many of its licenses are assigned before the plan; None if nobody knows.
    :param free: how many are available before the plan.
    :param devices: those that change; C(incomplete), those that are not as wanted.
    :param missing: the sentence about licenses that nobody knows the devices of.
    :param note: what an earlier run left, or nobody can change; it is no reason to stop.
    :param failure: why nothing of it is carried out.
    """

    kind: PartKind
    sku: str
    id_kind: Kind
    api_version: ApiVersion | t.Literal[""]
    list: str
    lifetime: bool
    action: Action
    plan: PlanCounts
    licenses: Json | None
    held: int | None
    free: int | None
    limits: PlanLimits
    devices: PlanRows
    incomplete: PlanRows
    status: PlanStatus = "no_change"
    digest: str = ""
    missing: str | None = None
    note: str | None = None
    failure: Failure | None = None

    @property
    def listed(self) -> bool:
        """Whether it changes the removal candidate list, and no licenses."""
        return self.kind == "removal_candidates"

    @property
    def true_status(self) -> PlanStatus:
        """The status that follows from its content."""
        if self.failure is not None:
            return "guard_tripped"
        return "changes" if self.plan.changes else "incomplete" if self.plan.incomplete else "no_change"

    @property
    def carried_out(self) -> PlanPart:
        """What it does to which devices and under which limits: everything except predictions and notes."""
        plan = self.plan._replace(unchanged=None, incomplete=0)
        bare = self._replace(plan=plan, licenses=None, held=None, free=None, incomplete=[], note=None, missing=None)
        return bare._replace(digest="")


def worst(statuses: t.Iterable[PlanStatus]) -> PlanStatus:
    """The status of a whole that has parts with these."""
    return max(statuses, key=_STATUSES.index, default="no_change")


def digest_of(record: t.Any, *left_out: str, **more: t.Any) -> str:
    """SHA-256 over a part, an account, or a plan in the form of its file.

    :param left_out: members that are not part of it.
    :param more: other values of members.
    """
    return digest({**{name: one for name, one in as_json(record).items() if name not in left_out}, **more})
