# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options of C(fleet_run), read and checked once."""

from __future__ import annotations

import typing as t

from .._errors import Problem
from .._module import Context
from .._pages.render import View
from .documents import Json
from .record import RunKind, RunRecord
from .status import status_problems


class RecordOptions(t.NamedTuple):
    """What a run is, and where its record goes.

    :param starting: whether it starts, or has ended.
    :param accounts: of a run that starts, those of its plan; of one that has ended, what C(fleet_account) returned.
    :param plan: the file of the plan that it carries out.
    :param run: the name of the run, once it has one.
    :param dest: directory of the run; C(history), of the records of all runs.
    :param fail_on: from which status on the run is red.
    :param how: the command that undoes runs like this one, as in C(COMMAND_SPEC).
    :param cost: gives what the run costs, by the prices of the reader.
    """

    starting: bool
    accounts: list[Json]
    plan: str | None
    run: str | None
    kind: RunKind
    dest: str
    history: str | None
    reports: str
    journal: str | None
    templates: str | None
    status_file: str | None
    any_errors_fatal: bool
    show: bool
    fail_on: str
    how: Json | None
    cost: t.Callable[[RunRecord], View | None]


def read_record_options(context: Context) -> tuple[RecordOptions, list[Problem]]:
    """The options, and what is wrong with those that a run has from its start to its end."""
    params = context.params
    # At the end of a run, nothing may keep its record from being written.
    status = (params["status_file"], params["dest"], params["journal"])
    problems = status_problems(*status) if params["state"] == "started" else []
    names = ("accounts", "plan", "run", "kind", "dest", "history", "reports", "journal", "templates", "status_file")
    options = RecordOptions(
        starting=params["state"] == "started",
        **{name: params[name] for name in (*names, "any_errors_fatal", "show", "fail_on")},
        how=params["how_to_undo"],
        cost=_costs(params, problems),
    )
    return options, problems


def _costs(params: t.Mapping[str, t.Any], problems: list[Problem]) -> t.Callable[[RunRecord], View | None]:
    """What says what a run costs, by the prices of the reader. Wrong ones are refused when it starts."""
    if not params["prices"]:
        return lambda _record: None
    # A module compiles what it imports, each time. Few runs have prices.
    from .cost import carried_out, costs  # pylint: disable=import-outside-toplevel

    cost = costs(params, problems)
    return lambda record: cost(carried_out(record), 0)
