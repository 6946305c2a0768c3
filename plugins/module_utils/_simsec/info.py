# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reading SIM-Secure licenses: the account's counts, and what the journal knows beyond them."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._account import account_problems
from .._errors import LicensingError, OptionsError, Problem
from .._journal.file import PATIENCE
from .._journal.inventory import OPEN, DeviceRow, HistoryRow, Stock, device_rows, drift, history_rows
from .._journal.journal import Journal, open_journal
from .._module import Context, Result
from .._plan.outcomes import report_path_problems, write_csv
from .api import SimsecApi, Subscription
from .skus import sku_problems

REPORTS = ("devices_report", "history_report")


def run(context: Context) -> Result:
    """Count in the account, take stock of the journal, compare."""
    params = context.params
    problems = [problem for name in REPORTS for problem in report_path_problems(params[name], name)]
    if params["devices_report"] and params["devices_report"] == params["history_report"]:
        problems.append(Problem("'devices_report' and 'history_report' name the same file."))
    if params["sku"] is not None:
        problems += sku_problems(params["sku"])
    for name in ("journal_only", *REPORTS):
        if params[name] and not params["journal"]:
            problems.append(Problem(f"'{name}' needs 'journal'."))
    journal = _open(context, problems)
    with contextlib.closing(journal):
        values: dict[str, t.Any] = {}
        subscriptions = _subscriptions(context, problems)
        if subscriptions is not None:
            values["subscriptions"] = subscriptions
        if not params["journal"]:
            return Result(values)
        stocks, rows = _take_stock(context, journal)
        values["journal"] = [stock.as_result() for stock in stocks]
        values["devices"] = [row._asdict() for row in rows]
        if subscriptions is not None:
            values["drift"] = drift(stocks, {row["sku"]: row["assigned"] for row in subscriptions})
        return Result(values, failure=_export(context, journal))


def _open(context: Context, problems: list[Problem]) -> Journal:
    path = context.params["journal"] or ""
    try:
        journal = open_journal(path, write=False, patience=PATIENCE)
        if path and not os.path.exists(path):
            context.warn(f"There is no journal at {path} yet; it counts as empty.")
        return journal
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))
        return open_journal("", write=True)


def _subscriptions(context: Context, problems: list[Problem]) -> list[Subscription] | None:
    """The account's counts; None when only the journal is to be read."""
    params = context.params
    if params["journal_only"]:
        problems += account_problems(params["account"])
        if problems:
            raise OptionsError(problems)
        return None
    found = SimsecApi(context.connect(problems), params["account"]).subscriptions()
    return [row for row in found if params["sku"] in (None, row["sku"])]


def _take_stock(context: Context, journal: Journal) -> tuple[list[Stock], list[DeviceRow]]:
    """The counts of each SKU, and the rows that the option C(report) lets through."""
    params = context.params
    stocks: dict[str, Stock] = {}
    rows: list[DeviceRow] = []
    for standing, row in device_rows(journal, params["account"], params["sku"]):
        stocks.setdefault(row.sku, Stock(row.sku)).add(standing, row.state)
        if params["report"] == "all" or (params["report"] == "open" and row.state in OPEN):
            rows.append(row)
    return list(stocks.values()), rows


def _export(context: Context, journal: Journal) -> LicensingError | None:
    """Write the CSV files, in one pass each."""
    scope = (context.params["account"], context.params["sku"])
    try:
        if context.params["devices_report"]:
            rows = (row for _standing, row in device_rows(journal, *scope))
            write_csv(context.params["devices_report"], DeviceRow._fields, rows)
        if context.params["history_report"]:
            write_csv(context.params["history_report"], HistoryRow._fields, history_rows(journal, *scope))
    except LicensingError as error:
        return error
    return None
