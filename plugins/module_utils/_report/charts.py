# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Charts as inline SVG, without scripts. A drawing stretches with the page, so it contains no text: labels, numbers,
axes, and a text alternative are HTML around it. Every drawn number also appears as text.
"""

from __future__ import annotations

import itertools
import typing as t

from .._text.html import cards, escape

MAX_BARS = 20
"""Bars of one chart. The table has more, and is folded."""

MAX_TABLE = 1000
"""Rows of a table about accounts. The JSON document has all."""

STYLE = """
figure { margin: 1rem 0 1.5rem; } figure.columns, .bar { break-inside: avoid; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
figure svg { display: block; width: 100%; height: .9rem; }
.tall { display: grid; grid-template-columns: auto 1fr; gap: .2rem .5rem; } .tall .axis { grid-column: 2; }
.tall svg { height: 8rem; border-bottom: 1px solid var(--line); }
.ticks { display: flex; flex-direction: column-reverse; justify-content: space-between; height: 9rem;
  margin: -.5rem 0; font-size: .9rem; line-height: 1rem; }
.grid { stroke: var(--line); vector-effect: non-scaling-stroke; }
.bar { margin: .6rem 0; } .bar .bad { font-weight: 600; }
.bar p, .axis { margin: 0; display: flex; flex-wrap: wrap; gap: 0 1rem;
  justify-content: space-between; overflow-wrap: anywhere; font-size: .9rem; } .bar p > *, .axis > * { min-width: 0; }
.legend { list-style: none; padding: 0; margin: 0 0 .4rem; display: flex; flex-wrap: wrap; gap: 0 1rem; }
.legend { font-size: .9rem; }
.legend svg { display: inline-block; width: .8rem; height: .8rem; vertical-align: -.1rem; margin-right: .35rem; }
.c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); } .c4 { fill: var(--c4); }
.c5 { fill: var(--c5); } .c6 { fill: var(--c6); } .c7 { fill: var(--c7); } .c0 { fill: var(--empty); }
:root { --empty: #d5dbe2; --c1: #2a6fb0; --c2: #c4620a; --c3: #8250a8; --c4: #7d8590; --c5: #1a7f4b; --c6: #cf222e; }
:root { --c7: #d4a72c; }
@media (prefers-color-scheme: dark) { :root { --empty: #3a424c; --c1: #58a6ff; --c2: #f0883e; --c3: #bc8cff;
  --c4: #8b949e; --c5: #3fb950; --c6: #ff6b63; } }
/* One of the two is enough on a phone and on paper: the table if it is open, otherwise the chart. */
@media print, screen and (max-width: 40rem) { .either > .wide { display: none; } }
@media print, screen and (max-width: 40rem) { .either:has(> details[open]) > figure { display: none; } }
@media print { :root { --empty: #d5dbe2; } svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

_OPEN = '<svg role="img" preserveAspectRatio="none"'

Piece = tuple[str, str, int]
"""The class of the color, what it stands for, and how much."""


class Bar(t.NamedTuple):
    """One bar of a chart.

    :param note: the text at its right end. It tells everything that the row of the table tells.
    :param tone: the class of the note, if it is to stand out.
    """

    label: str
    note: str
    pieces: t.Sequence[Piece] = ()
    tone: str = ""


def bars(caption: str, rows: t.Sequence[Bar], head: t.Sequence[str], cells: t.Sequence[t.Sequence[object]]) -> str:
    """Horizontal bars of one scale, each divided into pieces, with their table.

    :param cells: rows of the table, in the order of the bars.
    """
    most = max(sum(count for _color, _what, count in row.pieces) for row in rows)
    kinds = dict.fromkeys((color, what) for row in rows for color, what, count in row.pieces if count)
    legend = "".join(
        f'<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{color}" width="1" height="1"/></svg>'
        f"{escape(what)}</li>"
        for color, what in kinds
    )
    axis = f'<p class="axis"><span>0</span><span>{most:,}</span></p>' if most else ""
    table = cards(head, cells[:MAX_TABLE])
    if len(rows) > MAX_BARS:
        axis += f"<p>And {len(rows) - MAX_BARS:,} more, see the table.</p>"
        table = folded("The whole table", table, len(cells))
    drawn = "".join(_bar(row, most) for row in rows[:MAX_BARS])
    return (
        f'<div class="either"><figure><figcaption>{escape(caption)}</figcaption><ul class="legend">{legend}</ul>'
        f"{drawn}{axis}</figure>{table}</div>"
    )


def folded(title: str, content: str, count: int) -> str:
    """Content that is shown on a click."""
    return f"<details><summary>{escape(title)} ({count:,})</summary>{content}</details>"


def _bar(row: Bar, most: int) -> str:
    ends = itertools.accumulate((count for _color, _what, count in row.pieces), initial=0)
    drawn = "".join(
        f'<rect class="{color}" x="{_place(start, most)}" width="{_place(count, most)}" height="1"/>'
        for start, (color, _what, count) in zip(ends, row.pieces, strict=False)
        if count > 0
    )
    if drawn:
        alternative = ", ".join(f"{count:,} {what}" for _color, what, count in row.pieces)
        label = escape(f"{row.label}: {alternative}")
        drawn = f'{_OPEN} viewBox="0 0 1000 1" aria-label="{label}">{drawn}</svg>'
    words = f'<span>{escape(row.label)}</span><span class="{row.tone}">{escape(row.note)}</span>'
    return f'<div class="bar"><p>{words}</p>{drawn}</div>'


def columns(caption: str, labels: t.Sequence[str], counts: t.Sequence[int], what: str, color: str = "c1") -> str:
    """Columns over time between two axes, with the numbers in a collapsed table."""
    ticks = _ticks(max(counts))
    most = ticks[-1]
    width = 1000 / len(counts)
    drawn = "".join(f'<path class="grid" d="M0 {100 - 100 * tick / most:.1f}H1000"/>' for tick in ticks[1:])
    drawn += "".join(
        f'<rect class="{color}" x="{place * width + width * 0.1:.1f}" y="{100 - 100 * count / most:.1f}" '
        f'width="{width * 0.8:.1f}" height="{100 * count / most:.1f}"/>'
        for place, count in enumerate(counts)
        if count
    )
    alternative = f"{caption}: {what} from {labels[0]} to {labels[-1]}, at most {max(counts):,} at a time"
    numbers = cards(("from", what), [*zip(labels, counts, strict=True)])
    days = "".join(f"<span>{escape(labels[place])}</span>" for place in sorted({0, len(labels) // 2, len(labels) - 1}))
    return (
        f'<div class="either"><figure class="columns"><figcaption>{escape(caption)}</figcaption><div class="tall">'
        f'<div class="ticks number">{"".join(f"<span>{tick:,}</span>" for tick in ticks)}</div>'
        f'{_OPEN} viewBox="0 0 1000 100" aria-label="{escape(alternative)}">{drawn}</svg>'
        f'<p class="axis">{days}</p></div></figure>{folded("The numbers", numbers, len(counts))}</div>'
    )


def _ticks(most: int) -> list[int]:
    """Up to five round numbers from 0 to at least this one."""
    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in steps if step * 4 >= most)
    return [*range(0, max(most, 1) + step, step)]


def _place(value: int, most: int) -> str:
    return f"{1000 * value / most:.2f}".rstrip("0").rstrip(".")
