# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans or carries out one part of an account with the flow of its license module."""

from __future__ import annotations

import contextlib
import itertools
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._error_codes import Code
from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result, result_of, truthful
from .._options import (
    FOTA_LICENSE_SPEC,
    REMOVAL_CANDIDATES_CONSTRAINTS,
    REMOVAL_CANDIDATES_SPEC,
    SIMSEC_LICENSE_SPEC,
    WAVES_CONSTRAINTS,
    Spec,
    out_of_range,
)
from .._text.lists import said_once
from .account_parts import COUNTS, Options, Part, PartKind, PartPlan, RunOptions
from .run_mark import MARK

DIFFERS: Code = "plan_changed"

# A module compiles what it imports, each time. Most accounts need one of these.
# pylint: disable=import-outside-toplevel


def _fota(context: Context) -> Result:
    from .._fota.converge import run

    return run(context)


def _candidates(context: Context) -> Result:
    from .._candidates.converge import run

    return run(context)


def _listed(context: Context) -> tuple[str, ...]:
    from .._candidates.converge import listed

    return listed(context)


def _simsec(context: Context) -> Result:
    from .._simsec.converge import run

    return run(context)


# pylint: enable=import-outside-toplevel


class Flow(t.NamedTuple):
    """A license module's flow, and the options that it accepts.

    :param unplanned: code of the failure that may leave one of its parts without a plan.
    """

    run: t.Callable[[Context], Result]
    spec: Spec
    constraints: dict[str, t.Any]
    unplanned: str = ""


FLOWS: dict[PartKind, Flow] = {
    "fota": Flow(_fota, FOTA_LICENSE_SPEC, WAVES_CONSTRAINTS),
    "removal_candidates": Flow(_candidates, REMOVAL_CANDIDATES_SPEC, REMOVAL_CANDIDATES_CONSTRAINTS),
    # If the account calls a SKU a lifetime SKU, there is nothing to remove.
    "simsec": Flow(_simsec, SIMSEC_LICENSE_SPEC, WAVES_CONSTRAINTS, "lifetime_not_removable"),
}


def require_run_options(options: RunOptions) -> None:
    """Check the options that only a real run needs, before its first part.

    :raises OptionsError: C(mark) is missing, or C(wait_timeout) is out of range. Nothing was sent.
    """
    problems = out_of_range({"wait_timeout": options.wait_timeout}, {"wait_timeout": (0, None)})
    if not options.only_wait and not MARK.fullmatch(options.mark or ""):
        problems.append(Problem("A run needs 'mark', which fleet_run returns when it starts the record."))
    if problems:
        raise OptionsError(problems)


def differs(account: str) -> LicensingError:
    """The failure of an account of which something else is wanted than when its plan was made."""
    text = f"What is wanted of {account} was changed after the plan was made. Nothing was sent. Plan again."
    return LicensingError(text, code=DIFFERS)


def plans_of(planned: t.Mapping[str, t.Any] | None, account: str) -> dict[str, PartPlan]:
    """The plan of each part that has one, by the part's name.

    :param planned: what C(fleet_account) returned in check mode.
    :raises OptionsError: it is something else.
    """
    text = "A real run needs 'planned', what this module returned in check mode for the same account."
    wrong = OptionsError([Problem(f"{text} To plan, run it in check mode.")])
    if not planned or planned.get("account") != account:
        raise wrong
    try:
        return {str(part["list"]): _plan_of(part) for part in planned["parts"] if "plan" in part["result"]}
    except (AttributeError, LookupError, TypeError, ValueError):
        raise wrong from None


def _plan_of(part: t.Mapping[str, t.Any]) -> PartPlan:
    plan = part["result"]["plan"]
    changes = sum(plan.get(name) or 0 for name in COUNTS)
    target, removals = str(part.get("target")), plan.get("remove") or 0
    return PartPlan(plan.get("digest"), changes, plan.get("incomplete") or 0, target, removals)


def plan_part(context: Context, part: Part) -> Result:
    """The result of the module in check mode. The failure stays in it only if there is no plan."""
    flow = FLOWS[part.kind]
    options = valid_options(part)
    # From an earlier plan. It must not be mistaken for this plan's report.
    with contextlib.suppress(OSError):
        os.remove(part.options["devices_report"])
    # Everything planned here is carried out together, assignments first.
    more = {"foresee": True, "waits_later": bool(context.params.get("wait"))}
    result = result_of(flow.run, context.part({**options, **more}))
    values, failure = result.values, result.failure
    if failure is not None:
        failure.reword(context.say)
        values["failure"] = failure.as_failure()
        if "plan" in values or (failure.code == flow.unplanned and not part.needed):
            failure = None
    return Result(values, result.changed, failure)


def plan_parts(context: Context, parts: t.Iterable[Part]) -> list[Result]:
    """Plan one kind after another.

    A plan that a limit stops is still a plan. If there is none, the kinds after it are not planned.

    :param parts: with those of a kind beside each other.
    :raises LicensingError: there is no plan.
    """
    results: list[Result] = []
    for _kind, group in itertools.groupby(parts, lambda part: part.kind):
        made = [plan_part(context, part) for part in group]
        stop_if_failed(made)
        results += made
    return results


def planned(account: str, about: t.Mapping[str, t.Any], parts: t.Sequence[Part], results: t.Sequence[Result]) -> Result:
    """The result of an account that was planned.

    :param about: what a plan says about the account besides its parts.
    """
    diffs = [result.values.pop("diff") for result in results if "diff" in result.values]
    values = {
        "account": account,
        **about,
        "parts": [part.planned(result.values) for part, result in zip(parts, results, strict=True)],
        **({"diff": diffs} if diffs else {}),
    }
    return Result(values, changed=any(result.changed for result in results))


def run_part(context: Context, part: Part) -> Result:
    """The result of the module in a real run. It has the failure, if there is one."""
    before = context.writes

    def run(context: Context) -> Result:
        options = {**valid_options(part), **(part.late() if part.late else {})}
        return FLOWS[part.kind].run(context.step(options))

    result = truthful(result_of(run, context), context.writes - before)
    if result.failure is not None:
        result.failure.reword(context.say)
    return result


def candidates_now(context: Context, part: Part) -> tuple[str, ...] | None:
    """The removal candidate list as it is, for the part that writes it; None if it cannot be read."""
    with contextlib.suppress(LicensingError):
        return _listed(context.step(valid_options(part)))
    return None


def valid_options(part: Part) -> dict[str, t.Any]:
    """The options of a part as its module sees them.

    :raises OptionsError: the module would not accept them.
    """
    flow = FLOWS[part.kind]
    named: Options = {"devices": []} if "devices" in part.ready else {}
    found = ArgumentSpecValidator(flow.spec, **flow.constraints).validate({**part.options, **named})
    if found.error_messages:
        raise OptionsError([Problem(text) for text in found.error_messages])
    return {**found.validated_parameters, **part.ready}


def stop_if_failed(results: t.Iterable[Result]) -> None:
    """Fail with everything that kept licenses from being planned."""
    failure = together([result.failure for result in results if result.failure is not None])
    if failure is not None:
        raise failure


def together(failures: t.Sequence[LicensingError]) -> LicensingError | None:
    """One failure with all their texts, and the code and details of the first."""
    if not failures:
        return None
    return LicensingError(
        said_once(failure.message for failure in failures), code=failures[0].code, **failures[0].details
    )


def result_of_parts(account: str, parts: t.Iterable[Part], done: t.Mapping[str, Result]) -> Result:
    """The result of an account whose plan was carried out.

    :param done: the results of the parts that were begun, by their names.
    """
    failures = [result.failure for result in done.values() if result.failure is not None]
    diffs = [result.values.pop("diff") for result in done.values() if "diff" in result.values]
    values: dict[str, t.Any] = {**({"diff": diffs} if diffs else {}), "account": account}
    values["parts"] = [_shown(part, done[part.name]) for part in parts if part.name in done]
    failure = together(failures)
    if failure is not None and any(result.changed for result in done.values()):
        failure.add(" That concerns the kind of license that failed. The account may have been changed before.")
    return Result(values, any(result.changed for result in done.values()), failure)


def _shown(part: Part, result: Result) -> dict[str, t.Any]:
    """The result of a part, for C(fleet_run)."""
    failure = {} if result.failure is None else {"failure": result.failure.as_failure()}
    return {**result.values, "list": part.name, "changed": result.changed, **failure}
