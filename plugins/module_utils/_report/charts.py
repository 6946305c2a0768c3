# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Charts as inline SVG, without scripts. A drawing stretches with the page, so it contains no text: labels, numbers,
and a text alternative are HTML around it. Every drawn number also appears as text.
"""

from __future__ import annotations

import itertools
import typing as t

from .._text.html import cards, escape

MAX_BARS = 20
"""Bars of one chart; the table below it has more."""

STYLE = """
figure { margin: 1rem 0 1.5rem; } figure.columns, .bar { break-inside: avoid; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
figure svg { display: block; width: 100%; height: .9rem; border-radius: .2rem; background: var(--empty); }
figure svg.tall { height: 8rem; border-radius: 0; background: none; border-bottom: 1px solid var(--line); }
.bar { margin: .5rem 0; } .bar p, .axis { margin: 0; display: flex; flex-wrap: wrap; gap: 0 1rem;
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
@media print { :root { --empty: #d5dbe2; } svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

_OPEN = '<svg role="img" preserveAspectRatio="none"'

Piece = tuple[str, str, int]
"""The class of the color, what it stands for, and how much."""


class Bar(t.NamedTuple):
    """One bar of a chart.

    :param note: the text at its right end.
    :param most: what the whole width stands for; 0 for the sum of its pieces.
    """

    label: str
    note: str
    pieces: t.Sequence[Piece]
    most: int = 0


def bars(caption: str, rows: t.Sequence[Bar]) -> str:
    """Horizontal bars, each divided into pieces."""
    kinds = dict.fromkeys((color, what) for row in rows for color, what, _count in row.pieces)
    legend = "".join(
        f'<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{color}" width="1" height="1"/></svg>'
        f"{escape(what)}</li>"
        for color, what in kinds
    )
    more = f"<p>And {len(rows) - MAX_BARS:,} more, see the table.</p>" if len(rows) > MAX_BARS else ""
    drawn = "".join(map(_bar, rows[:MAX_BARS]))
    return f'<figure><figcaption>{escape(caption)}</figcaption><ul class="legend">{legend}</ul>{drawn}{more}</figure>'


def _bar(row: Bar) -> str:
    most = max(row.most, sum(count for _color, _what, count in row.pieces), 1)
    alternative = ", ".join(f"{count:,} {what}" for _color, what, count in row.pieces)
    ends = list(itertools.accumulate((count for _color, _what, count in row.pieces), initial=0))
    drawn = "".join(
        f'<rect class="{color}" x="{_place(start, most)}" width="{_place(count, most)}" height="1"/>'
        for start, (color, _what, count) in zip(ends, row.pieces, strict=False)
        if count > 0
    )
    return (
        f'<div class="bar"><p><span>{escape(row.label)}</span><span>{escape(row.note)}</span></p>'
        f'{_OPEN} viewBox="0 0 1000 1" aria-label="{escape(f"{row.label}: {alternative}")}">{drawn}</svg></div>'
    )


def columns(caption: str, labels: t.Sequence[str], counts: t.Sequence[int], what: str, color: str = "c1") -> str:
    """Columns over time, with the numbers in a collapsed table."""
    most = max([*counts, 1])
    width = 1000 / max(len(counts), 1)
    drawn = "".join(
        f'<rect class="{color}" x="{place * width + width * 0.1:.1f}" y="{100 - 100 * count / most:.1f}" '
        f'width="{width * 0.8:.1f}" height="{100 * count / most:.1f}"/>'
        for place, count in enumerate(counts)
        if count
    )
    peak = max(counts, default=0)
    alternative = f"{caption}: {what} from {labels[0]} to {labels[-1]}, at most {peak:,} at a time"
    numbers = cards(("from", what), zip(labels, map("{:,}".format, counts), strict=True))
    return (
        f'<figure class="columns"><figcaption>{escape(caption)}</figcaption>'
        f'<p class="axis"><span>at most {peak:,}</span></p>'
        f'{_OPEN} class="tall" viewBox="0 0 1000 100" aria-label="{escape(alternative)}">{drawn}</svg>'
        f'<p class="axis"><span>{escape(labels[0])}</span><span>{escape(labels[-1])}</span></p>'
        f"<details><summary>The numbers</summary>{numbers}</details></figure>"
    )


def _place(value: int, most: int) -> str:
    return f"{1000 * value / most:.2f}".rstrip("0").rstrip(".")
