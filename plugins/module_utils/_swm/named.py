# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What ThingSpace says about named devices: one request for up to 1,000 of them, whatever the size of the account.

Sources: the page "Get Device Information for a List of Devices" of v3, and the models of the public SDK. Other versions
have no such call, and no document says that this one answers for their devices. It is not documented what it says about
a device that the account does not have, and whether all servers have it. So an answer that says something wrong is not
used at all, and the caller reads the list of licensed devices. A device that the answer does not know, with any
protocol, counts as unknown only if a list does not have it, either, on the page where it would be.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._client.answers import Reader, number, text
from .._client.client import Client
from .._client.fault import one_line
from .._client.page import Page
from .._errors import LicensingError
from .._plan.batches import in_batches
from .._thingspace.api_versions import NAMED_DEVICES, ApiVersion
from .device_list import DeviceList
from .dialects import REASON, path
from .facts import Facts, facts_of, says_unknown
from .missing import LEFT_OUT, PROOFS, Named, among_devices, among_licensed, contradiction
from .offered import Offered, can_do_without
from .shown import Shown

PROTOCOLS = ("", "LWM2M", "OMADM", "HTTP")
"""What is asked for. Without a protocol, all devices should be meant, but the examples and the SDK name LWM2M."""

MOST = 1000
"""The most devices in one answer, as documented."""

_READ = Reader("read the licenses of named devices", "api_version")

Said = tuple[dict[str, Facts], dict[str, str]]
"""What an answer says about devices, and why it calls others unknown."""


class NamedDevices:
    """Asks about named devices of one account, as long as the answers can be used.

    :param devices: the list of all devices of the account.
    :param holders: reads a page of the list of licensed devices.
    """

    def __init__(
        self, client: Client, account: str, version: ApiVersion, devices: DeviceList, holders: t.Callable[[str], Page]
    ) -> None:
        self._client = client
        self._devices, self._holders = devices, holders
        self._path = path(version, "devices", account)
        self.offered = Offered(client, f"{version} {_READ.what}", documented=version in NAMED_DEVICES)
        self._proven = False
        self.progress = client.progress.about("FOTA")
        self.unusable = ""
        """Why an answer could not be used; empty if there was none, or the server does not have the call."""
        self.doubt = ""
        """About which devices the last answer that was used is wrong or leaves something open, and what was done."""

    @staticmethod
    def requests(count: int) -> int:
        """How many requests it takes to ask about so many devices."""
        return -(-count // MOST)

    def read(
        self,
        devices: t.Sequence[str],
        listed: t.Sequence[str] = (),
        known: t.Sequence[str] = (),
        *,
        removing: bool = False,
        most: int | None = PROOFS,
        pages: int = PROOFS,
    ) -> Named | None:
        """What ThingSpace says about these devices; None if it cannot be used. Then it is not asked again.

        :param listed: licensed devices from the beginning of the list, in order. Neither they nor any page that is read
            may contradict the answer.
        :param known: other devices of the account.
        :param removing: whether the devices are to lose their license. Then those that the answer does not know are
            looked for among the licensed ones: no document says that such a device holds none.
        :param most: how many pages of the device list to read at most for those that it does not know; None for as many
            as it takes.
        :param pages: how many pages the list of licensed devices has.
        :raises LicensingError: there was no answer at all.
        """
        try:
            facts, missing = self._read_all(devices)
            shown = Shown(self._holders, listed)
            if not missing:
                named = Named(facts, {})
            elif removing:
                named = among_licensed(shown, facts, missing, listed, pages, self._client.max_concurrency)
            else:
                named = among_devices(self._devices, facts, missing, listed, known, most)
            _check(named, devices, shown)
        except LicensingError as error:
            if not can_do_without(error):
                raise
            self.distrust(error)
            return None
        self.doubt = named.doubt or self.doubt
        return named

    def distrust(self, error: LicensingError) -> None:
        """Do not ask again in this task, because of this error."""
        self.unusable = self.offered.give_up(error)

    def _read_all(self, devices: t.Sequence[str]) -> tuple[dict[str, Facts], dict[str, str]]:
        """Ask about all devices, and for each protocol about those that the answer leaves out or calls unknown.

        :returns: what it says, and why it says nothing about the others.
        """
        facts: dict[str, Facts] = {}
        missing = dict.fromkeys(devices, LEFT_OUT)
        for protocol in PROTOCOLS:
            for said, unknown in self._ask_all(protocol, list(missing)):
                facts.update(said)
                missing.update(unknown)
                self.progress.tell("devices asked about", len(facts), len(devices))
            missing = {device: why for device, why in missing.items() if device not in facts}
            if not missing:
                break
        return facts, missing

    def _ask_all(self, protocol: str, devices: t.Sequence[str]) -> t.Iterator[Said]:
        """Ask about devices, several requests at a time. The first one shows whether the call exists.

        A protocol that the server refuses is left out, because the call works without it.
        """
        parts = list(in_batches(devices, MOST))
        workers = min(self._client.max_concurrency, len(parts)) or 1
        with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
            asked = [pool.submit(self._ask, protocol, part) for part in parts[:1]]
            if not self._proven:
                concurrent.futures.wait(asked)
            if not (asked and asked[0].done() and asked[0].exception()):
                asked += [pool.submit(self._ask, protocol, part) for part in parts[1:]]
            try:
                for answer in asked:
                    yield answer.result()
                    self._proven = True
            except LicensingError as error:
                if not protocol or not can_do_without(error):
                    raise
            finally:
                for answer in asked:
                    answer.cancel()

    def _ask(self, protocol: str, devices: t.Sequence[str]) -> Said:
        """Ask about some devices, and again about those that did not fit into an answer."""
        where = self._path + (f"?protocol={protocol}" if protocol else "")
        facts: dict[str, Facts] = {}
        unknown: dict[str, str] = {}
        left, more = dict.fromkeys(devices), True
        while left and more:
            value = self._client.query(_READ.what, where, {"deviceList": list(left)})
            self.offered.answered()
            rows, more = _READ.page(value, "deviceList", _names_device, unsaid=False)
            if number(value, ("deviceCount",)) not in (None, len(rows), len(left)):
                raise contradiction(f"it names {len(rows)} devices, and counts {value.get('deviceCount')}")
            for row in rows:
                device = str(row["deviceId"])
                if device not in left:
                    twice = device in facts or device in unknown
                    raise contradiction(
                        "a device is in it twice" if twice else "it names a device that was not asked for"
                    )
                del left[device]
                self._take(device, row, facts, unknown)
            more = more and bool(rows)
        return facts, unknown

    def _take(self, device: str, row: t.Mapping[str, t.Any], facts: dict[str, Facts], unknown: dict[str, str]) -> None:
        """Note what a row says about its device."""
        said, reason = facts_of(row, self._client.mask), text(row, REASON)
        failed = text(row, ("requestStatus",)).strip().lower() not in ("", "success")
        if says_unknown(reason):
            # Whatever else the row says: a flag may be there only because the form of the answer has it.
            unknown[device] = one_line(reason, self._client.mask)
        elif failed or said.licensed is None:
            why = one_line(reason, self._client.mask) if failed else "there is no usable 'licenseAssigned'"
            raise contradiction(f"it does not say whether {device} holds a license ({why or 'no reason was given'})")
        else:
            facts[device] = said


def _check(found: Named, devices: t.Sequence[str], shown: Shown) -> None:
    """Compare with the pages of the list that were read.

    :raises IncompleteList: one of the two is wrong, or someone changed licenses in the meantime.
    """
    device = shown.unlike(devices, found.licensed)
    if device:
        raise contradiction(f"the list of licensed devices says something else about {device}")


def _names_device(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("deviceId"))
