# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans all licenses of one account with the flows of the license modules, or carries that out: C(fleet_account)."""

from __future__ import annotations

import contextlib
import itertools
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._candidates import converge as candidates
from .._errors import LicensingError, OptionsError, Problem
from .._fota import converge as fota
from .._module import Context, Result, result_of, truthful
from .._options import (
    FOTA_LICENSE_SPEC,
    REMOVAL_CANDIDATES_CONSTRAINTS,
    REMOVAL_CANDIDATES_SPEC,
    SIMSEC_LICENSE_SPEC,
    WAVES_CONSTRAINTS,
    Spec,
)
from .._simsec import converge as simsec
from .account_apply import Order, carry_out, wait_for
from .account_parts import Part, PartKind, not_wanted, parts_of, with_retries
from .halt import Halt
from .kept import kept
from .run_mark import MARK


class Flow(t.NamedTuple):
    """A license module's flow, and the options that it accepts.

    :param unplanned: code of the failure that may leave one of its parts without a plan.
    """

    run: t.Callable[[Context], Result]
    spec: Spec
    constraints: dict[str, t.Any]
    unplanned: str = ""


FLOWS: dict[PartKind, Flow] = {
    "fota": Flow(fota.run, FOTA_LICENSE_SPEC, WAVES_CONSTRAINTS),
    "removal_candidates": Flow(candidates.run, REMOVAL_CANDIDATES_SPEC, REMOVAL_CANDIDATES_CONSTRAINTS),
    # If the account calls a SKU a lifetime SKU, there is nothing to remove.
    "simsec": Flow(simsec.run, SIMSEC_LICENSE_SPEC, WAVES_CONSTRAINTS, "lifetime_not_removable"),
}


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
        return _carry_out(context, list(parts))
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
        made[kind] = [_plan(context, part) for part in group]
        _stop_if_failed(made[kind])
    _tell_once(made["simsec"])
    results = list(itertools.chain.from_iterable(made.values()))
    diffs = [result.values.pop("diff") for result in results if "diff" in result.values]
    values = {
        "account": wanted["account"],
        "file": wanted["file"],
        "wanted": wanted["digest"],
        "api_versions": {
            kind: (wanted[kind] or {}).get("api_version") or "" for kind in ("fota", "removal_candidates")
        },
        "freeze": wanted.get("freeze") or [],
        "fota": next((result.values for result in made["fota"]), None),
        "removal_candidates": next((result.values for result in made["removal_candidates"]), None),
        "simsec": [result.values for result in made["simsec"]],
        "incomplete": kept(wanted, lists, context.params["journal"]),
        **({"diff": diffs} if diffs else {}),
    }
    return Result(values, changed=any(result.changed for result in results))


def _plan(context: Context, part: Part) -> Result:
    """The result of the module in check mode. The failure stays in it only if there is no plan."""
    flow = FLOWS[part.kind]
    options = _valid(part)
    # From an earlier plan. It must not be mistaken for this plan's report.
    with contextlib.suppress(OSError):
        os.remove(part.options["devices_report"])
    # Everything planned here is carried out together, assignments first.
    result = result_of(flow.run, context.part({**options, "foresee": True}))
    values, failure = {**result.values, **part.about}, result.failure
    if failure is not None:
        values["failure"] = failure.as_failure()
        if "plan" in values or failure.code == flow.unplanned:
            failure = None
    return Result(values, result.changed, failure)


def _carry_out(context: Context, parts: t.Sequence[Part]) -> Result:
    """Carry out what was planned, or only wait for what an earlier run sent.

    :raises LicensingError: nothing was sent, because C(planned) is not what this module returned in check mode, C(mark)
        is missing, or C(stop_together) cannot be used.
    """
    params, account = context.params, context.params["wanted"]["account"]
    plans = _plans(params["planned"], account)
    if params["only_wait"]:
        done = wait_for(parts, plans, params["wait_timeout"], lambda part: _run(context, part))
    else:
        if not MARK.fullmatch(params["mark"] or ""):
            raise OptionsError([Problem("A run needs 'mark', which fleet_run returns when it starts the record.")])
        settings = params["wanted"]["removal_candidates"] or {}
        order = Order(
            params["lists"],
            params["mark"],
            params["approved"],
            params["wait"],
            params["wait_timeout"],
            settings.get("unlicensed"),
        )
        with Halt(params["stop_together"], account) as halt:
            done = carry_out(parts, plans, order, lambda part: _run(context, part), halt)
    shown = [
        {**result.values, **part.about, "list": part.name, "changed": result.changed, **_failed(result)}
        for part in parts
        if (result := done.get(part.name)) is not None
    ]
    failures = [result.failure for result in done.values() if result.failure is not None]
    values = {"account": account, "parts": shown}
    return Result(values, any(result.changed for result in done.values()), _together(failures))


def _plans(planned: t.Mapping[str, t.Any] | None, account: str) -> dict[str, dict[str, t.Any]]:
    """The plan of each part that has one, by the part's name."""
    results = [(planned or {}).get(kind) for kind in ("fota", "removal_candidates")]
    named = [*zip(("fota", "removal_candidates"), results, strict=True)]
    for result in (planned or {}).get("simsec") or []:
        item = result["item"]
        named.append((item["list" if item["state"] == "present" else "remove_list"], result))
    if not planned or planned.get("account") != account:
        text = "A real run needs 'planned', what this module returned in check mode for the same account."
        raise OptionsError([Problem(f"{text} To plan, run it in check mode.")])
    return {name: result["plan"] for name, result in named if result and result.get("plan")}


def _run(context: Context, part: Part) -> Result:
    """The result of the module in a real run."""
    step = context.step(_valid(part))
    before = context.writes
    return truthful(result_of(FLOWS[part.kind].run, step), context.writes - before)


def _valid(part: Part) -> dict[str, t.Any]:
    """The options of a part as its module sees them.

    :raises OptionsError: the module would not accept them.
    """
    flow = FLOWS[part.kind]
    found = ArgumentSpecValidator(flow.spec, **flow.constraints).validate(part.options)
    if found.error_messages:
        raise OptionsError([Problem(text) for text in found.error_messages])
    return t.cast("dict[str, t.Any]", found.validated_parameters)


def _tell_once(results: t.Iterable[Result]) -> None:
    """Report the number of missing licenses of a SKU in only one of the parts that found it."""
    reported: set[str] = set()
    for result in results:
        plan, sku = result.values.get("plan"), result.values["item"]["sku"]
        if plan and sku in reported:
            plan.pop("missing", None)
        elif plan and plan.get("missing"):
            reported.add(sku)


def _stop_if_failed(results: t.Iterable[Result]) -> None:
    """Fail with everything that kept licenses from being planned."""
    failure = _together([result.failure for result in results if result.failure is not None])
    if failure is not None:
        raise failure


def _together(failures: t.Sequence[LicensingError]) -> LicensingError | None:
    """One failure with all their texts, and the code and details of the first."""
    if not failures:
        return None
    texts = dict.fromkeys(failure.message for failure in failures)
    return LicensingError(" ".join(texts), code=failures[0].code, **failures[0].details)


def _failed(result: Result) -> dict[str, t.Any]:
    return {} if result.failure is None else {"failure": result.failure.as_failure()}
