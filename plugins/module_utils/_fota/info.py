# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read an account's FOTA licenses: the flow of C(fota_license_info)."""

from __future__ import annotations

import collections
import typing as t

from .._errors import LicensingError, Problem
from .._module import Context, Result
from .._options import REPORT_SPEC, chosen
from .._plan.outcomes import reporting_from
from .._plan.plan import Pool
from .._swm.facts import Facts
from .._swm.licenses import FotaApi, Subscription, is_event_based
from .._text.lists import few, many
from .._thingspace.api_versions import ApiVersion

COLUMNS = ("device_id", "assigned_at")
REFUSED = "ThingSpace said so when it refused a removal"
DETAILS = ("eligible", "upgraded_at", "removable", "protocol")


class Job(t.NamedTuple):
    """The options."""

    account: str
    api_version: ApiVersion
    pool_only: bool
    details: bool


class FotaLicenses(t.NamedTuple):
    """What was read about an account's FOTA licenses.

    :param rows: each licensed device with its assignment time; None if they were not listed.
    :param failure: why they were not listed, if they should have been. A partial list must never look like a whole one.
    :param facts: what the device list says of each device; None if it was not read.
    :param undetailed: why it could not be read.
    :param refused: licenses that ThingSpace refused to remove for ever, whatever the device list says.
    """

    subscription: Subscription
    pool: Pool
    rows: list[tuple[str, str]] | None
    failure: LicensingError | None = None
    facts: t.Mapping[str, Facts] | None = None
    undetailed: LicensingError | None = None
    refused: t.Collection[str] = ()

    @property
    def upgrades(self) -> dict[str, str] | None:
        """When each licensed device was last upgraded, as far as that is known; empty if it never was."""
        if self.facts is None or self.rows is None:
            return None
        known = ((device, self.facts.get(device)) for device, _time in self.rows)
        said = {device: facts.upgraded_at for device, facts in known if facts and facts.upgraded_at is not None}
        return {**said, **{device: said.get(device) or REFUSED for device in self.refused}}


def run(context: Context) -> Result:
    """Read the subscription and, unless only the pool is requested, every page of the licensed devices."""
    job = Job(**chosen(context.params, Job._fields))
    reporting, problems = reporting_from(**chosen(context.params, REPORT_SPEC))
    if job.pool_only and job.details:
        problems.append(Problem("'details' needs the devices, so it contradicts 'pool_only'."))
    api = FotaApi(context.connect(problems), job.account, job.api_version)
    found = read(context, api, pool_only=job.pool_only, details=job.details)
    values: dict[str, t.Any] = {"subscription": dict(found.subscription), "licenses": found.pool.as_result()}
    if found.failure is not None:
        return Result(values, failure=found.failure)
    if found.undetailed is not None:
        return Result(values, failure=found.undetailed)
    if not job.details:
        values["devices"] = [dict(zip(COLUMNS, row, strict=True)) for row in reporting.every(found.rows or [])]
        return Result(values, failure=None if found.rows is None else reporting.write(COLUMNS, found.rows))
    facts = found.facts or {}
    rows = [(*row, *_details(facts.get(row[0]), refused=row[0] in found.refused)) for row in found.rows or []]
    columns = (*COLUMNS, *DETAILS)
    counts = collections.Counter(row[columns.index("removable")] for row in rows)
    # Nothing is known of those that a partial list does not have, either.
    unknown = counts[None] + found.pool.elsewhere
    values["reclaimable"] = {"removable": counts[True], "locked": counts[False], "unknown": unknown}
    values["devices"] = [dict(zip(columns, row, strict=True)) for row in reporting.every(rows)]
    written = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    return Result(values, failure=None if found.rows is None else reporting.write(columns, written))


def _details(facts: Facts | None, *, refused: bool) -> tuple[bool | None, str | None, bool | None, str | None]:
    """The cells of C(DETAILS). Each is None if ThingSpace does not say it."""
    facts = facts or Facts(None, None, None)
    removable = False if refused else None if facts.upgraded_at is None else not facts.upgraded_at
    return facts.eligible, facts.upgraded_at, removable, facts.protocol or None


def read(
    context: Context,
    api: FotaApi,
    *,
    pool_only: bool = False,
    details: bool = False,
    expected: t.Collection[str] = (),
) -> FotaLicenses:
    """Read the subscription and the licensed devices.

    :param expected: ids that are probably among them, so that a long list can be read in pieces.
    :param details: whether to read the device list, too.
    :raises LicensingError: the subscription cannot be read.
    """
    subscription = api.subscription()
    pool = Pool(subscription["license_count"], subscription["license_used_count"])
    if pool_only:
        return FotaLicenses(subscription, pool, None)
    try:
        rows, last = api.licensed_rows(None, expected)
    except LicensingError as error:
        if not is_event_based(subscription):
            return FotaLicenses(subscription, pool, None, error)
        context.warn("The subscription of this account is event-based: it has no licensed devices to list.")
        return FotaLicenses(subscription, pool, None)
    total, reach = pool.total if last.total is None else last.total, api.reach(len(rows))
    if reach.partial:
        context.warn(
            f"{reach.told}. 'licenses' has the account's numbers. A device that is not listed may hold a license all "
            f"the same: {reach.elsewhere_among()}."
        )
    for text in filter(None, (reach.doubt, api.unsplit)):
        context.warn(text)
    found = FotaLicenses(subscription, Pool(total, len(rows), elsewhere=reach.elsewhere), rows)
    return _with_details(context, api, found, rows) if details else found


def _with_details(
    context: Context, api: FotaApi, found: FotaLicenses, rows: t.Sequence[tuple[str, str]]
) -> FotaLicenses:
    try:
        facts = api.devices.everything([device for device, _time in rows])
        refused = api.locked.among(device for device, _time in rows)
    except LicensingError as error:
        return found._replace(undetailed=error)
    if api.devices.unsplit:
        context.warn(api.devices.unsplit)
    lacking = sum(device not in facts for device, _time in rows)
    if lacking:
        context.warn(f"ThingSpace's list of devices lacks {many(lacking, 'device')} that hold a license.")
    wrong = [device for device in refused if device in facts and facts[device].upgraded_at == ""]
    if wrong:
        context.warn(
            f"ThingSpace's list of devices says that {few(wrong)} never had an upgrade of the firmware, but ThingSpace "
            "refused to remove the license for that reason. It counts as one that can never be removed."
        )
    return found._replace(facts=facts, refused=refused)
