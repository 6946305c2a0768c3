# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned changes, written before the first write, and the results, written after the last."""

from __future__ import annotations

import datetime
import os
import shutil

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._text.own import with_own
from .plan_end import INCOMPLETE, shown
from .record import RunRecord
from .record_keep import NAME, NotInJournal, Places, places_of
from .run_begin import planned_document, start
from .run_options import RecordOptions, read_record_options
from .run_results import ended_record, hand_out, lost_record
from .run_view import Extra, written
from .run_words import last_lines, left_after, not_done, undo_command, with_words
from .status import worsen

MAX_SUMMARY = 1000
"""Characters of a text that is passed on to later jobs."""


def run(context: Context) -> Result:
    """Write the record at the start or at the end of a run."""
    options, problems = read_record_options(context)
    where = (options.dest, options.history, options.journal)
    with places_of(*where, starting=options.starting, told=context.told) as places:
        return _run(context, options, problems, places)


def _run(context: Context, options: RecordOptions, problems: list[Problem], places: Places) -> Result:
    now = datetime.datetime.now(datetime.timezone.utc)
    failure: LicensingError | None = None
    remaining, whole = "", True
    if options.starting:
        plan = planned_document(str(options.plan))
        record, path = start(plan, options, places, now, problems)
        if options.status_file and plan.incomplete:
            # Devices that the plan leaves not as wanted stay so when it is carried out.
            worsen(options.status_file)
    else:
        known = places.begun(options.run)
        if known is None and not options.accounts:
            wrong = f"There is no record of a run in {os.path.join(options.dest, NAME)}, and no account is named."
            raise OptionsError([Problem(wrong, "run_file_invalid")])
        # Once a run has ended, its reports may be those of a later run.
        ended = known is not None and known.ended is not None
        record = known if known and ended else ended_record(known or lost_record(options, now), options, now)
        path, failure = places.complete(record)
        whole = failure is None or isinstance(failure, NotInJournal)
        if whole:
            hand_out(options, record)
        shutil.rmtree(_stop_file(options, record), ignore_errors=True)
        remaining = not_done(record, options.journal, path)
        if remaining:
            context.warn(remaining)
            if options.status_file:
                worsen(options.status_file)
    undo = undo_command(options.how, places.lasting(record.run, path))
    extra = Extra(undo, options.cost(record), options.journal)
    files, unwritten = written(record, path, options.templates, extra) if whole else ({}, None)
    if unwritten is not None and options.starting:
        context.warn(unwritten.message)
    else:
        failure = failure or unwritten
    left = "" if record.ended is None else left_after(record, options.journal)
    red = f"Not everything is as wanted. {left} See {path}." if left and options.fail_on in INCOMPLETE else ""
    lines = last_lines(record, path, files, left, undo)
    accounts = [with_words(account, red) for account in record.accounts]
    values = {
        "remaining": remaining,
        "lines": [*shown(files.get("markdown") if options.show else None), *lines],
        "stop_together": _stop_file(options, record) if options.any_errors_fatal else "",
        "path": path,
        "files": files,
        "run": record.run,
        "mark": record.mark or "",
        "status": record.status,
        **with_own(accounts),
        "summary": "\n".join(f"{one['account']}: {one['text']}" for one in accounts)[:MAX_SUMMARY].strip(),
    }
    return Result(values, failure=failure)


def _stop_file(options: RecordOptions, record: RunRecord) -> str:
    """The C(stop_together) of the run's C(fleet_account) tasks."""
    return os.path.join(options.reports, f"stop-{record.mark}")
