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

from ._device_column import Choice, choose_column, is_id, unclear
from ._device_ids import Kind
from ._errors import LicensingError

MAX_BYTES = 256 * 1024 * 1024
"""Larger files are refused before they are read: a million devices with many columns fit well below."""


class Cell(t.NamedTuple):
    """An id as it stands in the file."""

    line: int
    text: str


def read_cells(path: str, column: str | None, kind: Kind = "imei") -> list[Cell]:
    """The cells of the id column, blank lines left out.

    :param column: name (any case) or number (from 1) of the column; None to recognise it.
    :raises LicensingError: C(file_unreadable), or C(invalid_options) when the column cannot be told.
    """
    encoding = _check(path)
    try:
        with open(path, encoding=encoding, newline="") as stream:
            return read_stream(path, stream, column, kind)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    except UnicodeError:
        raise _unreadable(path, "it is not UTF-8 text. Save it as 'CSV UTF-8'") from None


def read_stream(path: str, stream: t.TextIO, column: str | None, kind: Kind = "imei") -> list[Cell]:
    """The cells of the id column of a text that can be read twice.

    :param path: what to call it in messages.
    :raises LicensingError: as C(read_cells).
    """
    reader: t.Any = None
    try:
        sample = _first_line(stream)
        if "\0" in sample:
            raise _unreadable(path, "it is not a text file")
        stream.seek(0)
        reader = csv.reader(stream, delimiter=_delimiter(sample), strict=True)
        return _cells(path, reader, column, kind)
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


def _cells(path: str, reader: t.Any, column: str | None, kind: Kind) -> list[Cell]:
    choice = _skip_to_ids(path, reader, column, kind)
    if choice is None:
        return []
    cells = [] if choice.is_header else [_cell(path, choice, reader.line_num, reader.line_num, choice.row)]
    index, before = choice.column, reader.line_num
    for row in reader:
        first, before = before + 1, reader.line_num
        if choice.certain and first == before and len(row) > index and row[index].isdigit():
            cells.append(Cell(before, row[index]))  # nearly every row
        elif not _is_blank(row):
            cells.append(_cell(path, choice, first, before, row))
    return cells


def _skip_to_ids(path: str, reader: t.Any, column: str | None, kind: Kind) -> Choice | None:
    """Read up to the first row that is neither blank nor a hint for spreadsheets, and choose the column by it."""
    before = 0
    for row in reader:
        first, before = before + 1, reader.line_num
        if not _is_blank(row) and not _SEPARATOR.fullmatch(row[0]):
            _refuse_open_quote(path, first, before, row)
            return choose_column(path, before, row, column, kind)
    return None


def _cell(path: str, choice: Choice, first: int, last: int, row: list[str]) -> Cell:
    """The id cell of a row that needs a closer look."""
    _refuse_open_quote(path, first, last, row)
    if not choice.certain and any(
        is_id(value, choice.kind) for index, value in enumerate(row) if index != choice.column
    ):
        raise unclear(path, last, row, choice.kind)
    return Cell(last, row[choice.column] if choice.column < len(row) else "")


def _refuse_open_quote(path: str, first: int, last: int, row: list[str]) -> None:
    """A row of several lines that holds an id inside a cell has swallowed devices."""
    if last > first and any("\n" in cell and _ID_INSIDE.search(cell) for cell in row):
        raise _unreadable(path, f"the quote that opens in line {first} takes in the ids of the lines after it")


def _is_blank(row: list[str]) -> bool:
    return not "".join(row).strip(" \u00a0,;\t|")


_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
_ID_INSIDE = re.compile(r"\d{14,}")


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
        f"The file {path} cannot be used: {why}. A file is a CSV with a column of device ids, or one id per line.",
        code="file_unreadable",
    )
