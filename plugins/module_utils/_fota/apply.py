# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Execute a plan: removals first, then assignments. Lost answers are settled by reading before sending again."""

from __future__ import annotations

import functools
import typing as t

from .._devices.spelling import require_spelling
from .._errors import LicensingError
from .._plan.answer import Action, Answer, Verdict
from .._plan.batches import Doubt, Sending
from .._plan.outcomes import Outcome, Row
from .._plan.plan import Plan, Pool
from .._swm.licenses import FotaApi

RESENDS = 2
"""How often a device is sent again if reading shows that a lost request had no effect."""

DONE: dict[Action, Outcome] = {"assign": "assigned", "remove": "removed"}
ALREADY: dict[Action, str] = {"assign": "already licensed", "remove": "holds no license"}
CONFIRMED = "the answer was lost; reading back confirms it"
SPARED = "left alone: a removal candidate"
PERHAPS = "the answer was lost; reading back shows the wanted state, which the device may have had before"

Judged = tuple[Outcome, str]
Judge = t.Callable[[Action, int, int, int], Judged]


class Applied(t.NamedTuple):
    """The result of a plan.

    :param rows: one for each device of the plan: the named ones in their order, then those that an exact run removes.
    :param stopped: why the run ended early, if it did.
    """

    rows: list[Row]
    stopped: LicensingError | None


def predict(plan: Plan, wanted: t.Sequence[str]) -> Applied:
    """The rows of a run in which ThingSpace refuses nothing, for check mode."""
    results: dict[str, Judged] = dict.fromkeys(plan.remove, ("removed", ""))
    results.update(dict.fromkeys(plan.assign, ("assigned", "")))
    return Applied(rows_of(plan, wanted, results), None)


def hold_back(plan: Plan, wanted: t.Sequence[str], stopped: LicensingError) -> Applied:
    """The rows of a plan that a guard stopped: nothing was sent, and the reason says what would have happened."""
    results: dict[str, Judged] = {}
    for devices, outcome in ((plan.remove, "removed"), (plan.assign, "assigned")):
        results.update(dict.fromkeys(devices, ("skipped", f"not sent: the plan was stopped; it would be {outcome}")))
    return Applied(rows_of(plan, wanted, results), stopped)


def apply_plan(plan: Plan, wanted: t.Sequence[str], pool: Pool, api: FotaApi, batch_size: int) -> Applied:
    """Execute a plan on ThingSpace. Every device gets a row, whatever happens."""
    # Without a listed state, only the count of assigned licenses shows whether a lost request changed any.
    before = pool.assigned if plan.held is None else None
    judge = _certainly_moved if plan.held is not None else functools.partial(_moved_by_count, before)
    results, stopped = _act(api, "remove", plan.remove, batch_size, judge)
    fitting, left_out = _that_fit(plan, pool, results)
    results.update(left_out)
    if stopped is None:
        assigned, stopped = _act(api, "assign", fitting, batch_size, judge)
    else:
        assigned = dict.fromkeys(fitting, ("skipped", f"not sent: {stopped.message}"))
    results.update(assigned)
    return Applied(rows_of(plan, wanted, results), stopped)


def _that_fit(plan: Plan, pool: Pool, removed: dict[str, Judged]) -> tuple[t.Sequence[str], dict[str, Judged]]:
    """Leave out assignments that need the licenses of failed removals."""
    failures = sum(outcome not in ("removed", "unchanged") for outcome, _reason in removed.values())
    if not failures or pool.total is None or pool.assigned is None:
        return plan.assign, {}
    fit = max(0, pool.total - pool.assigned + len(plan.remove) - failures)
    reason = f"not sent: no license is free for it, because {failures} removals did not succeed"
    return plan.assign[:fit], dict.fromkeys(plan.assign[fit:], ("skipped", reason))


def _act(
    api: FotaApi, action: Action, devices: t.Sequence[str], batch_size: int, judge: Judge
) -> tuple[dict[str, Judged], LicensingError | None]:
    if not devices:
        return {}, None
    sending = Sending(api, action, batch_size)
    sending.send(devices)
    results: dict[str, Judged] = {}
    for attempt in range(RESENDS + 1):
        if not sending.in_doubt:
            break
        results.update(_settle(api, action, sending, judge, may_resend=attempt < RESENDS))
    for device in devices:
        if device in sending.answers:
            results.setdefault(device, _result(action, sending.answers[device]))
    reason = f"not sent: {sending.stopped.message}" if sending.stopped else "not sent"
    left_out = sending.left_out
    return {
        device: results.get(device, ("skipped", left_out.get(device, reason))) for device in devices
    }, sending.stopped


def _settle(api: FotaApi, action: Action, sending: Sending, judge: Judge, *, may_resend: bool) -> dict[str, Judged]:
    """Read the account and decide about the devices in doubt. Send those again that certainly did not change."""
    doubts, sending.in_doubt = sending.in_doubt, {}
    try:
        held, _page = api.licensed()
        require_spelling(held, doubts)
    except LicensingError as error:
        why = f"reading back failed: {error.message}"
        return {device: ("unknown", f"{doubt.reason} {why}") for device, doubt in doubts.items()}
    as_wanted = [device for device in doubts if (device in held) == (action == "assign")]
    done = sum(answer.verdict is Verdict.DONE for answer in sending.answers.values())
    results = dict.fromkeys(as_wanted, judge(action, len(held), done, len(as_wanted)))
    again: list[str] = []
    for device, doubt in doubts.items():
        if device in results:
            continue
        if doubt.resend and may_resend and sending.stopped is None:
            again.append(device)
        else:
            results[device] = _unchanged(doubt)
    if again:
        sending.send(again)
        results.update(_left_behind(sending, {device: doubts[device] for device in again}))
        # If a device is already as wanted now, the request without an answer must have done it.
        late = (device for device in again if _verdict(sending, device) is Verdict.ALREADY)
        results.update(dict.fromkeys(late, (DONE[action], CONFIRMED)))
    return results


def _certainly_moved(action: Action, _held: int, _done: int, _in_doubt: int) -> Judged:
    """The result of devices that were not as wanted before a lost request but are now."""
    return DONE[action], CONFIRMED


def _moved_by_count(before: int | None, action: Action, held: int, done: int, in_doubt: int) -> Judged:
    """The result of devices that are as wanted after a lost request, and may have been before.

    :param before: licenses assigned before the run.
    :param held: licenses assigned now.
    :param done: how much of the difference the answers of success explain.
    :param in_doubt: the number of devices.
    """
    if before is None:
        return DONE[action], PERHAPS
    unexplained = abs(held - before) - done
    if unexplained <= 0:
        return "unchanged", ALREADY[action]
    return DONE[action], CONFIRMED if unexplained >= in_doubt else PERHAPS


def _unchanged(doubt: Doubt, why: str = "") -> Judged:
    """The result of a device that was not refused but shows no change: its request may still take effect."""
    return "unknown", f"{doubt.reason} Reading back shows no change yet. {why}".rstrip()


def _left_behind(sending: Sending, doubts: t.Mapping[str, Doubt]) -> dict[str, Judged]:
    """The results of devices that were sent once without effect and not again, because the run was stopped."""
    why = f"It was not sent again: {sending.stopped.message}" if sending.stopped else ""
    return {
        device: _unchanged(doubt, why)
        for device, doubt in doubts.items()
        if device not in sending.answers and device not in sending.in_doubt
    }


def _verdict(sending: Sending, device: str) -> Verdict | None:
    answer = sending.answers.get(device)
    return answer.verdict if answer else None


def _result(action: Action, answer: Answer) -> Judged:
    if answer.verdict is Verdict.DONE:
        return DONE[action], ""
    if answer.verdict is Verdict.ALREADY:
        return "unchanged", ALREADY[action]
    return "failed", answer.reason


def rows_of(plan: Plan, wanted: t.Sequence[str], results: t.Mapping[str, Judged]) -> list[Row]:
    """The rows of a plan: the named devices in their order, then those that an exact run removes or leaves alone.

    :param results: of the devices that the plan touches.
    """
    same: Judged = ("unchanged", ALREADY["remove" if plan.state == "absent" else "assign"])
    rows = [Row(device, *results.get(device, same)) for device in wanted]
    if plan.state == "exact":
        rows += [Row(device, *results[device]) for device in plan.remove]
        rows += [Row(device, "unchanged", SPARED) for device in plan.spared]
    return rows
