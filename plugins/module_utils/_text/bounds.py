# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Limits on what a task returns and so leaves in every job log. A user can request more."""

from __future__ import annotations

import os
import typing as t

MAX_ROWS = 1000
"""Rows of C(devices) in a result, unless C(report) is C(all)."""

MAX_LINES = 2000
"""Lines of each side of a C(diff)."""

MAX_LISTED = 20
"""Entries of an option's list that C(invocation) repeats."""

MAX_SHOWN = 200
"""Characters of a pasted text that C(invocation) repeats."""

Values = dict[str, t.Any]


def bound_result(values: Values, params: t.Mapping[str, t.Any]) -> str | None:
    """Shorten what a module returns. Devices that failed or are unknown are left out last.

    :param values: changed in place; C(devices_left_out) is added if rows of C(devices) are left out.
    :param params: of the module.
    :returns: a warning for the user.
    """
    for side in values["diff"] if isinstance(values.get("diff"), list) else [values.get("diff") or {}]:
        side.update({name: _few_lines(side[name]) for name in ("before", "after") if isinstance(side.get(name), str)})
    rows = values.get("devices")
    if not isinstance(rows, list) or len(rows) <= MAX_ROWS or params.get("report") in (None, "all"):
        return None
    first = sorted(range(len(rows)), key=lambda place: not _amiss(rows[place]))[:MAX_ROWS]
    values["devices"] = [rows[place] for place in sorted(first)]
    values["devices_left_out"] = len(rows) - MAX_ROWS
    path = params.get("devices_report")
    if path and os.path.isfile(path):
        where = f"All devices are in {path}"
    else:
        where = "To have all of them, name a file with 'devices_report', or set 'report: all'"
    return f"The result lists {MAX_ROWS:,} of {len(rows):,} devices, and counts all of them. {where}."


def shorten(params: Values) -> None:
    """Keep long lists and a pasted text out of C(invocation), which every callback and every job log repeats.

    Other texts are not cut: a part of a secret would not be recognized, and so not be masked.
    """
    command = params.get("how_to_apply")
    texts: list[tuple[t.Any, str]] = [(params, "devices_text"), (params.get("survey"), "devices")]
    texts += [(command.get("variables"), "license_devices")] if isinstance(command, dict) else []
    for given, name in texts:
        text = given.get(name) if isinstance(given, dict) else None
        if isinstance(text, str) and len(text) > MAX_SHOWN:
            given[name] = f"{text[:MAX_SHOWN]}... ({len(text)} characters)"
    for name, value in params.items():
        params[name] = _few(value)


def _few(value: t.Any) -> t.Any:
    """A value with short lists."""
    if isinstance(value, dict):
        return {name: _few(one) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    more = [f"... and {len(value) - MAX_LISTED:,} more"] if len(value) > MAX_LISTED else []
    return [*map(_few, value[:MAX_LISTED]), *more]


def _amiss(row: t.Any) -> bool:
    return isinstance(row, dict) and (row.get("outcome") or row.get("state")) in ("failed", "unknown")


def _few_lines(text: str) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) <= MAX_LINES:
        return text
    return "".join(lines[:MAX_LINES]) + f"... and {len(lines) - MAX_LINES:,} more lines\n"
