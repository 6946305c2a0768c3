# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What a plan may conclude from a list that may not have all licenses of the account."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._plan.plan import Plan, Pool
from .._swm.licenses import FotaApi
from .._swm.reach import Reach
from .foresight import pages_for


def as_far_as_listed(api: FotaApi, plan: Plan, pool: Pool, held: t.Collection[str]) -> tuple[Plan, Pool]:
    """The plan and the pool, if the list from which they were made speaks only for a part of the account.

    That a partial list does not have a device does not show that it holds no license. The version's list of devices,
    licensed or not, shows it. It is not asked whether the list is partial if nothing depends on it. A list that cannot
    be compared counts as whole.

    :param held: the devices on the list.
    :raises LicensingError: there was no answer at all.
    """
    absent = plan.state == "absent" and plan.unchanged
    if not (plan.assign or absent or plan.state == "exact") or pool.assigned is None:
        return plan, pool
    reach = api.reach(pool.assigned)
    if absent and reach.partial:
        why = f"{reach.told}, and not that of this device; {reach.elsewhere_among()}"
        found = api.devices.find(plan.unchanged, sorted(held), pages_for(plan.unchanged))
        shown = tuple(one for one in plan.unchanged if one in found and found[one].licensed is False)
        unsaid = tuple(one for one in plan.unchanged if one not in shown)
        plan = plan._replace(remove=plan.remove + unsaid, unchanged=shown).without(dict.fromkeys(unsaid, why))
    return plan, pool._replace(elsewhere=reach.elsewhere)


def stop_if_partial(plan: Plan, partial: Reach | None) -> None:
    """Stop an exact run if there are licenses that it cannot see.

    :raises LicensingError: C(incomplete_list); nothing was written.
    """
    if plan.state == "exact" and partial:
        raise LicensingError(
            f"{partial.told}. 'state: exact' needs all of them. Nothing was written. Instead, "
            f"{partial.elsewhere_among()}; or name the devices to remove with 'state: absent'.",
            code="incomplete_list",
            digest=plan.digest,
        )


def warning_of(partial: Reach, plan: Plan) -> str:
    """What to tell about a list that does not have all licenses."""
    told = f"{partial.told}. 'licenses' has the account's numbers."
    if plan.state == "present":
        told += (
            " A device that the list does not have counts as one without a license, and ThingSpace's answer to the "
            "assignment decides."
        )
    return f"{told} To see all licenses, {partial.elsewhere_among()}."
