# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The options of C(fleet_plan), read and checked once."""

from __future__ import annotations

import collections
import os
import typing as t

from .._account import account_problems
from .._client.stop import Told
from .._errors import Problem
from .._module import Context
from .._pages.render import View, templates_problems
from .approval import read_approved
from .documents import Json
from .freeze import FreezeWindow, read_windows
from .limits import RunLimits, read_run_limits
from .plan_document import PlanDocument
from .status import status_problems


class PlanOptions(t.NamedTuple):
    """What a plan is made of, and what for.

    :param applying: whether it is the plan that is about to be carried out.
    :param check_mode: whether nothing may be carried out.
    :param accounts: what C(fleet_account) returned for each account.
    :param without_plan: hosts of the play that have no plan.
    :param dropped: accounts whose hosts were gone before they were planned.
    :param undo_run: the run that it reverses.
    :param approved: the approved plan, or only its digest; C(given) names it.
    :param limits: of the whole run.
    :param windows: freeze windows of all accounts.
    :param own: freeze windows of each entry of C(accounts).
    :param wait: whether to wait if there is nothing else to do.
    :param show: whether the page is shown.
    :param fail_on: from which status on the run is red.
    :param how: the command that applies plans like this one, as in C(COMMAND_SPEC).
    :param cost: gives what a plan costs, by the prices of the reader.
    :param told: whether the task must end soon.
    """

    applying: bool
    check_mode: bool
    accounts: list[Json]
    without_plan: list[str]
    dropped: list[str]
    undo_run: str | None
    history: str | None
    journal: str | None
    dest: str | None
    templates: str | None
    status_file: str | None
    given: str | None
    approved: PlanDocument | str | None
    limits: RunLimits
    windows: list[FreezeWindow]
    own: list[list[FreezeWindow]]
    require_approval: bool
    any_errors_fatal: bool
    wait: bool
    show: bool
    fail_on: str
    how: Json | None
    cost: t.Callable[[PlanDocument], View | None]
    told: Told

    @property
    def carries_out(self) -> bool:
        """Whether the plan is not one for approval. The check mode of an undo is."""
        return self.applying and not (self.check_mode and self.undo_run)

    @property
    def gone(self) -> list[str]:
        """The accounts that no other host has planned, either."""
        planned = {entry["account"] for entry in self.accounts}
        return [account for account in self.dropped if account not in planned]

    def writes_over(self, name: str) -> bool:
        """Whether the approved plan is the file with this name in C(dest)."""
        if not (self.given and self.dest):
            return False
        return os.path.realpath(self.given) == os.path.realpath(os.path.join(self.dest, name))


def read_plan_options(context: Context) -> tuple[PlanOptions, list[Problem]]:
    """The options, and everything that is wrong with them."""
    params = context.params
    limits, wrong = read_run_limits(params)
    problems = [Problem(text) for text in wrong] + list(_entry_problems(params["accounts"]))
    given = (params["freeze"], *(entry.get("freeze") or [] for entry in params["accounts"]))
    found = [read_windows([] if params["ignore_freeze"] else one) for one in given]
    problems += [Problem(text) for _windows, wrong in found for text in wrong]
    windows, *own = [one for one, _wrong in found]
    problems += templates_problems(params["templates"])
    problems += status_problems(params["status_file"], params["dest"], params["journal"])
    cost = _costs(params, problems)
    names = ("accounts", "without_plan", "dropped", "undo_run", "history", "journal", "dest")
    more = ("templates", "status_file", "require_approval", "any_errors_fatal", "wait", "show", "fail_on")
    options = PlanOptions(
        applying=params["state"] == "applying",
        check_mode=context.check_mode,
        **{name: params[name] for name in (*names, *more)},
        given=params["approved"],
        approved=read_approved(params["approved"], params["journal"], problems, context.told),
        limits=limits,
        windows=windows,
        own=own,
        how=params["how_to_apply"],
        cost=cost,
        told=context.told,
    )
    return options, problems


def _entry_problems(entries: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Problem]:
    for entry in entries:
        name = entry.get("account")
        if not isinstance(name, str):
            yield Problem("each entry of 'accounts' needs an 'account'.")
        elif odd := account_problems(name):
            # A record with this name could not be read at the end of the run.
            yield Problem(f"{odd[0].text} Correct 'fleet_licensing_account', or the name of the host.", odd[0].code)
        elif not ("parts" in entry or "left_out" in entry) and not ("failure" in entry or "msg" in entry):
            yield Problem(f"the entry of account {entry['account']} has neither 'parts' nor a 'failure'.")
    counts = collections.Counter(str(entry.get("account")) for entry in entries)
    for name, count in counts.items():
        if count > 1:
            yield Problem(
                f"the account {name} is there {count} times. Two hosts of the inventory may mean the same account: "
                "look at their 'fleet_licensing_account'."
            )


def _costs(params: t.Mapping[str, t.Any], problems: list[Problem]) -> t.Callable[[PlanDocument], View | None]:
    """What says what a plan costs, by the prices of the reader."""
    if not params["prices"]:
        return lambda _document: None
    # A module compiles what it imports, each time. Few plans have prices.
    from .cost import costs, planned  # pylint: disable=import-outside-toplevel

    cost = costs(params, problems)
    return lambda document: cost(planned(document), sum(one.status == "error" for one in document.accounts))
