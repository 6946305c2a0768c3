# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Recognising the column of a fleet file that holds the device ids. A guess that may be wrong is refused."""

from __future__ import annotations

import re
import typing as t

from ._device_ids import Kind, clean, problem, show
from ._errors import LicensingError

_NAMES: dict[Kind, tuple[str, ...]] = {
    "imei": ("imei", "deviceid", "device", "id", "imeinumber", "deviceimei", "equipmentid"),
    "iccid": ("iccid", "simid", "sim", "simnumber", "iccidnumber", "deviceid", "device", "id"),
}


class Choice(t.NamedTuple):
    """Which column holds the ids.

    :param row: the first row.
    :param is_header: whether that is a header line.
    :param certain: False when the column was only recognised by its first value.
    """

    column: int
    row: list[str]
    is_header: bool
    certain: bool = True
    kind: Kind = "imei"


def choose_column(path: str, line: int, row: list[str], wanted: str | None, kind: Kind = "imei") -> Choice:
    """Which column holds the ids, and whether this first row is a header."""
    return _choose(path, line, row, wanted, kind)._replace(kind=kind)


def _choose(path: str, line: int, row: list[str], wanted: str | None, kind: Kind) -> Choice:
    names = [_plain(value) for value in row]
    if wanted is not None:
        return _named_column(path, line, row, wanted, kind)
    known = [name for name in _NAMES[kind] if name in names]
    if known:
        if names.count(known[0]) > 1:
            raise unclear(path, line, row, kind)
        return Choice(names.index(known[0]), row, True)
    if len(row) == 1:
        return Choice(0, row, _is_title(row[0]))
    ids = [index for index, value in enumerate(row) if is_id(value, kind)]
    if len(ids) == 1:
        return Choice(ids[0], row, False, certain=False)
    raise unclear(path, line, row, kind)


def _named_column(path: str, line: int, row: list[str], wanted: str, kind: Kind) -> Choice:
    names = [_plain(value) for value in row]
    if _plain(wanted) in names:
        if names.count(_plain(wanted)) > 1:
            raise unclear(path, line, row, kind)
        return Choice(names.index(_plain(wanted)), row, True)
    if re.fullmatch("[0-9]{1,4}", wanted) and 1 <= int(wanted) <= len(row):
        return Choice(int(wanted) - 1, row, _is_title(row[int(wanted) - 1]))
    raise LicensingError(
        f"{path}, line {line}: there is no column '{show(wanted)}'. Found: {', '.join(row)[:200]}. "
        "Set 'devices_column' to one of these, or to a number from 1.",
        code="invalid_options",
    )


def unclear(path: str, line: int, row: list[str], kind: Kind) -> LicensingError:
    """The refusal to guess a column."""
    return LicensingError(
        f"{path}, line {line}: it is not clear which of the {len(row)} columns holds the {kind.upper()}. "
        "Set 'devices_column' to the column's name, or to its number from 1.",
        code="invalid_options",
    )


def is_id(value: str, kind: Kind) -> bool:
    """Whether a cell holds an id."""
    return problem(clean(value), kind) is None


def _is_title(cell: str) -> bool:
    """Whether a cell of the first row is a title. A damaged id is none: it must be reported, not passed over."""
    text = clean(cell)
    return not any(char.isdigit() for char in text) or any(name in _plain(text) for name in ("imei", "iccid", "device"))


def _plain(name: str) -> str:
    return "".join(char for char in clean(name).lower() if char.isalnum())
