# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the removal candidate list means for moving FOTA licences: whoever is on it is the first to lose the licence."""

from __future__ import annotations

import typing as t

from ._candidates_api import CANDIDATES_VERSION, CandidatesApi, is_unknown_path
from ._client import Client
from ._errors import LicensingError
from ._module import Context
from ._outcomes import Row
from ._plan import Plan

MENTIONED = ("assigned", "removed", "skipped")


def spared(context: Context, client: Client) -> frozenset[str]:
    """The listed devices, if an exact run is to leave them alone.

    :raises LicensingError: the list cannot be read.
    """
    params = context.params
    if params["state"] != "exact" or params["removal_candidates"] != "keep":
        return frozenset()
    return frozenset(_api(context, client).read())


def touched_candidates(context: Context, client: Client, plan: Plan) -> dict[str, int]:
    """The devices that the plan touches and that are on the list, with their place; tells of them in warnings.

    A list that cannot be read is no reason to fail: the licences do not depend on it.
    """
    if not plan.changes or context.params["removal_candidates"] == "ignore":
        return {}
    try:
        listed = _api(context, client).read()
    except LicensingError as error:
        if not is_unknown_path(error):
            context.warn(f"Whether the devices are removal candidates could not be found out: {error.message}")
        return {}
    places = {device: place for place, device in reversed(list(enumerate(listed, 1)))}
    assigned = [device for device in plan.assign if device in places]
    removed = [device for device in plan.remove if device in places]
    if assigned:
        context.warn(
            "A licence is assigned to devices that stand on the removal candidate list, the first to lose it when the "
            f"subscription shrinks: {_named(assigned)}. swm_removal_candidates takes devices off the list."
        )
    if removed:
        context.warn(
            "The licence is removed from devices on the removal candidate list, where they are of no use without one: "
            f"{_named(removed)}. swm_removal_candidates takes devices off the list."
        )
    return {device: places[device] for device in (*assigned, *removed)}


def mention(rows: t.Sequence[Row], places: t.Mapping[str, int]) -> list[Row]:
    """The rows, saying of each listed device that it is listed."""
    if not places:
        return list(rows)
    return [
        row._replace(reason="; ".join(filter(None, (row.reason, f"removal candidate, place {places[row.device_id]}"))))
        if row.device_id in places and row.outcome in MENTIONED
        else row
        for row in rows
    ]


def _api(context: Context, client: Client) -> CandidatesApi:
    return CandidatesApi(client, context.params["account"], CANDIDATES_VERSION[context.params["api_version"]])


def _named(devices: list[str]) -> str:
    shown = ", ".join(devices[:5]) + (", ..." if len(devices) > 5 else "")
    return f"{shown} ({len(devices)} in all)" if len(devices) > 1 else shown
