# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The outcome of each device, and the parts of a result that follow from it."""

from __future__ import annotations

import collections
import csv
import functools
import os
import re
import typing as t

from .._errors import LicensingError, Problem
from .._text.files import READABLE, replacing
from .._text.lists import first, many
from .._text.visible import visible

Outcome = t.Literal["assigned", "removed", "added", "unchanged", "accepted", "failed", "unknown", "skipped"]
Report = t.Literal["changed", "failed", "all", "none"]

OUTCOMES: tuple[Outcome, ...] = t.get_args(Outcome)
MOVED = frozenset({"assigned", "removed", "added", "accepted"})
MAY_HAVE_MOVED = MOVED | {"unknown"}
"""Outcomes of sent devices that make a task changed. An unknown result does not count as unchanged."""
AMISS = frozenset({"failed", "unknown", "skipped"})

HAD_BEFORE = "which the device may have had before"
"""How the reason of an unknown result ends if the device may have been as wanted before. An undo leaves it alone."""


class Row(t.NamedTuple):
    """What happened to one device, and why."""

    device_id: str
    outcome: Outcome
    reason: str


class RequestRow(t.NamedTuple):
    """A row of an asynchronous API, with the id of the accepted request; empty if there is none."""

    device_id: str
    outcome: Outcome
    reason: str
    request_id: str


T = t.TypeVar("T")
Rows: t.TypeAlias = "t.Sequence[Row] | t.Sequence[RequestRow]"


def summarize(rows: Rows) -> dict[str, int]:
    """How many devices had each outcome. Every outcome is a key."""
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row.outcome] += 1
    return counts


def reported(rows: Rows, report: Report, moved: t.Container[str] = ()) -> list[dict[str, str]]:
    """The rows that the option C(report) includes in the result.

    :param moved: devices that changed without an outcome of their own: their place on a list.
    """
    wanted = {
        "none": frozenset[str](),
        "failed": AMISS,
        "changed": MOVED | AMISS,
        "all": frozenset[str](OUTCOMES),
    }[report]
    also = moved if report == "changed" else ()
    return [row._asdict() for row in rows if row.outcome in wanted or row.device_id in also]


def failure_of(rows: Rows, never: t.Container[str] = ()) -> LicensingError | None:
    """The failure that results from mixed rows; None if every device is as wanted.

    :param never: devices that no run changes.
    """
    amiss = [row for row in rows if row.outcome in AMISS]
    # Skipped devices follow from the others, so they are named last.
    amiss.sort(key=lambda row: row.outcome == "skipped")
    if not amiss:
        return None
    counts = collections.Counter(row.outcome for row in amiss)
    unknown = counts["unknown"]
    parts = [f"{counts[name]} {name}" for name in ("failed", "unknown", "skipped") if counts[name]]
    named = first(amiss, 5, "; ", lambda row: f"{row.device_id} {row.outcome}: {row.reason.rstrip('.')}")
    more = " (see 'devices', or 'devices_report')" if len(amiss) > 5 else ""
    skipped = [row.device_id for row in amiss if row.outcome == "skipped"]
    in_vain = [device for device in skipped if device in never]
    advice = "Run again: devices that are as wanted are left alone." if unknown or len(skipped) > len(in_vain) else ""
    if in_vain:
        advice = f"Leave out of the list what ThingSpace would refuse. {advice}"
    return LicensingError(
        f"{len(amiss)} of {many(len(rows), 'device')} did not reach the wanted state ({', '.join(parts)}): "
        f"{named}{more}. {advice}".rstrip(),
        code="outcome_unknown" if unknown else "devices_failed",
    )


class Reporting(t.NamedTuple):
    """The options for the reported devices.

    :param shown: which of them the result lists.
    :param path: of the file with all of them, if one is wanted.
    """

    shown: Report
    path: str | None

    def every(self, items: list[T]) -> list[T]:
        """What a module that only reads shows: every item, or none of them."""
        return items if self.shown == "all" else []

    def write(self, columns: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> LicensingError | None:
        """Write the file, if one is wanted; returns why it could not be written."""
        try:
            if self.path:
                write_csv(self.path, columns, rows)
        except LicensingError as error:
            return error
        return None


def reporting_from(report: Report, devices_report: str | None) -> tuple[Reporting, list[Problem]]:
    """Read the options of these names; returns them with all problems."""
    return Reporting(report, devices_report), report_path_problems(devices_report)


def end(
    rows: Rows,
    reporting: Reporting,
    values: dict[str, t.Any],
    stopped: LicensingError | None,
    *,
    began: bool = False,
    header: t.Sequence[str] = Row._fields,
    moved: t.Container[str] = (),
    judge: t.Callable[[Rows], LicensingError | None] = failure_of,
) -> tuple[dict[str, t.Any], LicensingError | None]:
    """End a run: returns the values of its result and its failure, and writes the file with all devices.

    :param values: what the result contains besides the devices.
    :param stopped: why the run was stopped; or that its end was not confirmed, which does not end it early.
    :param began: whether devices may have changed by then, so that the failure says how far the run had come.
    :param header: of the file.
    :param moved: devices that changed without an outcome of their own: their place on a list.
    :param judge: returns the failure that results from the rows.
    """
    counts = summarize(rows)
    if stopped is not None and began and stopped.code != "unconfirmed":
        so_far = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        stopped.add(f" The run ended early; so far: {so_far}.")
    told = {**values, "summary": counts, "devices": reported(rows, reporting.shown, moved)}
    unwritten = reporting.write(header, rows)
    return told, stopped or judge(rows) or unwritten


def report_path_problems(path: str | None, option: str = "devices_report") -> list[Problem]:
    """What would keep a report from being written. Checked before anything is sent."""
    if not path:
        return []
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        why = "it is a directory"
    elif not os.path.isdir(folder):
        why = f"the directory {folder} does not exist"
    elif not os.access(folder, os.W_OK):
        why = f"the directory {folder} is not writable"
    else:
        return []
    return [Problem(f"'{option}' {path} cannot be written: {why}.", "report_unwritable")]


def write_csv(path: str, header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> None:
    """Write a report in one step: a reader sees the old file or the whole new one.

    :raises LicensingError: C(report_unwritable).
    """
    try:
        with replacing(path, READABLE) as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows([value if value.isdigit() else _cell(value) for value in row] for row in rows)
    except OSError as error:
        raise LicensingError(
            f"The report {path} could not be written: {error.strerror or error}. This result still says "
            "what happened to the devices.",
            code="report_unwritable",
        ) from None


# Everything that looks empty: blanks of any width, fillers that Unicode calls letters, and the Braille blank.
_AROUND = r"[\s\u115f\u1160\u2800\u3164\uffa0']*"
# The characters that start a formula, with their full-width, small, superscript, and subscript forms.
_SIGN = (
    rf"(?={_AROUND}[=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
    r"\u207a\u207b\u207c\u208a\u208b\u208c\ufb29])"
)
# If a program uses another separator, its cells may start inside one of ours.
# Few tasks write a CSV file, so the patterns are compiled when they are used.
_FORMULA = rf"^(?={_AROUND}[;|%\t\r])|(^|[;|\t]){_SIGN}"
_DEFUSED = rf"^'(?={_AROUND}[;|%\t\r])|(^|[;|\t])'{_SIGN}"


@functools.lru_cache(maxsize=1 << 12)
def _cell(value: str) -> str:
    """A value for a CSV file. Most reasons apply to many devices."""
    return harmless(visible(value))


def harmless(value: str) -> str:
    """A cell that no spreadsheet takes for a formula, whatever separator it uses."""
    return re.sub(_FORMULA, r"\1'", value)


def as_it_was(cell: str) -> str:
    """The value from which C(harmless) made this cell."""
    return re.sub(_DEFUSED, r"\1", cell) if "'" in cell else cell
