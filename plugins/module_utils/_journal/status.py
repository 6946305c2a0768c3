# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What the journal knows about a device: a pure fold over the attempts to change its license."""

from __future__ import annotations

import typing as t

from .._plan.answer import Action

RequestState = t.Literal["sending", "accepted", "rejected", "not_sent", "no_effect", "unknown"]
LastResult = t.Literal["none", "confirmed", "failed", "pending", "unknown", "overtaken"]

WITHOUT_EFFECT = frozenset({"rejected", "not_sent", "no_effect"})
"""Requests that changed nothing: the device has the same status as before. For C(no_effect), only the account's count
says so. That is enough to send again, but not enough to remove another license: see C(DeviceStatus.proved).
"""


class Attempt(t.NamedTuple):
    """One request for the device.

    :param request: its number in the journal.
    :param state: what is known about the request: only recorded, answered, refused, or lost.
    :param outcome: C(success) or C(failed) as ThingSpace reported for the device; None if it has not reported.
    :param reason: ThingSpace's text, or why the state is what it is.
    :param own: whether the outcome was reported under the request's own id, and no other report of it contradicts that;
        or whether the run that sent the request saw the account's count change by it alone, see C(_simsec/watch.py).
        Otherwise it was concluded from reports under unknown ids and from the account's count, which others change,
        too.
    :param hinted: whether a report under an unknown id says that it was carried out, and the account's count does not
        contradict that.
    """

    request: int
    action: Action
    state: RequestState
    outcome: str | None
    reason: str
    request_id: str
    x_request_id: str
    sent: str
    confirmed: str
    own: bool = False
    hinted: bool = False


class DeviceStatus(t.NamedTuple):
    """The status of a device.

    :param result: of the last attempt that may have had an effect; C(none) if there was no such attempt. C(overtaken)
        if it was carried out, and so was a slow one of the opposite kind, maybe after it.
    :param held: whether it holds the license according to the confirmations; None if nothing is confirmed, or if a
        later unconfirmed change may have reversed it.
    :param may_hold: whether it can hold the license at all. A device that was only ever removed may have held it
        before.
    :param proof: the assignment that was reported as done under its own id, if no later request can have removed the
        license. The account's count is no proof about a removal: a removal that seems to have had no effect may only be
        slow.
    :param overlaid: whether the proof is missing because of a removal that may still be executed.
    :param earlier: if the last attempt failed: one before it that may have been executed. The failure says nothing
        about that one, and may even be due to it.
    """

    result: LastResult
    held: bool | None
    may_hold: bool
    last: Attempt | None
    proof: Attempt | None = None
    overlaid: bool = False
    earlier: Attempt | None = None

    @property
    def open(self) -> Attempt | None:
        """The last attempt whose result is not known."""
        if self.result == "failed":
            return self.earlier
        return self.last if self.result in ("pending", "unknown") else None

    @property
    def proved(self) -> bool:
        """Whether this is enough to remove another license."""
        return self.proof is not None


OVERTAKEN = "confirmed, and so was an earlier request of the opposite kind since: nobody knows which came last"

BY_COUNT = "confirmed by count"
"""The reason of a success that the account's count shows. A report of ThingSpace overrides it."""

NOTHING = DeviceStatus("none", None, False, None)


def fold(attempts: t.Iterable[Attempt]) -> DeviceStatus:
    """The status that results from the attempts for a device, oldest first."""
    held: bool | None = None
    may_hold = False
    last: Attempt | None = None
    earlier: Attempt | None = None
    done: Attempt | None = None
    removals: list[Attempt] = []
    reported: list[Attempt] = []
    for attempt in attempts:
        assigning = attempt.action == "assign"
        if assigning and attempt.own and attempt.outcome == "success":
            done = attempt
        elif not assigning:
            removals.append(attempt)
        if not attempt.outcome and attempt.state in WITHOUT_EFFECT:
            continue
        if last is None:
            may_hold = not assigning
        if attempt.outcome == "success":
            held = may_hold = assigning
            earlier = None
            reported.append(attempt)
        elif attempt.outcome is None:
            held = held if held is assigning else None
            may_hold = may_hold or assigning
            earlier = attempt
        last = attempt
    status = _unless_overtaken(DeviceStatus(_result(last), held, may_hold, last, done), reported)
    if status.result == "failed":
        status = status._replace(earlier=earlier)
    if done is None or not any(_may_follow(removal, done) for removal in removals):
        return status
    return status._replace(proof=None, overlaid=any(map(_is_open, removals)))


def _unless_overtaken(status: DeviceStatus, reported: t.Sequence[Attempt]) -> DeviceStatus:
    """Forget what a device holds if a slow request may have been carried out after all those to which it owes that.

    ThingSpace did not report it as done before those, under its own id. So it was slow, or only its report was late.

    :param reported: every request that was carried out.
    """
    if status.held is None:
        return status
    until = max(one.confirmed for one in reported if (one.action == "assign") is status.held)
    if not any(one.own and (one.action == "assign") is not status.held and one.confirmed >= until for one in reported):
        return status
    status = status._replace(held=None, may_hold=True)
    if status.result != "confirmed" or status.last is None:
        return status
    return status._replace(result="overtaken", last=status.last._replace(reason=OVERTAKEN))


def _may_follow(removal: Attempt, done: Attempt) -> bool:
    """Whether a removal may have been executed after an assignment, whichever was sent first.

    It certainly was not if it had no effect, or if it was reported as done before the assignment was sent.
    """
    if _is_open(removal):
        return True
    over = removal.request < done.request and "" < removal.confirmed <= done.sent
    return removal.outcome == "success" and not over


def _is_open(removal: Attempt) -> bool:
    """Whether a removal may still be executed: neither its own answer nor its own report shows its result."""
    refused = removal.state in ("rejected", "not_sent") and removal.outcome != "success"
    return not refused and not (removal.own and removal.outcome)


def _result(last: Attempt | None) -> LastResult:
    if last is None:
        return "none"
    if last.outcome == "success":
        return "confirmed"
    if last.outcome == "failed":
        return "failed"
    return "pending" if last.state == "accepted" else "unknown"
