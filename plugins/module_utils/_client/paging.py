# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads a list page by page and proves that it is complete. The result is the whole list or an error."""

from __future__ import annotations

import math
import typing as t

from .._errors import ApiError, IncompleteList, LicensingError
from .fault import NO_RESOURCE


class Page(t.NamedTuple):
    """One page of licensed devices, in the same form for every API version.

    :param devices: (device id, assignment time in ThingSpace's format).
    :param total: licenses of the account; None if the version does not return it.
    :param assigned: licenses in use; None if the version does not return it.
    :param cursor: what to send for the next page; it is never computed here.
    :param size: devices on a full page; None if the version does not return it.
    """

    devices: list[tuple[str, str]]
    total: int | None
    assigned: int | None
    more: bool
    cursor: str
    size: int | None

    @property
    def pages(self) -> int:
        """How many pages the list has if this is its first one, as far as its count shows."""
        if not self.more:
            return 1
        return max(2, math.ceil((self.assigned or 0) / max(1, len(self.devices))))


FIRST = "0"
"""The cursor of the first page."""

SLACK = 10_000
"""How many devices a list may have beyond twice its own count, because others may assign licenses in the meantime."""

Fetch = t.Callable[[str], Page]
Take = t.Callable[[list[tuple[str, str]]], None]
Tell = t.Callable[[int, "int | None"], None]
"""Gets the number of devices read so far and, if the version returns it, their total number."""


T = t.TypeVar("T")
Form = t.TypeVar("Form")


class Forms(t.Generic[Form]):
    """The documented forms of one path; one that the server does not know is given up for good."""

    def __init__(self, forms: t.Iterable[Form]) -> None:
        self._forms = list(forms)

    def read(self, ask: t.Callable[[Form], T]) -> T:
        """What the first known form brings."""
        while True:
            form = self._forms[0]
            try:
                return ask(form)
            except ApiError as error:
                if not is_unknown_path(error) or form is self._forms[-1]:
                    raise
                self._forms = [other for other in self._forms if other is not form]


def is_unknown_path(error: LicensingError) -> bool:
    """Whether the server does not know the path at all, or not with this method: 404, 405, or the gateway's 900906."""
    return isinstance(error, ApiError) and (error.status in (404, 405) or error.details.get("api_code") == NO_RESOURCE)


def _as_it_is(page: Page) -> Page:
    return page


def _tell_nobody(_read: int, _of: int | None) -> None:
    pass


def read_all(
    first: Page | None,
    fetch: Fetch,
    collect: t.Callable[[], tuple[Take, t.Callable[[], T]]],
    tell: Tell = _tell_nobody,
    recounted: t.Callable[[Page], Page] = _as_it_is,
) -> tuple[T, Page]:
    """Read every page. Returns what was collected, and the last page, which has the newest counts.

    If a list contradicts itself, it is read a second time, because someone may have changed the account in the
    meantime.

    :param first: the first page if it has already been read.
    :param collect: makes a pair of functions: one takes the devices of a page, the other returns the result.
    :param tell: called after every page.
    :param recounted: adds a count from another source to the last page. It is called if the page's own count cannot
        prove that the list is complete: there is no count, or it is smaller than the list.
    :raises IncompleteList: the second attempt also contradicts itself, or no count proves that the list is complete.
    """
    try:
        return _read_once(first, fetch, collect, tell, recounted)
    except IncompleteList:
        return _read_once(None, fetch, collect, tell, recounted)


def _read_once(
    first: Page | None,
    fetch: Fetch,
    collect: t.Callable[[], tuple[Take, t.Callable[[], T]]],
    tell: Tell,
    recounted: t.Callable[[Page], Page],
) -> tuple[T, Page]:
    take, result = collect()
    page = first or fetch(FIRST)
    seen_cursors = {FIRST}
    seen: set[str] = set()
    while True:
        before = len(seen)
        seen.update(device for device, _time in page.devices)
        if len(seen) - before != len(page.devices):
            raise IncompleteList("a device is on it twice")
        if page.assigned is not None and len(seen) > 2 * max(0, page.assigned) + SLACK:
            raise IncompleteList(
                f"it continues beyond {len(seen)} devices, and counts {page.assigned} assigned licenses"
            )
        take(page.devices)
        tell(len(seen), page.assigned)
        if not page.more:
            break
        if not page.devices:
            raise IncompleteList("an empty page claims that more devices follow")
        if not page.cursor or page.cursor in seen_cursors:
            raise IncompleteList("its pages repeat, the position does not advance")
        seen_cursors.add(page.cursor)
        page = fetch(page.cursor)
    if page.assigned is None or page.assigned < len(seen):
        page = recounted(page)
    if page.assigned is None or page.assigned < 0:
        raise IncompleteList(
            f"it names {len(seen)} devices, and neither it nor the subscription says how many there are"
        )
    if page.assigned > len(seen):
        raise IncompleteList(f"it names {len(seen)} devices, and counts {page.assigned} assigned licenses")
    return result(), page


def as_set() -> tuple[Take, t.Callable[[], t.AbstractSet[str]]]:
    """Collect only device ids, in the order of the list. Sorting them later then costs almost nothing."""
    ids: dict[str, None] = {}
    return (lambda devices: ids.update(dict.fromkeys([device for device, _time in devices]))), ids.keys


def as_rows() -> tuple[Take, t.Callable[[], list[tuple[str, str]]]]:
    """Collect device ids and assignment times, in order."""
    rows: list[tuple[str, str]] = []
    return rows.extend, (lambda: rows)
