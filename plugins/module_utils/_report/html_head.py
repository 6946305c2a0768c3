# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The top of the page: its style, the accounts that could not be read, and the main figures."""

from __future__ import annotations

import typing as t

from .._text.html import escape
from .._text.lists import many
from .data import Json
from .wording import amount_words, count_words, first_words, urgency

STYLE = """
@media screen and (prefers-color-scheme: dark) { :root { --good: #3fb950; --warn: #d29922; --bad: #ff7b72; } }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; } nav a { color: inherit; }
.bad { color: var(--bad); } .warn { color: var(--warn); }
body { overflow-wrap: anywhere; } td, th { overflow-wrap: break-word; } th.number { white-space: normal; }
td { max-width: 28rem; }
td:first-child { white-space: nowrap; } section { margin-top: 2rem; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1rem 0; }
dl.tiles > div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
dl.tiles > .bad, dl.tiles > .warn { border: .15rem solid; } dl.tiles > .bad dd { font-size: 1.7rem; }
dl.tiles small { color: CanvasText; } dl.tiles dt { font-size: .85rem; }
dl.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.25; }
dl.tiles dd small { display: block; font-size: .8rem; font-weight: 400; }
.incomplete { color: var(--bad); } .complete { color: var(--good); }
@media screen and (max-width: 40rem) {
  .cards thead { display: none; } .cards, .cards tbody, .cards tr { display: block; }
  .cards tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .cards td, .cards td:first-child { display: flex; gap: .6rem; border: 0; padding: .1rem 0; min-width: 0;
    max-width: none; white-space: normal; overflow-wrap: anywhere; }
  .cards td::before { content: attr(data-th); flex: 0 0 6rem; font-size: .85rem; opacity: .75;
    text-align: left; }
  .cards td:first-child { font-weight: 600; } .cards td.number { justify-content: space-between; }
  .cards td:empty { display: none; }
}
@media print {
  details:not([open]) > :not(summary) { display: none; } .wide { overflow: visible; } table { font-size: 9pt; }
  td { overflow-wrap: anywhere; min-width: 4.5rem; } td:first-child { white-space: normal; }
  h2, h3, figcaption, .legend { break-after: avoid; }
  tr, dl { break-inside: avoid; }
}
"""


def headline(document: Json) -> t.Iterator[str]:
    totals = document["totals"]
    words = f"{totals['incomplete']} of {many(totals['accounts'], 'account')} could not be read in full"
    status = words if totals["incomplete"] else f"{many(totals['accounts'], 'account')} read in full"
    yield f"<h1>{escape(document['title'])}</h1>"
    yield f"<p>{escape(document['created'])} &middot; "
    yield f'<strong class="{document["status"]}">{escape(status)}</strong></p>'
    for section in document["accounts"]:
        for failure in section["failures"]:
            yield f'<p class="failure"><strong>{escape(section["account"])}, {escape(failure["what"])}</strong>: '
            yield f"{escape(failure['message'])}</p>"


def tiles(document: Json) -> t.Iterator[str]:
    totals = document["totals"]
    pool, drift, wasted = (totals[name] for name in ("licenses", "drift", "reclaimable"))
    first = first_words(document)
    counted = "in all pools" if not totals["uncounted_pools"] + totals["incomplete"] else "as far as that could be read"
    shown = [("First pool to run dry", *first)] if first else []
    shown += [
        ("Licenses assigned", count_words(pool["assigned"]), f"of {count_words(pool['total'])} bought, {counted}"),
        ("Free", count_words(pool["available"]), counted),
    ]
    if drift:
        amiss = drift["missing"] + drift["extra"]
        shown.append(
            (
                "Not as wanted",
                count_words(amiss),
                f"and {drift['unknown']:,} unknown, of {many(drift['wanted'], 'device')} wanted",
            )
        )
    if wasted:
        more = f"and {wasted['wanted']:,} that the fleet files want, {wasted['locked']:,} bound for life"
        shown.append(("Reclaimable", count_words(wasted["now"]), more))
    if totals["cost"]:
        cost, currency = totals["cost"], document["currency"]
        wasted_cost = f"{amount_words(cost['free'])} of it free, {amount_words(cost['reclaimable'])} reclaimable"
        more = f"per month, as far as there are prices; {wasted_cost}"
        shown.append(("Cost", f"{amount_words(cost['bought'])} {currency}".strip(), more))
    tone = urgency(totals["soonest"]["days"]) if first else ""
    drawn = "".join(
        f'<div class="{tone * (not place)}"><dt>{escape(a)}</dt><dd>{escape(b)} <small>{escape(c)}</small></dd></div>'
        for place, (a, b, c) in enumerate(shown)
    )
    yield f'<dl class="tiles">{drawn}</dl>'
