# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans all licenses of one account with the flows of the license modules: the flow of C(fleet_account_plan)."""

from __future__ import annotations

import contextlib
import itertools
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._candidates import converge as candidates
from .._errors import LicensingError, OptionsError, Problem
from .._fota import converge as fota
from .._module import Context, Result, result_of
from .._options import (
    FOTA_LICENSE_SPEC,
    REMOVAL_CANDIDATES_CONSTRAINTS,
    REMOVAL_CANDIDATES_SPEC,
    SIMSEC_LICENSE_SPEC,
    WAVES_CONSTRAINTS,
    Spec,
)
from .._simsec import converge as simsec
from .account_parts import Part, PartKind, not_wanted, parts_of, with_retries
from .kept import kept


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
    """Plan every license that the fleet file manages, one kind after another.

    A plan that a limit stops is still a plan. If there is none, the kinds after it are not planned.
    """
    wanted, lists = context.params["wanted"], context.params["lists"]
    wrong = not_wanted(wanted)
    if wrong:
        text = f"'wanted' is not an entry of the 'accounts' that fleet_files returns: look at {', '.join(wrong)}."
        raise OptionsError([Problem(text)])
    made: dict[PartKind, list[Result]] = {kind: [] for kind in FLOWS}
    asked = with_retries(wanted, context.params)
    parts = parts_of(
        asked,
        lists,
        journal=context.params["journal"],
        wait=context.params["wait"],
        require_listener=context.params["require_listener"],
    )
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
    found = ArgumentSpecValidator(flow.spec, **flow.constraints).validate(part.options)
    if found.error_messages:
        raise OptionsError([Problem(text) for text in found.error_messages])
    # From an earlier plan. It must not be mistaken for this plan's report.
    with contextlib.suppress(OSError):
        os.remove(part.options["devices_report"])
    # Everything planned here is carried out together, assignments first.
    result = result_of(flow.run, context.part({**found.validated_parameters, "foresee": True}))
    values, failure = {**result.values, **part.about}, result.failure
    if failure is not None:
        values["failure"] = failure.as_failure()
        if "plan" in values or failure.code == flow.unplanned:
            failure = None
    return Result(values, result.changed, failure)


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
    failures = [result.failure for result in results if result.failure is not None]
    if failures:
        texts = dict.fromkeys(failure.message for failure in failures)
        raise LicensingError(" ".join(texts), code=failures[0].code, **failures[0].details)
