# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Makes a report from the results of other modules: the flow of C(fleet_report)."""

from __future__ import annotations

import collections
import datetime
import json
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._plan.outcomes import write_csv
from .._text.files import READABLE, replacing
from .._text.former_names import with_former_names
from .._text.money import prices_from
from .csv import COLUMNS, cells
from .data import Json
from .document import Tables, make_document, snapshots_of
from .history import read_history, remember
from .html import as_html
from .lines import lines_of
from .markdown import as_markdown
from .read import read_account, whole
from .reclaim import Rules
from .section import ReportSettings, section_of
from .text import visible

NAMES = {"html": "report.html", "markdown": "report.md", "csv": "report.csv", "json": "report.json"}


def run(context: Context) -> Result:
    """Read the files of the info modules, account by account. Make and write the report, and store the counts."""
    params = context.params
    now = datetime.datetime.now(datetime.timezone.utc)
    settings = _settings(params, now)
    dest, formats = params["dest"], params["formats"]
    tables = Tables()
    sections: list[Json] = []

    def rows() -> t.Iterator[tuple[str, ...]]:
        # One account at a time, so that the largest account limits the memory.
        for entry in params["accounts"]:
            data = read_account(entry, settings.rules.retired)
            lines = lines_of(data, settings.rules)
            tables.add(data.name, lines)
            sections.append(section_of(data, lines, settings))
            yield from cells(data.name, lines)

    files = {name: os.path.join(dest, NAMES[name]) for name in formats}
    _make_folder(dest)
    if "csv" in formats:
        write_csv(files["csv"], COLUMNS, rows())
    else:
        collections.deque(rows(), maxlen=0)
    document = make_document(
        sections,
        tables,
        settings.history.runs,
        settings.history.unreadable,
        title=visible(params["title"]),
        created=now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        currency=visible(params["currency"]),
        reclaim_states=sorted(settings.rules.retired),
        idle_days=params["idle_days"],
        csv=NAMES["csv"] if "csv" in formats else None,
    )
    _write(document, files)
    failure = _remember(params, settings, now, sections)
    return Result(_values(document, files), failure=failure)


def _values(document: Json, files: dict[str, str]) -> Json:
    """The result of the module."""
    return {
        "status": document["status"],
        "totals": with_former_names(document["totals"]),
        "accounts": [{key: one[key] for key in ("account", "status", "failures")} for one in document["accounts"]],
        "files": files,
    }


def _settings(params: t.Mapping[str, t.Any], now: datetime.datetime) -> ReportSettings:
    """The options, checked.

    :raises OptionsError: with all problems.
    """
    prices, wrong = prices_from(params["prices"])
    problems = [Problem(text) for text in wrong]
    names: set[str] = set()
    for entry in params["accounts"]:
        name = entry.get("account")
        if not isinstance(name, str) or not name:
            problems.append(Problem("each entry of 'accounts' needs an 'account'."))
        elif name in names:
            problems.append(Problem(f"'accounts' has the account {visible(name)[:60]} twice."))
        names.add(str(name))
        try:
            whole(entry.get("shrink_to"))
        except ValueError as error:
            problem = f"'shrink_to' of {visible(name)[:60]} is {visible(error)[:60]}, not a number of licenses."
            problems.append(Problem(problem))
    if params["idle_days"] is not None and params["idle_days"] < 1:
        problems.append(Problem(f"'idle_days' is {params['idle_days']}; it must be at least 1."))
    if not params["formats"]:
        problems.append(Problem("'formats' is empty; name at least one."))
    if os.path.exists(params["dest"]) and not os.path.isdir(params["dest"]):
        problems.append(Problem(f"'dest' {params['dest']} is not a directory.", "report_unwritable"))
    if problems:
        raise OptionsError(problems)
    retired = frozenset(visible(state).strip().lower() for state in params["reclaim_states"])
    rules = Rules(now.date(), retired, params["idle_days"])
    return ReportSettings(rules, prices, read_history(params["history"]))


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
    params: t.Mapping[str, t.Any], settings: ReportSettings, now: datetime.datetime, sections: t.Sequence[Json]
) -> LicensingError | None:
    """Add today's counts to the history. The report exists even if that fails."""
    if not params["history"]:
        return None
    try:
        remember(params["history"], settings.history, now.date().isoformat(), snapshots_of(sections))
    except LicensingError as error:
        return error
    return None


def _unwritable(path: str, error: OSError) -> LicensingError:
    return LicensingError(
        f"The report could not be written to {path}: {error.strerror or error}.", code="report_unwritable"
    )
