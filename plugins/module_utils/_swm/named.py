# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What ThingSpace says about named devices: one request for up to 1,000 of them, whatever the size of the account.

Sources: the page "Get Device Information for a List of Devices" of v3, and the models of the public SDK. Other versions
have no such call, and no document says that this one answers for their devices. It is not documented what it says about
a device that the account does not have, and whether all servers have it. So an answer that leaves anything open is not
used at all, and the caller reads the list of licensed devices. A device counts as unknown only if no protocol finds it
and ThingSpace also refuses it as a position of that list, as documented for all but the devices of the account.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._client.answers import Reader, number, text
from .._client.client import Client
from .._client.fault import one_line
from .._errors import ApiError, IncompleteList, LicensingError
from .._plan.batches import in_batches
from .._thingspace.api_versions import NAMED_DEVICES, ApiVersion
from .dialects import REASON, path
from .facts import Facts, facts_of, says_unknown
from .offered import Offered, can_do_without

PROTOCOLS = ("", "LWM2M", "OMADM", "HTTP")
"""What is asked for. Without a protocol, all devices should be meant, but the examples and the SDK name LWM2M."""

MOST = 1000
"""The most devices in one answer, as documented."""

STRANGERS = 10
"""The most unknown devices for which it is worth to ask whether they are a position of the list."""

_READ = Reader("read the licenses of named devices", "api_version")

_DONE = "It was not used."


class Named(t.NamedTuple):
    """The named devices, as ThingSpace knows them.

    :param facts: what it says about each device of the account.
    :param unknown: those that are not devices of the account, each with ThingSpace's reason. They hold no license.
    """

    facts: t.Mapping[str, Facts]
    unknown: t.Mapping[str, str]

    @property
    def about(self) -> dict[str, Facts]:
        """What it says about each device, also of those that it calls unknown."""
        return {**self.facts, **{device: Facts(None, None, None, unknown=why) for device, why in self.unknown.items()}}

    @property
    def licensed(self) -> t.AbstractSet[str]:
        """Those that hold a license."""
        return {device for device, facts in self.facts.items() if facts.licensed}


class NamedDevices:
    """Asks about named devices of one account, as long as the answers can be used.

    :param is_stranger: whether ThingSpace refuses a device as a position of the list of licensed devices.
    """

    def __init__(self, client: Client, account: str, version: ApiVersion, is_stranger: t.Callable[[str], bool]) -> None:
        self._client = client
        self._is_stranger = is_stranger
        self._path = path(version, "devices", account)
        self.offered = Offered(client, f"{version} {_READ.what}", documented=version in NAMED_DEVICES)
        self._proven = False
        self._refused_protocols: set[str] = set()
        self.progress = client.progress.about("FOTA")
        self.unusable = ""
        """Why an answer could not be used; empty if there was none, or the server does not have the call."""

    @staticmethod
    def requests(count: int) -> int:
        """How many requests it takes to ask about so many devices."""
        return -(-count // MOST)

    def read(self, devices: t.Sequence[str], listed: t.Sequence[str] = (), *, removing: bool = False) -> Named | None:
        """What ThingSpace says about these devices; None if it cannot be used. Then it is not asked again.

        :param listed: licensed devices from the beginning of the list, in order. They must not contradict the answer.
        :param removing: whether the devices are to lose their license. Then a device that ThingSpace does not know
            makes the answer unusable: no document says that such a device holds none.
        :raises LicensingError: there was no answer at all.
        """
        try:
            found = self._read_all(devices)
            self._check(found, devices, listed, removing)
            self._check_unknown(found.unknown)
        except LicensingError as error:
            if not can_do_without(error):
                raise
            self.unusable = self.offered.give_up(error)
            return None
        return found

    def _read_all(self, devices: t.Sequence[str]) -> Named:
        """Ask about all devices, several requests at a time. The first one shows whether the call exists."""
        found, facts, unknown = 0, dict[str, Facts](), dict[str, str]()
        parts = list(in_batches(devices, MOST))
        workers = min(self._client.max_concurrency, len(parts)) or 1
        with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
            asked = [pool.submit(self._read_part, part) for part in parts[:1]]
            if not self._proven:
                concurrent.futures.wait(asked)
            if not (asked and asked[0].done() and asked[0].exception()):
                asked += [pool.submit(self._read_part, part) for part in parts[1:]]
            try:
                for part, answer in zip(parts, asked, strict=False):
                    facts.update(answer.result().facts)
                    unknown.update(answer.result().unknown)
                    found += len(part)
                    self._proven = True
                    self.progress.tell("devices asked about", found, len(devices))
            finally:
                for answer in asked:
                    answer.cancel()
        return Named(facts, unknown)

    def _read_part(self, devices: t.Sequence[str]) -> Named:
        """Ask about some devices; and for each protocol about those that an answer leaves out or calls unknown."""
        facts: dict[str, Facts] = {}
        unknown: dict[str, str] = {}
        for protocol in PROTOCOLS:
            left = dict.fromkeys(device for device in devices if device not in facts)
            try:
                self._read_left(protocol, {} if protocol in self._refused_protocols else left, facts, unknown)
            except ApiError as error:
                # No document says that every server knows the parameter. Without it, the first answer stands.
                if not protocol or not can_do_without(error):
                    raise
                self._refused_protocols.add(protocol)
        unknown = {device: why for device, why in unknown.items() if device not in facts}
        left_out = [device for device in devices if device not in facts and device not in unknown]
        if left_out:
            raise _contradiction(f"it leaves out {len(left_out)} devices, such as {left_out[0]}")
        return Named(facts, unknown)

    def _read_left(
        self, protocol: str, left: dict[str, None], facts: dict[str, Facts], unknown: dict[str, str]
    ) -> None:
        """Ask about the devices that are left, and again about those that did not fit into an answer."""
        where = self._path + (f"?protocol={protocol}" if protocol else "")
        asked, more = frozenset(left), True
        while left and more:
            value = self._client.query(_READ.what, where, {"deviceList": list(left)})
            self.offered.answered()
            rows, more = _READ.page(value, "deviceList", _names_device, unsaid=False)
            if number(value, ("deviceCount",)) not in (None, len(rows), len(left)):
                raise _contradiction(f"it names {len(rows)} devices, and counts {value.get('deviceCount')}")
            for row in rows:
                device = str(row["deviceId"])
                if device not in left:
                    raise _contradiction(
                        "a device is in it twice" if device in asked else "it names a device that was not asked for"
                    )
                del left[device]
                self._take(device, row, facts, unknown)
            more = more and bool(rows)

    def _take(self, device: str, row: t.Mapping[str, t.Any], facts: dict[str, Facts], unknown: dict[str, str]) -> None:
        """Note what a row says about its device."""
        said, reason = facts_of(row, self._client.mask), text(row, REASON)
        failed = text(row, ("requestStatus",)).strip().lower() not in ("", "success")
        if failed and said.licensed is None and says_unknown(reason):
            unknown[device] = one_line(reason, self._client.mask)
        elif failed or said.licensed is None:
            why = one_line(reason, self._client.mask) if failed else "there is no usable 'licenseAssigned'"
            raise _contradiction(f"it does not say whether {device} holds a license ({why or 'no reason was given'})")
        else:
            facts[device] = said

    def _check_unknown(self, unknown: t.Collection[str]) -> None:
        """Make sure that unknown devices are not devices of the account, as far as ThingSpace can say it for certain.

        :raises IncompleteList: one may be a device of the account, whatever the answer says.
        """
        if len(unknown) > STRANGERS:
            raise _contradiction(f"it does not know {len(unknown)} of the devices")
        for device in unknown:
            if not self._is_stranger(device):
                raise _contradiction(
                    f"it does not know {device}, but the list of licensed devices has a page that begins after it"
                )

    @staticmethod
    def _check(found: Named, devices: t.Sequence[str], listed: t.Sequence[str], removing: bool) -> None:
        """Compare with the beginning of the list.

        :raises IncompleteList: one of the two is wrong, or someone changed licenses in the meantime.
        """
        if removing and found.unknown:
            raise _contradiction(f"it does not know {next(iter(found.unknown))}, which may hold a license all the same")
        held, licensed = set(listed), found.licensed
        # The cursor is "IMEIs larger than this", so an ordered list has every licensed device up to its last one.
        last = listed[-1] if listed and list(listed) == sorted(held) else ""
        for device in devices:
            if device in held if device not in licensed else device <= last and device not in held:
                raise _contradiction(f"the list of licensed devices says something else about {device}")


def _contradiction(why: str) -> IncompleteList:
    return IncompleteList(why, "named devices", _DONE)


def _names_device(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("deviceId"))
