# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that are waiting to happen: what they are, how they are read, which request they hit."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

REPLACING = ("status", "empty", "html", "array", "charset", "oversize", "redirect")
ON_THE_WIRE = ("reset", "stall", "drip", "truncate")
TOKENS = ("expire_session", "expire_token")
PAGES = ("loop_cursor", "short_page", "repeat_page", "empty_page")
ROWS = ("drop_row",)
ACTIONS = (*REPLACING, *ON_THE_WIRE, *TOKENS, *PAGES, *ROWS)
LISTS = ("fota_list", "candidates_list")
WITH_ROWS = (*LISTS, "fota_assign", "fota_remove", "candidates_create")


@dataclass
class Fault:
    """One fault, with the counts of requests it has met and hit."""

    action: str
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    after: int = 0
    times: int = 1
    effect: str = "none"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 30.0
    device: str | None = None
    seen: int = 0
    fired: int = 0

    def meets(self, operation: str | None, method: str, path: str) -> bool:
        """Say whether a request is one of those this fault is about."""
        if self.action in PAGES and operation not in LISTS:
            return False
        if self.action == "loop_cursor" and operation != "fota_list":
            return False  # a record number is not handed out by the service
        if self.action in ROWS and operation not in WITH_ROWS:
            return False
        return (
            self.operation in (None, operation)
            and self.method in (None, method)
            and (self.path is None or re.search(self.path, path) is not None)
        )

    def hits(self) -> bool:
        """Count a request met, and say whether this one is hit."""
        self.seen += 1
        if self.seen <= self.after or (self.times and self.fired >= self.times):
            return False
        self.fired += 1
        return True


def _anything(_value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 3600


def _status(value: Any) -> bool:
    return _count(value) and 200 <= value <= 599


def _headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(part, str) and part.isprintable() and part.isascii() for pair in value.items() for part in pair
    )


def _regex(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return isinstance(value, str)


# name: whether null is allowed, the test, what to say
_FIELDS = {
    "operation": (True, _text, "must be the name of an operation or null"),
    "method": (True, _text, "must be an HTTP method or null"),
    "path": (True, _regex, "must be a regular expression or null"),
    "after": (False, _count, "must be a whole number from 0"),
    "times": (False, _count, "must be a whole number from 0; 0 is for ever"),
    "effect": (False, lambda value: value in ("none", "done"), "must be none or done"),
    "status": (True, _status, "must be an HTTP status from 200 to 599"),
    "headers": (False, _headers, "must be an object of strings"),
    "body": (True, _anything, ""),
    "seconds": (False, _seconds, "must be a number from 0 to 3600"),
    "device": (True, _text, "must be a device id or null"),
}


def read(given: Any, operations: set[str]) -> tuple[list[Fault], list[str]]:
    """Read one fault or a list; return them and everything that is wrong."""
    faults: list[Fault] = []
    problems: list[str] = []
    for index, entry in enumerate(given if isinstance(given, list) else [given]):
        where = f"faults[{index}]"
        if not isinstance(entry, dict):
            problems.append(f"{where}: must be an object")
            continue
        found = _problems(entry, where, operations)
        problems.extend(found)
        if not found:
            faults.append(Fault(**entry))
    return faults, problems


def _problems(entry: dict[str, Any], where: str, operations: set[str]) -> list[str]:
    """Return what is wrong with one fault."""
    problems: list[str] = []
    if entry.get("action") not in ACTIONS:
        problems.append(f"{where}.action: must be one of {', '.join(ACTIONS)}, not {entry.get('action')!r}")
    for name, value in entry.items():
        if name == "action":
            continue
        if name not in _FIELDS:
            problems.append(f"{where}.{name}: unknown; known are action, {', '.join(_FIELDS)}")
            continue
        nullable, test, text = _FIELDS[name]
        if not (value is None and nullable) and not test(value):
            problems.append(f"{where}.{name}: {text}, not {value!r}")
    operation = entry.get("operation")
    if isinstance(operation, str) and operation not in operations:
        problems.append(f"{where}.operation: {operation!r} is unknown; known are {', '.join(sorted(operations))}")
    return problems


class Faults:
    """The faults waiting, in the order they were given; a request is hit by one at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, faults: list[Fault]) -> None:
        """Let more faults wait."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> int:
        """Drop all faults; return how many there were."""
        with self._lock:
            count = len(self._faults)
            self._faults = []
            return count

    def listing(self) -> list[dict[str, Any]]:
        """Return all faults with their counts."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def pick(self, operation: str | None, method: str, path: str) -> Fault | None:
        """Return the first fault that hits this request."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(operation, method, path) and fault.hits():
                    return fault
            return None
