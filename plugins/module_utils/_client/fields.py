# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The one reader of answers, whose spelling differs between versions, and whose types differ from the documents."""

from __future__ import annotations

import typing as t

from .._errors import ApiError

Object = t.Mapping[str, t.Any]
Usable = t.Callable[[t.Any], object]
"""Judges one row of a list."""

LARGEST = 10**12
"""More than that is no count of anything, and would break what is done with it."""


def number(value: Object, names: tuple[str, ...]) -> int | None:
    """The first of these fields that holds a whole number, also one written as a string; None for none."""
    for name in names:
        found: t.Any = value.get(name)
        if isinstance(found, bool):
            continue
        try:
            number_found = int(found)
            if abs(number_found) <= LARGEST:
                return number_found
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def truth(found: object) -> bool | None:
    """A truth value, also one written as a string; None for anything else, which must not pass for false."""
    if isinstance(found, str):
        return {"true": True, "false": False}.get(found.strip().lower())
    return found if isinstance(found, bool) else None


def text(value: Object, names: tuple[str, ...]) -> str:
    """The first of these fields that is there, as text."""
    for name in names:
        if value.get(name) is not None:
            return str(value[name])
    return ""


class Reader(t.NamedTuple):
    """Reads what a good answer to one operation must have.

    :param what: the operation, as messages name it.
    :param check: the option that is wrong if answers are of another kind; empty where none is.
    """

    what: str
    check: str = ""

    def lacking(self, part: str, *, in_doubt: bool = False) -> ApiError:
        """The error of an answer without this part.

        :param in_doubt: whether the operation writes, and so may have been carried out all the same.
        """
        advice = f" Check '{self.check}'." if self.check else ""
        return ApiError(
            f"The answer to '{self.what}' lacks {part}, so nothing can be concluded from it.{advice}",
            code="bad_answer",
            status=200,
            in_doubt=in_doubt,
        )

    def rows(self, value: Object, name: str, usable: Usable, *, optional: bool) -> list[t.Any]:
        """The list of this name.

        :param optional: whether no list means that it is empty.
        :raises ApiError: C(bad_answer), it is no list, or a row is not usable.
        """
        rows = value.get(name)
        if rows is None and optional:
            return []
        if not isinstance(rows, list) or not all(map(usable, rows)):
            raise self.lacking(f"a usable '{name}'")
        return rows

    def page(self, value: Object, name: str, usable: Usable, unsaid: bool | None = None) -> tuple[list[t.Any], bool]:
        """The list of this name, and whether more of it follows. Only the last page may leave it out.

        :param unsaid: what it means that C(hasMoreData) is not there; None makes it an error.
        :raises ApiError: C(bad_answer), one of the two is not usable.
        """
        said = value.get("hasMoreData")
        more = truth(said)
        rows = self.rows(value, name, usable, optional=more is False)
        if said is None:
            more = unsaid
        if more is None:
            raise self.lacking("a usable 'hasMoreData'")
        return rows, more
