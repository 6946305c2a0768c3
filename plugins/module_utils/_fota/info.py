# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read an account's FOTA licenses: the flow of C(fota_license_info)."""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._module import Context, Result
from .._options import REPORT_SPEC, chosen
from .._plan.outcomes import reporting_from
from .._plan.plan import Pool
from .._swm.licenses import FotaApi, Subscription, is_event_based
from .._thingspace.api_versions import ApiVersion

COLUMNS = ("device_id", "assigned_at")


class Job(t.NamedTuple):
    """The options."""

    account: str
    api_version: ApiVersion
    pool_only: bool


class FotaLicenses(t.NamedTuple):
    """What was read about an account's FOTA licenses.

    :param rows: each licensed device with its assignment time; None if they were not listed.
    :param failure: why they were not listed, if they should have been. A partial list must never look like a whole one.
    """

    subscription: Subscription
    pool: Pool
    rows: list[tuple[str, str]] | None
    failure: LicensingError | None = None


def run(context: Context) -> Result:
    """Read the subscription and, unless only the pool is requested, every page of the licensed devices."""
    job = Job(**chosen(context.params, Job._fields))
    reporting, problems = reporting_from(**chosen(context.params, REPORT_SPEC))
    api = FotaApi(context.connect(problems), job.account, job.api_version)
    found = read(context, api, pool_only=job.pool_only)
    values: dict[str, t.Any] = {"subscription": dict(found.subscription), "licenses": found.pool.as_result()}
    if found.failure is not None:
        return Result(values, failure=found.failure)
    values["devices"] = [dict(zip(COLUMNS, row, strict=True)) for row in reporting.every(found.rows or [])]
    return Result(values, failure=None if found.rows is None else reporting.write(COLUMNS, found.rows))


def read(context: Context, api: FotaApi, *, pool_only: bool = False) -> FotaLicenses:
    """Read the subscription and the licensed devices.

    :raises LicensingError: the subscription cannot be read.
    """
    subscription = api.subscription()
    pool = Pool(subscription["license_count"], subscription["license_used_count"])
    if pool_only:
        return FotaLicenses(subscription, pool, None)
    try:
        rows, last = api.licensed_rows()
    except LicensingError as error:
        if not is_event_based(subscription):
            return FotaLicenses(subscription, pool, None, error)
        context.warn("The subscription of this account is event-based: it has no licensed devices to list.")
        return FotaLicenses(subscription, pool, None)
    return FotaLicenses(subscription, Pool(pool.total if last.total is None else last.total, len(rows)), rows)
