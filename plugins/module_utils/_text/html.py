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
section { margin-top: 2rem; } a { color: inherit; } nav ul { padding-left: 1.2rem; columns: 14rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
td, th { min-width: 4.5rem; } td { max-width: 28rem; } th { overflow-wrap: normal; }
td:first-child { white-space: nowrap; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; } pre { white-space: pre-wrap; } summary { cursor: pointer; }
details { margin: .7rem 0; } small { opacity: .8; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1rem 0; }
dl.tiles > div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
dl.tiles dt { font-size: .85rem; } dl.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.25; }
dl.tiles dd small { display: block; font-size: .8rem; font-weight: 400; }
.no_change, .complete { color: var(--good); } .changes { color: var(--warn); }
.incomplete, .guard_tripped, .error { color: var(--bad); }
.failure { border-left: .3rem solid var(--bad); padding-left: .7rem; }
@media screen and (max-width: 40rem) {
  .cards thead { display: none; } .cards, .cards tbody, .cards tr { display: block; }
  .cards tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .cards td, .cards td:first-child { display: flex; gap: .6rem; border: 0; padding: .1rem 0; min-width: 0;
    max-width: none; white-space: normal; }
  .cards td::before { content: attr(data-th); flex: 0 0 6rem; font-size: .85rem; opacity: .75; }
  .cards td.number { justify-content: space-between; } .cards td.number::before { text-align: left; }
  .cards td:first-child { font-weight: 600; } .cards td:empty { display: none; }
}
@media print {
  body { max-width: none; font-size: 11pt; } nav { display: none; } .wide { overflow: visible; }
  details:not([open]) > :not(summary) { display: none; } table { font-size: 9pt; }
  td:first-child { white-space: normal; } h2, h3, figcaption, .legend { break-after: avoid; }
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
    """A table of plain values. On a narrow screen, a row becomes a card: each cell contains the name of its column."""
    names = [escape(name) for name in head]
    body = "".join(
        "<tr>"
        + "".join(f'<td data-th="{name}">{escape(cell)}</td>' for name, cell in zip(names, row, strict=True))
        + "</tr>"
        for row in rows
    )
    shown = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="wide"><table class="cards"><thead><tr>{shown}</tr></thead><tbody>{body}</tbody></table></div>'
