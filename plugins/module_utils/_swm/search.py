# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds devices in a list that is ordered by device id: it reads only the pages where they would be.

The cursor is "only devices with IMEIs larger than this", and any IMEI of the account is a valid one. So a page can
begin right before a wanted device. If it takes many pages, they are read side by side. A device that is not on the page
where it would be is absent, if the page is in order and has all devices that are known to belong there.
"""

from __future__ import annotations

import bisect
import concurrent.futures
import itertools
import threading
import typing as t

from .._client.page import is_no_position
from .._client.paging import FIRST
from .._errors import ApiError, IncompleteList, LicensingError
from .._thingspace.id_kinds import IMEI_UNIT
from .facts import Facts
from .offered import can_do_without, says_missing
from .places import Places

MOST_PAGES = 2000
"""A list of an account with two million devices has so many. One that has more does not end."""


class DevicePage(t.NamedTuple):
    """A page.

    :param cursor: what to send for the next page.
    """

    devices: dict[str, Facts]
    more: bool
    cursor: str


Fetch = t.Callable[[str], DevicePage]


class Search(t.NamedTuple):
    """What is looked for, and where.

    :param wanted: the devices.
    :param known: devices that are probably of the account, in order, at which a page can begin.
    :param also: devices that are not looked for, but returned if they are on these pages.
    :param proving: whether devices can count as absent. Then all known ones must be on the list.
    :param places: further ids at which a page can begin, and which need not be on the list.
    """

    wanted: t.Collection[str]
    known: t.Sequence[str]
    also: t.Collection[str] = ()
    proving: bool = False
    places: t.Collection[str] = ()


class Found(t.NamedTuple):
    """The result.

    :param facts: of the devices that are on the pages.
    :param absent: wanted devices that would be on these pages, and are not.
    :param error: why the list could not be read to the end.
    :param unread: whether pages on which others would be were not read, because those were as many as allowed.
    """

    facts: dict[str, Facts]
    absent: set[str]
    error: LicensingError | None = None
    unread: bool = False


def search(fetch: Fetch, wish: Search, most: int | None, at_once: int, tell: t.Callable[[int], None]) -> Found:
    """Look for devices. What is found does not depend on which answer comes first.

    :param most: how many pages to read at most, one after the other; None for as many as it takes.
    :param at_once: how many pages may be read at a time.
    :param tell: gets the number of devices read so far.
    :raises LicensingError: there was no answer at all.
    """
    first = _Chain(_counted(fetch, tell), wish, sorted(wish.wanted))
    first.run(1 if most is None else most)
    chains = [first]
    if most is None and first.goes_on:
        chains += first.divide(at_once)
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(chains)) as pool:
            for done in [pool.submit(chain.run) for chain in chains]:
                done.result()
    facts: dict[str, Facts] = {}
    for chain in chains:
        facts.update(chain.facts)
    absent = {device for chain in chains for device in chain.absent}
    error = next((chain.error for chain in chains if chain.error), None)
    return Found(facts, absent, error, any(chain.goes_on for chain in chains))


def _counted(fetch: Fetch, tell: t.Callable[[int], None]) -> Fetch:
    """The same, and it tells how many devices it has read. Several threads may call it."""
    lock, read = threading.Lock(), 0

    def fetch_and_tell(cursor: str) -> DevicePage:
        nonlocal read
        page = fetch(cursor)
        with lock:
            read += len(page.devices)
            tell(read)
        return page

    return fetch_and_tell


class _Chain:
    """Looks for devices with one request after the other.

    :param reached: the last device of the page before.
    :param sure: whether that page shows what is absent.
    :ivar left: those that are still looked for, in order.
    :ivar error: why the chain ended early.
    """

    def __init__(self, fetch: Fetch, wish: Search, left: list[str], reached: str = FIRST, sure: bool = False) -> None:
        self.facts: dict[str, Facts] = {}
        self.absent: set[str] = set()
        self.left = left
        self.error: LicensingError | None = None
        self._fetch, self._wish = fetch, wish
        self._meant = frozenset(wish.wanted)
        places = sorted({*wish.known, *wish.places}) if wish.places else wish.known
        self._places = Places(places, wish.known[-1] if wish.proving and wish.known else "")
        self._began, self._reached, self._sure, self._ended = FIRST, reached, sure, False

    @property
    def goes_on(self) -> bool:
        """Whether there is something left to read."""
        return bool(self.left) and self.error is None and not self._ended

    def run(self, most: int | None = None) -> None:
        """Read on until all devices are found or passed, or as many pages as allowed."""
        try:
            for _page in range(MOST_PAGES if most is None else most):
                if self.goes_on:
                    self._read_on()
            if most is None and self.goes_on:
                raise IncompleteList(f"it does not end within {MOST_PAGES} pages", "devices", "It was not used.")
        except LicensingError as error:
            if not can_do_without(error):
                raise
            self.error = error

    def divide(self, parts: int) -> list[_Chain]:
        """Leave some of the devices to other chains. Those that are probably on the same page stay together."""
        known = self._wish.known
        a_page = max(1, bisect.bisect_right(known, self._reached) - bisect.bisect_right(known, self._began))
        groups: list[list[str]] = []
        begin = -a_page
        for device in self.left:
            place = bisect.bisect_left(known, device)
            if place - begin >= a_page:
                groups.append([])
                begin = place
            groups[-1].append(device)
        size = -(-len(groups) // max(1, parts))
        shares = [[*itertools.chain(*groups[at : at + size])] for at in range(0, len(groups), size)]
        self.left = shares[0]
        return [_Chain(self._fetch, self._wish, share, self._reached, self._sure) for share in shares[1:]]

    def _read_on(self) -> None:
        """Read the page on which the next device would be, or one that is nearer to it than the last one."""
        start = self._places.before(self.left[0], self._reached)
        page = self._fetch(start) if start == self._reached else self._page_at(start)
        if page is None:
            return
        self.facts.update(
            {one: facts for one, facts in page.devices.items() if one in self._meant or one in self._wish.also}
        )
        end = max(page.devices, default="")
        self._note_absent(start, page, end)
        self._ended = not page.more or end <= start
        self.left = self.left[bisect.bisect_right(self.left, end) :] if page.more else []
        self._began, self._reached = start, end

    def _note_absent(self, start: str, page: DevicePage, end: str) -> None:
        """Note the devices that would be on this page and are not. Nothing is absent because of a page that is wrong.

        A page that ends the list could also be one that a server gives for any cursor that it does not like.
        """
        ids, known = [*page.devices], self._wish.known
        follows, self._sure = self._sure and start == self._reached, False
        if not self._wish.proving or ids != sorted(ids) or len({*map(len, ids)}) > 1 or (ids and ids[0] <= start):
            return
        last = bisect.bisect_right(known, end) if page.more else len(known)
        expected = known[bisect.bisect_right(known, start) : last]
        if all(device in page.devices for device in expected):
            self._sure = True
            whole = not page.more and (expected or follows)
            passed = self.left if whole else self.left[: bisect.bisect_right(self.left, end)]
            self.absent.update(device for device in passed if _is_absent(device, ids, known))

    def _page_at(self, place: str) -> DevicePage | None:
        """The page after a place that ThingSpace did not name itself; None if it refuses the place.

        :raises LicensingError: there is no such call, or the error has nothing to do with the place.
        """
        try:
            page = self._fetch(place)
        except ApiError as error:
            if not refuses_place(error):
                raise
            self._places.refuse(place, one_of_many=is_no_position(error))
            return None
        self._places.in_a_row = 0
        return page


def refuses_place(error: ApiError) -> bool:
    """Whether the server may have refused a page only because of the place where it was to begin."""
    return error.code == "api_rejected" and not says_missing(error)


def _is_absent(device: str, ids: t.Sequence[str], known: t.Sequence[str]) -> bool:
    """Whether a page that would have a device does not have it.

    It may be there in another spelling: an id of another length, or one that differs only in the digit that may be a
    check digit. Made-up ids differ so, too, but mostly more than two of them.

    :param ids: those on the page, in order and of one length.
    :param known: other devices of the account, in order.
    """
    here = _of_unit(ids, device)
    alike = {*here, *_of_unit(known, device)}
    return device not in here and len(alike) != 1 and (not ids or len(ids[0]) == len(device))


def _of_unit(ids: t.Sequence[str], device: str) -> t.Sequence[str]:
    """Those of ordered ids that differ from a device only after the digits that name it."""
    unit = device[:IMEI_UNIT]
    return ids[bisect.bisect_left(ids, unit) : bisect.bisect_right(ids, unit + "~")]
