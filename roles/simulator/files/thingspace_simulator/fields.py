# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values from outside, as JSON: which kind each must have, and every problem reported at once.

A kind is a function. It returns the value that it is given, or raises ValueError and says what the value must be.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Kind = Callable[[Any], Any]


def must(what: str, value: Any) -> ValueError:
    """Return the error for a value of the wrong kind; a long value is cut."""
    return ValueError(f"must be {what}, not {reprlib.repr(value)}")


def kind(what: str, fits: Callable[[Any], bool]) -> Kind:
    """Return the kind of all values that fit."""

    def take(value: Any) -> Any:
        if not fits(value):
            raise must(what, value)
        return value

    return take


@dataclass(frozen=True)
class Choice:
    """One of a few words. The first is the default."""

    words: tuple[str, ...]

    @property
    def default(self) -> str:
        """Return the first word."""
        return self.words[0]

    def __call__(self, value: Any) -> str:
        if value not in self.words:
            raise must(f"one of {', '.join(self.words)}", value)
        return str(value)

    def from_text(self, value: Any) -> str:
        """Take a value that may be written as text."""
        return self(str(value))


@dataclass(frozen=True)
class Flag:
    """True or false."""

    default: bool = False

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise must("true or false", value)
        return value

    def from_text(self, value: Any) -> bool:
        """Take a value that may be written as text."""
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        return self(words.get(str(value).lower(), str(value)))


@dataclass(frozen=True)
class Number:
    """A number within limits, whole by default."""

    default: float = 0
    low: float = 0
    high: float = math.inf
    whole: bool = True

    def __call__(self, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high or (self.whole and value % 1):
            limits = f"from {self.low:g}" + ("" if self.high == math.inf else f" to {self.high:g}")
            raise must(f"a {'whole ' if self.whole else ''}number {limits}", value)
        return int(value) if self.whole else float(value)

    def from_text(self, value: Any) -> float:
        """Take a value that may be written as text."""
        found: Any = str(value)
        with suppress(ValueError):
            found = float(found)
        return self(found)


def is_strings(value: Any) -> bool:
    """Say whether a value is a list of strings."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_digits(value: Any, least: int, most: int) -> bool:
    """Say whether a value is a string of so many digits."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and least <= len(value) <= most


def is_count(value: Any) -> bool:
    """Say whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


WHOLE = Number()
anything = kind("anything", lambda _value: True)
string = kind("a string", lambda value: isinstance(value, str))
text = kind("a non-empty string", lambda value: isinstance(value, str) and value != "")
strings = kind("a list of strings", is_strings)
string_object = kind("an object of strings", lambda value: isinstance(value, dict) and is_strings([*value.values()]))


def secret(value: Any) -> str:
    """Take a string that is not empty. The message never shows it."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty string")
    return value


def or_null(one: Kind) -> Kind:
    """Return a kind that takes null as well."""
    return lambda value: None if value is None else one(value)


class Invalid(Exception):
    """Something from outside cannot be used. Carries every problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(slots=True)
class Place:
    """A place in a document from outside. All places of a document share one list of problems."""

    name: str
    problems: list[str] = field(default_factory=list)

    def at(self, suffix: str) -> Place:
        """Return a place further inside."""
        return Place(self.name + suffix, self.problems)

    def note(self, problem: object) -> None:
        """Note what is wrong here."""
        self.problems.append(f"{self.name}: {problem}")

    def check(self) -> None:
        """Raise Invalid if anything is wrong anywhere in the document."""
        if self.problems:
            raise Invalid(*self.problems)

    def read(self, given: Any, kinds: Mapping[str, Kind], required: Collection[str] = ()) -> dict[str, Any]:
        """Return the fields of an object that are known and valid, and note what is wrong with the others."""
        if not isinstance(given, dict):
            self.note(must("an object", given))
            return {}
        if not given.keys() <= kinds.keys():  # states are large, and most objects pass
            known = ", ".join(sorted(kinds))
            for name in sorted(given.keys() - kinds.keys()):
                self.at(f".{name}").note(f"unknown; known are {known}")
        for name in required:
            if name not in given:
                self.at(f".{name}").note("is missing")
        found: dict[str, Any] = {}
        for name, value in given.items():
            if name in kinds:
                try:
                    found[name] = kinds[name](value)
                except ValueError as error:
                    self.at(f".{name}").note(error)
        return found

    def read_list(self, given: Any, key: str, kinds: Mapping[str, Kind]) -> dict[str, dict[str, Any]]:
        """Return the fields of each entry of a list, by its ``key``. An entry may be the key alone."""
        if not isinstance(given, list):
            self.note(must("a list", given))
            return {}
        found: dict[str, dict[str, Any]] = {}
        for index, entry in enumerate(given):
            place = self.at(f"[{index}]")
            fields = place.read(entry if isinstance(entry, dict) else {key: entry}, kinds, (key,))
            name = fields.get(key)
            if name in found:
                place.note(f"{name} is given twice")
            if name is not None:
                found[name] = fields
        return found


def read(name: str, given: Any, kinds: Mapping[str, Kind], required: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of an object. Raises Invalid with everything that is wrong."""
    place = Place(name)
    found = place.read(given, kinds, required)
    place.check()
    return found
