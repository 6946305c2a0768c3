# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Lists an account's devices: the flow of C(device_info)."""

from __future__ import annotations

import json

from .._errors import LicensingError, Problem
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .api import PAGE_SIZE, DeviceApi
from .filter import filter_from
from .row import EXPORT_COLUMNS, KINDS, DeviceRow


def run(context: Context) -> Result:
    """Read all devices that match the filter, and report them."""
    params = context.params
    filters, problems = filter_from(params)
    if not 1 <= params["page_size"] <= PAGE_SIZE:
        text = f"'page_size' is {params['page_size']}; it must be between 1 and {PAGE_SIZE}."
        problems.append(Problem(text))
    client = context.connect([*problems, *report_path_problems(params["devices_report"])])
    personal = params["include_personal_data"]
    rows = DeviceApi(client, params["account"], params["page_size"], personal=personal).rows(filters)
    strays = sum(map(filters.contradicted_by, rows))
    if strays:
        context.warn(
            f"{strays} of the {len(rows)} devices that ThingSpace returned do not match the request (group, "
            "state, custom fields, time). Look at them before licenses are changed on the strength of this list."
        )
    shown = rows if params["report"] == "all" else []
    result = Result({"count": len(rows), "devices": [row.as_result() for row in shown]})
    if params["devices_report"]:
        try:
            write_csv(params["devices_report"], EXPORT_COLUMNS, (_cells(row) for row in rows))
        except LicensingError as error:
            result.failure = error
    return result


def _cells(row: DeviceRow) -> list[str]:
    """The line of a device in the report file. It has no attributes and therefore no personal data."""
    return [
        *(row.ids.get(kind, "") for kind in KINDS),
        row.state,
        row.service_plan,
        ";".join(row.groups),
        json.dumps(row.custom_fields) if row.custom_fields else "",
        row.created_at,
        "" if row.connected is None else str(row.connected).lower(),
        row.last_connected_at,
    ]
