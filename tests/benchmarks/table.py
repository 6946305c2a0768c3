# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows that the benchmarks print, and what they were to reach."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement.

    :param figure: what it has to reach; empty for what is only told.
    :param missed: by how much it was missed; empty when it was reached.
    """

    bench: str
    what: str
    measured: str
    figure: str = ""
    missed: str = ""

    @property
    def verdict(self) -> str:
        """A word for the last column."""
        if not self.figure:
            return ""
        return "MISSED" if self.missed else "met"


def at_most(bench: str, what: str, value: float, limit: float, unit: str = "", note: str = "") -> Row:
    """A row whose value has to stay at or below a limit."""
    over = f"{what}: {number(value)}{unit}, {number(value - limit)}{unit} above the limit of {number(limit)}{unit}"
    measured = f"{number(value)}{unit}{f' ({note})' if note else ''}"
    return Row(bench, what, measured, f"<= {number(limit)}{unit}", over if value > limit else "")


def at_least(bench: str, what: str, value: float, limit: float, unit: str = "", note: str = "") -> Row:
    """A row whose value has to reach a limit."""
    under = f"{what}: {number(value)}{unit}, {number(limit - value)}{unit} below the limit of {number(limit)}{unit}"
    measured = f"{number(value)}{unit}{f' ({note})' if note else ''}"
    return Row(bench, what, measured, f">= {number(limit)}{unit}", under if value < limit else "")


def faster(bench: str, what: str, ours: float, theirs: float) -> Row:
    """A row about two ways to do the same job, by their seconds."""
    slower = f"{what}: {ours - theirs:.2f} s slower" if ours >= theirs else ""
    return Row(bench, what, f"{theirs / ours:.1f} times as fast", "faster", slower)


def equal(bench: str, what: str, value: int, wanted: int, note: str = "") -> Row:
    """A row whose count has to be one number."""
    off = "" if value == wanted else f"{what}: {value} instead of {wanted}"
    return Row(bench, what, f"{value}{f' ({note})' if note else ''}", str(wanted), off)


def number(value: float) -> str:
    """A number with as many decimals as are worth reading."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def render(rows: t.Sequence[Row]) -> str:
    """All rows as one table."""
    head = ("bench", "what", "measured", "figure", "")
    cells = [head, *((row.bench, row.what, row.measured, row.figure, row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join(lines)
