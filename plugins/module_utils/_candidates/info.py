# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read the removal candidate list and predict evictions: the flow of C(swm_removal_candidates_info)."""

from __future__ import annotations

import typing as t

from .._client.client import Client
from .._errors import ApiError
from .._module import Context, Result
from .._options import REPORT_SPEC, chosen, out_of_range
from .._plan.outcomes import Reporting, reporting_from
from .._plan.plan import Pool
from .._swm.candidates import CandidatesApi
from .._swm.licenses import FotaApi, explained, is_event_based
from .._swm.reach import Reach
from .._text.lists import are, few, many
from .._thingspace.api_versions import CANDIDATES_VERSIONS, CandidatesVersion
from .backup import LOCK_PATIENCE, KeptList
from .eviction import Forecast, forecast

LIST_COLUMNS = ("place", "device_id")
FORECAST_COLUMNS = ("place", "device_id", "reason", "assigned_at", "certain", "upgraded")
MAX_TIED = 1000
FEW_PAGES = 3
"""How many pages of the device list are read at least for a forecast."""


class Job(t.NamedTuple):
    """The options."""

    account: str
    api_version: CandidatesVersion
    shrink_to: int | None


def run(context: Context) -> Result:
    """Read the list; with C(shrink_to), also read the licenses and predict which devices would lose one."""
    params = context.params
    account, version, shrink_to = Job(**chosen(params, Job._fields))
    reporting, problems = reporting_from(**chosen(params, REPORT_SPEC))
    client = context.connect([*problems, *out_of_range(params, {"shrink_to": (0, None)})])
    candidates = read(context, client, account, version)
    if shrink_to is None:
        rows = [(str(place), device) for place, device in enumerate(candidates, 1)]
        return _result(reporting, candidates, {}, LIST_COLUMNS, rows)
    licenses = FotaApi(client, account, version)
    try:
        held, page = licenses.licensed_rows(None, candidates)
        pool = licenses.pool(page)
        reach = licenses.reach(len(held))
        if not held and is_event_based(licenses.subscription()):
            context.warn(
                "The subscription of this account is event-based: no device holds a license that it could lose."
            )
    except ApiError as error:
        raise explained(error, licenses) from None
    seen = forecast(shrink_to, held, candidates, reach.elsewhere)
    upgrades = _upgrades(licenses, seen, [device for device, _time in held])
    seen = seen.with_upgrades(upgrades)
    doubts = filter(None, (reach.doubt, licenses.unsplit))
    for text in [*doubts, *_of_part(reach, seen), *_warnings(seen, _unread(licenses, upgrades))]:
        context.warn(text)
    values = {
        "licenses": Pool(pool.total, len(held), elsewhere=reach.elsewhere).as_result(),
        "forecast": seen.as_result(MAX_TIED if reporting.shown == "all" else 0),
    }
    return _result(reporting, candidates, values, FORECAST_COLUMNS, seen.as_rows())


def _upgrades(licenses: FotaApi, seen: Forecast, held: t.Sequence[str]) -> dict[str, str | None]:
    """When each device that would lose its license was upgraded, as far as reading the list again would cost."""
    gone = [eviction.device_id for eviction in seen.evictions]
    found = licenses.devices.find(gone, sorted(held), max(FEW_PAGES, licenses.pages))
    return {device: facts.upgraded_at for device, facts in found.items()}


def _unread(licenses: FotaApi, upgrades: t.Mapping[str, str | None]) -> str:
    """Why the device list does not say who was upgraded; empty if it could be used."""
    if licenses.devices.unusable:
        return licenses.devices.unusable
    if not licenses.devices.offered:
        return f"ThingSpace has no list of devices for {licenses.version} here."
    return (
        "" if any(when is not None for when in upgrades.values()) else "ThingSpace's list of devices does not say it."
    )


def read(context: Context, client: Client, account: str, version: CandidatesVersion) -> list[str]:
    """Read the list, in its order.

    :raises LicensingError: it cannot be read.
    """
    try:
        kept = KeptList(client.store, account, version)
        with kept.locked(context.patience(LOCK_PATIENCE)):
            candidates = CandidatesApi(client, account, version).read()
            recovery = kept.recover(candidates, put_aside=False)
    except ApiError as error:
        raise explained(error, FotaApi(client, account, version)) from None
    if recovery.warning:
        context.warn(recovery.warning)
    return candidates


def _result(
    reporting: Reporting,
    candidates: list[str],
    values: dict[str, t.Any],
    columns: t.Sequence[str],
    rows: t.Sequence[t.Sequence[str]],
) -> Result:
    values = {"candidates": reporting.every(candidates), "candidate_count": len(candidates), **values}
    return Result(values, failure=reporting.write(columns, rows))


def _of_part(reach: Reach, seen: Forecast) -> t.Iterator[str]:
    """What to know if the list of licensed devices does not have all that may lose their license."""
    if not reach.partial:
        return
    told = f"{reach.told}. So it is not known which devices would lose a license"
    if seen.unnamed:
        told += f": for {seen.unnamed:,} of the {seen.evicted:,}, 'forecast' names no device"
    yield (
        f"{told}. Nor does it show which devices on the removal candidate list hold none. To see the others, "
        f"{reach.elsewhere_among(CANDIDATES_VERSIONS)}."
    )


def _warnings(seen: Forecast, unread: str) -> t.Iterator[str]:
    """What an operator should know before the subscription shrinks.

    :param unread: why it could not be read who was upgraded.
    """
    if seen.beyond_list:
        listed = seen.evicted - seen.beyond_list
        known = " known to be" if seen.unnamed else ""
        yield (
            f"{many(seen.evicted, 'device')} would lose their license, and only {listed} of them "
            f"{are(listed)}{known} on the removal candidate list: {many(seen.beyond_list, 'device')} would lose it "
            "only for holding it longest."
        )
    if seen.upgraded_unknown and unread:
        yield (
            f"It is not known whether {many(seen.upgraded_unknown, 'device')} that would lose a license "
            f"{are(seen.upgraded_unknown)} upgraded: {unread}"
        )
    if seen.upgraded:
        least = "At least " if seen.upgraded_unknown else ""
        yield (
            f"{least}{many(seen.upgraded, 'device')} that would lose a license {are(seen.upgraded)} upgraded. No "
            "request can remove such a license, but ThingSpace documents no exception for an eviction. These devices "
            "would need a new license for their next upgrade."
        )
    doubtful = sum(not eviction.certain for eviction in seen.evictions)
    if doubtful:
        yield (
            f"The last {many(doubtful, 'device')} to lose a license {are(doubtful)} unknown: "
            f"{doubtful + len(seen.tied)} devices got their license at the same time or at an unreadable time, and "
            "ThingSpace does not say which of them goes first. Put the ones to lose on the list."
        )
    if seen.without_license:
        yield (
            f"The removal candidate list contains {many(len(seen.without_license), 'device')} without a license, which "
            f"has no effect: {few(seen.without_license)}."
        )
