# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Read SIM-Secure licenses: the account's counts, and the devices in the journal."""

from __future__ import annotations

import contextlib
import typing as t

from .._account import account_problems
from .._errors import LicensingError, OptionsError, Problem
from .._journal.file import PATIENCE
from .._journal.inventory import OPEN, HistoryRow, JournalRow, Stock, device_rows, drift, history_rows
from .._journal.journal import Journal, open_journal
from .._module import Context, Result
from .._options import chosen
from .._plan.outcomes import Reporting, report_path_problems
from .api import SimsecApi, SkuSubscription, assigned_of
from .skus import sku_problems

REPORTS = ("devices_report", "history_report")


class Job(t.NamedTuple):
    """The options."""

    account: str
    sku: str | None
    journal: str | None
    journal_only: bool
    report: t.Literal["open", "all", "none"]
    devices_report: str | None
    history_report: str | None


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems."""
    job = Job(**chosen(params, Job._fields))
    problems = [problem for name in REPORTS for problem in report_path_problems(getattr(job, name), name)]
    if job.devices_report and job.devices_report == job.history_report:
        problems.append(Problem("'devices_report' and 'history_report' name the same file."))
    if job.sku is not None:
        problems += sku_problems(job.sku)
    if not job.journal:
        problems += [Problem(f"'{name}' needs 'journal'.") for name in ("journal_only", *REPORTS) if getattr(job, name)]
    return job, problems


def run(context: Context) -> Result:
    """Read the account's counts and the journal, and compare them."""
    job, problems = read_job(context.params)
    with opened(context, job.journal, problems) as journal:
        values: dict[str, t.Any] = {}
        subscriptions = _subscriptions(context, job, problems)
        if subscriptions is not None:
            values["subscriptions"] = subscriptions
        if not job.journal:
            return Result(values)
        rows: list[JournalRow] = []

        def show(row: JournalRow) -> None:
            if job.report == "all" or (job.report == "open" and row.state in OPEN):
                rows.append(row)

        stocks = take_stock(journal, job.account, job.sku, show)
        values["journal"] = [stock.as_result() for stock in stocks]
        values["devices"] = [row._asdict() for row in rows]
        values["journal_status"] = journal.facts(job.account)._asdict()
        if subscriptions is not None:
            values["drift"] = drift(stocks, assigned_of(subscriptions))
        return Result(values, failure=_export(job, journal))


@contextlib.contextmanager
def opened(context: Context, path: str | None, problems: list[Problem]) -> t.Iterator[Journal]:
    """The journal, for reading; an empty one without a path, or if it cannot be opened, which is added as a problem."""
    try:
        journal = open_journal(path or "", write=False, told=context.told, patience=PATIENCE)
        if journal.missing:
            context.warn(f"There is no journal at {journal.path} yet; it counts as empty.")
    except LicensingError as error:
        problems.append(Problem(error.message, error.code))
        journal = open_journal("", write=True, told=context.told)
    with contextlib.closing(journal):
        yield journal


def _subscriptions(context: Context, job: Job, problems: list[Problem]) -> list[SkuSubscription] | None:
    """The account's counts; None if only the journal is read."""
    if job.journal_only:
        problems += account_problems(job.account)
        if problems:
            raise OptionsError(problems)
        return None
    found = SimsecApi(context.connect(problems), job.account).subscriptions()
    return [row for row in found if job.sku in (None, row["sku"])]


def take_stock(journal: Journal, account: str, sku: str | None, each: t.Callable[[JournalRow], None]) -> list[Stock]:
    """The counts of each SKU. Every device is handed to C(each)."""
    stocks: dict[str, Stock] = {}
    for status, row in device_rows(journal, account, sku):
        stocks.setdefault(row.sku, Stock(row.sku)).add(status, row.state)
        each(row)
    return list(stocks.values())


def _export(job: Job, journal: Journal) -> LicensingError | None:
    """Write each CSV file in one pass."""
    scope = (journal, job.account, job.sku)
    rows = (row for _status, row in device_rows(*scope))
    failure = Reporting("all", job.devices_report).write(JournalRow._fields, rows)
    return failure or Reporting("all", job.history_report).write(HistoryRow._fields, history_rows(*scope))
