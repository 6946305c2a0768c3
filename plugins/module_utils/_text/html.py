# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A self-contained HTML page: readable on a phone and printed, with every value escaped."""

from __future__ import annotations

import html
import typing as t

from .visible import BLOCK, visible

STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --warn: #d29922; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; } h3 { font-size: 1rem; }
section { margin-top: 2rem; } a { color: inherit; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
td, th { overflow-wrap: break-word; } td { max-width: 28rem; }
td:first-child { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { white-space: normal; } .bad { color: var(--bad); } .warn { color: var(--warn); }
code { overflow-wrap: anywhere; } pre { white-space: pre-wrap; } summary { cursor: pointer; }
details { margin: .7rem 0; } small { opacity: .8; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1rem 0; }
dl.tiles > div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
dl.tiles > .bad, dl.tiles > .warn { border: .15rem solid; } dl.tiles > .bad dd { font-size: 1.7rem; }
dl.tiles small { color: CanvasText; }
dl.tiles dt { font-size: .85rem; } dl.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.25; }
dl.tiles dd small { display: block; font-size: .8rem; font-weight: 400; }
.no_change, .complete { color: var(--good); } .changes { color: var(--warn); }
.incomplete, .guard_tripped, .error { color: var(--bad); }
.failure { border-left: .3rem solid var(--bad); padding-left: .7rem; }
@media screen and (max-width: 40rem) {
  .cards thead { display: none; } .cards, .cards tbody, .cards tr { display: block; }
  .cards tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .cards td, .cards td:first-child { display: flex; gap: .6rem; border: 0; padding: .1rem 0; min-width: 0;
    max-width: none; white-space: normal; overflow-wrap: anywhere; }
  .cards td::before { content: attr(data-th); flex: 0 0 6rem; font-size: .85rem; opacity: .75; }
  .cards td.number { justify-content: space-between; } .cards td.number::before { text-align: left; }
  .cards td:first-child { font-weight: 600; } .cards td:empty { display: none; }
}
@media print {
  body { max-width: none; font-size: 11pt; } nav { display: none; } .wide { overflow: visible; }
  details:not([open]) > :not(summary) { display: none; } table { font-size: 9pt; }
  td { overflow-wrap: anywhere; min-width: 4.5rem; } td:first-child { white-space: normal; }
  h2, h3, figcaption, .legend { break-after: avoid; }
  tr, dl { break-inside: avoid; }
}
"""
"""The one look of all pages."""


def page(title: str, body: str, style: str = "") -> str:
    """A page with the common style around an HTML body.

    :param style: additional rules.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>{body}</body></html>\n"
    )


def escape(value: object) -> str:
    """A value as text in HTML."""
    return html.escape(visible(str(value), BLOCK))


def cards(head: t.Sequence[str], rows: t.Iterable[t.Sequence[object]]) -> str:
    """A table in which a row becomes a card on a narrow screen. Each cell contains the name of its column.

    Columns with numbers are right-aligned. A cell is a number unless it is a text; None is an unknown number.
    """
    cells = [*rows]
    kinds = [
        "" if all(isinstance(cell, str) for cell in column) else ' class="number"'
        for column in zip(*cells, strict=True)
    ]
    columns = [*zip(map(escape, head), kinds or [""] * len(head), strict=True)]
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-th="{name}"{kind}>{_shown(cell)}</td>' for (name, kind), cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in cells
    )
    shown = "".join(f"<th{kind}>{name}</th>" for name, kind in columns)
    return f'<div class="wide"><table class="cards"><thead><tr>{shown}</tr></thead><tbody>{body}</tbody></table></div>'


def _shown(cell: object) -> str:
    return "unknown" if cell is None else escape(cell if isinstance(cell, str) else format(cell, ","))
