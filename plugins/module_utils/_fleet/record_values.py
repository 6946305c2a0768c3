# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""What others reported, in the form in which a run record keeps it: texts, whatever they say. No value from ThingSpace
keeps a record from being written. Anything that cannot be read becomes unknown.
"""

from __future__ import annotations

import csv
import functools
import typing as t

from .._plan.outcomes import OUTCOMES, as_it_was
from .documents import Failure

MAX_TEXT = 100_000
"""The most characters of one value that a record keeps."""


def text(value: t.Any) -> str:
    """Any value as a text that every file can store."""
    found = "" if value is None else value if isinstance(value, str) else str(value)
    found = found[:MAX_TEXT]
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def failure_of(given: t.Any) -> Failure:
    """Why something failed, as code and message."""
    fields = given if isinstance(given, dict) else {"message": given}
    return Failure(text(fields.get("code")) or "failed", text(fields.get("message")))


def not_sent(failure: Failure) -> dict[str, str]:
    """The result of each device of what was stopped before it was begun."""
    return {"outcome": "skipped", "reason": f"not sent: {failure.message}"}


def results_of(path: str) -> tuple[dict[str, dict[str, str]], str]:
    """The result of each device in a report, and why there are none. The reason is empty if the report could be read.

    Devices with equal results share one.
    """
    try:
        results = {
            _cell(row.get("device_id")): _result(row.get("outcome"), row.get("reason"), row.get("request_id"))
            for row in _read(path, "device_id", "outcome")
        }
    except FileNotFoundError:
        return {}, "it is missing"
    except OSError as error:
        return {}, error.strerror or "it cannot be read"
    except (ValueError, csv.Error):
        return {}, "it is not a report"
    return results, ""


def ids_of(path: str) -> list[str] | None:
    """The devices of a report that only lists them, in its order; None if they are unknown."""
    try:
        return [_cell(row.get("device_id")) for row in _read(path, "device_id")]
    except (OSError, ValueError, csv.Error):
        return None


def summary_of(rows: t.Iterable[t.Mapping[str, str]]) -> dict[str, int]:
    """How many devices have which outcome."""
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row["outcome"]] += 1
    return counts


def _cell(value: str | None) -> str:
    return text(as_it_was(value or ""))


@functools.lru_cache(maxsize=1 << 12)
def _result(*cells: str | None) -> dict[str, str]:
    outcome, reason, request = map(_cell, cells)
    if outcome not in OUTCOMES:
        outcome, reason = "unknown", f"reported as '{outcome}'. {reason}".rstrip()
    return {"outcome": outcome, "reason": reason, "request_id": request}


def _read(path: str, *columns: str) -> t.Iterator[dict[str, t.Any]]:
    """The rows of a report.

    :raises ValueError: a column is missing, so it is not such a report.
    """
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        # Python 3.10 refuses a file with this character.
        rows = csv.DictReader(line.replace("\0", "\ufffd") for line in stream)
        if not {*columns} <= {*(rows.fieldnames or ())}:
            raise ValueError(path)
        yield from rows
