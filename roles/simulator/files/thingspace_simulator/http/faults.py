# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that wait for a request: what they are, how they are read, and which request they hit."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from ..fields import WHOLE, Choice, Kind, Number, Place, anything, kind, or_null, string, string_object

REPLACING = ("status", "empty", "html", "array", "charset", "oversize", "redirect")
ON_THE_WIRE = ("reset", "stall", "drip", "truncate")
TOKENS = ("expire_session", "expire_token")
PAGES = ("loop_cursor", "short_page", "repeat_page", "empty_page")
ROWS = ("drop_row",)
ACTIONS = (*REPLACING, *ON_THE_WIRE, *TOKENS, *PAGES, *ROWS)
CURSORS = ("fota_list", "fota_device_list")
LISTS = (*CURSORS, "candidates_list")
WITH_ROWS = (*LISTS, "fota_device_lookup", "fota_assign", "fota_remove", "candidates_create")


@dataclass
class Fault:
    """One fault, with the number of requests that it matched and hit."""

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

    def matches(self, operation: str | None, method: str, path: str) -> bool:
        """Say whether this fault is for such a request."""
        if self.action in PAGES and operation not in LISTS:
            return False
        if self.action == "loop_cursor" and operation not in CURSORS:
            return False  # the cursor of the other list is a record number, which no answer contains
        if self.action in ROWS and operation not in WITH_ROWS:
            return False
        return (
            self.operation in (None, operation)
            and self.method in (None, method)
            and (self.path is None or re.search(self.path, path) is not None)
        )

    def hits(self) -> bool:
        """Count a matching request, and say whether the fault hits it."""
        self.seen += 1
        if self.seen <= self.after or (self.times and self.fired >= self.times):
            return False
        self.fired += 1
        return True


def _is_regex(value: Any) -> bool:
    """Say whether a value is a regular expression."""
    try:
        return bool(re.compile(value)) and isinstance(value, str)
    except (re.error, TypeError):
        return False


def _is_sendable(value: Any) -> bool:
    """Say whether names and values of headers can be sent."""
    return all(part.isprintable() and part.isascii() for pair in string_object(value).items() for part in pair)


_KINDS: dict[str, Kind] = {
    "action": Choice(ACTIONS),
    "method": or_null(string),
    "path": or_null(kind("a regular expression", _is_regex)),
    "after": WHOLE,
    "times": WHOLE,  # 0: no limit
    "effect": Choice(("none", "done")),
    "status": or_null(Number(low=200, high=599)),
    "headers": kind("an object of printable ASCII strings", _is_sendable),
    "body": anything,
    "seconds": Number(high=3600, whole=False),
    "device": or_null(string),
}


def read(given: Any, operations: set[str]) -> list[Fault]:
    """Read one fault or a list. Raises Invalid with everything that is wrong."""
    kinds = {**_KINDS, "operation": or_null(Choice(tuple(sorted(operations))))}
    place = Place("faults")
    entries = given if isinstance(given, list) else [given]
    found = [place.at(f"[{index}]").read(entry, kinds, ("action",)) for index, entry in enumerate(entries)]
    place.check()
    return [Fault(**one) for one in found]


class Faults:
    """The waiting faults, in the order they were given. A request is hit by one at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, faults: list[Fault]) -> None:
        """Add faults."""
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
                if fault.matches(operation, method, path) and fault.hits():
                    return fault
            return None
