# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that are waiting to happen: what they are, how they are read, which request they hit."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from .. import fields
from ..fields import WHOLE, Choice, Kind, Number, anything, must, or_null, string, string_object

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


def _regex(value: Any) -> str:
    """Take a regular expression."""
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        raise must("a regular expression", value) from error
    return string(value)


def _headers(value: Any) -> dict[str, str]:
    """Take names and values that can be sent."""
    headers = string_object(value)
    if not all(part.isprintable() and part.isascii() for pair in headers.items() for part in pair):
        raise must("an object of printable ASCII strings", value)
    return headers


_KINDS: dict[str, Kind] = {
    "action": Choice(ACTIONS),
    "method": or_null(string),
    "path": or_null(_regex),
    "after": WHOLE,
    "times": WHOLE,  # 0 is for ever
    "effect": Choice(("none", "done")),
    "status": or_null(Number(low=200, high=599)),
    "headers": _headers,
    "body": anything,
    "seconds": Number(high=3600, whole=False),
    "device": or_null(string),
}


def read(given: Any, operations: set[str]) -> tuple[list[Fault], list[str]]:
    """Read one fault or a list; return them and everything that is wrong."""
    kinds = {**_KINDS, "operation": or_null(Choice(tuple(sorted(operations))))}
    problems: list[str] = []
    found = [
        fields.read(entry, kinds, f"faults[{index}]", problems, required=("action",))
        for index, entry in enumerate(given if isinstance(given, list) else [given])
    ]
    return [] if problems else [Fault(**one) for one in found], problems


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
