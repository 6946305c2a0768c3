# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record of a run: the planned changes, written before the first write, and the results, written after the last."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._module import Context, Result
from .._pages.render import View, templates_problems
from .._plan.incomplete import DONE_BEFORE, is_done
from .._plan.outcomes import MAY_HAVE_MOVED, MOVED, OUTCOMES
from .._text.lists import few
from .account_apply import BEFORE
from .account_parts import LIMITS
from .approval import read_plan
from .command import command_of
from .documents import Json
from .history import enter
from .plan_document import IDLE, PlanAccount, PlanDocument, PlanPart, PlanRow
from .plan_end import INCOMPLETE, shown
from .plan_words import as_remaining
from .record import RunAccount, RunPart, RunRecord, RunRow, timestamp
from .record_keep import NAME, Places, places_of
from .record_values import failure_of, ids_of, results_of, text
from .run_mark import new_mark
from .run_view import Extra, pages_of, written
from .status import worsen

UNCHANGED = "unchanged"
_NAMED = 20


def run(context: Context) -> Result:
    """Write the record at the start or at the end of a run."""
    with places_of(context.params) as places:
        return _run(context, places)


def _run(context: Context, places: Places) -> Result:
    params = context.params
    now = datetime.datetime.now(datetime.timezone.utc)
    failure: LicensingError | None = None
    remaining = ""
    if params["state"] == "started":
        plan = _plan(params["plan"])
        record, path = _start(plan, params, places, now)
        if params["status_file"] and plan.incomplete:
            # Devices that the plan leaves not as wanted stay so when it is carried out.
            worsen(params["status_file"])
    else:
        known = places.begun(params["run"])
        if known is None and not params["accounts"]:
            wrong = f"There is no record of a run in {os.path.join(params['dest'], NAME)}, and no account is named."
            raise OptionsError([Problem(wrong, "run_file_invalid")])
        record = _ended(known or _lost(params, now), params, now)
        path, failure = places.complete(record)
        shutil.rmtree(_stop_file(params, record), ignore_errors=True)
        remaining = _remaining(record.accounts, path)
        if remaining:
            context.warn(remaining)
            if params["status_file"]:
                worsen(params["status_file"])
    # On another node, there is only the journal.
    undo = _undo(params, path if places.runs is None else record.run)
    extra = Extra(undo, _cost(record, params))
    files, unwritten = written(record, path, params["templates"], extra) if failure is None else ({}, None)
    if unwritten is not None and params["state"] == "started":
        context.warn(unwritten.message)
    elif unwritten is not None:
        failure = unwritten
    red = _red(record, path) if params["fail_on"] in INCOMPLETE else ""
    values = {
        "remaining": remaining,
        "lines": [*shown(files.get("markdown") if params["show"] else None), *_lines(record, path, files, undo)],
        "stop_together": _stop_file(params, record) if params["any_errors_fatal"] else "",
        "path": path,
        "files": files,
        "run": record.run,
        "mark": record.mark or "",
        "status": record.status,
        "accounts": [_with_words(_shown(account), red) for account in record.accounts],
    }
    return Result(values, failure=failure)


def _cost(record: RunRecord, params: t.Mapping[str, t.Any]) -> View | None:
    """What the run costs, for its pages; None without prices. Wrong prices were refused when it started."""
    if not params["prices"]:
        return None
    from .cost import carried_out, costs  # pylint: disable=import-outside-toplevel

    return costs(params, [])(carried_out(record), 0)


def _price_problems(params: t.Mapping[str, t.Any]) -> list[Problem]:
    problems: list[Problem] = []
    if params["prices"]:
        from .cost import costs  # pylint: disable=import-outside-toplevel

        costs(params, problems)
    return problems


def _stop_file(params: t.Mapping[str, t.Any], record: RunRecord) -> str:
    """The C(stop_together) of the run's C(fleet_account) tasks."""
    return os.path.join(params["reports"], f"stop-{record.mark}")


def _with_words(account: Json, red: str) -> Json:
    """What is shown of an account, with the text of the role's last task about it."""
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in account["summary"].items())
    texts = [*account["failures"], red] if account["failures"] or red else [f"{counts or 'Nothing was sent'}."]
    return {**account, "red": bool(account["failures"] or red), "text": " ".join(filter(None, texts))}


def _left(record: RunRecord) -> str:
    """What is not as wanted after the run: what the plan left, and what was not carried out."""
    return " ".join(filter(None, [record.remaining, _remaining(record.accounts, "")]))


def _undo(params: t.Mapping[str, t.Any], run: str) -> str:
    """The command that shows what an undo of the run would do; empty if nobody says which it is."""
    how = params["how_to_undo"]
    return command_of(how, run=run) + " --check" if how else ""


def _lines(record: RunRecord, path: str, files: t.Mapping[str, str], undo: str) -> list[str]:
    """What a person sees last: the status, what is not as wanted, and where the files are."""
    if record.ended is None:
        return []
    left = _left(record)
    page = [f"Run: {files['markdown']}"] if "markdown" in files else []
    lines = [
        f"Status: {record.status}",
        left,
        *page,
        f"Record: {path}",
        f"Digest: {record.plan}",
        f"To undo: {undo}" if undo and record.parts else "",
    ]
    return [line for line in lines if line]


def _red(record: RunRecord, path: str) -> str:
    """Why the run must end red if everything must be as wanted; empty if it is."""
    left = "" if record.ended is None else _left(record)
    return f"Not everything is as wanted. {left} See {path}." if left else ""


def _start(
    plan: PlanDocument, params: t.Mapping[str, t.Any], places: Places, now: datetime.datetime
) -> tuple[RunRecord, str]:
    """Write the record of a run that starts, and return it with its path.

    :raises LicensingError: the run cannot start, and leaves no record.
    """
    problems = [*templates_problems(params["templates"]), *_price_problems(params)]
    if problems:
        raise OptionsError(problems)
    record = _started(plan, params, places, now)
    try:
        # A template that fails must not do so after the first write.
        pages_of(record, params["templates"])
        _forget(params["reports"], record)
    except Exception as error:
        places.leave(record.run)
        if isinstance(error, LicensingError) and error.code == "template_failed":
            error.add(" Nothing was sent.")
        raise
    return record, places.begin(record)


def _started(plan: PlanDocument, params: t.Mapping[str, t.Any], places: Places, now: datetime.datetime) -> RunRecord:
    """The record of what a plan is about to do. The result of every device is still unknown."""
    going = {entry["account"]: entry for entry in params["accounts"]}
    begun_now = places.enter(now, plan.digest)
    return RunRecord(
        run=begun_now.run,
        kind=params["kind"],
        started=timestamp(now),
        ended=None,
        plan=plan.digest,
        status="running",
        accounts=[
            _planned(account, going[account.account], os.path.join(params["reports"], account.account))
            for account in plan.accounts
            if account.account in going
        ],
        beside=begun_now.beside,
        seen=begun_now.seen,
        mark=new_mark(),
        remaining=as_remaining(plan),
        undoes=plan.undoes.run if plan.undoes else None,
        source="survey" if plan.caller == "survey" else None,
        history=os.path.realpath(params["history"]) if params["history"] else None,
    )


def _forget(reports: str, record: RunRecord) -> None:
    """Remove reports of an earlier run in the same place, so that they cannot be mistaken for those of this run."""
    for account in record.accounts:
        for name in (BEFORE, *(f"apply-{part.list}.csv" for part in account.parts)):
            path = os.path.join(reports, account.account, name)
            try:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(path)
            except OSError as error:
                message = f"{path}, which an earlier run left, cannot be removed: {error.strerror}. Nothing was sent."
                raise LicensingError(message, code="report_unwritable") from None


def _plan(path: str) -> PlanDocument:
    try:
        return read_plan(path)
    except LicensingError as error:
        raise OptionsError([Problem(f"'plan' {path} cannot be read: {error.message}.", error.code)]) from None


def _planned(account: PlanAccount, entry: t.Mapping[str, t.Any], reports: str) -> RunAccount:
    """An account as in its plan. An account that must not be changed has its failure, and no parts."""
    if entry.get("blocked"):
        return RunAccount(account.account, [], failure=failure_of(entry["blocked"]))
    parts = [_begun(part, reports) for part in account.parts if part.status not in IDLE]
    return RunAccount(account.account, parts, account.freeze or [])


def _begun(part: PlanPart, reports: str) -> RunPart:
    rows = part.devices
    for place, row in enumerate(rows):
        # Of a million devices, each is held once: nobody needs its row of the plan any more.
        rows[place] = _foreseen(row, part.action)
    devices = list({row["device_id"]: row for row in rows}.values())
    return RunPart(
        kind=part.kind,
        sku=part.sku,
        id_kind=part.id_kind,
        lifetime=part.lifetime,
        api_version=part.api_version,
        action=part.action,
        summary=_summary(devices),
        devices=devices,
        list=part.list,
        # An undo honors them, too.
        limits={name: getattr(part.limits, name) for name in LIMITS},
        before=ids_of(os.path.join(reports, "before-candidates.csv")) if part.listed else None,
    )


def _foreseen(row: PlanRow, action: str) -> RunRow:
    planned = row["outcome"]
    if planned in ("skipped", "accepted"):
        # A plan beyond a limit says in its reason what would be done. Without waiting, a request is only accepted.
        planned = "removed" if action == "absent" or text(row["reason"]).endswith("removed") else "assigned"
    planned = planned if planned in ("assigned", "removed", "added") else ""
    return {
        "device_id": text(row["device_id"]),
        "planned": planned,
        "outcome": "unknown",
        "reason": "",
        "request_id": "",
    }


def _ended(record: RunRecord, params: t.Mapping[str, t.Any], now: datetime.datetime) -> RunRecord:
    """The same record, with the results that the modules reported for each device."""
    given = {text(entry.get("account")): entry for entry in params["accounts"]}
    accounts = [
        _settled(account, given.get(account.account), os.path.join(params["reports"], account.account))
        for account in record.accounts
    ]
    failed = any(account.failure or any(part.failure for part in account.parts) for account in accounts)
    ended = record._replace(accounts=accounts, ended=timestamp(now))
    return ended._replace(status="failed" if failed else "incomplete" if _left(ended) else "done")


def _lost(params: t.Mapping[str, t.Any], now: datetime.datetime) -> RunRecord:
    """A replacement for the record from the start of the run, which is gone."""
    names = dict.fromkeys(text(entry.get("account")) for entry in params["accounts"])
    reason = "The record that the run began with is gone, so the results for the devices are unknown; see {}."
    accounts = [
        RunAccount(name, [], failure=failure_of(reason.format(os.path.join(params["reports"], name))))
        for name in names
        if name
    ]
    run = params["run"] or enter(None, None, now, "").run
    return RunRecord(run, params["kind"], timestamp(now), None, "", "running", accounts)


def _settled(account: RunAccount, entry: t.Mapping[str, t.Any] | None, reports: str) -> RunAccount:
    """The account with its results. The record is written whatever was reported. In doubt, nothing is known."""
    try:
        return _done(account, entry, reports)
    except Exception as error:  # pylint: disable=broad-exception-caught
        reason = f"The results for the devices could not be recorded ({type(error).__name__}), so they are unknown; see"
        return account._replace(failure=failure_of(f"{reason} {reports}."))


def _done(account: RunAccount, entry: t.Mapping[str, t.Any] | None, reports: str) -> RunAccount:
    if account.failure:
        return account
    if entry is None or (entry.get("failed") and not (entry.get("failure") or "parts" in entry)):
        why = str((entry or {}).get("msg") or "the run ended before that").rstrip(".")
        failure = failure_of(f"The task of this account ended without a result: {why}.")
        return account._replace(parts=[_reported(part, reports) for part in account.parts], failure=failure)
    # In check mode, the task only planned. It has no parts, and nothing was begun.
    results = _results(entry)
    parts = []
    for part in account.parts:
        report = os.path.join(reports, f"apply-{part.list}.csv")
        result = results.get(part.list or "")
        parts.append(_part(part, result, report))
        if part.kind == "removal_candidates" and result is not None:
            # The state at the time of the plan may differ from the state at the time of the write.
            parts[-1] = parts[-1]._replace(before=ids_of(os.path.join(reports, BEFORE)))
    # With parts, these have the failures.
    broken = bool(entry.get("failure")) and "parts" not in entry
    return account._replace(parts=parts, failure=failure_of(entry["failure"]) if broken else None)


def _reported(part: RunPart, reports: str) -> RunPart:
    """A part of an account whose process was killed. A part that was finished by then has its report."""
    report = os.path.join(reports, f"apply-{part.list}.csv")
    results, unread = results_of(report)
    return part if unread else _part(part, {"summary": _summary(results.values())}, report)


def _results(entry: t.Mapping[str, t.Any]) -> dict[str, Json]:
    """The results of the modules, by the name of the list. A part that was not begun has none.

    :raises TypeError: this is not what the module returned.
    """
    found: dict[str, Json] = {}
    parts = entry.get("parts", [])
    if not isinstance(parts, list):
        raise TypeError
    for result in parts:
        found[result["list"]] = result
    return found


def _part(part: RunPart, result: Json | None, report: str) -> RunPart:
    """A part with the outcome of each of its devices."""
    if result is None:
        rows = [{**row, "outcome": "skipped", "reason": "not started"} for row in part.devices]
        return part._replace(devices=rows, summary=_summary(rows))
    reported, unread = results_of(report) if "summary" in result else ({}, "")
    failure = failure_of(result["failure"]) if result.get("failure") else None
    if (unread or "summary" not in result) and _may_have_written(result):
        failure = failure or failure_of("The results for the devices are unknown.")
        missing = {"outcome": "unknown", "reason": f"see {report}: {unread}" if unread else failure.message}
    elif failure:
        missing = {"outcome": "skipped", "reason": f"not sent: {failure.message}"}
    else:
        # When the part was carried out, nothing was left to do about it, according to the plan that was checked there.
        # On the candidate list, 'unchanged' refers to a place on it.
        same = "skipped" if part.kind == "removal_candidates" else UNCHANGED
        missing = {"outcome": same, "reason": DONE_BEFORE} if "summary" in result else {}
    rows = [{**row, **reported.pop(row["device_id"], missing)} for row in part.devices]
    more = {device: found for device, found in reported.items() if found["outcome"] != UNCHANGED}
    rows += [{"device_id": device, "planned": "", **found} for device, found in more.items()]
    if not failure and "summary" not in result:
        # A killed module reports nothing, so it is not known what it sent.
        failure = failure_of(result.get("msg") or "A module ended without a result.")
    return part._replace(devices=rows, summary=_summary(rows), failure=failure or part.failure)


def _may_have_written(result: Json) -> bool:
    """Whether a module without known rows may have changed devices. It may, unless its own result denies that."""
    if "summary" not in result:
        return bool(result.get("changed")) or failure_of(result.get("failure")).code == "internal_error"
    counts = result["summary"]
    return not isinstance(counts, dict) or any(counts.get(name) != 0 for name in (*MOVED, "unknown", "failed"))


def _remaining(accounts: t.Sequence[RunAccount], path: str) -> str:
    """The changes that were not carried out, in counts, and what to do about them; empty if there are none."""
    names = [account.account for account in accounts if not _shown(account)["complete"]]
    if not names:
        return ""
    rows = [row for account in accounts for part in account.parts for row in part.devices if not is_done(row)]
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in _summary(rows).items() if count)
    message = f"Not everything became as planned in {few(names, _NAMED)}" + (f": {counts}." if counts else ".")
    waiting = any(row["outcome"] == "accepted" for row in rows)
    waits = " What is only accepted is not confirmed yet: to wait, apply the same plan again." if waiting else ""
    return f"{message}{waits}" + (f" See {path}." if path else "")


def _shown(account: RunAccount) -> Json:
    """What people see of an account: counts, and why it failed."""
    counts = _summary(row for part in account.parts for row in part.devices)
    failures = [f"{account.failure.code}: {account.failure.message}"] if account.failure else []
    failures += [part.failure.message for part in account.parts if part.failure]
    return {
        "account": account.account,
        "summary": {outcome: count for outcome, count in counts.items() if count},
        "failures": failures,
        # What is unknown may have been done.
        "changed": any(counts[outcome] for outcome in MAY_HAVE_MOVED),
        "complete": all(is_done(row) for part in account.parts for row in part.devices) and not failures,
    }


def _summary(rows: t.Iterable[t.Mapping[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row["outcome"]] += 1
    return counts
