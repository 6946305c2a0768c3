# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The record with which a run begins: what its plan is about to do. The result of every device is still unknown."""

from __future__ import annotations

import contextlib
import datetime
import os
import typing as t

from .._errors import LicensingError, OptionsError, Problem
from .._pages.render import templates_problems
from .account_apply import BEFORE
from .account_parts import LIMITS
from .approval import read_plan
from .plan_account import PlanAccount
from .plan_document import PlanDocument
from .plan_part import IDLE, PlanPart, PlanRow
from .plan_words import as_remaining
from .record import RunAccount, RunPart, RunRecord, RunRow, timestamp
from .record_keep import Places
from .record_values import failure_of, ids_of, not_sent, summary_of, text
from .run_mark import new_mark
from .run_options import RecordOptions
from .run_view import pages_of


def planned_document(path: str) -> PlanDocument:
    """The plan in a file.

    :raises OptionsError: C(plan_file_invalid).
    """
    try:
        return read_plan(path)
    except LicensingError as error:
        raise OptionsError([Problem(f"'plan' {path} cannot be read: {error.message}.", error.code)]) from None


def start(
    plan: PlanDocument,
    options: RecordOptions,
    places: Places,
    now: datetime.datetime,
    problems: t.Sequence[Problem],
) -> tuple[RunRecord, str]:
    """Write the record of a run that starts, and return it with its path.

    :param problems: what else is wrong with the options.
    :raises LicensingError: the run cannot start, and leaves no record.
    """
    problems = [*templates_problems(options.templates), *problems]
    if problems:
        raise OptionsError(problems)
    _require_same(plan, options)
    record = _started(plan, options, places, now)
    try:
        # A template that fails must not do so after the first write.
        pages_of(record, options.templates)
        _forget(options.reports, record)
    except Exception as error:
        places.leave(record.run)
        if isinstance(error, LicensingError) and error.code == "template_failed":
            error.add(" Nothing was sent.")
        raise
    return record, places.begin(record)


def _require_same(plan: PlanDocument, options: RecordOptions) -> None:
    """Check that the file still has the plan of this run.

    :raises LicensingError: C(plan_changed), another run in the same directory has replaced it.
    """
    digests = {account.account: account.digest for account in plan.accounts}
    for entry in options.accounts:
        name = text(entry.get("account"))
        if entry.get("digest") and digests.get(name) != entry["digest"]:
            raise LicensingError(
                f"{options.plan} has another plan for {name} than this run made: another run has replaced it in the "
                "meantime. Nothing was sent. Give runs at the same time a 'fleet_dest' each, or run again.",
                code="plan_changed",
            )


def _started(plan: PlanDocument, options: RecordOptions, places: Places, now: datetime.datetime) -> RunRecord:
    """The record of what a plan is about to do. The result of every device is still unknown."""
    going = {entry["account"]: entry for entry in options.accounts}
    begun_now = places.enter(now, plan.digest)
    return RunRecord(
        run=begun_now.run,
        kind=options.kind,
        started=timestamp(now),
        ended=None,
        plan=plan.digest,
        status="running",
        accounts=[
            _planned(account, going[account.account], os.path.join(options.reports, account.account))
            for account in plan.accounts
            if account.account in going
        ],
        beside=begun_now.beside,
        seen=begun_now.seen,
        mark=new_mark(),
        remaining=as_remaining(plan),
        undoes=plan.undoes.run if plan.undoes else None,
        source="survey" if plan.caller == "survey" else None,
        history=os.path.realpath(options.history) if options.history else None,
        approved=plan.approved,
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


def _planned(account: PlanAccount, entry: t.Mapping[str, t.Any], reports: str) -> RunAccount:
    """An account as in its plan. Of one that must not be changed, no device is going to be sent."""
    stop = failure_of(entry["blocked"]) if entry.get("blocked") else None
    result = {"outcome": "unknown", "reason": ""} if stop is None else not_sent(stop)
    parts = [_begun(part, reports, result) for part in account.parts if part.status not in IDLE]
    return RunAccount(account.account, parts, account.freeze or [], stop)


def _begun(part: PlanPart, reports: str, result: dict[str, str]) -> RunPart:
    """A part as in its plan.

    :param result: of each of its devices, as far as it is known now.
    """
    rows = part.devices
    for place, row in enumerate(rows):
        # Of a million devices, each is held once: nobody needs its row of the plan any more.
        rows[place] = {**_foreseen(row, part.action), **result}
    devices = list({row["device_id"]: row for row in rows}.values())
    return RunPart(
        kind=part.kind,
        sku=part.sku,
        id_kind=part.id_kind,
        lifetime=part.lifetime,
        api_version=part.api_version,
        action=part.action,
        summary=summary_of(devices),
        devices=devices,
        list=part.list,
        # An undo honors them, too.
        limits={name: getattr(part.limits, name) for name in LIMITS},
        before=ids_of(os.path.join(reports, "before-candidates.csv")) if part.listed else None,
        left=[{name: text(value) for name, value in row.items()} for row in part.incomplete] or None,
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
