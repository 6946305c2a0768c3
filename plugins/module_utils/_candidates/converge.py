# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Converge the removal candidate list: the flow of C(swm_removal_candidates), from options to result."""

from __future__ import annotations

import collections
import typing as t

from .._devices.wanted import NO_DEVICE, Wanted, named_devices, wanted_devices
from .._errors import ApiError, LicensingError, Problem
from .._module import Context, Result
from .._options import GUARD_SPEC, REMOVAL_CANDIDATES_RANGES, REPORT_SPEC, chosen, out_of_range
from .._plan.guards import Limits, limits_from
from .._plan.outcomes import Outcome, Reporting, Row, end, report_path_problems, reporting_from, write_csv
from .._swm.candidates import CandidatesApi
from .._swm.licenses import FotaApi, explained
from .._text.diff import order_diff
from .._text.lists import are, few, first, many
from .._thingspace.api_versions import CANDIDATES_VERSIONS
from .backup import LOCK_PATIENCE, KeptList
from .plan import CandidatesPlan, Wish, enforce_candidates, make_candidates_plan
from .rows import in_doubt, not_sent, rows_after
from .write import Written, carry_out

NAMED = 20


class Job(t.NamedTuple):
    """What a task requests, checked without the network.

    :param unlicensed: what to do about a plan that lists devices without a license.
    :param protected_file: the file of the protected devices.
    :param before_file: where to write the previous list.
    """

    wish: Wish
    wanted: Wanted
    limits: Limits
    batch_size: int
    unlicensed: t.Literal["refuse", "warn", "ignore"]
    protected_file: str | None
    before_file: str | None
    reporting: Reporting


class Done(t.NamedTuple):
    """The result of a plan.

    :param now: the list afterward, or the one that check mode predicts; None if it is unknown.
    """

    rows: list[Row]
    now: t.Sequence[str] | None
    failure: LicensingError | None
    changed: bool


def read_job(params: t.Mapping[str, t.Any]) -> tuple[Job, list[Problem]]:
    """Read the options; returns them with all their problems."""
    wanted, problems = wanted_devices(params)
    protected, wrong, notes = named_devices(params, "protected", repeated=True)
    limits, limit_problems = limits_from(**chosen(params, GUARD_SPEC))
    reporting, report_problems = reporting_from(**chosen(params, REPORT_SPEC))
    problems = [*problems, *wrong, *limit_problems, *report_problems]
    about = chosen(params, ("account", "api_version", "state"))
    # Only a flow of several modules knows these.
    before, licensed = params.get("before"), frozenset(params.get("licensed") or ())
    wish = Wish(**about, devices=wanted.devices, protected=frozenset(protected), before=before, licensed=licensed)
    wanted = wanted._replace(warnings=[*wanted.warnings, *notes])
    own = chosen(params, ("batch_size", "unlicensed", "protected_file", "before_file"))
    job = Job(wish=wish, wanted=wanted, limits=limits, reporting=reporting, **own)
    problems += report_path_problems(job.before_file, "before_file")
    problems += out_of_range(params, REMOVAL_CANDIDATES_RANGES)
    if wish.state != "absent":
        both = (device for device in wish.devices if device in wish.protected)
        text = "{} is both listed and protected: a device is either wanted on the list or never on it."
        problems += [Problem(text.format(device), "invalid_devices") for device in both]
    return job, problems


def run(context: Context) -> Result:
    """Read, plan, guard, write, read again, report."""
    job, problems = read_job(context.params)
    client = context.connect(problems)
    for warning in job.wanted.warnings:
        if warning != NO_DEVICE:
            context.warn(warning)
    if job.protected_file and not job.wish.protected:
        context.warn(f"'protected_file' {job.protected_file} names no device, so none is protected.")
    api = CandidatesApi(client, job.wish.account, job.wish.api_version)
    licenses = FotaApi(client, job.wish.account, job.wish.api_version)
    kept = KeptList(client.store, job.wish.account, job.wish.api_version)
    with kept.locked(context.patience(LOCK_PATIENCE)):
        return _converge(context, job, api, licenses, kept)


def listed(context: Context) -> tuple[str, ...]:
    """The list as it is.

    :raises LicensingError: it cannot be read.
    """
    job, problems = read_job(context.params)
    client = context.connect(problems)
    return tuple(CandidatesApi(client, job.wish.account, job.wish.api_version).read())


def _converge(context: Context, job: Job, api: CandidatesApi, licenses: FotaApi, kept: KeptList) -> Result:
    try:
        live = api.read()
    except ApiError as error:
        raise explained(error, licenses) from None
    recovery = kept.recover(live, put_aside=not context.check_mode)
    if recovery.warning:
        context.warn(recovery.warning)
    plan = make_candidates_plan(job.wish, live, recovery.whole)
    # To want exactly none is a wish, as in a fleet file whose account has no candidates.
    if not job.wish.devices and not plan.needed and job.wish.state != "exact":
        context.warn("No device is named; there is nothing to do.")
    twice = [device for device, count in collections.Counter(plan.target).items() if count > 1]
    if twice:
        context.warn(
            f"{many(len(twice), 'device')} {are(len(twice))} on the removal candidate list more than once "
            f"({few(twice)}). This task leaves that as it is. A task with 'state: present' that names them corrects it."
        )
    _keep_before(job.before_file, job.wish.list_before(live))
    done = _carry_out(context, job, plan, api, licenses, kept)
    return _result(context, job, plan, done)


def _keep_before(path: str | None, before: t.Sequence[str]) -> None:
    """Save the list before the first write, so that it is known whatever happens later."""
    if path:
        try:
            write_csv(path, ("device_id",), [(device,) for device in before])
        except LicensingError as error:
            text = f"The list as it is could not be written to 'before_file' {path}. Nothing was sent."
            raise LicensingError(text, code=error.code) from None


def _carry_out(
    context: Context, job: Job, plan: CandidatesPlan, api: CandidatesApi, licenses: FotaApi, kept: KeptList
) -> Done:
    """Stop the plan, predict it in check mode, or execute it."""
    try:
        enforce_candidates(plan, job.limits)
        _require_licenses(context, job, plan, licenses)
    except LicensingError as error:
        rows = not_sent(job.wish, plan, "not sent: the plan was stopped", error.details.get("unlicensed", ()))
        return Done(rows, plan.live, error, changed=False)
    if not plan.needed and plan.base != plan.live and not context.check_mode:
        kept.confirm(plan.live)
    if context.check_mode or not plan.needed:
        return Done(rows_after(job.wish, plan, plan.target), plan.target, None, plan.needed)
    return _judge(context, job.wish, plan, carry_out(api, plan, job.batch_size, kept))


def _require_licenses(context: Context, job: Job, plan: CandidatesPlan, licenses: FotaApi) -> None:
    """Check that the added devices hold licenses. Without one, a device only makes the list look longer than it is.

    :raises LicensingError: C(not_licensed), with every such device; nothing was written.
    """
    new = [device for device in plan.add if device not in plan.restored]
    if not new or job.unlicensed == "ignore":
        return
    try:
        held, _page = licenses.licensed(None, new)
    except ApiError as error:
        raise explained(error, licenses) from None
    if licenses.unsplit:
        context.warn(licenses.unsplit)
    lacking = [device for device in new if device not in held]
    if not lacking:
        return
    named = first(lacking, NAMED)
    reach = licenses.reach(len(held))
    if reach.doubt:
        context.warn(reach.doubt)
    # Part of the digest of a plan, like every reason that stops one.
    hold = "holds" if len(lacking) == 1 else "hold"
    what = f"{len(lacking)} of {many(len(new), 'device')} that the plan puts on the removal candidates"
    text = f"{what} {hold} no license: {named}."
    if reach.partial:
        text = (
            f"{what} {are(len(lacking))} not known to hold a license: {named}. {reach.told}. To see the others, "
            f"{reach.elsewhere_among(CANDIDATES_VERSIONS)}."
        )
    if job.unlicensed == "warn":
        context.warn(text)
        return
    text += " Nothing was written. List only licensed devices, or set 'unlicensed: warn' to list them anyway."
    raise explained(LicensingError(text, code="not_licensed", unlicensed=lacking[:1000]), licenses)


def _judge(context: Context, wish: Wish, plan: CandidatesPlan, written: Written) -> Done:
    """The rows and the failure that the list after the run proves."""
    now, failure = written.now, written.failure
    if failure is not None:
        failure.details["list"] = "untouched" if written.fate == "written" and now == list(plan.live) else written.fate
    if now is None:
        return Done(in_doubt(wish, plan, "sent, and the list could not be read since"), None, failure, changed=True)
    if written.fate in ("untouched", "put_back") and written.unsettled:
        return Done(in_doubt(wish, plan, _first_sentence(failure)), now, failure, changed=True)
    if written.fate in ("untouched", "put_back"):
        why = "not sent" if written.fate == "untouched" else "put back as it was"
        reason = f"{why}: {_first_sentence(failure)}"
        return Done(not_sent(wish, plan, reason), now, failure, changed=False)
    amiss = _amiss(written)
    changed = tuple(now) != plan.live or amiss == "unknown"
    done = Done(rows_after(wish, plan, now, _first_sentence(failure), amiss), now, failure, changed)
    strange = _strange(plan, now)
    if not strange or failure is not None:
        return done
    strange = (
        f"The removal candidates are not what this task left: {strange}. Someone else changed them in the meantime."
    )
    if plan.appends and wish.state != "exact" and not _listed_twice(plan, now):
        context.warn(strange)
        return done
    text = f"{strange} That change was left alone. Look at the list, and run again."
    return done._replace(failure=LicensingError(text, code="list_changed", list="written"))


def _amiss(written: Written) -> Outcome:
    """The outcome of devices that are not as wanted: sent without a reliable answer, never sent, or refused."""
    failure = written.failure
    if written.unsettled or failure is None or failure.in_doubt:
        # If an answer of success contradicts the list, neither is proof.
        return "unknown"
    return "skipped" if failure.code == "interrupted" else "failed"


def _first_sentence(failure: LicensingError | None) -> str:
    """The reason, short enough for each row. The failure has the details."""
    return failure.message.split(". ")[0].rstrip(".") if failure else ""


def _strange(plan: CandidatesPlan, now: t.Sequence[str]) -> str:
    """Describe differences that neither the plan nor a refusal by ThingSpace explains."""
    there, wanted, before = set(now), set(plan.target), set(plan.live)
    added = [device for device in now if device not in wanted and device not in before]
    gone = [device for device in plan.target if device not in there and device in before]
    kept = [device for device in dict.fromkeys(plan.target) if device in there]
    moved = not added and not gone and [device for device in dict.fromkeys(now) if device in wanted] != kept
    parts = [
        f"{len(devices)} {what} ({few(devices)})"
        for devices, what in ((added, "added"), (gone, "taken off"), (_listed_twice(plan, now), "listed twice"))
        if devices
    ]
    return ", ".join(parts) or ("its order is another one" if moved else "")


def _listed_twice(plan: CandidatesPlan, now: t.Sequence[str]) -> list[str]:
    """Devices that are on the list more often than planned. Each would be evicted in place of another device."""
    if len(set(now)) == len(now):
        return []
    planned = collections.Counter(plan.target)
    return [device for device, count in collections.Counter(now).items() if count > max(1, planned[device])]


def _result(context: Context, job: Job, plan: CandidatesPlan, done: Done) -> Result:
    """The module's result; writes the report file."""
    now = plan.live if not done.changed else plan.target if done.now is None else tuple(done.now)
    values: dict[str, t.Any] = {
        "lookup": "list",
        "plan": plan.as_result(),
        "candidate_count": None if done.now is None else len(done.now),
    }
    if context.diff_mode:
        counts = f"{len(plan.add)} added, {len(plan.remove)} removed, {len(plan.move)} moved"
        title = f"{job.wish.account}: removal candidates, in order ({counts})"
        values["diff"] = order_diff(title, plan.live, now, plan.move)
    values, failure = end(done.rows, job.reporting, values, done.failure, moved=plan.move)
    return Result(values, done.changed, failure)
