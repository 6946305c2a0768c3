# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Foresees which changes of a plan ThingSpace would refuse: devices that FOTA does not serve, and licenses that can
never be removed because the firmware was upgraded.

What is not known is not foreseen: the change is sent, and ThingSpace decides, unless the task must stop in time.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError
from .._plan.answer import Action
from .._plan.plan import Plan
from .._swm.facts import Facts
from .._swm.licenses import FotaApi
from .._swm.missing import PROOFS, require_agreement
from .._swm.search import Search
from .._text.lists import first, many

Choice = t.Literal["skip", "stop", "ignore"]
"""The option C(foreseen_refusals)."""

FEW_PAGES = 10
"""How many pages of the device list are read at most for named devices, if those are few."""

MANY = 100
"""So many named devices are worth a page."""

NEAR = 2
"""How many pages are read at most for removals if the list of licenses was not read. Then a page can begin only at the
named devices and on the first page, so most pages would show nothing."""

NOT_LOOKED = "'foreseen_refusals: ignore' does not look"
FEW_READ = (
    "few pages of the device list are read for named devices; 'foreseen_refusals: stop' reads as many as it takes"
)
SENT_UNREAD = "the run learns it from the answers ('lookup: direct'). 'foreseen_refusals: stop' looks first"


class Read(t.NamedTuple):
    """What was read to make the plan.

    :param facts: about the named devices, if ThingSpace was asked about them.
    :param known: devices of the account, in order.
    :param beginning: the licensed devices on the first page, if no further one was read; None if all licensed devices
        are known.
    """

    facts: t.Mapping[str, Facts]
    known: t.Sequence[str]
    beginning: t.Sequence[str] | None = None


def foresee(api: FotaApi, plan: Plan, read: Read | None, choice: Choice) -> Plan:
    """The plan without the changes that ThingSpace would refuse.

    :param read: None if nothing is to be foreseen, because the state is not read.
    :param choice: with C(stop), as much is read as it takes. Otherwise, that is so for unlisted devices only: each
        license that can never be removed would be sent in every run. For named devices, only a few pages are read. How
        many does not depend on the size of the account, or the next run could foresee less than this one.
    :raises IncompleteList: a page of the device list contradicts what ThingSpace says about the named devices.
    :raises LicensingError: there was no answer at all.
    """
    if choice == "ignore":
        return _as_before(api, plan)
    if read is None:
        refused = api.locked.among(plan.remove)
        count = plan.changes - len(refused)
        return plan.without(refused, count)._replace(unforeseen_why=SENT_UNREAD if count else "")
    facts = dict(read.facts)
    # What ThingSpace itself refused for ever outweighs what its lists say.
    refused = api.locked.among(plan.remove)
    left = dict.fromkeys(plan.assign, "assign") | dict.fromkeys(plan.remove, "remove")
    wanted = {one: t.cast("Action", action) for one, action in left.items() if one not in refused}
    # No document names 'upgradeTime' for named devices. So a removal needs the device list.
    told = {device for device in facts if wanted.get(device) == "assign"}

    def learn(found: t.Mapping[str, Facts]) -> None:
        told.update(found)
        facts.update({device: found[device] for device in _undecided(wanted, facts) if device in found})

    def look_up(devices: t.Sequence[str], most: int | None) -> bool:
        """Learn from the device list; returns whether more of it could be read."""
        wish = Search(devices, read.known, {*wanted, *read.facts})
        if most is None or read.beginning is None:
            found = api.devices.look_up(wish, most)
        else:
            found = api.devices.look_near(wish, read.beginning, NEAR)
        require_agreement(read.facts, found.facts)
        learn({device: one for device, one in found.facts.items() if device in wanted})
        return found.unread

    # The pages that show the removals may show others, too.
    gone = [device for device in _undecided(wanted, facts) if wanted[device] == "remove"]
    whole = choice == "stop" or plan.state == "exact"
    unread = look_up(gone, None if whole else pages_for(gone))
    new = [device for device in _undecided(wanted, facts) if wanted[device] == "assign"]
    named = (
        api.named.read(new, known=read.known, most=proofs(choice))
        if new and api.named.offered and not read.facts
        else None
    )
    if named is not None:
        learn(named.about)
    elif not api.named.offered:
        unread |= look_up(new, None if choice == "stop" else pages_for(new))
    refusals = {device: why for device, action in wanted.items() if (why := _refusal(facts, device, action))}
    refusals.update(refused)
    unknown = _undecided(wanted, facts)
    return plan.without(refusals, len(unknown))._replace(unforeseen_why=_why(api, unknown, told, unread))


def _as_before(api: FotaApi, plan: Plan) -> Plan:
    """The plan of a task that does not look. An exact one leaves alone what ThingSpace refused before for ever."""
    if plan.state != "exact":
        return plan
    plan = plan.without(api.locked.among(plan.remove))
    return plan._replace(unforeseen=len(plan.remove), unforeseen_why=NOT_LOOKED if plan.remove else "")


def proofs(choice: Choice) -> int | None:
    """How many pages to read at most to show that devices are unknown. To stop in time, it takes what it takes."""
    return None if choice == "stop" else PROOFS


def pages_for(devices: t.Sequence[str]) -> int:
    """How many pages of the device list to read at most for these devices."""
    return max(FEW_PAGES, len(devices) // MANY)


def _why(api: FotaApi, left: t.Sequence[str], told: t.AbstractSet[str], unread: bool) -> str:
    """Why it is not known what would happen to the devices that are left; empty if there are none.

    :param unread: whether more of the device list could be read.
    """
    if not left:
        return ""
    if api.devices.unusable:
        return api.devices.unusable
    if not told.isdisjoint(left):
        return "ThingSpace's answer does not say it"
    if not api.devices.offered:
        return f"ThingSpace has no list of devices for {api.version} here"
    return FEW_READ if unread else "ThingSpace does not list them"


def _refusal(facts: t.Mapping[str, Facts], device: str, action: Action) -> str | None:
    known = facts.get(device)
    return None if known is None else known.refusal(action)


def _undecided(wanted: t.Mapping[str, Action], facts: t.Mapping[str, Facts]) -> list[str]:
    return [device for device, action in wanted.items() if _refusal(facts, device, action) is None]


def unforeseen(plan: Plan) -> str:
    """Say how many changes could not be foreseen, and why."""
    devices, why = many(plan.unforeseen, "device"), plan.unforeseen_why.rstrip(".")
    return f"For {devices}, it could not be foreseen whether ThingSpace would refuse the change: {why}."


def stop_if_refused(plan: Plan, choice: Choice) -> None:
    """Stop a plan with changes that ThingSpace would refuse, or may refuse for all that is known, if requested.

    :raises LicensingError: C(refusal_foreseen); nothing was written.
    """
    if choice != "stop" or not (plan.refused or plan.unforeseen):
        return
    told: list[str] = []
    if plan.refused:
        named = first(plan.refused, 20, "; ", ": ".join)
        told.append(f"The plan is not possible for {many(len(plan.refused), 'device')}: {named}.")
    if plan.unforeseen:
        told.append(unforeseen(plan))
    advice = "Leave them out, or set 'foreseen_refusals: skip' to change the others."
    if not plan.refused:
        advice = "Set 'foreseen_refusals: skip' to send them all the same; ThingSpace then decides."
    raise LicensingError(
        f"{' '.join(told)} Nothing was written. {advice}",
        code="refusal_foreseen",
        digest=plan.digest,
    )
