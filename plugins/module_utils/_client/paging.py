# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reading a list page by page, with proof that it is complete: all of it or an error, never a short list."""

from __future__ import annotations

import typing as t

from .._errors import ApiError, IncompleteList, LicensingError
from .fault import NO_RESOURCE


class Page(t.NamedTuple):
    """One page of licensed devices, in the same words for every API version.

    :param devices: (device id, assignment time as ThingSpace wrote it).
    :param total: licenses of the account, None where the version leaves it out.
    :param assigned: licenses in use, None where left out.
    :param cursor: what to send back for the next page; never computed here.
    :param size: devices a full page holds, None where left out.
    """

    devices: list[tuple[str, str]]
    total: int | None
    assigned: int | None
    more: bool
    cursor: str
    size: int | None


FIRST = "0"
"""The cursor of the first page."""

SLACK = 10_000
"""How many devices beyond twice its own count a list may have, because others may assign in the meantime."""

Fetch = t.Callable[[str], Page]
Take = t.Callable[[list[tuple[str, str]]], None]
Tell = t.Callable[[int, "int | None"], None]
"""Told how many devices were read, and how many there are, where the version says so."""


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
    """Whether the server does not know the path at all."""
    return isinstance(error, ApiError) and (error.status == 404 or error.details.get("api_code") == NO_RESOURCE)


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
    """Read every page; returns what was collected and the last page (the newest counts).

    A list that contradicts itself is read a second time, because somebody may have changed the account meanwhile.

    :param first: the first page if it was read already.
    :param collect: makes a pair (take the devices of a page, give the result).
    :param tell: told after every page.
    :param recounted: gives the last page another count, by somebody else. It is asked where the page's own count
        cannot prove that the list is whole: there is none, or it is less than what the list names.
    :raises IncompleteList: the second reading contradicts itself too, or no count proves that it is whole.
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
            raise IncompleteList("it goes round in circles, the position does not advance")
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
    """Collect the device ids only, in the order of the list: sorting them again then costs next to nothing."""
    ids: dict[str, None] = {}
    return (lambda devices: ids.update(dict.fromkeys([device for device, _time in devices]))), ids.keys


def as_rows() -> tuple[Take, t.Callable[[], list[tuple[str, str]]]]:
    """Collect device ids and assignment times, in order."""
    rows: list[tuple[str, str]] = []
    return rows.extend, (lambda: rows)
