# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads a list in pieces, side by side, instead of as one chain of pages.

That a server lists the devices after a cursor in the order of their ids is not assumed but checked on every page. The
count then proves the list, as it proves a chain. If there is no count, the pieces overlap by one device.
"""

from __future__ import annotations

import bisect
import concurrent.futures
import functools
import threading
import typing as t

from .._errors import ApiError, IncompleteList, TransportError
from .cuts import Cuts, ascending
from .page import Fetch, Keep, Kept, Page, Tell, following
from .transport_errors import OF_ONE_CALL


class Whole(t.NamedTuple):
    """All pieces of a list, in order.

    :param named: how many devices it names.
    :param last: the page that was answered last, which has the newest counts.
    """

    kept: list[Kept]
    named: int
    last: Page


def read_pieces(
    first: Page, starts: t.Sequence[str], fetch: Fetch, keep: Keep, tell: Tell, most: int, cuts: Cuts
) -> Whole:
    """Read the rest of a list from these cursors on, and return the whole list. Its count is not checked here.

    :param starts: the cursor after the first page, and further ones in order. An invalid one is dropped, and one after
        which the list seems to end at once.
    :param most: more devices than this are not read.
    :raises IncompleteList: the server does not answer as a list that is sorted by device id.
    :raises LicensingError: a page could not be read.
    """
    named = functools.partial(following, fetch)
    reading = _Reading(first, named, keep, tell, most, overlapping=cuts.overlapping)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(starts)) as pool:
        begun = [pool.submit(reading.begin, starts[0], named, required=True)]
        begun += [pool.submit(reading.begin, start, cuts.fetch or fetch, required=False) for start in starts[1:]]
        pieces = [piece for piece in (one.result() for one in begun) if piece is not None]
        while len(pieces) > 1 and not pieces[-1].page.more:
            pieces.pop()  # the account ends here, or the server does not like this id; the piece before shows which
        ends = [piece.start for piece in pieces[1:]]
        for one in [pool.submit(reading.finish, *both) for both in zip(pieces, [*ends, None], strict=True)]:
            one.result()
    kept = [keep(first.devices), *(part for piece in pieces for part in piece.kept)]
    return Whole(kept, reading.count, reading.last)


class _Piece:
    """A piece that begins after C(start).

    :ivar page: the last page that was read for it.
    """

    def __init__(self, start: str, page: Page) -> None:
        self.start, self.page = start, page
        self.kept: list[Kept] = []


class _Reading:
    """One reading of a list. Several threads call its methods."""

    def __init__(self, first: Page, fetch: Fetch, keep: Keep, tell: Tell, most: int, *, overlapping: bool) -> None:
        self.last, self.count = first, len(first.devices)
        self._fetch, self._keep, self._tell, self._most = fetch, keep, tell, most
        self._overlapping = overlapping
        self._lock = threading.Lock()
        self._failed = False

    def begin(self, start: str, fetch: Fetch, *, required: bool) -> _Piece | None:
        """Read the first page of a piece; None if nothing can begin here.

        :param required: whether ThingSpace itself named this cursor.
        """
        try:
            page = self._page(start, fetch)
        except (ApiError, TransportError) as error:
            # Whatever is wrong with this cursor, the chain of pages does not need it.
            if required or (isinstance(error, TransportError) and error.code not in OF_ONE_CALL):
                raise
            return None
        if self._overlapping and not required and page.devices:
            # Its first device is left to the piece before, which must have it.
            return _Piece(page.devices[0][0], page._replace(devices=page.devices[1:]))
        return _Piece(start, page)

    def finish(self, piece: _Piece, end: str | None) -> None:
        """Read a piece up to the id C(end), or up to the end of the list."""
        try:
            while self._take(piece, end):
                piece.page = self._page(piece.page.cursor, self._fetch)
        except BaseException:
            self._failed = True
            raise

    def _take(self, piece: _Piece, end: str | None) -> bool:
        """Keep what belongs to the piece. Returns whether it goes on."""
        page = piece.page
        devices = page.devices
        if end is not None:
            devices = devices[: bisect.bisect_right([device for device, _time in devices], end)]
        piece.kept.append(self._keep(devices))
        with self._lock:
            self.count += len(devices)
            self._tell(self.count, page.assigned)
            if self.count > self._most:
                raise IncompleteList(f"it continues beyond {self.count} devices, more than it counts")
        if end is not None and page.devices and page.devices[-1][0] >= end:
            if self._overlapping and (not devices or devices[-1][0] != end):
                raise IncompleteList(f"it has {end}, or not, depending on where a page begins")
            return False
        if end is not None and not page.more:
            raise IncompleteList(f"it ends before {end}, and goes on after it")
        return page.more and not self._failed

    def _page(self, start: str, fetch: Fetch) -> Page:
        """The page after an id. All its ids follow, in order."""
        page = fetch(start)
        ids = [device for device, _time in page.devices]
        if not ascending([start, *ids]):
            raise IncompleteList(f"the page after {start} is not in the order of the device ids")
        if page.more and (not ids or page.cursor != ids[-1]):
            raise IncompleteList(f"the page after {start} does not say that it goes on after its last device")
        with self._lock:
            self.last = page
        return page
