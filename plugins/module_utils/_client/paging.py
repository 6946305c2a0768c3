# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads a list page by page and proves that it is complete. The result is the whole list or an error."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .._errors import ApiError, IncompleteList, LicensingError
from .chain import Chain
from .cuts import UNCUT, Cuts, starts_of
from .fault import NO_RESOURCE
from .overlap import UNSHOWN
from .page import Fetch, Keep, Kept, Page, Tell

FIRST = "0"
"""The cursor of the first page."""

READINGS = 4
"""How often a list is read at most, if its pages are read by record number; otherwise twice."""

SLACK = 10_000
"""How many devices a list may have beyond twice its own count, because others may assign licenses in the meantime."""


T = t.TypeVar("T")
Form = t.TypeVar("Form")


class Forms(t.Generic[Form]):
    """The documented forms of one path. The first that the server knows is used from then on."""

    def __init__(self, forms: t.Iterable[Form]) -> None:
        self._forms = list(forms)
        self._known = False

    def read(self, ask: t.Callable[[Form], T]) -> T:
        """What the first known form brings. Once one has worked, an error is not about the form."""
        while True:
            form = self._forms[0]
            try:
                found = ask(form)
            except ApiError as error:
                if self._known or not is_unknown_path(error) or form is self._forms[-1]:
                    raise
                self._forms = [other for other in self._forms if other is not form]
            else:
                self._known = True
                return found

    def distrust(self) -> None:
        """Try the other forms first from now on, because the server seems to ignore what this one says."""
        self._forms = [*self._forms[1:], self._forms[0]]
        self._known = False


def is_unknown_path(error: LicensingError) -> bool:
    """Whether the server does not know the path at all, or not with this method: 404, 405, or the gateway's 900906."""
    return isinstance(error, ApiError) and (error.status in (404, 405) or error.details.get("api_code") == NO_RESOURCE)


def _as_it_is(page: Page) -> Page:
    return page


def _tell_nobody(_read: int, _of: int | None) -> None:
    pass


def _say_nothing(_why: str) -> None:
    pass


@dataclasses.dataclass(frozen=True)
class Collect(t.Generic[T]):
    """What is collected of the devices of a list.

    :ivar keep: what is kept of the devices of a page.
    :ivar join: makes the result from that, for all pages in order.
    """

    keep: Keep
    join: t.Callable[[t.Iterable[Kept]], T]


def read_all(
    first: Page | None,
    fetch: Fetch,
    collect: Collect[T],
    tell: Tell = _tell_nobody,
    recounted: t.Callable[[Page], Page] = _as_it_is,
    cuts: Cuts = UNCUT,
    chained: t.Callable[[str], None] = _say_nothing,
) -> tuple[T, Page]:
    """Read every page. Returns what was collected, and the last page, which has the newest counts.

    If a list contradicts itself, it is read a second time, because someone may have changed the account in the
    meantime. If its pages do not show that they follow each other, two readings must be the same. A list that cannot be
    read in pieces is read as a chain of pages.

    :param first: the first page if it has already been read.
    :param tell: called after every page.
    :param recounted: adds a count from another source to the last page. It is called if the page's own count cannot
        prove that the list is complete: there is no count, or it is smaller than the list.
    :param cuts: where the list may be cut into pieces that are read side by side.
    :param chained: is told why reading it in pieces failed.
    :raises IncompleteList: the second attempt also contradicts itself, or no count proves that the list is complete.
    """
    first = first or fetch(FIRST)
    starts = starts_of(first, cuts)
    if starts:
        # A module compiles what it imports, each time. Few lists are that long.
        from .pieces import read_pieces  # pylint: disable=import-outside-toplevel

        try:
            whole = read_pieces(first, starts, fetch, collect.keep, tell, _most(first), cuts)
            return collect.join(whole.kept), _proved(whole.named, whole.last, recounted)
        except IncompleteList as error:
            chained(error.why)
            first = None
    before: t.AbstractSet[str] | None = None
    for reading in range(READINGS):
        chain = Chain(fetch, overlapping=reading < 2)
        try:
            found, seen = _read_once(first or fetch(FIRST), chain, collect, tell, recounted)
        except IncompleteList:
            if (reading and not chain.by_number) or reading == READINGS - 1:
                raise
            before = None
        else:
            if chain.sure or seen == before:
                return found
            before = seen
        first = None
    raise IncompleteList(f"{UNSHOWN}, and two readings of it differ")


def _read_once(
    page: Page, chain: Chain, collect: Collect[T], tell: Tell, recounted: t.Callable[[Page], Page]
) -> tuple[tuple[T, Page], t.AbstractSet[str]]:
    """What was collected and the last page; and all ids."""
    kept: list[Kept] = []
    seen_cursors = {FIRST}
    seen: set[str] = set()
    while True:
        before = len(seen)
        seen.update(device for device, _time in page.devices)
        if len(seen) - before != len(page.devices):
            raise IncompleteList("a device is on it twice")
        if page.assigned is not None and len(seen) > _most(page):
            raise IncompleteList(
                f"it continues beyond {len(seen)} devices, and counts {page.assigned} assigned licenses"
            )
        kept.append(collect.keep(page.devices))
        tell(len(seen), page.assigned)
        if not page.more:
            break
        if not page.devices:
            raise IncompleteList("an empty page claims that more devices follow")
        if not page.cursor or page.cursor in seen_cursors:
            raise IncompleteList("its pages repeat, the position does not advance")
        seen_cursors.add(page.cursor)
        page = chain.following(page, len(seen))
    last = _proved(len(seen), page, recounted)
    if chain.sure:
        seen.clear()
    return (collect.join(kept), last), seen


def _most(page: Page) -> int:
    """How many devices a list can have that counts as this page does."""
    return 2 * max(0, page.assigned or 0) + SLACK


def _proved(count: int, page: Page, recounted: t.Callable[[Page], Page]) -> Page:
    """The last page, if its count or another one proves that so many devices are all.

    :raises IncompleteList: none does.
    """
    if page.assigned is None or page.assigned < count:
        page = recounted(page)
    if page.assigned is None or page.assigned < 0:
        raise IncompleteList(f"it names {count} devices, and neither it nor the subscription says how many there are")
    if page.assigned > count:
        raise IncompleteList(f"it names {count} devices, and counts {page.assigned} assigned licenses")
    return page


as_set: Collect[t.AbstractSet[str]] = Collect(
    lambda devices: [device for device, _time in devices],
    lambda pages: dict.fromkeys(itertools.chain.from_iterable(pages)).keys(),
)
"""Collects only device ids, in the order of the list. Sorting them later then costs almost nothing."""

as_rows: Collect[list[tuple[str, str]]] = Collect(
    lambda devices: devices, lambda pages: list(itertools.chain.from_iterable(pages))
)
"""Collects device ids and assignment times, in order."""
