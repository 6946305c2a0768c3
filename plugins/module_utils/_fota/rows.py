# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The rows of a plan, whether it is predicted, stopped, or carried out."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._plan.answer import ACTIONS
from .._plan.outcomes import Outcome, Row
from .._plan.plan import Plan

LEFT_ALONE = "left alone: "
SPARED = f"{LEFT_ALONE}a removal candidate"

Judged = tuple[Outcome, str]


class Applied(t.NamedTuple):
    """The result of a plan.

    :param rows: one for each device of the plan: the named ones in their order, then those that an exact run removes.
    :param stopped: why the run ended early, if it did.
    :param miscounted: what to tell if a count between removals and assignments is not the one that the rows lead to.
    """

    rows: list[Row]
    stopped: LicensingError | None
    miscounted: str = ""


def predict(plan: Plan, wanted: t.Sequence[str], stopped: LicensingError | None = None) -> Applied:
    """The rows of a run in which ThingSpace refuses nothing, for check mode; or what it would do, if it was stopped."""
    results: dict[str, Judged] = {}
    why = "not sent: the plan was stopped; it would be "
    for terms, devices in ((ACTIONS["remove"], plan.remove), (ACTIONS["assign"], plan.assign)):
        results.update(dict.fromkeys(devices, ("skipped", why + terms.done) if stopped else (terms.done, "")))
    return Applied(rows_of(plan, wanted, results), stopped)


def kept_for_ever(rows: t.Iterable[Row]) -> list[str]:
    """The unlisted devices that an exact run left alone because their license can never be removed."""
    return [row.device_id for row in rows if row.reason.startswith(LEFT_ALONE) and row.reason != SPARED]


def rows_of(plan: Plan, wanted: t.Sequence[str], results: t.Mapping[str, Judged]) -> list[Row]:
    """The rows of a plan: the named devices in their order, then those that an exact run removes or leaves alone.

    :param results: of the devices that the plan touches.
    """
    same: Judged = ("unchanged", ACTIONS["remove" if plan.state == "absent" else "assign"].already)
    refused: dict[str, Judged] = {device: ("skipped", f"not sent: {why}") for device, why in plan.refused}
    rows = [Row(device, *results.get(device, refused.get(device, same))) for device in wanted]
    if plan.state == "exact":
        rows += [Row(device, *results[device]) for device in plan.remove]
        rows += [Row(device, "unchanged", SPARED) for device in plan.spared]
        rows += [Row(device, "unchanged", LEFT_ALONE + why) for device, why in plan.locked]
    return rows
