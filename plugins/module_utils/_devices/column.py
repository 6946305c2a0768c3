# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Recognizes the column of a fleet file that holds the device ids. A guess that may be wrong is refused."""

from __future__ import annotations

import re
import typing as t

from .._errors import LicensingError
from .._thingspace.id_kinds import Kind
from .ids import clean, holds_data, problem, show, unwrapped
from .row import EXPORT_COLUMNS

_NAMES: dict[Kind, tuple[str, ...]] = {
    "imei": ("imei", "deviceid", "device", "id", "imeinumber", "deviceimei", "equipmentid"),
    "iccid": ("iccid", "simid", "sim", "simnumber", "iccidnumber", "deviceid", "device", "id"),
}
_KINDS = ("imsi", "msisdn", "iccid", "imei", "imeisv", "meid", "mdn", "min", "eid", "esn")
_GENERIC = ("devices", "deviceids", "devicelist", "ids", "equipment", "ger\u00e4t", "ger\u00e4te", "geraet", "geraete")
"""Titles that fit any device id, in addition to the wanted kind."""
HEADER_LINES = 20
"""Lines in which a header is searched for, not counting blank ones."""

_SHORTEST = 15
"""Digits of the shortest id. Characters around them only make a cell longer."""
_NUMBER = re.compile(r"\d{10,}")
_WORDS = re.compile(r"(?:# ?)?[^\W\d_]+(?:[ ._/#()-]+[^\W\d_]+)*[.#)]?")


class FileRow(t.NamedTuple):
    """A row of a file, with its first and last line numbers."""

    first: int
    last: int
    cells: list[str]


class Choice(t.NamedTuple):
    """Which column holds the ids.

    :param header: place of the header line among the first rows; None if there is none.
    :param certain: False if the column was only recognized by its first value.
    :param title: title of a column that was recognized by a part of it.
    :param known: whether the title or the user says what the column holds.
    """

    column: int
    header: int | None
    certain: bool = True
    title: str = ""
    known: bool = True


def choose_column(path: str, rows: t.Sequence[FileRow], wanted: str | None, kind: Kind) -> Choice:
    """Which column holds the ids, according to the first rows. Only a row before the first data can be a header.

    :raises LicensingError: C(invalid_options) if it is not clear.
    """
    data = next((place for place, row in enumerate(rows) if _is_data(row.cells)), len(rows))
    below = rows[data:]
    headers = [place for place, row in enumerate(rows[: min(data, HEADER_LINES)]) if is_header(row.cells, wanted, kind)]
    exact = (place for place in headers if kind in map(_plain, rows[place].cells))
    header = next(exact, headers[0] if headers else None)
    if header is not None and not any(
        _NUMBER.fullmatch(unwrapped(cell)) for row in rows[:header] for cell in row.cells
    ):
        choice = _titled(path, rows[header], below, wanted, kind)
        return choice if choice.header is None else choice._replace(header=header)
    return _by_first_row(path, rows[0], rows[1:], wanted, kind)


def is_header(row: t.Sequence[str], wanted: str | None, kind: Kind) -> bool:
    """Whether a row without data has the wanted title."""
    names = [_plain(value) for value in row]
    if wanted is not None and not wanted.isdigit():
        return _plain(wanted) in names
    own = any(kind in name and "imeisv" not in name for name in names)
    return own or any(name in names for name in _NAMES[kind]) or (wanted is not None and _plain(wanted) in names)


def is_export(header: t.Sequence[str]) -> bool:
    """Whether a header line shows that the file is a report of device_info, perhaps without some of its columns."""
    columns = iter(EXPORT_COLUMNS)
    return {"imei", "iccid", "state"} < set(header) and all(name in columns for name in header)


def unclear(path: str, line: int, row: t.Sequence[str], kind: Kind, named: t.Sequence[int] = ()) -> LicensingError:
    """The refusal to guess a column.

    :param named: the columns that it may be, if they have titles.
    """
    titles = ", ".join(f"'{show(row[place])}' (column {place + 1})" for place in named)
    hint = f": {titles} may be it" if titles else ""
    return LicensingError(
        f"{path}, line {line}: it is not clear which of the {len(row)} columns holds the {kind.upper()}{hint}. "
        "Set 'devices_column' to the column's name, or to its number from 1.",
        code="invalid_options",
    )


def is_id(value: str, kind: Kind) -> bool:
    """Whether a cell holds an id."""
    if len(value) < _SHORTEST:
        return False
    if value.isdigit():
        return problem(value, kind) is None
    return problem(clean(value), kind) is None


def _is_data(row: t.Sequence[str]) -> bool:
    return any(map(holds_data, row))


def _titled(path: str, row: FileRow, below: t.Sequence[FileRow], wanted: str | None, kind: Kind) -> Choice:
    """The column of a header line."""
    names = [_plain(value) for value in row.cells]
    if wanted is not None:
        return _named_column(path, row, wanted, kind)
    exact = [place for place, name in enumerate(names) if name == kind]
    own = [place for place, name in enumerate(names) if kind in name and "imeisv" not in name]
    if exact:
        # A second one is another IMEI of the device, or an old one, if it contains ids.
        own = [place for place in own if place in exact or _holds_ids(below, place, kind)]
    if len(own) > 1:
        raise unclear(path, row.last, row.cells, kind, own)
    if own:
        part = names[own[0]] not in _NAMES[kind]
        return Choice(own[0], 0, title=show(unwrapped(row.cells[own[0]])) if part else "")
    name = next((name for name in _NAMES[kind] if name in names), None)
    if name is None or names.count(name) > 1:
        raise unclear(path, row.last, row.cells, kind)
    return Choice(names.index(name), 0)


def _holds_ids(rows: t.Sequence[FileRow], place: int, kind: Kind) -> bool:
    return any(len(row.cells) > place and is_id(row.cells[place], kind) for row in rows)


def _by_first_row(path: str, row: FileRow, below: t.Sequence[FileRow], wanted: str | None, kind: Kind) -> Choice:
    """The column of a file without a header line, or with only unknown titles."""
    if wanted is not None:
        return _named_column(path, row, wanted, kind)
    if len(row.cells) == 1:
        title = is_title(row.cells[0])
        if title:
            _refuse_other_kind(path, row, 0, kind)
            _refuse_unknown_title(path, row, below, kind)
        return Choice(0, 0 if title else None, known=False)
    for test in (is_plain_id, is_id):
        ids = [place for place, value in enumerate(row.cells) if test(value, kind)]
        if len(ids) == 1:
            return Choice(ids[0], None, certain=False, known=False)
        if ids:
            break
    raise unclear(path, row.last, row.cells, kind)


def is_plain_id(value: str, kind: Kind) -> bool:
    """Whether a cell holds an id without marks between its digits. Phone numbers may have such marks."""
    return problem(unwrapped(value), kind) is None


def _named_column(path: str, row: FileRow, wanted: str, kind: Kind) -> Choice:
    cells = row.cells
    names = [] if _is_data(cells) else [_plain(value) for value in cells]
    if _plain(wanted) in names:
        if names.count(_plain(wanted)) > 1:
            raise unclear(path, row.last, cells, kind)
        place = names.index(_plain(wanted))
        _refuse_other_kind(path, row, place, kind)
        return Choice(place, 0)
    if re.fullmatch("[0-9]{1,4}", wanted) and 1 <= int(wanted) <= len(cells):
        place = int(wanted) - 1
        title = not _is_data(cells) and is_title(cells[place])
        if title:
            _refuse_other_kind(path, row, place, kind)
        return Choice(place, 0 if title else None)
    raise LicensingError(
        f"{path}, line {row.last}: there is no column '{show(wanted)}'. Found: {', '.join(cells)[:200]}. "
        "Set 'devices_column' to one of these, or to a number from 1.",
        code="invalid_options",
    )


def _refuse_unknown_title(path: str, row: FileRow, below: t.Sequence[FileRow], kind: Kind) -> None:
    """Customer numbers and phone numbers may be as long as ids. So numbers under an unknown title are refused."""
    if _plain(row.cells[0]) in _GENERIC or not any(_is_data(other.cells) for other in below):
        return
    title = show(unwrapped(row.cells[0]))
    # Text that is not made of words may be a secret from another file.
    named = f" '{title}'" if _WORDS.fullmatch(title) else ""
    raise LicensingError(
        f"{path}, line {row.last}: nothing says that the column{named} holds the {kind.upper()}. "
        f"Name it '{kind}', or set 'devices_column' to 1 if it does.",
        code="invalid_options",
    )


def names_other_kind(title: str, kind: Kind) -> bool:
    """Whether a title says that its column holds a kind of number other than the wanted one."""
    name = _plain(title)
    found = _kinds_in(title)
    if found:
        return kind not in found
    if name in _NAMES[kind]:
        return False
    return any(name in names for other, names in _NAMES.items() if other != kind)


def _kinds_in(title: str) -> list[str]:
    text = unwrapped(title).lower()
    found = [name for name in _KINDS if re.search(f"(?<![a-z]){name}(?![a-z])", text)]
    found += [name for name in ("imsi", "msisdn", "iccid", "imeisv") if name in text]
    return found if "imeisv" in text or "imei" not in text else [*found, "imei"]


def _refuse_other_kind(path: str, row: FileRow, place: int, kind: Kind) -> None:
    """Refuse numbers of another kind. They may be as long as the wanted ids, but identify nothing here."""
    found = _kinds_in(row.cells[place])
    if not found or kind in found:
        return
    raise LicensingError(
        f"{path}, line {row.last}: the column '{show(row.cells[place])}' holds the {found[0].upper()}, which is never "
        f"taken for the {kind.upper()}. Use a file with a column of {kind.upper()}s.",
        code="invalid_options",
    )


def is_title(cell: str) -> bool:
    """Whether a cell of the first row is a title. A damaged id is not a title: it must be reported and not skipped."""
    text = unwrapped(cell)
    if holds_data(cell):
        return False
    return not any(char.isdigit() for char in text) or any(name in _plain(text) for name in ("imei", "iccid", "device"))


def _plain(name: str) -> str:
    return "".join(char for char in unwrapped(name).lower() if char.isalnum())
