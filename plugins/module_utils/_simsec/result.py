# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The outcome of a run of C(simsec_license), and the module's result."""

from __future__ import annotations

import typing as t
from types import MappingProxyType

from .._errors import LicensingError
from .._journal.status import DeviceStatus
from .._module import Context, Result
from .._plan.answer import ACTIONS, Action
from .._plan.incomplete import AWAITED, STOPPED
from .._plan.outcomes import MOVED, Outcome, RequestRow, end, failure_of
from .._plan.plan import Pool
from .._text.diff import device_diff
from .again import warn_of_another, without_advice
from .job import Job
from .plan import NO_REASON, Decision, SimsecPlan, row_of
from .send import Sent


class Done(t.NamedTuple):
    """The rows of a run.

    :param moved: devices that this run changed, or asked ThingSpace to change.
    :param stopped: why it ended early.
    :param withheld: the decisions about planned devices that were not sent, because they were not to be sent any more.
    :param refused: planned devices whose request was refused at once.
    """

    plan: SimsecPlan
    rows: list[RequestRow]
    moved: frozenset[str]
    pool: Pool
    stopped: LicensingError | None
    held_back: bool = False
    withheld: t.Mapping[str, Decision] = MappingProxyType({})
    refused: frozenset[str] = frozenset()

    @property
    def accepted(self) -> list[str]:
        """Devices that are not confirmed yet."""
        late = set(self.overdue)
        return [row.device_id for row in self.rows if row.outcome == "accepted" and row.device_id not in late]

    @property
    def changed(self) -> bool:
        """Whether this run changed anything, or sent something with an unknown result."""
        sent = frozenset(self.plan.sent) - self.withheld.keys() - self.refused
        return bool(self.moved) or any(row.outcome == "unknown" and row.device_id in sent for row in self.rows)

    @property
    def overdue(self) -> list[str]:
        """Devices without a confirmation for which none is expected any more."""
        return [device for device, decision in self.plan.decisions.items() if decision.overdue]

    def confirmed_by(self, statuses: t.Mapping[str, DeviceStatus], action: Action) -> Done:
        """The rows after the confirmations arrived."""
        rows = [_in_doubt(self.plan, confirmed_row(row, statuses.get(row.device_id), action)) for row in self.rows]
        failed = {row.device_id for row in rows if row.outcome == "failed"}
        return self._replace(rows=rows, moved=self.moved - failed)


def planned(
    plan: SimsecPlan,
    pool: Pool,
    *,
    sent: Sent | None = None,
    stopped: LicensingError | None = None,
    confirmed: bool = False,
    reason: str = "",
) -> Done:
    """The rows that result from a plan.

    :param sent: what was sent; None in check mode, which predicts a run without errors.
    :param stopped: why the plan was not executed.
    :param confirmed: whether the run would wait for confirmations.
    :param reason: what would confirm the requests, if not a report.
    """
    action: Action = "assign" if plan.plan.state == "present" else "remove"
    would: Outcome = ACTIONS[action].done if confirmed else "accepted"
    if sent is not None:
        plan = plan._replace(again=plan.again - sent.withheld.keys())
    rows = []
    for device, decision in plan.decisions.items():
        if decision.outcome == "accepted" and confirmed and not decision.overdue:
            rows.append(RequestRow(device, would, AWAITED, decision.request_id))
        elif decision.outcome != "send":
            rows.append(row_of(device, decision))
        elif stopped is not None:
            rows.append(RequestRow(device, "skipped", f"{STOPPED}{ACTIONS[action].done}", ""))
        elif sent is not None:
            rows.append(_in_doubt(plan, sent.results[device]))
        else:
            rows.append(RequestRow(device, would, reason if confirmed else "", ""))
    withheld: t.Mapping[str, Decision] = sent.withheld if sent else {}
    going = frozenset(plan.sent) - withheld.keys()
    moved = frozenset(row.device_id for row in rows if row.device_id in going and row.outcome in MOVED)
    after = pool.moved(len(moved), 0) if action == "assign" else pool.moved(0, len(moved))
    why = stopped or (sent.stopped if sent else None)
    results = sent.results.values() if sent else ()
    refused = frozenset(row.device_id for row in results if row.outcome == "failed")
    return Done(plan, rows, moved, after, why, stopped is not None, withheld, refused)


def make_result(context: Context, job: Job, done: Done) -> Result:
    """The module's result; writes the report file."""
    values: dict[str, t.Any] = {
        "lookup": "journal" if job.journal else "direct",
        "plan": {**done.plan.as_result(), **job.waves.as_result(len(done.plan.sent))},
        "lifetime": done.plan.lifetime,
        "licenses": done.pool.as_result(),
    }
    if context.diff_mode:
        moved = [device for device in done.plan.sent if device in done.moved]
        removed, assigned = (moved, []) if job.wish.action == "remove" else ([], moved)
        what = f"{job.wish.account}: {job.wish.sku.number}"
        values["diff"] = device_diff(what, len(done.rows), removed, assigned)
    again = done.changed and not job.journal
    if again:
        done = done._replace(rows=[row._replace(reason=without_advice(row.reason)) for row in done.rows])
    # Devices that keep a license until another one is confirmed are no failure, because the task requests that.
    decided = {**done.plan.decisions, **done.withheld}
    judged = [row for row in done.rows if not decided[row.device_id].waits]
    if job.only_planned:
        sent = frozenset(done.plan.sent)
        judged = [row for row in judged if row.device_id in sent]
    values, failure = end(
        done.rows,
        job.reporting,
        values,
        done.stopped,
        began=bool(done.moved),
        judge=lambda _rows: failure_of(judged),
        header=RequestRow._fields,
    )
    if again and failure is not None:
        warn_of_another(failure)
    return Result(values, done.changed, failure)


def confirmed_row(row: RequestRow, status: DeviceStatus | None, action: Action) -> RequestRow:
    """The row of an accepted device, with its confirmation if there is one, or with what put it in doubt meanwhile."""
    if row.outcome != "accepted" or status is None or status.last is None or status.result == "pending":
        return row
    outcomes: dict[str, Outcome] = {"confirmed": ACTIONS[action].done, "failed": "failed"}
    return RequestRow(row.device_id, outcomes.get(status.result, "unknown"), status.last.reason, status.last.request_id)


def _in_doubt(plan: SimsecPlan, row: RequestRow) -> RequestRow:
    """A request that failed says nothing about an earlier one, and may have failed because that one was carried out."""
    if row.outcome != "failed" or row.device_id not in plan.again:
        return row
    reason = f"{row.reason or NO_REASON}. It is not known whether an earlier request was carried out"
    return row._replace(outcome="unknown", reason=reason)
