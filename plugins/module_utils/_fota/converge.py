# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converge an account's FOTA licenses: the flow of C(fota_license), from options to result."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._candidates.mention import MENTIONED, Candidates, mention
from .._devices.wanted import wanted_devices
from .._errors import ApiError, LicensingError, Problem
from .._module import Context, Result
from .._options import FOTA_LICENSE_RANGES, GUARD_SPEC, REPORT_SPEC, RESERVE_SPEC, WAVES_SPEC, chosen, out_of_range
from .._plan.guards import enforce, limits_from
from .._plan.outcomes import MAY_HAVE_MOVED, end, failure_of, reporting_from
from .._plan.plan import Plan, Pool
from .._plan.waves import waves_from
from .._swm.licenses import FotaApi, explained
from .._text.addresses import is_database
from .._text.diff import device_diff
from .._text.lists import few, many
from .foresight import FEW_READ, NOT_LOOKED, SENT_UNREAD, stop_if_refused, unforeseen
from .lookup import Job, plan_job
from .miscount import after_the_run
from .partial_plan import stop_if_partial, warning_of
from .rows import Applied, kept_for_ever, predict


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems."""
    wanted, problems = wanted_devices(params)
    limits, limit_problems = limits_from(**chosen(params, GUARD_SPEC, RESERVE_SPEC))
    waves, wave_problems = waves_from(**chosen(params, WAVES_SPEC))
    reporting, report_problems = reporting_from(**chosen(params, REPORT_SPEC))
    own = chosen(
        params, ("account", "api_version", "state", "lookup", "batch_size", "removal_candidates", "foreseen_refusals")
    )
    # Not an option of the module. It is set by a plan for all licenses of an account.
    only_planned = bool(params.get("only_planned"))
    job = Job(**own, wanted=wanted, limits=limits, waves=waves, reporting=reporting, only_planned=only_planned)
    problems = [*problems, *limit_problems, *wave_problems, *report_problems]
    problems += out_of_range(params, FOTA_LICENSE_RANGES)
    if job.state == "exact" and job.lookup in ("direct", "devices"):
        problems.append(Problem(f"'state: exact' needs the whole list, so it contradicts 'lookup: {job.lookup}'."))
    if job.state == "exact" and not wanted.devices and not problems:
        text = (
            "'state: exact' without devices would remove every license of the account. If you want that, list the "
            "devices with 'state: absent'; if not, find out why the list is empty."
        )
        problems.append(Problem(text, "empty_exact"))
    return job, problems


def run(context: Context) -> Result:
    """Read, plan, guard, apply, report."""
    job, problems = read_job(context.params)
    client = context.connect([*problems, *_journal_problems(context)])
    for warning in job.wanted.warnings:
        context.warn(warning)
    api = FotaApi(client, job.account, job.api_version)
    if job.foreseen_refusals == "stop":
        api.ask_again()
    if job.lookup == "list":
        api.named.offered.give_up()
    candidates = Candidates(context, client, job.account, job.api_version, job.removal_candidates)
    with _alone(context, job.account):
        return _converge(context, job, api, candidates)


def _journal_problems(context: Context) -> list[Problem]:
    """Why the file of the journal cannot be used. A database is opened anyway, for what is shared through it."""
    journal = context.params.get("journal")
    if not journal or is_database(journal):
        return []
    from .._journal.one_at_a_time import require_usable_file  # pylint: disable=import-outside-toplevel

    try:
        require_usable_file(journal, told=context.told, patience=context.patience)
    except LicensingError as error:
        return [Problem(error.message, error.code)]
    return []


def _alone(context: Context, account: str) -> t.ContextManager[None]:
    """Let no other task change what the plan is based on, if the tasks share a journal."""
    journal = context.params.get("journal")
    if context.check_mode or not journal:
        return contextlib.nullcontext()
    # A module compiles what it imports, each time. Many tasks have no journal.
    from .._journal.one_at_a_time import one_at_a_time  # pylint: disable=import-outside-toplevel

    return one_at_a_time(journal, account, "FOTA", stop=context.stop, patience=context.patience)


def _converge(context: Context, job: Job, api: FotaApi, candidates: Candidates) -> Result:
    try:
        lookup, plan, pool = plan_job(api, job, context.check_mode, candidates.spared(job.state))
    except ApiError as error:
        raise explained(error, api) from None
    _warn_of_lookup(context, job, lookup, api)
    if api.unsplit:
        context.warn(api.unsplit)
    if api.partial:
        context.warn(warning_of(api.partial, plan))
    if api.doubt:
        context.warn(api.doubt)
    _warn_of_unforeseen(context, job, plan)
    if plan.read and plan.changes:
        candidates.places()
    applied = _carry_out(context, job, plan, pool, api)
    api.locked.save()
    locked = kept_for_ever(applied.rows)
    if locked:
        context.warn(
            f"{many(len(locked), 'device')} that the task does not name will hold a license for ever, because the "
            f"firmware was upgraded: {few(locked)}. They are left alone."
        )
    if any(row.outcome in MENTIONED for row in applied.rows):
        applied = applied._replace(rows=mention(applied.rows, candidates.places()))
    candidates.warn_of(applied.rows)
    pool = _pool_after(context, api, pool, applied)
    return _result(context, job, lookup, plan, applied, pool)


def _warn_of_lookup(context: Context, job: Job, lookup: str, api: FotaApi) -> None:
    """Warn if the named devices were asked about in vain, or could not be although the task requests it."""
    instead = "the list of licenses decides" if lookup == "list" else "ThingSpace's answer for each device decides"
    if api.named.unusable:
        context.warn(f"{api.named.unusable} So {instead} (lookup: {lookup}).")
    elif api.named.doubt:
        context.warn(api.named.doubt)
    elif job.lookup == "devices" and lookup != "devices" and not api.named.offered:
        context.warn(
            f"'lookup: devices' is not possible: ThingSpace has no such call for {job.api_version} here. So {instead} "
            f"(lookup: {lookup})."
        )


def _warn_of_unforeseen(context: Context, job: Job, plan: Plan) -> None:
    """Warn if it is not known whether ThingSpace refuses some changes, and why."""
    # After a run that does not look, or not everywhere, the rows say what ThingSpace decided.
    worth = context.check_mode or plan.unforeseen_why not in (NOT_LOOKED, FEW_READ, SENT_UNREAD)
    if not plan.unforeseen_why or not worth or job.foreseen_refusals == "stop":
        return
    then = "If the plan is carried out, they are sent, and ThingSpace decides."
    if plan.remove:
        then += " A license whose removal it refuses stays."
    context.warn(f"{unforeseen(plan)} {then}")


def _carry_out(context: Context, job: Job, plan: Plan, pool: Pool, api: FotaApi) -> Applied:
    """Stop the plan by a guard, predict it in check mode, or execute it."""
    wanted = job.wanted.devices
    try:
        stop_if_partial(plan, api.partial)
        stop_if_refused(plan, job.foreseen_refusals)
        enforce(plan, pool, job.limits)
    except LicensingError as error:
        return predict(plan, wanted, error if pool.total else explained(error, api))
    if context.check_mode or not plan.changes:
        return predict(plan, wanted)
    # A module compiles what it imports, each time. Most plans change nothing.
    from .waves import apply_in_waves  # pylint: disable=import-outside-toplevel

    return apply_in_waves(job, plan, pool, api, context.warn)


def _result(context: Context, job: Job, lookup: str, plan: Plan, applied: Applied, pool: Pool) -> Result:
    """The module's result; writes the report file."""
    rows = applied.rows
    about = {**plan.as_result(), **job.waves.as_result(plan.changes)}
    values = {"lookup": lookup, "plan": about, "licenses": pool.as_result()}
    if context.diff_mode:
        removed, assigned = ([row.device_id for row in rows if row.outcome == one] for one in ("removed", "assigned"))
        values["diff"] = device_diff(f"{job.account}: FOTA", len(rows), removed, assigned)
    changed = any(row.outcome in MAY_HAVE_MOVED for row in rows)
    never = {device for device, _why in plan.refused}
    sent = {*plan.assign, *plan.remove}
    judged = [row for row in rows if row.device_id in sent] if job.only_planned else rows
    judge = functools.partial(failure_of, never=never)
    values, failure = end(
        rows, job.reporting, values, applied.stopped, began=changed, judge=lambda _rows: judge(judged)
    )
    return Result(values, changed, failure)


def _pool_after(context: Context, api: FotaApi, pool: Pool, applied: Applied) -> Pool:
    """The pool after the run: computed, or read if the answers do not confirm the computed one."""
    assigned = sum(row.outcome == "assigned" for row in applied.rows)
    removed = sum(row.outcome == "removed" for row in applied.rows)
    predicted = pool.moved(assigned, removed)
    # A partial list cannot count the account.
    if api.partial:
        return predicted
    # If nothing was sent, or no answer has a count, there is nothing to compare.
    silent = not assigned and not removed and not api.used_counts
    known = api.used_counts.intersection((predicted.assigned, predicted.in_use))
    if context.check_mode or silent or known:
        return predicted
    try:
        page = api.page()
    except LicensingError as error:
        context.warn(f"The pool could not be read after the run, 'licenses' is computed: {error.message}")
        return predicted
    total = predicted.total if page.total is None else page.total
    if page.assigned is None or predicted.assigned is None:
        return predicted._replace(total=total, assigned=predicted.assigned if page.assigned is None else page.assigned)
    warning = after_the_run(applied.rows, page.assigned, predicted.assigned)
    if warning:
        context.warn(warning)
    return predicted._replace(total=total, assigned=page.assigned)
