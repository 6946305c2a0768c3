# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Decides about devices that ThingSpace's answer about named devices does not know, with any protocol.

No document says what that answer is for a device that the account does not have. So one of the two lists must show, on
the page where the device would be, that it does not have it, either. This takes one request for many neighbors. In a
large account, no known device may be near. Then that page can be read only if the list accepts any number as a
position.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._errors import IncompleteList
from .._text.lists import few, many
from .device_list import DeviceList
from .facts import Facts
from .positions import Positions
from .search import DevicePage, Search, search
from .shown import Shown

PROOFS = 10
"""How many pages of a list are read at most."""

LEFT_OUT = "its answer leaves the device out"


class Named(t.NamedTuple):
    """The named devices, as ThingSpace knows them.

    :param facts: what it says about each device of the account.
    :param unknown: those that are not devices of the account, each with ThingSpace's reason. They hold no license.
    :param unsaid: those that the answer does not know, and that no list was read for. They are probably not devices of
        the account.
    :param seen: the ids on pages of the list of licensed devices that were read for the unknown ones.
    :param unproven: those of a removal that the answer does not know, each with the reason. They may hold a license.
    :param doubt: about which devices the answer is wrong or leaves something open, and what follows from that.
    """

    facts: t.Mapping[str, Facts]
    unknown: t.Mapping[str, str]
    unsaid: t.Collection[str] = ()
    doubt: str = ""
    unproven: t.Mapping[str, str] = {}
    seen: t.AbstractSet[str] = frozenset()

    @property
    def about(self) -> dict[str, Facts]:
        """What it says about each device, also of those that it does not know."""
        reasons = {**self.unknown, **self.unproven}.items()
        unknown = {device: Facts(None, None, None, unknown=why) for device, why in reasons}
        return {**self.facts, **unknown, **dict.fromkeys(self.unsaid, Facts(None, None, None))}

    @property
    def licensed(self) -> t.AbstractSet[str]:
        """Those that hold a license."""
        return {device for device, facts in self.facts.items() if facts.licensed}


def among_licensed(
    shown: Shown,
    facts: t.Mapping[str, Facts],
    missing: t.Mapping[str, str],
    listed: t.Sequence[str],
    most: int,
    at_once: int,
) -> Named:
    """Decide by the list of licensed devices, which is what counts for a removal.

    :param shown: reads a page of it.
    :param facts: what the answer says about the other devices.
    :param missing: the devices that the answer does not know, each with ThingSpace's reason.
    :param listed: licensed devices from the beginning of that list, in order.
    :param most: how many requests the whole list takes.
    :param at_once: how many requests may be sent at a time.
    :raises LicensingError: there was no answer at all.
    """

    seen = set(listed)

    def page(cursor: str) -> DevicePage:
        found = shown.page(cursor)
        seen.update(device for device, _time in found.devices)
        devices = {device: Facts(True, None, None) for device, _time in found.devices}
        return DevicePage(devices, found.more, found.cursor)

    licensed = {device for device, one in facts.items() if one.licensed}
    positions = Positions(shown.page, listed)
    there: dict[str, Facts] = {}
    left = list(missing)
    # Neighbors share a page. What is far from all known devices is asked about one by one.
    for pages, single in ((1, PROOFS), (PROOFS, most)):
        known = sorted(seen | licensed)
        found = search(page, Search(left, known, proving=True, places=facts), pages, 1, lambda _read: None)
        there.update(found.facts)
        left = [device for device in left if device not in there and device not in found.absent]
        if left and len(left) <= single:
            with concurrent.futures.ThreadPoolExecutor(max_workers=min(at_once, len(left))) as pool:
                left = [
                    device for device, gone in zip(left, pool.map(positions.exclude, left), strict=True) if not gone
                ]
            there.update(dict.fromkeys(shown.held.intersection(left), Facts(True, None, None)))
            left = [device for device in left if device not in there]
        if not left:
            break
    unknown = {device: why for device, why in missing.items() if device not in there and device not in left}
    twins = {device: positions.twin(device) for device in left[:PROOFS]}
    unproven = {device: missing[device] + _but(twins.get(device, "")) for device in left}
    return Named({**facts, **there}, unknown, unproven=unproven, seen=seen)


def _but(twin: str) -> str:
    return f" But it knows {twin}, which differs in the last digit only." if twin else ""


def among_devices(
    devices: DeviceList,
    facts: t.Mapping[str, Facts],
    missing: t.Mapping[str, str],
    listed: t.Sequence[str],
    known: t.Sequence[str],
    most: int | None,
) -> Named:
    """Decide by the list of all devices. For parameters, see C(among_licensed).

    :param known: other devices of the account.
    :param most: how many pages to read at most; None for as many as it takes.
    :raises IncompleteList: the answer is wrong about a device, and it takes too many pages to find all; or it leaves
        devices out; or a page says something else about a device.
    """
    wish = Search(missing, sorted({*facts, *listed, *known}), also=facts, proving=True)
    found = devices.look_up(wish, most)
    require_agreement(facts, found.facts)
    others = {device: one for device, one in found.facts.items() if device in missing}
    there = {device: one for device, one in others.items() if one.licensed is not None}
    unknown = {device: why for device, why in missing.items() if device in found.absent}
    unsaid = [device for device in missing if device not in unknown and device not in there]
    left_out = [device for device in unsaid if missing[device] == LEFT_OUT]
    if left_out:
        raise contradiction(f"it leaves out {many(len(left_out), 'device')}, such as {left_out[0]}")
    wrong = next(iter(others), "")
    if unsaid and wrong:
        raise contradiction(f"it does not know {wrong}, but the list of devices has it")
    return Named({**facts, **there}, unknown, unsaid, _doubt(wrong, unsaid))


def require_agreement(said: t.Mapping[str, Facts], listed: t.Mapping[str, Facts]) -> None:
    """Compare what an answer says about named devices with pages of the device list.

    :raises IncompleteList: one of the two is wrong, or someone changed licenses in the meantime.
    """
    for device in said.keys() & listed.keys():
        if None not in (one := (said[device].licensed, listed[device].licensed)) and one[0] != one[1]:
            raise contradiction(f"the list of devices says something else about {device}")


def _doubt(wrong: str, unsaid: t.Sequence[str]) -> str:
    """What to tell about devices that the answer does not know although nothing else says that, or not for all."""
    if unsaid:
        return (
            f"ThingSpace does not know {many(len(unsaid), 'device')} when asked about named devices: {few(unsaid)}. "
            "Its list of devices did not show with a few requests whether that is right. They count as devices "
            "without a license, and ThingSpace's answer to the change decides."
        )
    if wrong:
        return f"ThingSpace does not know {wrong} when asked about named devices, but its list of devices has it."
    return ""


def contradiction(why: str) -> IncompleteList:
    """The error of an answer about named devices that cannot be used."""
    return IncompleteList(why, "named devices", "It was not used.")
