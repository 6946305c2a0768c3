# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Tells with a few requests, whatever the size of the account, that a list of licensed devices cannot have a device.

A list that accepts any number as a position shows what is there: the page that begins right before the device has it,
or not. Source: the error page says of C(LastSeenDeviceId Not Valid) that a position must be 0 or an IMEI of the
account. So the refusal of an id speaks of the account only: a license can outlive its device.
"""

from __future__ import annotations

import itertools
import threading
import typing as t

from .._client.cuts import ascending
from .._client.page import Page, is_no_position
from .._errors import ApiError, LicensingError
from .._thingspace.check_digit import check_digit
from .._thingspace.id_kinds import LENGTHS
from .offered import can_do_without

_IMEI = LENGTHS["imei"][1]


class Positions:
    """Asks about positions of a list. Several threads may ask.

    :param page: reads the page after a position.
    :param listed: licensed devices from the beginning of the list, in order.
    """

    def __init__(self, page: t.Callable[[str], Page], listed: t.Sequence[str]) -> None:
        self._page, self._listed = page, listed
        self._telling: bool | None = None
        self._lock = threading.Lock()

    def exclude(self, device: str) -> bool:
        """Whether a list in this spelling cannot have the device, neither by its id nor with another check digit."""
        if not _is_imei(device) or {len(one) for one in self._listed} != {len(device)}:
            return False
        try:
            return self._are_telling() and self._shows(device)
        except LicensingError as error:
            if not can_do_without(error):
                raise
            return False

    def twin(self, device: str) -> str:
        """The device of the account that this one may be a misspelling of; empty if the list does not show one.

        It refuses the id, and accepts the one with its right check digit, or with a zero in its place, as it is
        transmitted over the air (3GPP TS 23.003, 6.2.1).
        """
        if self._telling or not _is_imei(device):
            return ""
        unit = device[:-1]
        try:
            if self._after(device) is not None:
                return ""
            pages = {twin: self._after(twin) for twin in sorted({unit + check_digit(unit), unit + "0"} - {device})}
        except LicensingError as error:
            if not can_do_without(error):
                raise
            return ""
        taken = {twin: page for twin, page in pages.items() if page is not None}
        alone = len(_twins(device, itertools.chain(*taken.values()))) < 2
        return next(iter(taken)) if taken and alone else ""

    def _are_telling(self) -> bool:
        """Whether the list accepts a number that is no device as a position, and goes on right after it."""
        with self._lock:
            if self._telling is None:
                self._telling = False
                pairs = zip(reversed(self._listed), reversed(self._listed[:-1]), strict=False)
                place, following = next(((_before(one), one) for one, other in pairs if other < _before(one)), ("", ""))
                self._telling = bool(place) and (self._after(place) or [])[:1] == [following]
            return self._telling

    def _shows(self, device: str) -> bool:
        """Whether the page with all ids that begin as this one does not have it, and fits to the page after it."""
        start = _before(device[:-1] + "0")
        page, after = self._after(start), self._after(device)
        if not page or not after or device in page or not (ascending([start, *page]) and ascending([device, *after])):
            return False
        rest = [one for one in page if one[:-1] != device[:-1]]
        fits = rest == [one for one in after if one[:-1] != device[:-1]][: len(rest)]
        return bool(rest) and fits and len(_twins(device, page)) != 1

    def _after(self, place: str) -> list[str] | None:
        """The ids after a place; None if the list says that it is no position.

        :raises LicensingError: there was another error.
        """
        try:
            return [device for device, _time in self._page(place).devices]
        except ApiError as error:
            if not is_no_position(error):
                raise
            return None


def _is_imei(device: str) -> bool:
    return device.isdigit() and device.isascii() and len(device) == _IMEI


def _before(device: str) -> str:
    """The number before an IMEI; empty if it is none."""
    return str(int(device) - 1).zfill(_IMEI) if _is_imei(device) else ""


def _twins(device: str, ids: t.Iterable[str]) -> set[str]:
    """Those that differ from it in the last digit only. No two real devices do, so a single one may be the same device.

    Made-up ids do, too, but mostly more than two of them.
    """
    return {one for one in ids if one[:-1] == device[:-1] and one != device}
