# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Makes a report from what was read of each account: the flow of C(fleet_report)."""

from __future__ import annotations

import collections
import datetime
import json
import os
import typing as t

from .._client.stop import Told
from .._errors import LicensingError
from .._module import Context, Result
from .._plan.outcomes import write_csv
from .._text.files import READABLE, replacing
from .._text.former_names import with_former_names
from .._text.own import with_own
from .csv import COLUMNS, cells
from .data import FLEET_FILES, Json, ReadFailure
from .document import Tables, make_document, snapshots_of
from .entries import data_of
from .history import read_history, remember
from .html import as_html
from .lines import lines_of
from .markdown import as_markdown
from .options import ReportOptions, read_options
from .reclaim import Rules
from .section import ReportSettings, section_of
from .shared_history import share, with_shared
from .text import visible

NAMES = {"html": "report.html", "markdown": "report.md", "csv": "report.csv", "json": "report.json"}

MAX_LINES = 1000

Listed = t.Callable[[Context], frozenset[str]]
"""Checks the fleet files of the task, and returns their accounts.

:raises LicensingError: something is wrong.
"""


def run(context: Context, listed: Listed) -> Result:
    """Read what is known, account by account. Make and write the report, and store the counts."""
    options = read_options(context.params)
    now = datetime.datetime.now(datetime.timezone.utc)
    settings = _settings(options, now, context.told)
    fleet = _fleet(context, listed) if options.has_src else None
    tables = Tables()
    sections: list[Json] = []

    def rows() -> t.Iterator[tuple[str, ...]]:
        # One account at a time, so that the largest account limits the memory.
        for entry in options.accounts:
            data = data_of(entry, fleet)
            lines = lines_of(data, settings.rules)
            tables.add(data.name, lines)
            sections.append(section_of(data, lines, settings))
            yield from cells(data.name, lines)

    files = {name: os.path.join(options.dest, NAMES[name]) for name in options.formats}
    _make_folder(options.dest)
    if "csv" in files:
        write_csv(files["csv"], COLUMNS, rows())
    else:
        collections.deque(rows(), maxlen=0)
    document = make_document(
        sections,
        tables,
        settings.history.runs,
        settings.history.unreadable,
        title=options.title,
        created=now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        currency=options.currency,
        reclaim_states=sorted(options.retired),
        idle_days=options.idle_days,
        csv=NAMES["csv"] if "csv" in files else None,
    )
    _write(document, files)
    failure = _remember(options, settings, now, sections)
    _share(context, options.journal, now, sections)
    return Result(result_of(document, files, options), failure=failure)


def _fleet(context: Context, listed: Listed) -> t.Container[str] | ReadFailure:
    """The accounts of the fleet files. If something is wrong with these, the report says so for each account."""
    try:
        return listed(context)
    except LicensingError as error:
        return ReadFailure(FLEET_FILES, error.code, visible(error.message))


def result_of(document: Json, files: dict[str, str], options: ReportOptions) -> Json:
    """The result of C(fleet_report)."""
    red = _red(document["totals"], options)
    return {
        "status": document["status"],
        "totals": with_former_names(document["totals"]),
        **with_own([_account(section, red) for section in document["accounts"]]),
        "files": files,
        "lines": [*_shown(document, files, options), f"Written to {options.dest}:", *sorted(files.values())],
    }


def _account(section: Json, red: str) -> Json:
    failures = [f"{failure['what']}: {failure['message']}" for failure in section["failures"]]
    about = {key: section[key] for key in ("account", "status", "failures")}
    text = " ".join([*failures, red]).strip() or "Everything was read."
    return {**about, "red": bool(failures or red), "text": text}


def _red(totals: Json, options: ReportOptions) -> str:
    """Why the run must end red although the report is written; empty if it need not."""
    drift, soonest = totals["drift"] or {"missing": 0, "extra": 0}, totals["soonest"]
    found = {
        "drift": drift["missing"] + drift["extra"] > 0,
        "runway": soonest is not None and soonest["days"] <= options.runway_days,
    }
    bad = [name for name, there in found.items() if there and name in options.fail_on]
    return f"The report in {options.dest} shows {' and '.join(bad)}." if bad else ""


def _shown(document: Json, files: t.Mapping[str, str], options: ReportOptions) -> list[str]:
    if not options.show or "markdown" not in files:
        return []
    lines = as_markdown(document).splitlines()
    return lines[:MAX_LINES] + ["..."] * (len(lines) > MAX_LINES)


def _settings(options: ReportOptions, now: datetime.datetime, told: Told) -> ReportSettings:
    rules = Rules(now.date(), options.retired, options.idle_days)
    accounts = [str(entry["account"]) for entry in options.accounts]
    history = with_shared(read_history(options.history), options.journal, accounts, told)
    return ReportSettings(rules, options.prices, history)


def _make_folder(dest: str) -> None:
    try:
        os.makedirs(dest, exist_ok=True)
    except OSError as error:
        raise _unwritable(dest, error) from None


def _write(document: Json, files: t.Mapping[str, str]) -> None:
    """Write all files except the CSV, each in one step."""
    makers: dict[str, t.Callable[[Json], str]] = {
        "html": as_html,
        "markdown": as_markdown,
        "json": lambda value: json.dumps(value, indent=1, sort_keys=True) + "\n",
    }
    for name in makers.keys() & files.keys():
        text = makers[name](document)
        try:
            with replacing(files[name], READABLE, errors="replace") as stream:
                stream.write(text)
        except OSError as error:
            raise _unwritable(files[name], error) from None


def _remember(
    options: ReportOptions, settings: ReportSettings, now: datetime.datetime, sections: t.Sequence[Json]
) -> LicensingError | None:
    """Add today's counts to the history. The report exists even if that fails."""
    day, pools = now.date().isoformat(), snapshots_of(sections)
    try:
        if options.history:
            remember(options.history, settings.history, day, pools)
    except LicensingError as error:
        return error
    return None


def _share(context: Context, journal: str | None, now: datetime.datetime, sections: t.Sequence[Json]) -> None:
    """Store today's counts in the journal, too. A role that only reads makes reports as well."""
    try:
        share(journal, now.date().isoformat(), snapshots_of(sections), context.told)
    except LicensingError as error:
        context.warn(f"The counts of today are not in the journal. {error.message}")


def _unwritable(path: str, error: OSError) -> LicensingError:
    return LicensingError(
        f"The report could not be written to {path}: {error.strerror or error}.", code="report_unwritable"
    )
