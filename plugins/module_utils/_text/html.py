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
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
code { overflow-wrap: anywhere; } summary { cursor: pointer; }
.no_change { color: var(--good); } .changes { color: var(--warn); }
.incomplete, .guard_tripped, .error { color: var(--bad); }
.failure { border-left: .3rem solid var(--bad); padding-left: .7rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; font-size: 11pt; } details > * { display: block; } }
"""


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
    """Like C(table), but a row becomes a card on a narrow screen. Each cell contains the name of its column.

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


def table(head: t.Sequence[str], rows: t.Iterable[t.Sequence[object]]) -> str:
    """A table of plain values."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'
