# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Plans all licenses of one account with the flows of the license modules, or carries that out: C(fleet_account)."""

from __future__ import annotations

import functools
import itertools
import typing as t

from .._errors import LicensingError
from .._module import Context, Result
from .account_apply import ApplyOptions, Plans, carry_out, wait_for
from .account_parts import Part, RunOptions, Wanted
from .account_run import (
    candidates_now,
    differs,
    plan_parts,
    planned,
    plans_of,
    require_run_options,
    result_of_parts,
    run_part,
    valid_options,
)
from .halt import Halt
from .option_names import Caller, in_terms_of
from .run_mark import folder_of

Source = t.Callable[[Context, RunOptions], "Wanted | None"]
"""Reads what is wanted of the account of the task, and makes the directory for its reports; None if the run to undo did
not concern the account.

:raises LicensingError: it cannot be read.
"""


def run(context: Context, source: Source) -> Result:
    """Plan everything that is wanted of the account. In a real run, carry out what was planned.

    Whatever it says names options as its caller can set them.
    """
    options = RunOptions.of(context.params)
    caller: Caller = "files" if options.src is not None else "survey" if options.survey is not None else "undo"
    context.say = functools.partial(in_terms_of, caller)
    try:
        result = _run(context, options, source)
    except LicensingError as error:
        error.reword(context.say)
        raise
    if result.failure is not None:
        result.failure.reword(context.say)
    return result


def _run(context: Context, options: RunOptions, source: Source) -> Result:
    account = options.account
    if context.check_mode:
        planned_now = source(context, options)
        if planned_now is None:
            return Result({"account": account, "left_out": "The run did not concern this account."})
        return _plan_all(context, planned_now, options)
    given = options.planned or {}
    if given.get("account") == account and given.get("left_out"):
        return Result({"account": account, "parts": []})
    try:
        # If this fails before its first part, the block ends with an error, which stops the others, too.
        with Halt(options.stop_together, account) as halt:
            plans = plans_of(given, account)
            require_run_options(options)
            # The apply reads what is wanted itself. Nothing that the plan read waits in a file for it.
            wanted = source(context, options)
            if wanted is None:
                raise differs(account)
            return _carry_out(context, wanted, plans, halt, options)
    except LicensingError as error:
        # Nothing was sent. A failure of a part does not get here.
        return Result({"account": account}, failure=error)


def _plan_all(context: Context, wanted: Wanted, options: RunOptions) -> Result:
    _check_journal(options, wanted)
    results = _planned_parts(context, wanted)
    _tell_once(zip(wanted.parts, results, strict=True))
    about = {"wanted": wanted.digest, **wanted.about, "reports": options.reports, "incomplete": wanted.incomplete}
    return planned(wanted.account, about, wanted.parts, results)


def _planned_parts(context: Context, wanted: Wanted) -> list[Result]:
    """The plan of each part.

    :raises LicensingError: there is no plan, or a device would lose something because a set selects no device.
    """
    if not (wanted.emptied or wanted.unsure or wanted.unguarded):
        return plan_parts(context, wanted.parts)
    # A module compiles what it imports, each time. Most sets select something.
    from .emptied import refuse_emptied, selects_none  # pylint: disable=import-outside-toplevel

    try:
        results = plan_parts(context, wanted.parts)
    except LicensingError as error:
        # An account without a plan has no notes.
        if wanted.emptied:
            error.add(f" {selects_none([*dict.fromkeys(itertools.chain(*wanted.emptied.values()))])}")
        raise
    refuse_emptied(wanted, results)
    return results


def _carry_out(context: Context, wanted: Wanted, plans: Plans, halt: Halt, options: RunOptions) -> Result:
    """Carry out what was planned, or only wait for what an earlier run sent.

    :raises OptionsError: nothing was sent, because the options are not what a run needs.
    :raises LicensingError: nothing was sent, because something else is wanted than when the plan was made.
    """
    _check_journal(options, wanted)
    for part in wanted.parts:
        valid_options(part)
    if options.only_wait:
        done = wait_for(wanted.parts, plans, options.wait_timeout, lambda part: run_part(context, part))
        return result_of_parts(wanted.account, wanted.parts, done)
    if (options.planned or {}).get("wanted") != wanted.digest:
        raise differs(wanted.account)
    of_run = options._replace(reports=folder_of(options.reports, options.mark))
    of_run.make_folder()
    wait = (options.wait, options.wait_timeout)
    given = ApplyOptions(of_run.reports, str(options.mark), options.approved, *wait, not options.undo_run)
    run_it, look = functools.partial(run_part, context), functools.partial(candidates_now, context)
    done = carry_out(wanted.parts, plans, given, run_it, look, halt)
    return result_of_parts(wanted.account, wanted.parts, done)


def _check_journal(options: RunOptions, wanted: Wanted) -> None:
    """Check that SIM-Secure licenses have a journal, if the task asks for that.

    :raises LicensingError: C(journal_required). Nothing was sent.
    """
    if not options.require_journal:
        return
    skus = sorted({str(part.about["sku"]) for part in wanted.parts if part.kind == "simsec"})
    # A module compiles what it imports, each time. Most tasks do not require a journal.
    from .._journal.lasting import is_lasting  # pylint: disable=import-outside-toplevel

    if skus and not (options.journal and is_lasting(options.journal)):
        lacking = (
            f"the journal {options.journal} is a file in the container of this job, which ends with the job"
            if options.journal
            else "there is no journal"
        )
        raise LicensingError(
            f"SIM-Secure licenses are wanted in {wanted.account} ({', '.join(skus)}), but {lacking}. "
            "ThingSpace does not show which devices hold one, so another run would send the same requests again. "
            "Nothing was sent. Set 'journal' or THINGSPACE_JOURNAL to what all jobs share. In AWX, attach a credential "
            "of the type ThingSpace database. If it is meant that all devices are sent each time, set "
            "'require_journal: false'.",
            code="journal_required",
        )


def _tell_once(parts: t.Iterable[tuple[Part, Result]]) -> None:
    """Report the number of missing licenses of a SKU in only one of the parts that found it."""
    reported: set[str] = set()
    for part, result in parts:
        plan, sku = result.values.get("plan"), str(part.about.get("sku") or "")
        if plan and sku and sku in reported:
            plan.pop("missing", None)
        elif plan and plan.get("missing"):
            reported.add(sku)
