# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which licenses could be reclaimed, and why. This is only advice. Nothing is ever removed here."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .text import day_of, utc

Kind = t.Literal["now", "wanted", "locked", "unknown"]
"""C(now): can be removed. C(wanted): the fleet files want it, so change them first. C(locked): never. C(unknown):
ThingSpace does not say whether it can be removed.
"""

KINDS: tuple[Kind, ...] = t.get_args(Kind)
Reclaim = t.Literal["", Kind]


@dataclasses.dataclass(frozen=True)
class Rules:
    """When a license counts as wasted.

    :param today: the day of the report, in UTC.
    :param retired: states of devices that are out of use, in lower case.
    :param idle_days: days without a connection after which a device counts as out of use; None for no limit.
    """

    today: datetime.date
    retired: frozenset[str]
    idle_days: int | None = None


def reclaim(
    rules: Rules, *, state: str | None, last_connected: str, locked: str | None, wanted: bool, extra: bool
) -> tuple[Reclaim, str]:
    """Whether a held license could be reclaimed, and why.

    :param state: of the device; None if the account has no such device, empty if that was not read.
    :param locked: why the license can never be removed; empty if it can be, None if ThingSpace does not say.
    :param extra: whether the fleet files want the license with state exact, but not for this device.
    """
    reasons = []
    if state is None:
        reasons.append("not a device of the account")
    elif state.lower() in rules.retired:
        reasons.append(f"the device is {state}")
    else:
        connected = utc(last_connected) if rules.idle_days is not None and last_connected else ""
        if connected and (rules.today - day_of(connected)).days >= (rules.idle_days or 0):
            reasons.append(f"not connected for {rules.idle_days} days or more")
    if extra:
        reasons.append("not wanted by the fleet files")
    if not reasons:
        return "", ""
    why = "; ".join(reasons)
    if locked:
        return "locked", f"{why}; {locked}"
    if wanted:
        return "wanted", f"{why}; but the fleet files want it"
    if locked is None:
        return "unknown", f"{why}; ThingSpace does not say whether the firmware was upgraded"
    return "now", why
