# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Execute a plan: removals first, then assignments. Lost answers are settled by reading before sending again."""

from __future__ import annotations

import functools
import typing as t

from .._errors import IncompleteList, LicensingError
from .._plan.answer import ACTIONS, Action, Answer, DeviceResult, settle
from .._plan.batches import Doubt, Sending
from .._plan.outcomes import HAD_BEFORE, Outcome
from .._plan.plan import Plan, Pool
from .._swm.facts import says_locked, says_of_a_device, says_unknown
from .._swm.licenses import FotaApi
from .._text.lists import many
from .holders import Holders, read_back, without_license
from .miscount import after_the_removals
from .rows import LEFT_ALONE, Applied, Judged, rows_of

RESENDS = 2
"""How often a device is sent again if reading shows that a lost request had no effect."""

CONFIRMED = "the answer was lost; reading back confirms it"
UNSURE = "Reading back does not show whether it still holds its license."
PERHAPS = f"the answer was lost; reading back shows the wanted state, {HAD_BEFORE}"


def apply_plan(plan: Plan, wanted: t.Sequence[str], pool: Pool, api: FotaApi, batch_size: int) -> Applied:
    """Execute a plan on ThingSpace. Every device gets a row, whatever happens."""
    send = functools.partial(_act, api, batch_size, plan, pool.assigned)
    results, stopped = send("remove", plan.remove)
    miscounted = _miscounted(api, pool, results) if plan.assign and not stopped else ""
    fitting, left_out = _that_fit(plan, pool, results)
    results = {device: _locked(*judged) if plan.state == "exact" else judged for device, judged in results.items()}
    results.update(left_out)
    if stopped is None:
        assigned, stopped = send("assign", fitting)
    else:
        assigned = dict.fromkeys(fitting, ("skipped", f"not sent: {stopped.message}"))
    results.update(assigned)
    return Applied(rows_of(plan, wanted, results), stopped, miscounted)


def _miscounted(api: FotaApi, pool: Pool, removed: dict[str, Judged]) -> str:
    """What to tell if the removals' answers count other licenses than they lead to, and the list does, too.

    The count at the end does not show removals that are not carried out if as many assignments are not, either.
    """
    outcomes = [outcome for outcome, _reason in removed.values()]
    expected = pool.moved(0, outcomes.count("removed"))
    if not removed or not api.used_counts or api.used_counts & {expected.assigned, expected.in_use}:
        return ""
    try:
        count = api.page().assigned
    except LicensingError as error:
        return f"The licenses could not be counted after the removals: {error.message}"
    if count is None or expected.assigned is None:
        return ""
    return after_the_removals(outcomes, count, expected.assigned)


def _that_fit(plan: Plan, pool: Pool, removed: dict[str, Judged]) -> tuple[t.Sequence[str], dict[str, Judged]]:
    """Leave out assignments that need the licenses of failed removals."""
    failures = sum(outcome not in ("removed", "unchanged") for outcome, _reason in removed.values())
    if not failures or pool.total is None or pool.in_use is None:
        return plan.assign, {}
    fit = max(0, pool.total - pool.in_use + len(plan.remove) - failures)
    reason = f"not sent: no license is free for it, because {many(failures, 'removal')} did not succeed"
    return plan.assign[:fit], dict.fromkeys(plan.assign[fit:], ("skipped", reason))


def _locked(outcome: Outcome, reason: str) -> Judged:
    """The result of an unlisted device. If its license can never be removed, no run could ever end a failure."""
    if outcome == "failed" and says_locked(reason):
        return "unchanged", LEFT_ALONE + reason
    return outcome, reason


def _act(
    api: FotaApi, batch_size: int, plan: Plan, before: int | None, action: Action, devices: t.Sequence[str]
) -> tuple[dict[str, Judged], LicensingError | None]:
    if not devices:
        return {}, None
    sending = Sending(api, action, batch_size, says_of_a_device)
    acting = _Acting(sending, api, action, devices, plan, before)
    left = settle(acting.send, acting.read_back, RESENDS) or {}
    results = acting.results
    if action == "remove" and not plan.read:
        results.update(_strange(api, sending, results))
    results.update({device: _unchanged(doubt) for device, doubt in left.items() if device not in results})
    for device in devices:
        if device in sending.answers:
            results.setdefault(device, _result(action, sending.answers[device]))
    if not acting.listed_all:
        results = {device: _perhaps_before(*judged) for device, judged in results.items()}
    reason = f"not sent: {sending.stopped.message}" if sending.stopped else "not sent"
    left_out = sending.left_out
    return {
        device: results.get(device, ("skipped", left_out.get(device, reason))) for device in devices
    }, sending.stopped


def _strange(api: FotaApi, sending: Sending, results: t.Mapping[str, Judged]) -> dict[str, Judged]:
    """The results of devices that ThingSpace does not know, so that it refused to remove their license.

    That proves nothing: it may be a fault, or a wrong check digit. If nobody has read the list, it is read now.
    """
    answers = {device: answer for device, answer in sending.answers.items() if device not in results}
    refused = {one: said.reason for one, said in answers.items() if said.result is DeviceResult.REFUSED}
    others = [one for one, said in answers.items() if said.result in (DeviceResult.DONE, DeviceResult.ALREADY)]
    refused = {device: why for device, why in refused.items() if says_unknown(why)}
    if not refused or sending.stopped is not None:
        return {}
    try:
        found = without_license(api, refused, others)
    except LicensingError as error:
        why = f" Reading the list of licenses: {error.why if isinstance(error, IncompleteList) else error.message}"
        return {device: ("failed", reason + why) for device, reason in refused.items()}
    gone: Judged = ("unchanged", ACTIONS["remove"].already)
    return {device: ("failed", reason) if reason else gone for device, reason in found.items()}


class _Acting:
    """Sends one action for many devices, and reads the account to settle those in doubt.

    :param plan: if the state was read for it, no device was as wanted before.
    :param before: licenses assigned before the run.
    :param results: of the devices that reading back has decided about.
    :param again: devices in doubt that show no change and may be sent again.
    """

    def __init__(
        self, sending: Sending, api: FotaApi, action: Action, devices: t.Sequence[str], plan: Plan, before: int | None
    ) -> None:
        self.sending, self.api, self.action, self.devices = sending, api, action, devices
        self.plan, self.before = plan, before
        self.results: dict[str, Judged] = {}
        self.again: dict[str, Doubt] = {}

    def send(self) -> dict[str, Doubt]:
        """Send all devices, or some of them again. Returns those in doubt."""
        sending, again = self.sending, self.again
        sending.send(list(again) or self.devices)
        doubts, sending.in_doubt = sending.in_doubt, {}
        why = f"It was not sent again: {sending.stopped.message}" if sending.stopped else ""
        for device, doubt in again.items():
            answer = sending.answers.get(device)
            if answer is None and device not in doubts:
                self.results[device] = _unchanged(doubt, why)
            elif answer and answer.result is DeviceResult.ALREADY:
                # If a device is already as wanted now, the request without an answer must have done it.
                done: Judged = (ACTIONS[self.action].done, CONFIRMED)
                self.results[device] = done if self.listed_all else ("unknown", PERHAPS)
            elif answer and answer.result is DeviceResult.REFUSED:
                # That says nothing about the request before. It may be the reason: it may have used the last license.
                again_too = f"{doubt.reason} It was sent again, and ThingSpace refused that: {answer.reason}"
                doubts[device] = Doubt(f"{again_too.rstrip('.')}.", resend=False)
        return doubts

    @property
    def listed_all(self) -> bool:
        """Whether a list that did not have a device shows that the device held no license."""
        return self.action == "remove" or not (self.api.partial or self.api.doubt)

    def read_back(self, doubts: dict[str, Doubt]) -> bool | None:
        """Read the account and decide about the devices in doubt."""
        sending = self.sending
        try:
            held, count, unsure = self._read(doubts)
            late: list[str] = []
            if count is None and not self.plan.read:
                count = self.api.page().assigned
                late = self._late([device for device in doubts if not self._is_wanted(device, held)], count)
        except LicensingError as error:
            why = f"reading back failed: {error.message}"
            self.results.update({device: ("unknown", f"{doubt.reason} {why}") for device, doubt in doubts.items()})
            return None
        self.results.update({device: ("unknown", f"{doubts[device].reason} {UNSURE}") for device in unsure})
        doubts = {device: doubt for device, doubt in doubts.items() if device not in unsure}
        as_wanted = [device for device in doubts if self._is_wanted(device, held)]
        self.results.update(dict.fromkeys(as_wanted, self._judge(count, len(as_wanted) + len(late))))
        # What was not as wanted a moment ago is the work of the request.
        self.results.update(dict.fromkeys(late, (ACTIONS[self.action].done, CONFIRMED)))
        left = {device: doubt for device, doubt in doubts.items() if device not in self.results}
        self.again = {device: doubt for device, doubt in left.items() if doubt.resend and sending.stopped is None}
        self.results.update({device: _unchanged(left[device]) for device in left.keys() - self.again.keys()})
        return not self.again

    def _read(self, devices: t.Iterable[str]) -> Holders:
        return read_back(self.api, self.action, list(devices), expected=self.devices, plan=self.plan)

    def _is_wanted(self, device: str, held: t.Container[str]) -> bool:
        return (device in held) == (self.action == "assign")

    def _late(self, devices: list[str], count: int | None) -> list[str]:
        """Those that have become as wanted since they were read. The count of licenses, read meanwhile, may have them.

        :param devices: those in doubt that were not as wanted.
        """
        if not devices or not self._unexplained(count):
            return []
        held = self._read(devices).held
        return [device for device in devices if self._is_wanted(device, held)]

    def _unexplained(self, count: int | None) -> int:
        """How many licenses have changed beyond those of devices that are known to have changed; 0 if not known."""
        if count is None or self.before is None:
            return 0
        done = {device for device, answer in self.sending.answers.items() if answer.result is DeviceResult.DONE}
        done.update(device for device, (outcome, _why) in self.results.items() if outcome == ACTIONS[self.action].done)
        return max(0, abs(count - self.before) - len(done))

    def _judge(self, count: int | None, in_doubt: int) -> Judged:
        """The result of devices that are as wanted after a lost request.

        If the state was not read, they may have been before, and only the count of licenses shows whether any changed.

        :param count: licenses assigned now; None if it is not known.
        :param in_doubt: the number of devices whose license it may have, of which these are some.
        """
        done, already = ACTIONS[self.action].done, ACTIONS[self.action].already
        if self.plan.read:
            return (done, CONFIRMED) if self.listed_all else ("unknown", PERHAPS)
        if self.before is None or count is None:
            return "unknown", PERHAPS
        unexplained = self._unexplained(count)
        if not unexplained:
            return "unchanged", already
        # Others whose result is not known may have changed, too.
        in_doubt += sum(outcome == "unknown" for outcome, _why in self.results.values())
        return (done, CONFIRMED) if unexplained >= in_doubt else ("unknown", PERHAPS)


def _unchanged(doubt: Doubt, why: str = "") -> Judged:
    """The result of a device that was not refused but shows no change: its request may still take effect."""
    return "unknown", f"{doubt.reason} Reading back shows no change yet. {why}".rstrip()


def _perhaps_before(outcome: Outcome, reason: str) -> Judged:
    """The result of a device that the plan's list may only not have shown with its license."""
    if outcome != "unknown" or reason.endswith(HAD_BEFORE):
        return outcome, reason
    return outcome, f"{reason} The list may not show the license, {HAD_BEFORE}"


def _result(action: Action, answer: Answer) -> Judged:
    if answer.result is DeviceResult.DONE:
        return ACTIONS[action].done, ""
    if answer.result is DeviceResult.ALREADY:
        return "unchanged", ACTIONS[action].already
    return "failed", answer.reason
