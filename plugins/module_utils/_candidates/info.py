# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reading the removal candidate list and foreseeing an eviction: the flow of C(swm_removal_candidates_info)."""

from __future__ import annotations

import typing as t

from .._errors import ApiError, LicensingError, Problem
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .._plan.plan import Pool
from .._swm.candidates import CandidatesApi
from .._swm.licenses import FotaApi, explained, is_event_based
from .._text.lists import few
from .backup import LOCK_PATIENCE, KeptList
from .eviction import Forecast, forecast

LIST_COLUMNS = ("place", "device_id")
FORECAST_COLUMNS = ("place", "device_id", "reason", "assigned_at", "certain")
MAX_TIED = 1000


def run(context: Context) -> Result:
    """Read the list; with C(shrink_to) also the licenses, and tell who would lose one."""
    params = context.params
    problems = report_path_problems(params["devices_report"])
    if params["shrink_to"] is not None and params["shrink_to"] < 0:
        problems.append(Problem(f"'shrink_to' is {params['shrink_to']}; it cannot be negative."))
    client = context.connect(problems)
    account, version = params["account"], params["api_version"]
    licenses = FotaApi(client, account, version)
    try:
        kept = KeptList(client.store, account)
        with kept.alone(min(LOCK_PATIENCE, float(params["deadline"]))):
            candidates = CandidatesApi(client, account, version).read()
            recovery = kept.recover(candidates, put_aside=False)
        if recovery.warning:
            context.warn(recovery.warning)
        if params["shrink_to"] is None:
            rows = [(str(place), device) for place, device in enumerate(candidates, 1)]
            return _result(context, candidates, {}, LIST_COLUMNS, rows)
        held, page = licenses.licensed_rows()
        pool = licenses.pool(page)
        if not held and is_event_based(licenses.subscription()):
            context.warn(
                "The subscription of this account is event-based: no device holds a license that it could lose."
            )
    except ApiError as error:
        raise explained(error, licenses) from None
    seen = forecast(params["shrink_to"], held, candidates)
    for text in _warnings(seen):
        context.warn(text)
    values = {
        "licenses": Pool(pool.total, len(held)).as_result(),
        "forecast": seen.as_result(MAX_TIED if params["report"] == "all" else 0),
    }
    return _result(context, candidates, values, FORECAST_COLUMNS, seen.as_rows())


def _result(
    context: Context,
    candidates: list[str],
    values: dict[str, t.Any],
    columns: t.Sequence[str],
    rows: t.Sequence[t.Sequence[str]],
) -> Result:
    shown = candidates if context.params["report"] == "all" else []
    result = Result({"candidates": shown, "candidate_count": len(candidates), **values})
    if context.params["devices_report"]:
        try:
            write_csv(context.params["devices_report"], columns, rows)
        except LicensingError as error:
            result.failure = error
    return result


def _warnings(seen: Forecast) -> t.Iterator[str]:
    """What an operator should know before the subscription shrinks."""
    if seen.beyond_list:
        yield (
            f"{len(seen.evictions)} devices would lose their license, and only "
            f"{len(seen.evictions) - seen.beyond_list} of them are on the removal candidate list: {seen.beyond_list} "
            "would lose it because they hold it longest."
        )
    doubtful = sum(not eviction.certain for eviction in seen.evictions)
    if doubtful:
        yield (
            f"Which devices come last is open in {doubtful} places: {doubtful + len(seen.tied)} devices got their "
            "license in the same moment, or at one that cannot be read, and ThingSpace does not say which of them goes "
            "first. Put the ones to lose on the list."
        )
    if seen.without_license:
        yield (
            f"{len(seen.without_license)} devices on the removal candidate list hold no license, so they are none that "
            f"could lose it: {few(seen.without_license)}."
        )
