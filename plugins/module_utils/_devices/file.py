# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads device ids from a file as portals and spreadsheets export it: CSV with or without a header line, or one id per
line. Every line is checked, and every problem is reported with file and line.
"""

from __future__ import annotations

import csv
import os
import re
import stat
import typing as t

from .._errors import LicensingError
from .._options import DELIMITERS
from .._thingspace.id_kinds import Kind
from .column import Choice, FileRow, choose_column, is_export, is_id, unclear
from .ids import clean, holds_data
from .sniff import (
    SAMPLE_LINES,
    SEPARATOR,
    binary_kind,
    delimiter_of,
    encoding_of,
    looks_like,
    sample_of,
)
from .strays import Strays

MAX_BYTES = 256 * 1024 * 1024
"""Larger files are refused before they are read. A million devices with many columns need less."""


class Cell(t.NamedTuple):
    """An id as written in the file."""

    line: int
    text: str


class Content(t.NamedTuple):
    """The content of a file.

    :param cells: of the id column, without blank lines.
    :param notes: what users should know about how it was read.
    :param title: of the id column, if it was recognized by a part of its title.
    """

    cells: list[Cell]
    notes: list[str]
    title: str = ""


class Layout(t.NamedTuple):
    """What a user says about a file. Anything that is None is detected.

    :param column: name (any case) or number (from 1) of the column.
    :param delimiter: a key of C(DELIMITERS).
    """

    column: str | None = None
    kind: Kind = "imei"
    delimiter: str | None = None


def read_cells(path: str, layout: Layout) -> Content:
    """The cells of the id column.

    :raises LicensingError: C(file_unreadable), or C(invalid_options) if the column is not clear.
    """
    encoding, note = _check(path)
    notes = [f"{path}: {note}."] if note else []
    try:
        try:
            content = _read(path, layout, encoding)
        except UnicodeError:
            if encoding != "utf-8-sig":
                raise
            # Ids are ASCII, so it does not matter whether place names are decoded correctly.
            notes.append(f"{path}: it is not UTF-8 text, and was read as windows-1252.")
            content = _read(path, layout, "windows-1252")
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    except UnicodeError:
        raise _unreadable(path, "it starts like UTF-16 text but is not. Save it as 'CSV UTF-8'") from None
    return content._replace(notes=[*notes, *content.notes])


def _read(path: str, layout: Layout, encoding: str) -> Content:
    with open(
        path, encoding=encoding, errors="replace" if encoding == "windows-1252" else "strict", newline=""
    ) as file:
        return read_stream(path, file, layout)


def read_stream(path: str, stream: t.TextIO, layout: Layout) -> Content:
    """The cells of the id column of a text that can be read twice.

    :param path: its name in messages.
    :raises LicensingError: as C(read_cells).
    """
    reader: t.Any = None
    try:
        sample = sample_of(stream)
        if "\0" in next(iter(sample.splitlines()), ""):
            raise _unreadable(path, "it is not a text file")
        other = looks_like(sample)
        if other:
            raise _unreadable(path, f"it looks like {other}")
        named = DELIMITERS.get(layout.delimiter or "")
        mark = named or delimiter_of(path, sample, layout.column, layout.kind)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=mark, strict=True)
        return _File(path, stream, mark, layout).content(reader)
    except csv.Error as error:
        where = f" near line {reader.line_num}" if reader is not None else ""
        raise _unreadable(path, f"it is not a CSV file{where}: {error}. Look for a stray quote") from None


def _check(path: str) -> tuple[str, str]:
    """Refuse anything but a readable file of acceptable size. Returns the encoding, and a note about it."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "it is not a regular file")
        if status.st_size > MAX_BYTES:
            raise _unreadable(path, f"it has {status.st_size >> 20} MiB, more than the {MAX_BYTES >> 20} MiB allowed")
        with open(path, "rb") as stream:
            mark = stream.read(32)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    other = binary_kind(mark)
    if other:
        raise _unreadable(path, f"it is not a text file but looks like {other}. Save it as 'CSV UTF-8'")
    return encoding_of(mark)


class _File:
    """Reads one file."""

    def __init__(self, path: str, stream: t.TextIO, mark: str, layout: Layout) -> None:
        self._path = path
        self._stream = stream
        self._mark = mark
        self._layout = layout
        self._odd: int | None = None

    def content(self, reader: t.Any) -> Content:
        """The whole content of the file."""
        rows = list(self._first_rows(reader))
        if not rows:
            return Content([], [])
        choice = choose_column(self._path, rows, self._layout.column, self._layout.kind)
        header = None if choice.header is None else rows[choice.header]
        below = rows if choice.header is None else rows[choice.header + 1 :]
        width = None if header is None else len(header.cells)
        strays = Strays(header or rows[0], choice, self._layout.kind, named=self._layout.column is not None)
        cells = [self._cell(choice, width, row, strays) for row in below]
        self._others(reader, choice, width, cells, strays)
        if self._odd is not None and width is not None:
            self._refuse_other_widths(width)
        strays.refuse(self._path)
        if not cells and not choice.known:
            raise _unreadable(self._path, "it is a text in which no line holds an id")
        content = Content(cells, list(self._notes(choice, header)), choice.title)
        return _without_gaps(self._path, content) if header is not None and is_export(header.cells) else content

    def _first_rows(self, reader: t.Any) -> t.Iterator[FileRow]:
        """The first rows that are neither blank nor a hint for spreadsheets."""
        before, count = 0, 0
        for row in reader:
            first, before = before + 1, reader.line_num
            if not _is_blank(row) and (count or not SEPARATOR.fullmatch(row[0])):
                count += 1
                yield FileRow(first, before, row)
                if count == SAMPLE_LINES:
                    return

    def _others(self, reader: t.Any, choice: Choice, width: int | None, cells: list[Cell], strays: Strays) -> None:
        index, certain, before = choice.column, choice.certain, reader.line_num
        none_in = strays.quick_look()
        for row in reader:
            first, before = before + 1, reader.line_num
            plain = certain and first == before and len(row) > index and (len(row) == 1 or none_in(row))
            if plain and (row[index].isdigit() or row[index].strip(_BLANK)):
                cells.append(Cell(before, row[index]))  # nearly every row
            elif not _is_blank(row):
                cells.append(self._cell(choice, width, FileRow(first, before, row), strays))

    def _cell(self, choice: Choice, width: int | None, row: FileRow, strays: Strays) -> Cell:
        """The id cell of a row that needs a closer check."""
        self._refuse_open_quote(width, row)
        strays.look(row)
        kind = self._layout.kind
        if not choice.certain and any(
            is_id(value, kind) for index, value in enumerate(row.cells) if index != choice.column
        ):
            raise unclear(self._path, row.last, row.cells, kind)
        return Cell(row.last, row.cells[choice.column] if choice.column < len(row.cells) else "")

    def _refuse_open_quote(self, width: int | None, row: FileRow) -> None:
        """Refuse a cell of several lines that has swallowed devices, but not a remark that mentions one.

        No line of a remark could be a row by itself, and all rows have as many cells as the header.
        """
        if row.last == row.first:
            return
        lines = [line for cell in row.cells if "\n" in cell or "\r" in cell for line in _LINE_END.split(cell)]
        lines = [line for line in lines if holds_data(line)]
        if not lines:
            return
        like_rows = any(self._mark in line or _BEGINS_LIKE_AN_ID.match(line) for line in lines)
        if like_rows or width == 1 or len(row.cells) != width:
            raise self._open_quote(row.first)
        self._odd = self._odd or row.first

    def _refuse_other_widths(self, width: int) -> None:
        self._stream.seek(0)
        rows = csv.reader(self._stream, delimiter=self._mark, strict=True)
        wide = [len(row) for row in rows if not _is_blank(row)]
        # Lines before the header are left out, and a note says so.
        if any(count != width for count in wide[wide.index(width) :]):
            raise self._open_quote(self._odd or 1)

    def _open_quote(self, line: int) -> LicensingError:
        return _unreadable(self._path, f"the quote that opens in line {line} takes in the ids of the lines after it")

    def _notes(self, choice: Choice, header: FileRow | None) -> t.Iterator[str]:
        if header is not None and choice.header:
            yield f"{self._path}: line {header.last} was taken for the header; the lines before it were left out."
        if choice.title:
            yield f"{self._path}: the column '{choice.title}' was taken for the {self._layout.kind.upper()}."


def _without_gaps(path: str, content: Content) -> Content:
    """The devices of a device_info report. Rows without such an id are left out, and repeated devices count once."""
    given = [cell for cell in content.cells if clean(cell.text)]
    firsts: dict[str, Cell] = {}
    for cell in given:
        firsts.setdefault(clean(cell.text), cell)
    notes = list(content.notes)
    without, again = len(content.cells) - len(given), len(given) - len(firsts)
    if without or again:
        notes.append(
            f"{path}: it is a report of device_info. {without} rows without such an id were left out, and {again} rows "
            "of a device that stands there already."
        )
    return content._replace(cells=list(firsts.values()), notes=notes)


def _is_blank(row: list[str]) -> bool:
    return not "".join(row).strip(_BLANK)


_BLANK = " \u00a0,;\t|"


_LINE_END = re.compile(r"\r\n|\r|\n")
_BEGINS_LIKE_AN_ID = re.compile(r"[\s\"'=]*\d(?:[ -]?\d){13}")


def _unreadable(path: str, why: str) -> LicensingError:
    return LicensingError(
        f"The file {path} cannot be used: {why}. A file is a CSV with a column of device ids, or one id per line.",
        code="file_unreadable",
    )
