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
    try:
        with open(path, encoding=encoding, newline="") as stream:
            sample = _first_line(stream)
            if "\0" in sample:
                raise _unreadable(path, "it is not a text file")
            stream.seek(0)
            return _cells(path, csv.reader(stream, delimiter=_delimiter(sample)), column)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None
    except UnicodeError:
        raise _unreadable(path, "it is not UTF-8 text. Save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        raise _unreadable(path, f"it is not a CSV file ({error})") from None


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
    index: int | None = None
    for row in reader:
        if index is not None and index < len(row) and row[index].isdigit():
            cells.append(Cell(reader.line_num, row[index]))  # nearly every row
            continue
        if not "".join(row).strip():
            continue
        if index is None:
            index, is_header = _column(path, reader.line_num, row, column)
            if is_header:
                continue
        cells.append(Cell(reader.line_num, row[index] if index < len(row) else ""))
    return cells


def _column(path: str, line: int, row: list[str], wanted: str | None) -> tuple[int, bool]:
    """Which column holds the ids, and whether this first row is a header."""
    names = [_plain(value) for value in row]
    if wanted is not None and _plain(wanted) in names:
        return names.index(_plain(wanted)), True
    if wanted is not None and re.fullmatch("[0-9]{1,4}", wanted) and 1 <= int(wanted) <= len(row):
        return int(wanted) - 1, _is_title(row[int(wanted) - 1])
    if wanted is not None:
        raise LicensingError(
            f"{path}, line {line}: there is no column '{show(wanted)}'. Found: {', '.join(row)[:200]}. "
            "Set 'devices_column' to one of these, or to a number from 1.",
            code="invalid_options",
        )
    known = [name for name in _NAMES if name in names]
    if known:
        return names.index(known[0]), True
    ids = [index for index, value in enumerate(row) if problem(clean(value)) is None]
    if len(row) == 1:
        return 0, _is_title(row[0])
    if len(ids) == 1:
        return ids[0], False
    raise LicensingError(
        f"{path}, line {line}: it is not clear which of the {len(row)} columns holds the IMEI. "
        "Set 'devices_column' to the column's name, or to its number from 1.",
        code="invalid_options",
    )


def _is_title(cell: str) -> bool:
    """Whether a cell of the first row is a title. A damaged id is none: it must be reported, not passed over."""
    text = clean(cell)
    return not text[:1].isdigit() and sum(char.isdigit() for char in text) < 6


def _plain(name: str) -> str:
    return "".join(char for char in clean(name).lower() if char.isalnum())


def _delimiter(sample: str) -> str:
    counts = {mark: sample.count(mark) for mark in (",", ";", "\t", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def _unreadable(path: str, why: str) -> LicensingError:
    return LicensingError(
        f"The file {path} cannot be used: {why}. A file is a CSV with an IMEI column, or one IMEI per line.",
        code="file_unreadable",
    )
