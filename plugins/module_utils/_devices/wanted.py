# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Turns C(devices), C(devices_file), or C(devices_text) into the wanted ids. All of them are checked, all problems are
reported together, and the order is kept.
"""

from __future__ import annotations

import typing as t

from .._errors import LicensingError, Problem
from .._text.lists import few
from .._thingspace.id_kinds import Kind
from .ids import are_plain, clean, passes_luhn, problem, show

if t.TYPE_CHECKING:
    from .file import Content

NO_DEVICE = "No device is named; there is nothing to do."


class Wanted(t.NamedTuple):
    """The ids that a task lists, in its order.

    :param warnings: what is unusual about them but not wrong.
    """

    devices: list[str]
    warnings: list[str]


def wanted_devices(params: t.Mapping[str, t.Any], kind: Kind = "imei") -> tuple[Wanted, list[Problem]]:
    """Read and check the ids from C(devices), C(devices_file) or C(devices_text), and C(devices_column)."""
    devices, problems, warnings = named_devices(params, "devices", kind)
    if not params.get("devices_file") and params.get("devices_text") is None:
        if params.get("devices_column"):
            problems.append(Problem("'devices_column' needs 'devices_file' or 'devices_text', whose column it names."))
        if params.get("devices_delimiter"):
            problems.append(
                Problem("'devices_delimiter' needs 'devices_file' or 'devices_text', whose columns it separates.")
            )
    warnings += [] if devices or problems else [NO_DEVICE]
    if params.get("check_digit"):
        warnings += _check_digits(devices)
    return Wanted(devices, warnings), problems


def named_devices(
    params: t.Mapping[str, t.Any], option: str, kind: Kind = "imei", *, repeated: bool = False
) -> tuple[list[str], list[Problem], list[str]]:
    """Read and check the ids from the option, or from an option with its name and C(_file) or C(_text).

    Returns the ids, their problems, and notes about how they were read.

    :param repeated: whether a device may be listed twice.
    """
    given = params.get(option)
    if given and are_plain(given, kind):
        return given, [], []
    try:
        where, entries, notes = _entries(params, option, kind)
    except LicensingError as error:
        return [], [Problem(error.message.replace("'devices_", f"'{option}_"), error.code)], []
    if repeated:
        firsts: dict[str, tuple[int, t.Any]] = {}
        for number, value in entries:
            firsts.setdefault(clean(str(value)), (number, value))
        entries = list(firsts.values())
    return *_check(where, entries, kind), notes


def _entries(
    params: t.Mapping[str, t.Any], option: str, kind: Kind
) -> tuple[str, t.Sequence[tuple[int, t.Any]], list[str]]:
    """The ids as given, each with its number, what the numbers count, and notes."""
    path, text, column, mark = (params.get(f"{option}_{name}") for name in ("file", "text", "column", "delimiter"))
    if not path and text is None:
        return f"{option}, entry", list(enumerate(params.get(option) or [], 1)), []
    # A module compiles what it imports, each time. Many tasks name their devices themselves.
    from .file import Layout, read_cells  # pylint: disable=import-outside-toplevel

    layout = Layout(column, kind, mark)
    if text is None or path:
        content = read_cells(path or "", layout)
        return f"{path}{_of_column(content)}, line", content.cells, content.notes
    from .text import read_text  # pylint: disable=import-outside-toplevel

    unit, content = read_text(text, layout)
    return f"{option}_text{_of_column(content)}, {unit}", content.cells, content.notes


def _of_column(content: Content) -> str:
    return f", column '{content.title}'" if content.title else ""


def _check(where: str, entries: t.Sequence[tuple[int, t.Any]], kind: Kind) -> tuple[list[str], list[Problem]]:
    """The ids and the problems. If all are valid, as almost always, none is checked individually."""
    values = [value for _number, value in entries]
    if are_plain(values, kind):
        return values, []
    first_seen: dict[str, int] = {}
    problems: list[Problem] = []
    for number, value in entries:
        device, wrong = _one(value, kind)
        if wrong:
            problems.append(Problem(f"{where} {number}: '{show(device)}' {wrong}.", "invalid_devices"))
        elif device in first_seen:
            text = f"{where} {number}: {device} is named twice, first at {where} {first_seen[device]}."
            problems.append(Problem(text, "invalid_devices"))
        else:
            first_seen[device] = number
    return list(first_seen), problems


def _one(value: t.Any, kind: Kind) -> tuple[str, str | None]:
    if isinstance(value, str):
        device = clean(value)
        return device, problem(device, kind)
    if isinstance(value, (dict, list)):
        return type(value).__name__, "is not an id; ids are a flat list of strings"
    device = str(value)
    wrong = problem(device, kind)
    if wrong:
        wrong += f". It came as {_kind_of(value)}; write ids in quotes, a number loses its leading zeros"
    return device, wrong


def _kind_of(value: t.Any) -> str:
    return {bool: "a boolean", int: "a number", float: "a number"}.get(type(value), "nothing")


def _check_digits(devices: list[str]) -> list[str]:
    odd = [device for device in devices if not passes_luhn(device)]
    if not odd:
        return []
    shown = few(odd)
    return [f"{len(odd)} of {len(devices)} ids have a check digit that does not fit (possible typing errors): {shown}."]
