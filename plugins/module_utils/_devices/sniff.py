# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Determines from the start of a file with device ids its encoding, its delimiter, or that it is something else."""

from __future__ import annotations

import csv
import io
import re
import typing as t

from .._errors import LicensingError
from .._options import DELIMITERS
from .._thingspace.id_kinds import Kind
from .column import HEADER_LINES, FileRow, is_header, is_id
from .ids import holds_data

NO_DELIMITER = "\x1f"
"""For a file with one column."""

SAMPLE_LINES = 2 * HEADER_LINES
"""The number of lines that are examined."""

SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
"""A hint for spreadsheets in the first line."""

_MAX_LINE = 128 * 1024
_BINARY = {b"PK\x03\x04": "a workbook of Excel or a zip archive", b"\xd0\xcf\x11\xe0": "a workbook of Excel"}
_BINARY |= {b"%PDF": "a PDF document", b"\x1f\x8b": "a compressed file"}


def encoding_of(mark: bytes) -> tuple[str, str]:
    """The encoding that the first bytes of a file show, and a note if there is no byte order mark."""
    if mark[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", ""
    even, odd = mark[0::2], mark[1::2]
    for name, low, high in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        if len(mark) >= 4 and not any(high[: len(low)]) and all(low):
            return name, "it is UTF-16 text without a byte order mark, and was read as that"
    return "utf-8-sig", ""


def binary_kind(mark: bytes) -> str:
    """The type of a file that is not text, if its first bytes show it."""
    return next((what for start, what in _BINARY.items() if mark.startswith(start)), "")


def looks_like(sample: str) -> str:
    """The type of a text that is not a device list; empty if it may be a device list."""
    start = sample.lstrip("\ufeff \t\r\n")[:200].lower()
    if start.startswith("<"):
        page = re.match(r"<(!doctype html|html|head|body)", start)
        return "an HTML page, perhaps a login page, and not the expected file" if page else "XML or HTML"
    return "JSON" if re.match(r'\{\s*"|\{\s*\}|\[\s*["\[{\]\d]', start) else ""


def sample_of(stream: t.TextIO) -> str:
    """The first nonblank lines."""
    lines: list[str] = []
    while len(lines) < SAMPLE_LINES:
        line = stream.readline(_MAX_LINE)
        if not line:
            break
        if line.strip():
            lines.append(line)
    return "".join(lines)


def delimiter_of(path: str, sample: str, column: str | None, kind: Kind) -> str:
    """The separator between the columns: the one that creates a column of ids with a title.

    :raises LicensingError: C(invalid_options) if two separators create different ids.
    """
    first = next(iter(sample.splitlines()), "")
    separator = SEPARATOR.fullmatch(first.strip().strip('"'))
    if separator and len(separator.group()) == 5:
        return separator.group()[-1]
    bare = re.sub(r'"[^"]*"', "", first)
    scores = {mark: _score(sample, mark, column, kind) for mark in (NO_DELIMITER, *DELIMITERS.values())}
    best = max((len(ids), titled) for ids, titled in scores.values())
    found = [mark for mark, (ids, titled) in scores.items() if (len(ids), titled) == best]
    if len({tuple(scores[mark][0]) for mark in found}) > 1:
        raise LicensingError(
            f"{path}: it is not clear what separates the columns. Set 'devices_delimiter' to {', '.join(DELIMITERS)}.",
            code="invalid_options",
        )
    return max(found, key=bare.count)


def _score(sample: str, mark: str, column: str | None, kind: Kind) -> tuple[list[str], bool]:
    """The ids of the column that has most of them, and whether one has a title."""
    rows = [FileRow(0, 0, row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=mark) if row]
    columns: dict[int, list[str]] = {}
    titled = False
    for row in rows:
        for place, cell in enumerate(row.cells):
            if is_id(cell, kind):
                columns.setdefault(place, []).append(cell)
        titled = titled or (not any(map(holds_data, row.cells)) and is_header(row.cells, column, kind))
    return max(columns.values(), key=len, default=[]), titled
