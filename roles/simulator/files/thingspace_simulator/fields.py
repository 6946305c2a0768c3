# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that come from outside as JSON: of which kind each must be, and every problem named at once.

A kind returns the value it is given, or raises ValueError saying what the value must be.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

Kind = Callable[[Any], Any]


def must(what: str, value: Any) -> ValueError:
    """Return the error for a value of the wrong kind; a long value is cut."""
    return ValueError(f"must be {what}, not {reprlib.repr(value)}")


@dataclass(frozen=True)
class Choice:
    """One of a few words; the first is the default."""

    words: tuple[str, ...]

    @property
    def default(self) -> str:
        """Return the first word."""
        return self.words[0]

    def __call__(self, value: Any) -> str:
        if value not in self.words:
            raise must(f"one of {', '.join(self.words)}", value)
        return str(value)

    def parse(self, text: str) -> Any:
        """Return the value that a text on the command line means."""
        return text


@dataclass(frozen=True)
class Flag:
    """True or false."""

    default: bool = False

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise must("true or false", value)
        return value

    def parse(self, text: str) -> Any:
        """Return the value that a text on the command line means."""
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        return words.get(text.lower(), text)


@dataclass(frozen=True)
class Number:
    """A number within limits, whole or not."""

    default: float = 0
    low: float = 0
    high: float = math.inf
    whole: bool = True

    def __call__(self, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high or (self.whole and value != int(value)):
            limits = f"from {self.low:g}" + ("" if self.high == math.inf else f" to {self.high:g}")
            raise must(f"a {'whole ' if self.whole else ''}number {limits}", value)
        return int(value) if self.whole else float(value)

    def parse(self, text: str) -> Any:
        """Return the value that a text on the command line means."""
        try:
            return float(text)
        except ValueError:
            return text


WHOLE = Number()


def is_count(value: Any) -> bool:
    """Say whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def anything(value: Any) -> Any:
    """Take any value; its kind is checked elsewhere."""
    return value


def string(value: Any) -> str:
    """Take a string, also an empty one."""
    if not isinstance(value, str):
        raise must("a string", value)
    return value


def text(value: Any) -> str:
    """Take a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise must("a non-empty string", value)
    return value


def secret(value: Any) -> str:
    """Take a string that is not empty; the message never shows it."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty string")
    return value


def strings(value: Any) -> list[str]:
    """Take a list of strings."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise must("a list of strings", value)
    return list(value)


def string_object(value: Any) -> dict[str, str]:
    """Take an object whose values are strings."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise must("an object of strings", value)
    return dict(value)


def or_null(kind: Kind) -> Kind:
    """Return a kind that takes null as well."""
    return lambda value: None if value is None else kind(value)


def read(
    given: Any, kinds: Mapping[str, Kind], where: str, problems: list[str], required: Collection[str] = ()
) -> dict[str, Any]:
    """Return the fields of an object that are known and valid; note under their place what is wrong with the others."""
    if not isinstance(given, dict):
        problems.append(f"{where}: {must('an object', given)}")
        return {}
    if not given.keys() <= kinds.keys():  # states are large: most objects are asked this question and no other
        unknown = sorted(given.keys() - kinds.keys())
        problems.extend(f"{where}.{name}: unknown; known are {', '.join(sorted(kinds))}" for name in unknown)
    for name in required:
        if name not in given:
            problems.append(f"{where}.{name}: is missing")
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in kinds:
            try:
                found[name] = kinds[name](value)
            except ValueError as error:
                problems.append(f"{where}.{name}: {error}")
    return found


def read_list(
    given: Any, key: str, kinds: Mapping[str, Kind], where: str, problems: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the fields of each entry of a list by its ``key``; an entry may be the key alone."""
    if not isinstance(given, list):
        problems.append(f"{where}: {must('a list', given)}")
        return {}
    found: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(given):
        place = f"{where}[{index}]"
        fields = read(entry if isinstance(entry, dict) else {key: entry}, kinds, place, problems, (key,))
        name = fields.get(key)
        if name in found:
            problems.append(f"{place}: {name} is given twice")
        if name is not None:
            found[name] = fields
    return found
