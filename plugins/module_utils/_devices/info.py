# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Lists an account's devices: the flow of C(device_info)."""

from __future__ import annotations

import json

from .._module import Context, Result
from .._options import REPORT_SPEC, chosen, out_of_range
from .._plan.outcomes import reporting_from
from .api import PAGE_SIZE, DeviceApi
from .filter import filter_from
from .row import EXPORT_COLUMNS, KINDS, DeviceRow


def run(context: Context) -> Result:
    """Read all devices that match the filter, and report them."""
    params = context.params
    filters, problems = filter_from(params)
    reporting, report_problems = reporting_from(**chosen(params, REPORT_SPEC))
    problems += out_of_range(params, {"page_size": (1, PAGE_SIZE)})
    client = context.connect([*problems, *report_problems])
    personal = params["include_personal_data"]
    rows = DeviceApi(client, params["account"], params["page_size"], personal=personal).rows(filters)
    strays = sum(map(filters.contradicted_by, rows))
    if strays:
        context.warn(
            f"{strays} of the {len(rows)} devices that ThingSpace returned do not match the request (group, "
            "state, custom fields, time). Look at them before licenses are changed based on this list."
        )
    values = {"count": len(rows), "devices": [row.as_result() for row in reporting.every(rows)]}
    return Result(values, failure=reporting.write(EXPORT_COLUMNS, map(_cells, rows)))


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
