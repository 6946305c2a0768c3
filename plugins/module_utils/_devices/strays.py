# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Finds ids outside of the chosen column. A file that contains one is refused, because its author meant a device."""

from __future__ import annotations

import re
import typing as t

from .._errors import LicensingError
from .._thingspace.id_kinds import Kind
from .column import Choice, FileRow, is_export, names_other_kind
from .ids import clean, holds_data, show

SHORT = 14
"""A cell with fewer characters than this contains no id."""

_NAMED = 20
_RUN = re.compile(r"(?<![A-Za-z0-9])\d{14,}(?![A-Za-z0-9])")
_LABELED = re.compile(r"(?:imei|iccid)\W*\d{14,}", re.IGNORECASE)
_ONLY_DIGITS = re.compile(r"[\d\s\-\u2010-\u2014,;|/'\"=]{14,}")
_DECIMAL = re.compile(r"[+-]?\d{1,3}[.,]\d+")
_TIMESTAMP = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:[.,]?\d{3})?"
)
_REMARKS = re.compile(r"comment|remark|note|reason|descr|bemerk|kommentar|notiz|beschr|custom_?field", re.IGNORECASE)
_OF_EXPORTS = ("service_plan", "groups", "custom_fields", "created_at", "last_connected_at")
_MAY_HOLD = re.compile(r"(?:\d[\s\-\u2010-\u2014,;|/'\"=]*){13}\d")


class Strays:
    """Searches for ids outside of the chosen column.

    A column may hold other numbers if its title names another kind of id. If the user named the id column, other titled
    columns may, too, and so may columns without a header that have a number in the first row.

    :param first: the header, or the first row if there is none.
    :param named: whether the user named the column.
    """

    def __init__(self, first: FileRow, choice: Choice, kind: Kind, *, named: bool) -> None:
        self._column = choice.column
        self._kind = kind
        self._width = len(first.cells)
        self._header = choice.header is not None
        places = [place for place in range(self._width) if place != choice.column]
        free = {place for place in places if self._is_free(first, place, named=named)}
        self._watched = [place for place in places if place not in free]
        self._free = free
        self._titled = {place for place in places if self._header and first.cells[place].strip()}
        self._remarks = {place for place in self._titled if _REMARKS.search(first.cells[place])}
        self._count = 0
        self._found: list[str] = []

    def _is_free(self, first: FileRow, place: int, *, named: bool) -> bool:
        title = first.cells[place]
        if not self._header:
            return named and holds_data(title)
        if not title.strip():
            return False
        return named or names_other_kind(title, self._kind) or (is_export(first.cells) and title in _OF_EXPORTS)

    def quick_look(self) -> t.Callable[[list[str]], bool]:
        """A function that says whether a row certainly has no strays. It may wrongly say no."""
        if not self._header:
            return lambda _row: False
        width, watched, search = self._width, self._watched, _MAY_HOLD.search

        def none_in(row: list[str]) -> bool:
            if len(row) != width:
                return False
            for place in watched:
                cell = row[place]
                if len(cell) >= SHORT and not _is_timestamp(cell) and search(cell):
                    return False
            return True

        return none_in

    def look(self, row: FileRow) -> None:
        """Remember the ids of a row that are outside of the column."""
        cells = row.cells
        for place, cell in enumerate(cells):
            if len(cell) < SHORT and "E" not in cell and "e" not in cell:
                continue
            if place == self._column or place in self._free or not self._is_stray(place, cell):
                continue
            # A device may have its id as its name.
            if self._column >= len(cells) or clean(cell) != clean(cells[self._column]):
                self._count += 1
                if self._count <= _NAMED:
                    number = re.search(r"\d[\d\s\-.,+eE\u2010-\u2014]*", cell)
                    self._found.append(
                        f"line {row.last}, column {place + 1}: {show(number.group() if number else cell)}"
                    )

    def _is_stray(self, place: int, cell: str) -> bool:
        if place in self._titled:
            return self._stands_in(cell.strip(), prose=place in self._remarks)
        if not holds_data(cell) or _is_small(cell):
            return False
        # After the first row, nothing says what a column holds.
        return place >= self._width or self._header or not self._is_of_other_kind(clean(cell))

    @staticmethod
    def _stands_in(cell: str, *, prose: bool) -> bool:
        """Whether a cell below a title holds an id. A remark may mention one in words."""
        if len(cell) < SHORT or _DECIMAL.fullmatch(cell) or _TIMESTAMP.fullmatch(cell):
            return False
        if prose:
            return any(clean(part).isdigit() and len(clean(part)) >= SHORT for part in re.split(r"[,;|\t]", cell))
        return (
            (_ONLY_DIGITS.fullmatch(cell) is not None and holds_data(cell))
            or _RUN.search(cell) is not None
            or _LABELED.search(cell) is not None
            or any(clean(part).isdigit() and len(clean(part)) >= SHORT for part in re.split(r"[,;|\t]", cell))
        )

    def _is_of_other_kind(self, digits: str) -> bool:
        """Whether a number in a file without a header can only be the other kind of id."""
        if self._kind == "iccid":
            return digits.isdigit() and len(digits) == 15
        return digits.isdigit() and 18 <= len(digits) <= 20 and digits.startswith("89")

    def refuse(self, path: str) -> None:
        """Refuse a file that has strays.

        :raises LicensingError: C(invalid_devices), with their lines.
        """
        if not self._found:
            return
        more = f"; and {self._count - _NAMED} more" if self._count > _NAMED else ""
        raise LicensingError(
            f"{path}: {self._count} cells outside of the column of the {self._kind.upper()} (column "
            f"{self._column + 1}) hold what looks like an id, which would be lost: {'; '.join(self._found)}{more}. "
            "Write one id per row. If it is another kind of number, give its column a title, and set 'devices_column' "
            "to the column of the ids.",
            code="invalid_devices",
        )


def _is_timestamp(cell: str) -> bool:
    """Whether a cell is certainly too short to hold an id beside the hyphen and colon of a timestamp."""
    return len(cell) <= 27 and cell[4] == "-" and cell[13] == ":"


def _is_small(cell: str) -> bool:
    """Whether a cell is a measured value: a number with decimals, or with an exponent too small for an id."""
    text = cell.strip()
    power = re.fullmatch(r"[+-]?\d(?:[.,]\d+)?[eE]([+-]?\d+)", text)
    return _DECIMAL.fullmatch(text) is not None or (power is not None and int(power.group(1)[:4]) < SHORT - 1)
