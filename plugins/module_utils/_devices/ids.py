# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Device ids: the form of an IMEI, and what spreadsheets do to it.

Only digits and length are enforced. The check digit is not, because examples in the documentation itself have wrong
ones.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from .._text.lists import many
from .._text.visible import visible
from .._thingspace.check_digit import check_digit
from .._thingspace.id_kinds import LENGTHS, Kind

_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_FORMULA = re.compile(r'=?"?\'?([^"\']*)"?')
_POWER = re.compile(r"(?<![\w.,])[+-]?\d+(?:[.,]\d+)?[eE]\+?\d\d(?!\w)")
_BETWEEN = re.compile(r"[ \-\u2010-\u2014]+")
_PRINTED = re.compile(r"\d+(?:[ \-\u2010-\u2014]+\d+)+")
_GROUPS = {
    # Of an IMEI: with and without the parts of the type allocation code, and in groups of equal size.
    *((2, 6, 6, 1), (6, 2, 6, 1), (8, 6, 1), (14, 1), (3, 3, 3, 3, 3), (4, 4, 4, 3), (5, 5, 5)),
    # Of an ICCID.
    *((4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 4, 4, 4, 4), (5, 5, 5, 3), (5, 5, 5, 4), (5, 5, 5, 5)),
}
"""The groups in which ids are printed. Digits in other groups may be a phone number, or two numbers."""
_ACCOUNT = re.compile(
    r"(?!.*(?:imei|iccid|device))(?:[^\d]*(?:account|acct|konto|billing)[^\d]*)?\d{10}[- ]\d{5}", re.I
)
"""An account number and nothing else, except a label that says so."""
_TIME = re.compile(
    r"(?<![\d./-])(?:(?:19|20)\d\d-\d\d?-\d\d?|\d\d?[./]\d\d?[./](?:19|20)?\d\d)(?![\d./-])"
    r"|(?<![\d:])\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?![\d:])"
)
_PADDED = re.compile(r"\d{18,19}[Ff]")
_DATA_DIGITS = 14
_TITLE_DIGITS = 8
"""The most digits that a title may have: a number, or a date."""
_LABEL = re.compile("imei|iccid", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(map(ord, "\u00a0\u200b\u200c\u200d\u2060\ufeff\u202a\u202c\u200e\u200f"), " ")


def are_plain(values: list[t.Any], kind: Kind = "imei") -> bool:
    """Whether all of these are ids as written, and none is repeated."""
    lowest, highest, _rule = LENGTHS[kind]
    try:
        together, unlike = "".join(values), set(values)
    except TypeError:
        return False
    lengths = set(map(len, unlike))
    digits = together.isdigit() and together.isascii()
    return digits and len(unlike) == len(values) and lowest <= min(lengths) and max(lengths) <= highest


def digest_of(devices: t.Iterable[str]) -> str:
    """The fingerprint of a list of devices: SHA-256 over the ids in ascending order."""
    return hashlib.sha256("\n".join(sorted(devices)).encode()).hexdigest()


def clean(cell: str) -> str:
    """An id without additions from portals, spreadsheets, and printers: spaces, ="...", a leading apostrophe, hyphens
    and blanks between the groups in which an id is printed, and the F that pads an ICCID.
    """
    cell = unwrapped(cell)
    if cell.isdigit():
        return cell
    if _PADDED.fullmatch(cell):
        return cell[:-1]
    if _PRINTED.fullmatch(cell):
        groups = _BETWEEN.split(cell)
        return "".join(groups) if tuple(map(len, groups)) in _GROUPS else cell
    return cell


def unwrapped(cell: str) -> str:
    """A cell without wrapping characters."""
    cell = cell.translate(_INVISIBLE).strip()
    if cell.isdigit():
        return cell
    match = _FORMULA.fullmatch(cell)
    return match.group(1).strip() if match else cell


def holds_data(cell: str) -> bool:
    """Whether a cell is data, whatever else it contains: it has the digits of an id, or what is left of one.

    Such a cell is never a title, and a row that contains one is never skipped. Dates, times, and account numbers are
    not data.
    """
    if sum(map(str.isdigit, cell)) < _DATA_DIGITS:
        damaged = _SCIENTIFIC.fullmatch(unwrapped(cell)) or _POWER.search(cell) or _labeled(cell)
        return bool(damaged)
    if _ACCOUNT.fullmatch(unwrapped(cell)):
        return False
    return sum(map(str.isdigit, _TIME.sub("", cell))) >= _DATA_DIGITS


def _labeled(cell: str) -> bool:
    """Whether a cell has an id label, and digits that may be the rest of an id."""
    return _LABEL.search(cell) is not None and sum(map(str.isdigit, _TIME.sub("", cell))) > _TITLE_DIGITS


def problem(device: str, kind: Kind = "imei") -> str | None:
    """The problem with a cleaned id; None if it can be an id."""
    lowest, highest, rule = LENGTHS[kind]
    if device.isascii() and device.isdigit():
        if lowest <= len(device) <= highest:
            return None
        return f"has {many(len(device), 'digit')}, {rule}{_length_hint(len(device), kind)}"
    if not device:
        return f"is empty, {rule}"
    if _SCIENTIFIC.fullmatch(device):
        return (
            "is in scientific notation: a spreadsheet turned the id into a number and lost digits. Format the column "
            "as text and export it again"
        )
    if re.fullmatch(r"\d+[.,]0*", device):
        return "has a decimal point: a spreadsheet turned the id into a number. Format the column as text"
    odd = next(char for char in device if not (char.isascii() and char.isdigit()))
    shown = odd if odd.isprintable() else f"U+{ord(odd):04X}"
    label = " (write the id without a label)" if device[0].isalpha() and holds_data(device) else ""
    return f"holds '{shown}', but an id has digits only{label}"


def _length_hint(length: int, kind: Kind) -> str:
    if kind == "iccid":
        return " (this may be an IMEI)" if length == 15 else ""
    if length == 14:
        return " (a leading zero or the check digit may have been lost)"
    if length == 16:
        return " (this may be an IMEISV)"
    if 18 <= length <= 20:
        return " (this may be an ICCID)"
    return ""


def passes_luhn(device: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    return check_digit(device[:-1]) == device[-1:]


def show(device: str) -> str:
    """An id for a message: printable and of limited length."""
    text = " ".join(visible(device[:41]).split())
    return text if len(text) <= 40 else text[:37] + "..."
