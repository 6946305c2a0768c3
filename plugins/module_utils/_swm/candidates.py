# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The operations of the removal candidate list (v1 and v2), and reading the whole list.

The API can only replace the list, append to it, and delete it. Pages are read by record number, see C(Overlap).
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._client.answers import Reader, number, text
from .._client.client import Client, segments
from .._client.masking import mask_ids
from .._client.overlap import UNSHOWN, Overlap
from .._client.paging import Forms
from .._errors import ApiError, IncompleteList
from .._text.lists import many
from .._thingspace.api_versions import CandidatesVersion

READINGS = 3
"""How often a list that looks odd is read at most, until two readings are the same."""

FORMS: dict[CandidatesVersion, tuple[str, ...]] = {"v1": ("/index/{}",), "v2": ("?startIndex={}", "/index/{}")}
"""Paths of a page. The reference page of v2 shows both forms; the second is tried if the first is unknown."""

_LIST = Reader("list the removal candidates", "api_version")


_REPEATS = "its pages repeat"


class _Page(t.NamedTuple):
    devices: list[str]
    counted: int | None
    more: bool
    updated: str


class _Reading(t.NamedTuple):
    """The list according to one reading.

    :param odd: why it may not be the list at a single time; empty if there is no doubt.
    :param broken: whether it cannot be the whole list, even if the next reading is the same.
    """

    devices: list[str]
    odd: str
    broken: bool = False


class CandidatesApi:
    """The candidate list of one account with one API version."""

    def __init__(self, client: Client, account: str, version: CandidatesVersion) -> None:
        self._client = client
        self._path = f"/fota/{version}" + segments("licenses", account, "cancel")
        self._forms = Forms(FORMS[version])
        self.progress = client.progress.about("Removal candidates")
        self.account = account
        self.version = version
        self.unsettled = False
        """Whether a change was sent with an unknown result. It may still take effect."""
        self.withheld = False
        """Whether the list contains something that must not be shown. Such a list cannot be written back."""

    def read(self) -> list[str]:
        """C(GET .../cancel): the whole list in its order. Repeated ids are kept.

        :raises IncompleteList: it contradicts itself, even when read again.
        """
        before: list[str] | None = None
        for _reading in range(READINGS):
            reading = self._read_once()
            if not reading.odd or (not reading.broken and reading.devices == before):
                return reading.devices
            before = reading.devices
        raise IncompleteList(reading.odd, "removal candidates")

    def append(self, devices: t.Sequence[str]) -> None:
        """C(POST .../cancel) with C(type: append): add these at the end of the list."""
        self._post(f"append {many(len(devices), 'device')} to the removal candidates", devices, {"type": "append"})

    def replace(self, devices: t.Sequence[str]) -> None:
        """C(POST .../cancel) without a type: these become the list."""
        self._post(f"replace the removal candidates by {many(len(devices), 'device')}", devices, {})

    def delete(self) -> None:
        """C(DELETE .../cancel): delete the list."""
        self._client.delete("delete the removal candidates", self._path)

    def allow(self, seconds: float) -> None:
        """See C(Client.allow)."""
        self._client.allow(seconds)

    def _post(self, what: str, devices: t.Sequence[str], kind: dict[str, t.Any]) -> None:
        count = {"count": len(devices)} if self.version == "v2" else {}
        self._client.post(what, self._path, {**kind, **count, "deviceList": list(devices)})

    def _read_once(self) -> _Reading:
        with _Ahead(self._page, self._client.max_concurrency) as ahead:
            reading = self._read_pages(ahead)
        if reading.odd == _REPEATS:
            self._forms.distrust()
        return reading

    def _read_pages(self, ahead: _Ahead) -> _Reading:
        devices: list[str] = []
        known_devices: set[str] = set()
        pages: list[_Page] = []
        overlap, sure = Overlap(), True
        while not pages or pages[-1].more:
            try:
                page, shared = _following(pages, devices, ahead, overlap)
            except IncompleteList as error:
                return _Reading(devices, error.why, broken=True)
            except ApiError as error:
                if not _past_the_end(error):
                    raise
                # Some servers may return this for an empty list, too, which has no record 0.
                return _Reading(devices, "it ended before its last page" if devices else "", bool(devices))
            if page.more and len(page.devices) == shared:
                return _Reading(devices, "an empty page claims that more devices follow", broken=True)
            counted = bool(shared) and len(devices) + len(page.devices) - shared <= (page.counted or 0)
            if page.more and pages and known_devices.issuperset(page.devices) and not counted:
                # The server ignores the record number, so it would go on like this for ever. But if the page follows
                # the one before, and the count includes it, devices are on the list twice.
                return _Reading(devices, _REPEATS, broken=True)
            sure = sure and (not pages or bool(shared))
            known_devices.update(page.devices)
            devices += page.devices[shared:]
            pages.append(page)
            self.progress.tell("devices read", len(devices))
        reading = _judged(devices, pages, sure)
        if not reading.broken and any(page.counted is None for page in pages) and not self._ends_at(len(devices)):
            return _Reading(
                devices, f"it has no count, and nothing proves that its {len(devices)} devices are all", broken=True
            )
        return reading

    def _ends_at(self, length: int) -> bool:
        """Whether the list has no more devices. Without a count, only reading past its end proves that."""
        try:
            # Record 0 is valid in an empty list, too.
            page = self._page(max(length, 1))
        except ApiError as error:
            if not _past_the_end(error):
                raise
            return True
        # If the list is empty, a page without a count proves no more than the page before it.
        counted = (0, length, None) if length else (0,)
        return not page.devices and not page.more and page.counted in counted

    def _page(self, start: int) -> _Page:
        value = self._forms.read(lambda form: self._client.get(_LIST.what, self._path + form.format(start)))
        ids, more = _LIST.page(value, "deviceList", lambda row: isinstance(row, str))
        shown = mask_ids(ids, self._client.mask)
        self.withheld = self.withheld or shown != ids
        return _Page(shown, number(value, ("count",)), more, text(value, ("updateTime",)))


class _Ahead:
    """Pages by record number, of which the next ones are asked for early. What nobody takes is of no consequence.

    :param at_once: how many pages are asked for at a time.
    """

    def __init__(self, read: t.Callable[[int], _Page], at_once: int) -> None:
        self._read, self._at_once = read, at_once
        self._asked: dict[int, concurrent.futures.Future[_Page]] = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=at_once)

    def __enter__(self) -> _Ahead:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def page(self, start: int, first: _Page | None, shared: int) -> _Page:
        """The page that begins at a record.

        :param first: the first page of the list, whose length and count say where the others probably begin.
        :param shared: how many records are on two pages.
        """
        if self._asked and start not in self._asked:
            self._at_once = 1  # the pages differ in length
            self._asked = {one: asked for one, asked in self._asked.items() if not asked.cancel()}
        size = len(first.devices) if first else 0
        # A count that is no larger than the page is that of the page.
        if self._at_once > 1 and first and first.counted and first.counted > size > shared:
            # Twice as many, so that no thread has to wait until the page before it is judged.
            for one in range(start, first.counted - shared, size - shared)[: 2 * self._at_once]:
                if one not in self._asked:
                    self._asked[one] = self._pool.submit(self._read, one)
        asked = self._asked.pop(start, None)
        return self._read(start) if asked is None else asked.result()


def _following(pages: list[_Page], devices: list[str], ahead: _Ahead, overlap: Overlap) -> tuple[_Page, int]:
    """The page after these, and how many of its devices are also on the one before.

    :raises IncompleteList: it does not follow.
    """
    start = pages[0] if pages else None
    if pages and overlap.is_possible(len(pages[-1].devices)):
        page = overlap.page(lambda number: ahead.page(number, start, 1), len(devices), devices[-1], _first)
        if page is not None:
            return page, 1
    return ahead.page(len(devices), start, 0), 0


def _first(page: _Page) -> str:
    return page.devices[0] if page.devices else ""


def _judged(devices: list[str], pages: list[_Page], sure: bool) -> _Reading:
    """Check one reading for contradictions. C(count) may be the length of the list or of the page.

    :param sure: whether each page surely follows the one before.
    """
    counts = [page.counted for page in pages if page.counted is not None]
    if counts != [len(page.devices) for page in pages if page.counted is not None] and set(counts) != {len(devices)}:
        return _Reading(devices, f"it names {len(devices)} devices, and counts {counts[-1]}", broken=True)
    if len({page.updated for page in pages}) > 1:
        return _Reading(devices, "it was changed while it was read")
    if not sure:
        return _Reading(devices, UNSHOWN)
    return _Reading(devices, "a device is on it twice" if len(set(devices)) < len(devices) else "")


def _past_the_end(error: ApiError) -> bool:
    """The documented error C(Index exceeds number of devices in list)."""
    return error.status == 400 and "index exceeds" in str(error.details.get("api_message", "")).lower()
