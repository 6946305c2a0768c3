# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads device ids from a text that someone pastes into a form. One line is a list, several lines are a file."""

from __future__ import annotations

import io
import re
import typing as t

from .._errors import LicensingError
from .column import is_header, is_id
from .file import Cell, Content, Layout, read_stream
from .ids import clean, holds_data
from .sniff import looks_like

OPTION = "devices_text"

_LINE_END = re.compile(r"\r\n|\r|\n")
_BETWEEN = re.compile(r"[\s,;|]+")
_MARKS = re.compile(r"[\t,;|]")
_SEVERAL = re.compile(r"\s*\d+(?:\s+\d+)+\s*")


class Pasted(t.NamedTuple):
    """The ids of a text.

    :param unit: what the numbers of the cells count, C(line) or C(entry).
    """

    unit: str
    content: Content


def read_text(text: str, layout: Layout) -> Pasted:
    """The ids of a text. If a column is given, the text is read as a file, however many lines it has.

    :raises LicensingError: C(invalid_devices), or C(invalid_options) if the column is not clear.
    """
    text = text.lstrip("\ufeff")
    lines = [line for line in _LINE_END.split(text) if _BETWEEN.sub("", line)]
    if len(lines) == 1 and layout == Layout(kind=layout.kind) and not looks_like(text):
        ids = [clean(lines[0])] if clean(lines[0]).isdigit() else [part for part in _BETWEEN.split(lines[0]) if part]
        return Pasted("entry", Content([Cell(number, part) for number, part in enumerate(ids, 1)], []))
    natural = _all_ids(text, layout) if layout == Layout(kind=layout.kind) else []
    if natural:
        return Pasted("line", Content(natural, []))
    try:
        content = read_stream(OPTION, io.StringIO(text, newline=""), layout)
    except LicensingError as error:
        raise _of_a_text(error) from None
    cells = [Cell(cell.line, part) for cell in content.cells for part in _parts(cell.text)]
    return Pasted("line", content._replace(cells=cells))


def _all_ids(text: str, layout: Layout) -> list[Cell]:
    """The ids of a text in which every line holds only ids and some hold several; otherwise nothing.

    If all lines hold the same number of ids, they may be a table in which only one column is meant.
    """
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        # A header with several columns makes the lines below it a table.
        title = not rows and not _MARKS.search(line) and is_header([line], None, layout.kind) and not holds_data(line)
        if title or not _BETWEEN.sub("", line):
            continue
        parts = [line] if is_id(line, layout.kind) else [part for part in _BETWEEN.split(line) if part]
        if not all(is_id(part, layout.kind) for part in parts):
            return []
        rows.append((number, parts))
    if len({len(parts) for _number, parts in rows}) < 2:
        return []
    return [Cell(number, part) for number, parts in rows for part in parts]


def _parts(cell: str) -> list[str]:
    """The ids of a cell. In a pasted list, it may hold several with blanks between them."""
    return cell.split() if _SEVERAL.fullmatch(cell) and not clean(cell).isdigit() else [cell]


def _of_a_text(error: LicensingError) -> LicensingError:
    """Turn the error about a file into one about a text."""
    if error.code == "file_unreadable":
        message = error.message.replace(f"The file {OPTION}", f"The text in '{OPTION}'").replace("A file is", "It is")
        return LicensingError(message, code="invalid_devices")
    return LicensingError(f"{error.message} A plain list has one id per line, or all ids in one line.", code=error.code)
