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
from .._text.lists import first, many

Choice = t.Literal["skip", "stop", "ignore"]
"""The option C(foreseen_refusals)."""

FEW_PAGES = 3
"""How many pages of the device list are read at least, even if the list of licenses is shorter."""


class Read(t.NamedTuple):
    """What was read to make the plan.

    :param facts: about the named devices, if ThingSpace was asked about them.
    :param held: the licensed devices, in order, if they were listed.
    """

    facts: t.Mapping[str, Facts]
    held: t.Sequence[str]


def foresee(api: FotaApi, plan: Plan, read: Read | None, choice: Choice) -> Plan:
    """The plan without the changes that ThingSpace would refuse.

    :param read: None if nothing is to be foreseen, because the state is not read.
    :param choice: with C(stop), as much is read as it takes. Otherwise, only a few pages, or as many as the list of
        licenses has. For a few devices of a large account, nothing more is read about removals.
    :raises LicensingError: there was no answer at all.
    """
    if choice == "ignore":
        return plan
    if read is None:
        return plan._replace(unforeseen=plan.changes)
    facts = dict(read.facts)
    left = dict.fromkeys(plan.assign, "assign") | dict.fromkeys(plan.remove, "remove")
    wanted: dict[str, Action] = t.cast("dict[str, Action]", left)
    most = _most(api, read, choice)
    # No document names 'upgradeTime' for named devices. So a removal needs the device list.
    told = {device for device in facts if wanted.get(device) == "assign"}

    def learn(found: t.Mapping[str, Facts]) -> None:
        told.update(found)
        facts.update({device: found[device] for device in _undecided(wanted, facts) if device in found})

    # The pages that show the removals may show others, too.
    gone = [device for device in _undecided(wanted, facts) if wanted[device] == "remove"]
    learn(api.devices.find(gone, read.held, most, also=wanted.keys()))
    new = [device for device in _undecided(wanted, facts) if wanted[device] == "assign"]
    named = api.named.read(new) if new and api.named.offered and not read.facts else None
    if named is not None:
        learn(named.about)
    elif not api.named.offered:
        learn(api.devices.find(new, read.held, most))
    refusals = {device: why for device, action in wanted.items() if (why := _refusal(facts, device, action))}
    unknown = _undecided(wanted, facts)
    return plan.without(refusals, len(unknown))._replace(unforeseen_why=_why(api, unknown, told, most))


def _most(api: FotaApi, read: Read, choice: Choice) -> int | None:
    """How many pages of the device list to read at most."""
    if choice == "stop":
        return None
    if not read.held and api.pages > FEW_PAGES + 1:
        return 0
    return max(FEW_PAGES, api.pages if read.held else 0)


def _why(api: FotaApi, left: t.Sequence[str], told: t.AbstractSet[str], most: int | None) -> str:
    """Why it could not be read what would happen to the devices that are left; empty if no more was to be read."""
    if not left:
        return ""
    if api.devices.unusable:
        return api.devices.unusable
    if not told.isdisjoint(left):
        return "ThingSpace's answer does not say it"
    if most != 0 and not api.devices.offered:
        return f"ThingSpace has no list of devices for {api.version} here"
    return "ThingSpace does not list them" if most is None else ""


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
        told.append(f"ThingSpace would refuse the plan for {many(len(plan.refused), 'device')}: {named}.")
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
