# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The top of the page: the accounts that could not be read, and the main figures."""

from __future__ import annotations

import typing as t

from .._text.html import escape
from .._text.lists import many
from .._text.money import amount_words
from .data import Json
from .wording import count_words, first_words, shares_of_cost, urgency


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
                f"{drift['missing']:,} missing of {many(drift['wanted'], 'device')} wanted, {drift['extra']:,} extra; "
                f"{drift['unknown']:,} unknown",
            )
        )
    if wasted:
        more = (
            f"and {wasted['wanted']:,} that the fleet files want, {wasted['locked']:,} that can never be removed; "
            f"{wasted['unknown']:,} unknown"
        )
        shown.append(("Reclaimable", count_words(wasted["now"]), more))
    if totals["cost"]:
        cost, currency = totals["cost"], document["currency"]
        more = f"per month, as far as there are prices; {shares_of_cost(cost)}"
        shown.append(("Cost", f"{amount_words(cost['bought'])} {currency}".strip(), more))
    tone = urgency(totals["soonest"]["days"]) if first else ""
    drawn = "".join(
        f'<div class="{tone * (not place)}"><dt>{escape(a)}</dt><dd>{escape(b)} <small>{escape(c)}</small></dd></div>'
        for place, (a, b, c) in enumerate(shown)
    )
    yield f'<dl class="tiles">{drawn}</dl>'
