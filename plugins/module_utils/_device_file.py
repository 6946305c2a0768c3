# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reading device ids from a file as fleet portals and spreadsheets export it: CSV with or without a header line, or
one id per line. Every line is looked at; every problem is reported with file and line."""

from __future__ import annotations

import csv
import os
import re
import stat
import typing as t

from ._device_ids import clean, problem, show
from ._errors import LicensingError

MAX_BYTES = 256 * 1024 * 1024
"""Larger files are refused before they are read: a million devices with many columns fit well below."""

_NAMES = ("imei", "deviceid", "device", "id", "imeinumber", "deviceimei", "equipmentid")


class Cell(t.NamedTuple):
    """An id as it stands in the file."""

    line: int
    text: str


def read_cells(path: str, column: str | None) -> list[Cell]:
    """The cells of the id column, blank lines left out.

    :param column: name (any case) or number (from 1) of the column; None to recognise it.
    :raises LicensingError: C(file_unreadable), or C(invalid_options) when the column cannot be told.
    """
    encoding = _check(path)
    reader: t.Any = None
    try:
        with open(path, encoding=encoding, newline="") as stream:
            sample = _first_line(stream)
            if "\0" in sample:
                raise _unreadable(path, "it is not a text file")
            stream.seek(0)
            reader = csv.reader(stream, delimiter=_delimiter(sample), strict=True)
            return _cells(path, reader, column)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    except UnicodeError:
        raise _unreadable(path, "it is not UTF-8 text. Save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        where = f" near line {reader.line_num}" if reader is not None else ""
        raise _unreadable(path, f"it is not a CSV file{where}: {error}. Look for a stray quote") from None


_MAX_LINE = 128 * 1024


def _check(path: str) -> str:
    """Refuse what is no readable file of bearable size; returns the encoding."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "it is not a regular file")
        if status.st_size > MAX_BYTES:
            raise _unreadable(path, f"it has {status.st_size >> 20} MiB, more than the {MAX_BYTES >> 20} MiB allowed")
        with open(path, "rb") as stream:
            mark = stream.read(4)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    if mark[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-8-sig"


def _first_line(stream: t.TextIO) -> str:
    """The first line that is not blank."""
    line = stream.readline(_MAX_LINE)
    while line and not line.strip():
        line = stream.readline(_MAX_LINE)
    return line


def _cells(path: str, reader: t.Any, column: str | None) -> list[Cell]:
    cells: list[Cell] = []
    choice: _Choice | None = None
    before = 0
    for row in reader:
        first, before = before + 1, reader.line_num
        if choice is not None and choice.is_plain(row) and before == first:
            cells.append(Cell(before, row[choice.column]))  # nearly every row
            continue
        if not "".join(row).strip(" \u00a0,;\t|") or (choice is None and _SEPARATOR.fullmatch(row[0])):
            continue
        if before > first and any("\n" in cell and _ID_INSIDE.search(cell) for cell in row):
            raise _unreadable(path, f"the quote that opens in line {first} takes in the ids of the lines after it")
        if choice is None:
            choice = _column(path, before, row, column)
            if choice.is_header:
                continue
        if not choice.certain and any(_is_id(value) for index, value in enumerate(row) if index != choice.column):
            raise _unclear(path, before, row)
        cells.append(Cell(before, row[choice.column] if choice.column < len(row) else ""))
    return cells


_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
_ID_INSIDE = re.compile(r"\d{14,}")


class _Choice(t.NamedTuple):
    """Which column holds the ids.

    :param is_header: whether the first row is a header line.
    :param certain: False when the column was only recognised by its first value.
    """

    column: int
    is_header: bool
    certain: bool = True

    def is_plain(self, row: list[str]) -> bool:
        """Whether there is nothing to look into: an id of digits in a column that is known for certain."""
        return self.certain and self.column < len(row) and row[self.column].isdigit()


def _column(path: str, line: int, row: list[str], wanted: str | None) -> _Choice:
    """Which column holds the ids, and whether this first row is a header."""
    names = [_plain(value) for value in row]
    if wanted is not None:
        return _named_column(path, line, row, wanted)
    known = [name for name in _NAMES if name in names]
    if known:
        if names.count(known[0]) > 1:
            raise _unclear(path, line, row)
        return _Choice(names.index(known[0]), True)
    if len(row) == 1:
        return _Choice(0, _is_title(row[0]))
    ids = [index for index, value in enumerate(row) if _is_id(value)]
    if len(ids) == 1:
        return _Choice(ids[0], False, certain=False)
    raise _unclear(path, line, row)


def _named_column(path: str, line: int, row: list[str], wanted: str) -> _Choice:
    names = [_plain(value) for value in row]
    if _plain(wanted) in names:
        if names.count(_plain(wanted)) > 1:
            raise _unclear(path, line, row)
        return _Choice(names.index(_plain(wanted)), True)
    if re.fullmatch("[0-9]{1,4}", wanted) and 1 <= int(wanted) <= len(row):
        return _Choice(int(wanted) - 1, _is_title(row[int(wanted) - 1]))
    raise LicensingError(
        f"{path}, line {line}: there is no column '{show(wanted)}'. Found: {', '.join(row)[:200]}. "
        "Set 'devices_column' to one of these, or to a number from 1.",
        code="invalid_options",
    )


def _unclear(path: str, line: int, row: list[str]) -> LicensingError:
    return LicensingError(
        f"{path}, line {line}: it is not clear which of the {len(row)} columns holds the IMEI. "
        "Set 'devices_column' to the column's name, or to its number from 1.",
        code="invalid_options",
    )


def _is_id(value: str) -> bool:
    return problem(clean(value)) is None


def _is_title(cell: str) -> bool:
    """Whether a cell of the first row is a title. A damaged id is none: it must be reported, not passed over."""
    text = clean(cell)
    return not any(char.isdigit() for char in text) or any(name in _plain(text) for name in ("imei", "device"))


def _plain(name: str) -> str:
    return "".join(char for char in clean(name).lower() if char.isalnum())


def _delimiter(sample: str) -> str:
    """The mark between the columns, as the first line shows it; one that occurs nowhere for a single column."""
    separator = _SEPARATOR.fullmatch(sample.strip().strip('"'))
    if separator and len(separator.group()) == 5:
        return separator.group()[-1]
    bare = re.sub(r'"[^"]*"', "", sample)
    counts = {mark: bare.count(mark) for mark in (",", ";", "\t", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else "\x1f"


def _unreadable(path: str, why: str) -> LicensingError:
    return LicensingError(
        f"The file {path} cannot be used: {why}. A file is a CSV with an IMEI column, or one IMEI per line.",
        code="file_unreadable",
    )
