# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read an account's FOTA licenses: the flow of C(fota_license_info)."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._module import Context, Result
from .._plan.outcomes import reporting_from
from .._plan.plan import Pool
from .._swm.licenses import FotaApi, Subscription, is_event_based

COLUMNS = ("device_id", "assigned_at")


def run(context: Context) -> Result:
    """Read the subscription and, unless only the pool is requested, every page of the licensed devices."""
    params = context.params
    reporting, problems = reporting_from(params)
    api = FotaApi(context.connect(problems), params["account"], params["api_version"])
    subscription = api.subscription()
    if params["pool_only"]:
        return Result(_values(subscription, _pool(subscription), []))
    try:
        rows, last = api.licensed_rows()
    except LicensingError as error:
        if not is_event_based(subscription):
            # The list is left out, because a partial list must never look like the whole one.
            values = _values(subscription, _pool(subscription), [])
            del values["devices"]
            return Result(values, failure=error)
        context.warn("The subscription of this account is event-based: it has no licensed devices to list.")
        return Result(_values(subscription, _pool(subscription), []))
    total = subscription["license_count"] if last.total is None else last.total
    values = _values(subscription, Pool(total, len(rows)), rows if reporting.shown == "all" else [])
    return Result(values, failure=reporting.write(COLUMNS, rows))


def _pool(subscription: Subscription) -> Pool:
    return Pool(subscription["license_count"], subscription["license_used_count"])


def _values(subscription: Subscription, pool: Pool, rows: list[tuple[str, str]]) -> dict[str, t.Any]:
    return {
        "subscription": dict(subscription),
        "licenses": pool.as_result(),
        "devices": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }
