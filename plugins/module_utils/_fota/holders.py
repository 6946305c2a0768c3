# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads which of some devices hold a license now: from the whole list, or in another way if that is cheaper."""

from __future__ import annotations

import typing as t

from .._client.paging import Page
from .._devices.spelling import require_spelling
from .._plan.answer import Action
from .._plan.plan import Plan
from .._swm.facts import Facts
from .._swm.licenses import FotaApi
from .._swm.missing import among_licensed
from .._swm.shown import Shown


class Holders(t.NamedTuple):
    """Who holds a license.

    :param held: every such device, or only those that were asked about.
    :param in_use: licenses of the account that are held; None if that was not read.
    :param unsure: devices of a removal that are not among them, and that may hold one all the same.
    """

    held: t.AbstractSet[str]
    in_use: int | None
    unsure: t.AbstractSet[str] = frozenset()


def read_back(
    api: FotaApi,
    action: Action,
    devices: t.Sequence[str],
    first: Page | None = None,
    expected: t.Collection[str] = (),
    *,
    plan: Plan,
) -> Holders:
    """Read which of these devices hold a license after a request for them.

    :param action: of the request.
    :param first: the first page of the list if it was just read.
    :param expected: ids that are probably on the list, see C(FotaApi.licensed).
    :param plan: what the request belongs to. If a list has shown the devices before, it shows them under the same ids
        again. If ThingSpace was asked about them, a list may name them in another way, so that it proves nothing if it
        does not have them; nor does an answer that suddenly does not know them.
    :raises LicensingError: the account could not be read, or not completely.
    """
    losing = action == "remove"
    if api.named.offered and api.named.requests(len(devices)) < api.pages:
        listed = [device for device, _time in first.devices] if first else []
        named = api.named.read(devices, listed, removing=losing, pages=api.pages)
        if named is not None and (plan.by_name or not named.unproven):
            unsure = set(devices) - named.facts.keys() if losing and plan.by_name else frozenset[str]()
            return Holders(named.licensed, first.assigned if first else None, unsure)
    held, _last = api.licensed(first, expected)
    require_spelling(held, devices, losing=losing and (plan.by_name or not plan.read))
    return Holders(held, len(held), set(devices) - held if losing and plan.by_name else frozenset())


def without_license(api: FotaApi, refused: t.Mapping[str, str], others: t.Iterable[str]) -> dict[str, str]:
    """Whether these devices hold no license, according to the list. As much of it is read as that takes.

    :param refused: devices that ThingSpace does not know, each with its reason.
    :param others: devices that it knows, and that hold no license.
    :returns: an empty text for each that holds none, and its reason for each that holds one.
    :raises IncompleteList: the list may name one of them in another spelling.
    :raises LicensingError: the account could not be read, or not completely.
    """
    first = api.page()
    if first.more and len(refused) <= first.pages:
        facts = dict.fromkeys(others, Facts(False, None, None))
        listed = [device for device, _time in first.devices]
        found = among_licensed(Shown(api.page, listed), facts, refused, listed, first.pages, api.max_concurrency)
        if not found.unproven:
            require_spelling(found.seen, [*refused], losing=True)
            return {device: "" if device in found.unknown else why for device, why in refused.items()}
    held, _last = api.licensed(first, refused)
    require_spelling(held, [*refused], losing=True)
    return {device: why if device in held else "" for device, why in refused.items()}
