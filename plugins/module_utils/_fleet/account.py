# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans all licenses of one account with the flows of the license modules, or carries that out: C(fleet_account)."""

from __future__ import annotations

import itertools
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .account_apply import Order, carry_out, wait_for
from .account_parts import LIMITS, Part, PartKind, not_wanted, parts_of, with_retries
from .account_run import FLOWS, plan_part, require_run_options, result_of_parts, run_part, stop_if_failed, valid_options
from .halt import Halt
from .kept import kept

_WITHOUT_SKU = ("fota", "removal_candidates")


def run(context: Context) -> Result:
    """Plan every license that the fleet file manages. In a real run, carry out what was planned."""
    wanted = context.params["wanted"]
    wrong = not_wanted(wanted)
    if wrong:
        text = f"'wanted' is not an entry of the 'accounts' that fleet_files returns: look at {', '.join(wrong)}."
        raise OptionsError([Problem(text)])
    asked = with_retries(wanted, context.params)
    parts = parts_of(
        asked,
        context.params["lists"],
        journal=context.params["journal"],
        wait=context.params["wait"],
        require_listener=context.params["require_listener"],
    )
    if context.check_mode:
        return _plan_all(context, parts)
    try:
        # If this fails before its first part, the block ends with an error, which stops the others, too.
        with Halt(context.params["stop_together"], wanted["account"]) as halt:
            return _carry_out(context, list(parts), halt)
    except LicensingError as error:
        # Nothing was sent. A failure of a part does not get here.
        return Result({"account": wanted["account"]}, failure=error)


def _plan_all(context: Context, parts: t.Iterable[Part]) -> Result:
    """Plan one kind after another.

    A plan that a limit stops is still a plan. If there is none, the kinds after it are not planned.
    """
    wanted, lists = context.params["wanted"], context.params["lists"]
    made: dict[PartKind, list[Result]] = {kind: [] for kind in FLOWS}
    for kind, group in itertools.groupby(parts, lambda part: part.kind):
        made[kind] = [plan_part(context, part) for part in group]
        stop_if_failed(made[kind])
    _tell_once(made["simsec"])
    results = list(itertools.chain.from_iterable(made.values()))
    diffs = [result.values.pop("diff") for result in results if "diff" in result.values]
    values = {
        "account": wanted["account"],
        "file": wanted["file"],
        "wanted": wanted["digest"],
        "api_versions": {kind: (wanted[kind] or {}).get("api_version") or "" for kind in _WITHOUT_SKU},
        "limits": {kind: {name: (wanted[kind] or {}).get(name) for name in LIMITS} for kind in _WITHOUT_SKU},
        "freeze": wanted.get("freeze") or [],
        "sets": wanted.get("sets") or [],
        "fota": next((result.values for result in made["fota"]), None),
        "removal_candidates": next((result.values for result in made["removal_candidates"]), None),
        "simsec": [result.values for result in made["simsec"]],
        "incomplete": kept(wanted, lists, context.params["journal"]),
        **({"diff": diffs} if diffs else {}),
    }
    return Result(values, changed=any(result.changed for result in results))


def _carry_out(context: Context, parts: t.Sequence[Part], halt: Halt) -> Result:
    """Carry out what was planned, or only wait for what an earlier run sent.

    :raises OptionsError: nothing was sent, because C(planned) is not what this module returned in check mode, or the
        options are not what a run needs.
    """
    params, account = context.params, context.params["wanted"]["account"]
    plans = _plans(params["planned"], account)
    require_run_options(params)
    for part in parts:
        valid_options(part)
    if params["only_wait"]:
        done = wait_for(parts, plans, params["wait_timeout"], lambda part: run_part(context, part))
    else:
        settings = params["wanted"]["removal_candidates"] or {}
        order = Order(
            params["lists"],
            params["mark"],
            params["approved"],
            params["wait"],
            params["wait_timeout"],
            settings.get("unlicensed"),
        )
        done = carry_out(parts, plans, order, lambda part: run_part(context, part), halt)
    return result_of_parts(account, parts, done)


def _plans(planned: t.Mapping[str, t.Any] | None, account: str) -> dict[str, dict[str, t.Any]]:
    """The plan of each part that has one, by the part's name."""
    text = "A real run needs 'planned', what this module returned in check mode for the same account."
    wrong = OptionsError([Problem(f"{text} To plan, run it in check mode.")])
    if not planned or planned.get("account") != account:
        raise wrong
    try:
        named = [(kind, planned[kind]) for kind in _WITHOUT_SKU if planned[kind]]
        for result in planned["simsec"]:
            item = result["item"]
            named.append((item["list" if item["state"] == "present" else "remove_list"], result))
        return {name: dict(result["plan"]) for name, result in named if "plan" in dict(result)}
    except (AttributeError, LookupError, TypeError, ValueError):
        raise wrong from None


def _tell_once(results: t.Iterable[Result]) -> None:
    """Report the number of missing licenses of a SKU in only one of the parts that found it."""
    reported: set[str] = set()
    for result in results:
        plan, sku = result.values.get("plan"), result.values["item"]["sku"]
        if plan and sku in reported:
            plan.pop("missing", None)
        elif plan and plan.get("missing"):
            reported.add(sku)
