# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options of a report, read and checked once."""

from __future__ import annotations

import os
import typing as t

from .._errors import OptionsError, Problem
from .._text.money import Prices, prices_from
from .data import Json
from .entries import dropped, entry_problems
from .text import visible


class ReportOptions(t.NamedTuple):
    """The options of C(fleet_report).

    :param accounts: what fleet_account_info returned for each account.
    :param has_src: whether fleet files are given.
    :param history: path of the counts of earlier days.
    :param retired: device states, in lower case, in which a license is of no use.
    :param idle_days: after so many days without a connection, a license is of no use.
    :param fail_on: what ends the task red although the report is written: C(drift), C(runway).
    :param runway_days: a pool that is empty within so many days is a runway to fail on.
    """

    accounts: list[Json]
    has_src: bool
    dest: str
    formats: list[str]
    title: str
    prices: Prices
    currency: str
    history: str | None
    journal: str | None
    retired: frozenset[str]
    idle_days: int | None
    show: bool
    fail_on: list[str]
    runway_days: int


def read_options(params: t.Mapping[str, t.Any]) -> ReportOptions:
    """The options, checked.

    :raises OptionsError: with all problems.
    """
    prices, wrong = prices_from(params["prices"])
    problems = [Problem(text) for text in wrong]
    accounts = [*params["accounts"], *map(dropped, params["dropped"])]
    problems += entry_problems(accounts)
    if params["idle_days"] is not None and params["idle_days"] < 1:
        problems.append(Problem(f"'idle_days' is {params['idle_days']}; it must be at least 1."))
    if not params["formats"]:
        problems.append(Problem("'formats' is empty; name at least one."))
    if os.path.exists(params["dest"]) and not os.path.isdir(params["dest"]):
        problems.append(Problem(f"'dest' {params['dest']} is not a directory.", "report_unwritable"))
    if problems:
        raise OptionsError(problems)
    return ReportOptions(
        accounts=accounts,
        # An empty text is no file.
        has_src=any(params["src"] or ()),
        dest=params["dest"],
        formats=params["formats"],
        title=visible(params["title"]),
        prices=prices,
        currency=visible(params["currency"]),
        history=params["history"],
        journal=params["journal"],
        retired=frozenset(visible(state).strip().lower() for state in params["reclaim_states"]),
        idle_days=params["idle_days"],
        show=params["show"],
        fail_on=params["fail_on"],
        runway_days=params["runway_days"],
    )
