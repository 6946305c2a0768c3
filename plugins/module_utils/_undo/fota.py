# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Which FOTA licenses of a run are removed and assigned again. Pure: the modules compare with the current state."""

from __future__ import annotations

import typing as t

from .._fleet.record import RunAccount
from .._plan.outcomes import HAD_BEFORE
from .changes import FOTA, OPPOSITE, Left, changes_of, parts_of
from .history import Later


class FotaReversal(t.NamedTuple):
    """What to do.

    :param uncertain: for how many of these devices the run did not know the result.
    """

    take: list[str]
    give: list[str]
    left: list[Left]
    uncertain: int


def reverse_fota(account: RunAccount, later: Later) -> FotaReversal:
    """Decide about every device that the run changed, or may have changed."""
    found = FotaReversal([], [], [], 0)
    for change in changes_of(parts_of(account, FOTA)).values():
        if later.undid(account.account, FOTA, change):
            continue
        changed_by = later.changed_by(account.account, FOTA, change)
        if changed_by or change.done not in OPPOSITE:
            code = "later_run" if changed_by else "unknown"
            found.left.append(FOTA.left(change, code, changed_by or "the record does not say what was to be done"))
            continue
        if change.had_before:
            found.left.append(FOTA.left(change, "unknown", f"the run found it as wanted, {HAD_BEFORE}"))
            continue
        (found.take if change.done == "assigned" else found.give).append(change.device_id)
        found = found._replace(uncertain=found.uncertain + (not change.certain))
    return found
