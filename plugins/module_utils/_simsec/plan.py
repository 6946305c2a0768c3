# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The plan for SIM-Secure licenses: wanted state x status of the devices. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from types import MappingProxyType

from .._errors import MAX_PROBLEMS, LicensingError
from .._journal.clock import after, age, for_people, hour_after
from .._journal.status import NOTHING, Attempt, DeviceStatus
from .._plan.answer import ACTIONS, Action
from .._plan.incomplete import left_over
from .._plan.outcomes import Outcome, RequestRow
from .._plan.plan import Plan, Pool, make_plan
from .._text.lists import first
from .skus import Sku


class Decision(t.NamedTuple):
    """What is done about one device: an outcome without sending anything, or C(send).

    :param overdue: whether a confirmation is no longer expected.
    :param waits: whether the device keeps a license until another one is confirmed, as the task requests.
    """

    outcome: Outcome | t.Literal["send"]
    reason: str = ""
    request_id: str = ""
    overdue: bool = False
    waits: bool = False


SEND = Decision("send")


def row_of(device: str, decision: Decision) -> RequestRow:
    """The row of a device that is not sent."""
    return RequestRow(device, t.cast(Outcome, decision.outcome), decision.reason, decision.request_id)


NO_REASON = "ThingSpace reported a failure without a reason"


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the task requests.

    :param overdue: a time in the journal's format. No confirmation is expected for a request that was accepted before
        it; C(retry_unknown) covers such a request.
    :param settle: seconds after which the account's count should show a request.
    :param explained: whether the journal knows every license of the SKU that the account counts.
    """

    account: str
    sku: Sku
    kind: str
    action: Action
    devices: list[str]
    retry_unknown: bool
    retry_failed: bool
    overdue: str
    settle: float = 0.0
    explained: bool = False


class SimsecPlan(t.NamedTuple):
    """The plan that the guards check, and the decision about each device.

    :param lifetime: whether its licenses can never be removed.
    :param missing: licenses that devices certainly had and that the account no longer counts.
    :param again: devices that are sent although the result of an earlier request for the same is not known.
    """

    plan: Plan
    decisions: dict[str, Decision]
    lifetime: bool
    missing: int = 0
    again: frozenset[str] = frozenset()

    @property
    def sent(self) -> tuple[str, ...]:
        """The devices to send, in the order in which they were named."""
        return self.plan.assign or self.plan.remove

    def as_result(self) -> dict[str, t.Any]:
        """The C(plan) value of the module's result."""
        left = left_over(decision.outcome for decision in self.decisions.values())
        more = {"incomplete": left, "missing": self.missing}
        return {**self.plan.as_result(), **{name: count for name, count in more.items() if count}}


def make_simsec_plan(
    wish: Wish, statuses: t.Mapping[str, DeviceStatus], pool: Pool, kept: t.Mapping[str, str] = MappingProxyType({})
) -> SimsecPlan:
    """Decide about every device.

    :param statuses: of the devices that the journal knows.
    :param kept: devices that must not lose their license now, or must not get it, with the reason. They are not part of
        the digest, because they can only make the plan do less than what was shown.
    """
    decisions = {device: decide(wish, statuses.get(device, NOTHING)) for device in wish.devices}
    left = {device for device, decision in decisions.items() if decision is not SEND}
    present = wish.action == "assign"
    # For 'present', the devices left alone count as licensed. For 'absent', the devices to send do.
    current = left if present else decisions.keys() - left
    scope = {"kind": "simsec", "account": wish.account, "sku": wish.sku.number, "id": wish.kind}
    plan = make_plan(scope, "present" if present else "absent", wish.devices, current, pool)
    unchanged = tuple(device for device in plan.unchanged if decisions[device].outcome == "unchanged")
    waiting = {device: kept[device] for device in (*plan.assign, *plan.remove) if device in kept}
    decisions.update(
        (device, Decision("skipped", f"not sent: {why}", waits=not present)) for device, why in waiting.items()
    )
    assign, remove = (tuple(one for one in sent if one not in waiting) for sent in (plan.assign, plan.remove))
    plan = plan._replace(assign=assign, remove=remove, unchanged=unchanged, held=None)
    made = SimsecPlan(plan, decisions, wish.sku.lifetime)
    earlier = ((device, statuses[device].open) for device in made.sent if device in statuses)
    again = frozenset(device for device, attempt in earlier if attempt and attempt.action == wish.action)
    return made._replace(again=again)


def decide(wish: Wish, status: DeviceStatus) -> Decision:
    """Decide what to do about a device, from its status."""
    last = status.last
    if last is None:
        return SEND
    if status.result == "confirmed":
        return Decision("unchanged", last.reason, last.request_id) if last.action == wish.action else SEND
    if status.result == "failed":
        return _after_failure(wish, status, last)
    if status.result == "overtaken":
        # Whatever the device holds, one more request leaves it as wanted. A lifetime license is never removed.
        return SEND if not wish.sku.lifetime else _unknown(wish, last)
    return _open(wish, last)


def _open(wish: Wish, last: Attempt) -> Decision:
    """About an attempt that may have been executed, or may still be."""
    return _pending(wish, last) if last.state == "accepted" else _unknown(wish, last)


def _earlier(wish: Wish, earlier: Attempt, last: Attempt) -> Decision:
    """About such an attempt if a later one failed."""
    decision = _open(wish, earlier)
    if decision is SEND:
        return SEND
    return decision._replace(reason=f"{decision.reason}. A later request failed: {last.reason or NO_REASON}")


def _after_failure(wish: Wish, status: DeviceStatus, last: Attempt) -> Decision:
    same = last.action == wish.action
    as_wanted = status.held is (wish.action == "assign")
    if as_wanted:
        return Decision("unchanged")
    # The assignment may also have failed because the device has the license from elsewhere.
    if not same and wish.action == "remove" and not status.may_hold and wish.explained:
        return Decision("unchanged", f"its assignment failed, so there is nothing to remove ({last.reason})")
    if status.earlier and (status.earlier.action == wish.action or not same):
        return _earlier(wish, status.earlier, last)
    if same and not wish.retry_failed:
        why = last.reason or NO_REASON
        return Decision("failed", f"{why} (not sent again without 'retry_failed: true')", last.request_id)
    return _earlier(wish, status.earlier, last) if status.earlier else SEND


def _pending(wish: Wish, last: Attempt) -> Decision:
    same, late = last.action == wish.action, last.sent < wish.overdue
    # Long after a request of the opposite kind, a new one is safe, because it repeats nothing.
    if late and (wish.retry_unknown or not same):
        return SEND
    sent = for_people(last.sent)
    if same:
        never = ", and no confirmation is expected any more" if late else ""
        said = f" ({last.reason})" if last.reason else ""
        again = ". It is sent again only with 'retry_unknown: true'" if late else ""
        why = f"sent {sent}, not confirmed yet{never}{said}{again}"
        return Decision("accepted", why, last.request_id, overdue=late)
    what = f"its {ACTIONS[last.action].noun} of {sent} is not confirmed yet"
    return Decision("skipped", f"not sent: {what}. {_possible(wish, last)}", last.request_id)


def _possible(wish: Wish, last: Attempt) -> str:
    """When a request can be sent although the one before it is not confirmed."""
    count = "the account's count does not confirm it"
    if age(last.sent) < wish.settle:
        count = f"the account's count can confirm it from {for_people(after(last.sent, wish.settle))}"
    return f"Possible from {for_people(hour_after(last.sent))}, or when a receiver hears of it; {count}"


def _unknown(wish: Wish, last: Attempt) -> Decision:
    # A lifetime license cannot have been removed, so it has no request of the opposite kind.
    opposite = last.action != wish.action
    hinted = last.hinted and not opposite
    if (wish.retry_unknown and not hinted) or (last.sent < wish.overdue and opposite and not wish.sku.lifetime):
        return SEND
    why = f"its {ACTIONS[last.action].noun} was sent {for_people(last.sent)} and has no reliable answer"
    why += f" ({last.reason.rstrip('.')})" if last.reason else ""
    if hinted:
        claim = "A report that may be about it says that it was done"
        return Decision("unknown", f"{why}. {claim}. 'retry_unknown: true' sends the others again first")
    return Decision("unknown", f"{why}. It is sent again only with 'retry_unknown: true'")


def require_consent(wish: Wish, plan: SimsecPlan, consent: int | None) -> None:
    """Refuse to bind more devices for life than the task consents to.

    :raises LicensingError: C(lifetime_consent); nothing was sent.
    """
    bound = plan.plan.assign
    if not wish.sku.lifetime or not bound or (consent or 0) >= len(bound):
        return
    named = first(bound, 20)
    given = "'lifetime_consent' is not set" if consent is None else f"'lifetime_consent' is {consent}"
    what = "is a lifetime license, which can never be removed"
    if wish.sku.doubt:
        what = f"may be a lifetime license, which can never be removed: {wish.sku.doubt}"
    raise LicensingError(
        f"{wish.sku.number} {what}. The plan would bind {len(bound)} "
        f"{'device' if len(bound) == 1 else 'devices'} for life, but {given}: {named}. Nothing was sent. "
        f"If you want that, set 'lifetime_consent: {len(bound)}'.",
        code="lifetime_consent",
        planned=len(bound),
        consented=consent or 0,
        devices=list(bound[:MAX_PROBLEMS]),
    )
