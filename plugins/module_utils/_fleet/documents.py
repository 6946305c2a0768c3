# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Reads and writes plans and run records: JSON objects whose members are the fields of a type, with the same names.

The types are named tuples, because frozen dataclasses take a process four times as long to define. A field that is None
by default is optional: if it is None, the file does not have it. So everything has one form in a file. Where a type
alone does not say what a value may be, C(Annotated) has the check.
"""

from __future__ import annotations

import functools
import re
import types
import typing as t

from .._devices.ids import show

Json = dict[str, t.Any]
Fits = t.Callable[[t.Any], bool]
Read = t.TypeVar("Read", bound="tuple[t.Any, ...]")


class Failure(t.NamedTuple):
    """Why something is stopped, or failed.

    :param guards: the limits that it exceeds, if it is one that can be approved.
    """

    code: str
    message: str
    guards: list[Json] | None = None

    @property
    def approvable(self) -> bool:
        """Whether an approval of the plan lets it through. It does that for limits, and for nothing else: an approval
        adds no licenses and no listener.
        """
        return self.code == "guard_tripped"


def as_json(record: t.Any) -> Json:
    """The object of a file. Lists of devices in it are those of the record."""
    members = record._asdict().items()
    return {name: _plain(value) for name, value in members if value is not None or not _is_optional(record, name)}


def _is_optional(kind: t.Any, name: str) -> bool:
    return name in kind._field_defaults and kind._field_defaults[name] is None


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, list) and value and hasattr(value[0], "_asdict"):
        return list(map(_plain, value))
    return as_json(value) if hasattr(value, "_asdict") else value


def read(kind: type[Read], value: Json) -> Read:
    """Read an object, with which nothing is wrong. Other members than those of the type are ignored."""
    made = {name: _read(hint, value[name]) for name, hint in _hints(kind).items() if name in value}
    return kind(**made)


def _read(hint: t.Any, value: t.Any) -> t.Any:
    kind = _ours(hint)
    if kind is None or value is None:
        return value
    return [read(kind, one) for one in value] if isinstance(value, list) else read(kind, value)


def wrong_in(kind: type, value: t.Any, where: str, *, others: bool) -> t.Iterator[str]:
    """Everything that is wrong with an object.

    :param where: its place, for messages; of a whole file, a name with an article.
    :param others: whether it may have members that are not in the type.
    """
    if not isinstance(value, dict):
        yield f"{where} is not a dictionary"
        return
    hints = _hints(kind)
    for name, hint in hints.items():
        if name in value:
            yield from _wrong_member(kind, name, hint, value[name], where, others=others)
        elif not _is_optional(kind, name):
            yield f"{where} has no '{name}'"
    if not others:
        yield from (f"'{show(name)}' of {where} is unknown" for name in value if name not in hints)


def _wrong_member(kind: type, name: str, hint: t.Any, one: t.Any, where: str, *, others: bool) -> t.Iterator[str]:
    inner, listed = _ours(hint), t.get_origin(hint) is list
    if inner and listed and isinstance(one, list):
        for place, entry in enumerate(one, 1):
            there = f"{name[:-1]} {place} of {where}".partition(" of the ")[0]
            yield from wrong_in(inner, entry, there, others=others)
    elif inner and not listed and isinstance(one, dict):
        yield from wrong_in(inner, one, f"'{name}' of {where}", others=others)
    elif one is None and _is_optional(kind, name) and t.get_origin(hint) is not t.Annotated:
        yield f"'{name}' of {where} is null, and must be left out then"
    elif not _fits(hint)(one):
        yield f"'{name}' of {where} is {_shown(one)}, which it cannot be"


@functools.cache
def _fits(hint: t.Any) -> Fits:
    """What checks the values of a type. It is made once: there may be a million values."""
    origin, inner = t.get_origin(hint), t.get_args(hint)
    if origin is t.Annotated:
        return lambda value: all(fits(value) for fits in inner[1:])
    if origin is t.Literal:
        return lambda value: any(value == one and type(value) is type(one) for one in inner)
    if origin in (t.Union, types.UnionType):
        some = [_fits(one) for one in inner]
        return lambda value: any(fits(value) for fits in some)
    if origin is list:
        each = _fits(inner[0])
        return lambda value: isinstance(value, list) and all(map(each, value))
    if origin is dict:
        each = _fits(inner[1])
        return lambda value: isinstance(value, dict) and all(map(each, value.values()))
    if hint is t.Any:
        return lambda _value: True
    return lambda value: isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


@functools.cache
def _hints(kind: type) -> dict[str, t.Any]:
    return t.get_type_hints(kind, include_extras=True)


@functools.cache
def _ours(hint: t.Any) -> t.Any:
    """The named tuple in a hint such as C(list[PlanPart]); None if there is none."""
    return next((one for one in (hint, *t.get_args(hint)) if hasattr(one, "_field_defaults")), None)


def is_count(value: t.Any) -> bool:
    """A number of something."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def like(pattern: str) -> Fits:
    """A text of this form."""
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def rows_of(*names: str) -> Fits:
    """A list of devices with these members, which are texts."""
    known = {*names}
    return lambda value: (
        isinstance(value, list)
        and all(
            isinstance(row, dict) and row.keys() == known and all(isinstance(text, str) for text in row.values())
            for row in value
        )
    )


def _shown(value: t.Any) -> str:
    """A value of a file in a message."""
    if isinstance(value, (list, dict)):
        return "such a list" if isinstance(value, list) else "such a dictionary"
    return f"'{show(value)}'" if isinstance(value, str) else str(value)[:40]
