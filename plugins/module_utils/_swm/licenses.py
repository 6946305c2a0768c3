# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The operations of the Software Management (FOTA) license API, with the same names for v1, v2, and v3."""

from __future__ import annotations

import re
import typing as t

from .._client.answers import Reader, number, text
from .._client.client import Client
from .._client.cuts import Cuts, unsplit
from .._client.fault import Mask, one_line
from .._client.masking import are_times, changes, mask_ids
from .._client.paging import FIRST, Forms, Page, as_rows, as_set, read_all
from .._errors import ApiError, LicensingError
from .._plan.answer import Action, Answer, DeviceResult
from .._plan.plan import Pool
from .._text.lists import many
from .._thingspace.api_versions import LIST_FORMS, OF_SOME_PROTOCOLS, ApiVersion
from .device_list import DeviceList
from .dialects import (
    ASSIGNED,
    PAGE_SIZE,
    REASON,
    SUBSCRIBED,
    SUBSCRIBED_USED,
    TOTAL,
    USED,
    list_path,
    path,
)
from .locked import LockedLicenses
from .named import NamedDevices
from .offered import Offered, can_do_without
from .reach import Reach


class Subscription(t.TypedDict):
    """The account's subscription as C(fota_license_info) returns it."""

    purchase_type: str
    license_count: int | None
    license_used_count: int | None
    update_time: str


_LIST = Reader("list the licensed devices", "api_version")
_SUBSCRIPTION = Reader("read the subscription", "api_version")


class FotaApi:
    """License operations on one account with one API version."""

    def __init__(self, client: Client, account: str, version: ApiVersion) -> None:
        self._client = client
        self._forms = Forms(LIST_FORMS[version])
        self.account = account
        self.version = version
        self.max_concurrency = client.max_concurrency
        self.progress = client.progress.about("FOTA")
        self.devices = DeviceList(client, account, version)
        self.locked = LockedLicenses(client, account)
        self.named = NamedDevices(client, account, version, self.devices, self.page)
        self.pages = 0
        """How many pages the list of licensed devices has, according to the last first page."""
        self.unsplit = ""
        """What to tell if the list could not be read in pieces, although that was tried; otherwise empty."""
        self.used_counts: set[int] = set()
        """Counts of licenses in use in the answers to the last kind of write; several requests may run at a time."""
        self._last_action: Action = "remove"
        self._bought: Subscription | None = None
        self._reach: Reach | None = None
        self._counted = Offered(client, f"{version} {_SUBSCRIPTION.what}")

    def ask_again(self) -> None:
        """Find out in this task which calls the server has, whatever others found out before."""
        self.named.offered.ask_again()
        self.devices.offered.ask_again()
        self._counted.ask_again()

    def subscription(self) -> Subscription:
        """C(GET /subscriptions/{account}): the number of purchased licenses, and of those in use."""
        value = self._client.get(_SUBSCRIPTION.what, path(self.version, "subscriptions", self.account))
        self._counted.answered()
        self._bought = {
            "purchase_type": one_line(text(value, ("purchaseType",)), self._client.mask),
            "license_count": number(value, SUBSCRIBED),
            "license_used_count": number(value, SUBSCRIBED_USED),
            "update_time": one_line(text(value, ("updateTime",)), self._client.mask),
        }
        return self._bought

    def page(self, cursor: str = FIRST) -> Page:
        """One page of the licensed devices."""
        return self._page_by(self._client.get, cursor)

    def _cut(self, cursor: str) -> Page:
        """A page of them at which the list may be cut."""
        return self._page_by(self._client.try_get, cursor)

    def _page_by(self, get: t.Callable[[str, str], dict[str, t.Any]], cursor: str) -> Page:
        where = (self.account, cursor)
        value = self._forms.read(lambda form: get(_LIST.what, list_path(self.version, form, *where)))
        page = _page(value, self._client.mask)
        if cursor == FIRST:
            self.pages = page.pages
        return page

    def licensed(self, first: Page | None = None, expected: t.Collection[str] = ()) -> tuple[t.AbstractSet[str], Page]:
        """The ids of all licensed devices, and the page with the newest counts.

        :param expected: ids that are probably among them, so that a long list can be read in pieces, side by side.
        :raises IncompleteList: the list contradicts itself.
        """
        cuts = Cuts(expected, self.max_concurrency, self._cut)
        return read_all(first, self.page, as_set, self._tell, self._recounted, cuts, self._note_chained)

    def licensed_rows(
        self, first: Page | None = None, expected: t.Collection[str] = ()
    ) -> tuple[list[tuple[str, str]], Page]:
        """As C(licensed), with the assignment times."""
        cuts = Cuts(expected, self.max_concurrency, self._cut)
        return read_all(first, self.page, as_rows, self._tell, self._recounted, cuts, self._note_chained)

    def _note_chained(self, why: str) -> None:
        self.unsplit = unsplit("licensed devices", why)

    def _tell(self, read: int, of: int | None) -> None:
        self.progress.tell("licensed devices read", read, of)

    def pool(self, page: Page) -> Pool:
        """The account's license counts on this page; reads the subscription for what the page leaves out."""
        if page.total is None or page.assigned is None:
            bought = self._recounted(page)
            page = page if page.assigned is not None else page._replace(assigned=bought.assigned)
            page = page._replace(total=bought.total)
        return Pool(page.total, page.assigned)

    def _recounted(self, page: Page) -> Page:
        """The page with the subscription's count of assigned licenses. Its own count does not prove a list."""
        bought = self.subscription()
        return page._replace(
            total=bought["license_count"] if page.total is None else page.total,
            assigned=bought["license_used_count"],
        )

    @property
    def partial(self) -> Reach | None:
        """For how many licenses the list speaks, if a task has found out that it does not have all of the account."""
        return self._reach if self._reach and self._reach.partial else None

    def reach(self, listed: int | None) -> Reach:
        """For how many of the account's licenses the list of this version speaks. The account is asked once.

        Reads the subscription, unless that is done. A list counts as whole if the documents restrict its version to no
        protocol, if the difference changes while it is looked at, and if the subscription cannot be read. In the last
        case, C(doubt) says why.

        :param listed: licenses that the list, which was just read, counts or has.
        """
        if self._reach is None:
            try:
                self._reach = self._reach_of(listed or 0)
            except LicensingError as error:
                if not can_do_without(error):
                    raise
                self._reach = self._not_compared(listed or 0, self._counted.give_up(error))
        elif listed is not None and listed > self._reach.listed:
            # The list has more devices than its own count said.
            self._reach = self._reach._replace(listed=listed, in_use=max(listed, self._reach.in_use))
        return self._reach

    @property
    def doubt(self) -> str:
        """What to tell if a task could not find out whether the list has all licenses of the account; mostly empty."""
        return self._reach.doubt if self._reach else ""

    def _reach_of(self, listed: int) -> Reach:
        if self.version not in OF_SOME_PROTOCOLS:
            return Reach(self.version, listed, listed)
        if self._bought is None:
            if not self._counted:
                return self._not_compared(listed)
            self.subscription()
        excess = self._in_use() - listed
        if excess <= 0:
            return Reach(self.version, listed, listed)
        # Others may have moved licenses between two readings. A list without a count is proved by this number.
        again = self.page().assigned
        if again is None or again >= self._in_use():
            return Reach(self.version, self._in_use(), self._in_use())
        self.subscription()
        then = self._in_use() - again
        lasts = abs(then - excess) < min(then, excess)
        return Reach(self.version, again, again + (then if lasts else 0))

    def _not_compared(self, listed: int, why: str = "") -> Reach:
        return Reach(self.version, listed, listed, why or f"ThingSpace has no subscriptions for {self.version} here.")

    def _in_use(self) -> int:
        """What the subscription said. One that is event-based, if only in part, counts upgrades, which no list has.

        :raises ApiError: C(bad_answer), there is no number with which the list should be compared.
        """
        bought = self._bought
        if bought is None or "EVNT" in bought["purchase_type"]:
            return 0
        used = bought["license_used_count"]
        if used is None:
            raise _SUBSCRIPTION.lacking("a usable 'licenseUsedCount'")
        return used

    def free(self) -> int | None:
        """Licenses that no device holds right now."""
        return self.pool(self.page())._replace(elsewhere=self._reach.elsewhere if self._reach else 0).free

    def write(self, action: Action, devices: t.Sequence[str]) -> dict[str, Answer]:
        """C(POST /licenses/{account}/assign) or C(/remove): the answer for each device that it contains.

        :raises LicensingError: the whole request failed; C(in_doubt) says whether it may have taken effect.
        """
        what = f"{action} the licenses of {many(len(devices), 'device')}"
        where = path(self.version, "licenses", self.account, action)
        try:
            value = self._client.post(what, where, {"deviceList": list(devices)})
        except ApiError as error:
            if action == "remove" and len(devices) == 1 and error.code == "api_rejected":
                self.locked.note({devices[0]: str(error.details.get("api_message", ""))})
            raise
        if action != self._last_action:
            self._last_action = action
            self.used_counts.clear()
        used = number(value, USED)
        if used is not None:
            self.used_counts.add(used)
        rows = value.get("deviceList")
        if not isinstance(rows, list):
            raise Reader(what, "api_version").lacking("a usable 'deviceList'", in_doubt=True)
        answers: dict[str, Answer] = {}
        for row in rows:
            if isinstance(row, dict) and "deviceId" in row:
                device, answer = str(row["deviceId"]), _answer(action, row, self._client.mask)
                if answers.setdefault(device, answer) != answer:
                    answers[device] = Answer(
                        DeviceResult.UNCLEAR, "ThingSpace's answer contradicts itself about this device"
                    )
        # A device that already was as an assignment wants it moved no license, so the old one is still there.
        moved = (DeviceResult.DONE, DeviceResult.ALREADY) if action == "remove" else (DeviceResult.DONE,)
        self.locked.forget(one for one in answers if answers[one].result in moved)
        if action == "remove":
            refused = [one for one in devices if one in answers and answers[one].result is DeviceResult.REFUSED]
            self.locked.note({one: answers[one].reason for one in refused})
        return answers


def explained(error: LicensingError, api: FotaApi) -> LicensingError:
    """Add an explanation if the account has no licenses to assign because its subscription is event-based."""
    if error.code not in ("pool_exhausted", "api_rejected", "not_licensed"):
        return error
    try:
        bought = api.subscription()
    except LicensingError:
        return error
    if is_event_based(bought):
        error.add(
            f" The subscription of this account is event-based ({bought['purchase_type']}): its devices need no "
            "assigned license, they are billed for each upgrade."
        )
    return error


def is_event_based(subscription: Subscription) -> bool:
    """Whether each upgrade is billed, so that devices need no license (purchase type EVNT only)."""
    return "EVNT" in subscription["purchase_type"] and "MRC" not in subscription["purchase_type"]


GOOD: dict[Action, frozenset[str]] = {
    "assign": frozenset({"success", "licenseassignsuccess"}),
    "remove": frozenset({"success", "licenseremovesuccess"}),
}
"""Documented statuses of success, in lower case."""

_BAD = re.compile(r"(?:license(?:assign|remove)|device ?)?(?:fail(?:ed|ure)?|rejected|error|invalid|denied)")
"""Documented statuses of failure, and similar ones."""

_OBJECTION = re.compile(r"\b(?:not|no|fail\w*|error|invalid|denied|exceed\w*|insufficient|unable|cannot)\b")
"""Words in a reason that contradict success."""


def _answer(action: Action, row: t.Mapping[str, t.Any], mask: Mask) -> Answer:
    """Judge one row by the documented statuses and reasons of all versions. Anything else needs reading back."""
    status, reason = text(row, ("status",)), text(row, REASON)
    words, outcome = reason.lower(), status.strip().lower()
    if action == "remove" and "no license attached" in words:
        return Answer(DeviceResult.ALREADY, "")
    if outcome in GOOD[action] and not _OBJECTION.search(words):
        return Answer(DeviceResult.ALREADY if "preexisting" in words else DeviceResult.DONE, "")
    said = one_line(reason or status, mask)
    if _BAD.fullmatch(outcome):
        return Answer(DeviceResult.REFUSED, said)
    return Answer(DeviceResult.UNCLEAR, one_line(f"{status}: {reason}", mask) if status and reason else said)


def _times(rows: t.Iterable[t.Mapping[str, t.Any]], mask: Mask) -> list[str]:
    """Assignment times as ThingSpace returned them. An invalid time may be anything, even a secret."""
    times = [str(row.get("assignmentTime") or "") for row in rows]
    if are_times(times):
        return times
    hidden = changes(times, mask)
    return [one_line(hidden.get(time, time)) for time in times]


def _page(value: t.Mapping[str, t.Any], mask: Mask) -> Page:
    assigned = number(value, ASSIGNED)
    rows, more = _LIST.page(value, "deviceList", _names_device, unsaid=None if assigned is None else False)
    ids = mask_ids([str(row["deviceId"]) for row in rows], mask)
    return Page(
        devices=list(zip(ids, _times(rows, mask), strict=True)),
        total=number(value, TOTAL),
        assigned=assigned,
        more=more,
        cursor=text(value, ("lastSeenDeviceId",)),
        size=number(value, PAGE_SIZE),
    )


def _names_device(row: t.Any) -> bool:
    return isinstance(row, dict) and bool(row.get("deviceId"))
