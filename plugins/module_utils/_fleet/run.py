# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned changes, written before the first write, and the results, written after the last."""

from __future__ import annotations

import datetime
import os
import shutil
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._pages.render import View
from .plan_end import INCOMPLETE, shown
from .record import RunRecord
from .record_keep import NAME, Places, places_of
from .run_begin import planned_document, start
from .run_results import ended_record, lost_record
from .run_view import Extra, written
from .run_words import last_lines, left_after, not_done, undo_command, with_words
from .status import worsen
from .undone import undone_since


def run(context: Context) -> Result:
    """Write the record at the start or at the end of a run."""
    with places_of(context.params, context.told) as places:
        return _run(context, places)


def _run(context: Context, places: Places) -> Result:
    params = context.params
    now = datetime.datetime.now(datetime.timezone.utc)
    failure: LicensingError | None = None
    remaining = ""
    problems: list[Problem] = []
    cost_of = _costs(params, problems)
    if params["state"] == "started":
        plan = planned_document(params["plan"])
        record, path = start(plan, params, places, now, problems)
        for warning in undone_since(record, places.history, places.runs):
            context.warn(warning)
        if params["status_file"] and plan.incomplete:
            # Devices that the plan leaves not as wanted stay so when it is carried out.
            worsen(params["status_file"])
    else:
        known = places.begun(params["run"])
        if known is None and not params["accounts"]:
            wrong = f"There is no record of a run in {os.path.join(params['dest'], NAME)}, and no account is named."
            raise OptionsError([Problem(wrong, "run_file_invalid")])
        record = ended_record(known or lost_record(params, now), params, now)
        path, failure = places.complete(record)
        shutil.rmtree(_stop_file(params, record), ignore_errors=True)
        remaining = not_done(record, params["journal"], path)
        if remaining:
            context.warn(remaining)
            if params["status_file"]:
                worsen(params["status_file"])
    # On another node, there is only the journal.
    undo = undo_command(params, path if places.runs is None else record.run)
    extra = Extra(undo, cost_of(record), params["journal"])
    files, unwritten = written(record, path, params["templates"], extra) if failure is None else ({}, None)
    if unwritten is not None and params["state"] == "started":
        context.warn(unwritten.message)
    elif unwritten is not None:
        failure = unwritten
    left = "" if record.ended is None else left_after(record, params["journal"])
    red = f"Not everything is as wanted. {left} See {path}." if left and params["fail_on"] in INCOMPLETE else ""
    lines = last_lines(record, path, files, left, undo)
    values = {
        "remaining": remaining,
        "lines": [*shown(files.get("markdown") if params["show"] else None), *lines],
        "stop_together": _stop_file(params, record) if params["any_errors_fatal"] else "",
        "path": path,
        "files": files,
        "run": record.run,
        "mark": record.mark or "",
        "status": record.status,
        "accounts": [with_words(account, red) for account in record.accounts],
    }
    return Result(values, failure=failure)


def _stop_file(params: t.Mapping[str, t.Any], record: RunRecord) -> str:
    """The C(stop_together) of the run's C(fleet_account) tasks."""
    return os.path.join(params["reports"], f"stop-{record.mark}")


def _costs(params: t.Mapping[str, t.Any], problems: list[Problem]) -> t.Callable[[RunRecord], View | None]:
    """What says what a run costs, by the prices of the reader. Wrong ones are refused when it starts."""
    if not params["prices"]:
        return lambda _record: None
    # A module compiles what it imports, each time. Few runs have prices.
    from .cost import carried_out, costs  # pylint: disable=import-outside-toplevel

    cost = costs(params, problems)
    return lambda record: cost(carried_out(record), 0)
