# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A plan as one self-contained HTML file, readable on a phone and printed. Every value is escaped."""

from __future__ import annotations

import typing as t

from .._plan.incomplete import advice
from .._text.html import escape, page, table
from .._text.lists import many
from .plan_document import TITLES, Document, incomplete_of
from .plan_markdown import (
    FOR_LIFE,
    afterward,
    headline,
    in_waves,
    in_words,
    not_as_wanted,
    nothing,
    status_of,
    title_of,
    worth_telling,
)

MAX_ROWS = 1000
"""Devices shown for each part. The plan file has all of them."""


def as_html(document: Document) -> str:
    """The whole plan."""
    return page("License plan", "".join(_body(document)))


def _body(document: Document) -> t.Iterator[str]:
    status = document["status"]
    yield f'<h1>License plan: <span class="{status}">{headline(document)}</span></h1>'
    yield f"<p><strong>{escape(in_words(document['totals']))}</strong> in "
    yield f"{many(len(document['accounts']), 'account')}. "
    yield f"Made {escape(document['created'])}.</p>"
    if document["incomplete"]:
        yield f'<p class="failure"><strong>{not_as_wanted(document["incomplete"])}</strong></p>'
    yield from _failure(document)
    yield f"<p>Plan digest: <code>{escape(document['digest'])}</code></p>"
    yield table(["account", "status", *TITLES.values()], map(_summary, document["accounts"]))
    for account in document["accounts"]:
        if account["status"] != "no_change" or any(map(worth_telling, account["parts"])):
            yield f"<h2>{escape(account['account'])}</h2>"
            yield from _failure(account)
            if "frozen" in account:
                yield f'<p class="failure"><strong>frozen</strong>: {escape(account["frozen"])}</p>'
            yield from _left_over(account.get("incomplete") or [], len(account.get("incomplete") or []))
            for part in account["parts"]:
                yield from _part(part)


def _summary(account: Document) -> list[str]:
    left = incomplete_of(account)
    cells = [account["account"], status_of(account) + (f", {left:,} not as wanted" if left else "")]
    for kind in TITLES:
        parts = [f"{part['sku']} {in_words(part['plan'])}".strip() for part in account["parts"] if part["kind"] == kind]
        cells.append("; ".join(parts) or nothing(account))
    return cells


def _part(part: Document) -> t.Iterator[str]:
    if not worth_telling(part):
        return
    yield f"<h3>{escape(title_of(part))}: {escape(in_words(part['plan']))}</h3>"
    if part["lifetime"]:
        yield f'<p class="failure"><strong>{FOR_LIFE}</strong></p>'
    yield from _failure(part)
    if in_waves(part):
        yield f"<p>{in_waves(part)}</p>"
    if "note" in part:
        yield f"<p>Left as they are: {escape(part['note'])}</p>"
    if "missing" in part:
        yield f'<p class="failure"><strong>{escape(part["missing"])}</strong></p>'
    yield from _left_over(part["incomplete"], part["plan"]["incomplete"])
    if afterward(part["licenses"]):
        yield f"<p>{escape(afterward(part['licenses']))}</p>"
    rows = part["devices"]
    if rows:
        opened = " open" if len(rows) <= 20 else ""
        yield f"<details{opened}><summary>{many(len(rows), 'device')}</summary>"
        yield table(
            ("device", "what", "why"), ((row["device_id"], row["outcome"], row["reason"]) for row in rows[:MAX_ROWS])
        )
        if len(rows) > MAX_ROWS:
            yield f"<p>And {len(rows) - MAX_ROWS} more: see the plan file.</p>"
        yield "</details>"


def _left_over(rows: t.Sequence[Document], count: int) -> t.Iterator[str]:
    """The devices that are not as wanted and stay so."""
    if not count:
        return
    yield f'<p class="failure"><strong>{not_as_wanted(count)}</strong> {escape(advice(rows))}</p>'
    if rows:
        shown = ((row["device_id"], row["outcome"], row["reason"]) for row in rows[:MAX_ROWS])
        yield table(("device", "what", "why"), shown)
        if len(rows) > MAX_ROWS:
            yield f"<p>And {len(rows) - MAX_ROWS} more: see the plan file.</p>"


def _failure(thing: Document) -> t.Iterator[str]:
    if "failure" in thing:
        failure = thing["failure"]
        yield f'<p class="failure"><strong>{escape(failure["code"])}</strong>: {escape(failure["message"])}</p>'
