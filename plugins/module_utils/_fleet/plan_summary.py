# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""A plan in a few lines of plain text: small enough to be passed from job to job, whatever the size of the fleet."""

from __future__ import annotations

import collections
import re

from .._plan.incomplete import advice, is_on_its_way
from .._text.lists import are, many
from .plan_document import IDLE, TITLES, Document, incomplete_of, left_of
from .plan_words import headline, in_words, not_as_wanted, totals_in_words

_OUTCOMES = 10

MAX_BYTES = 1000
"""The limit for a whole summary. AWX keeps it with the job and passes it to later jobs."""


def as_summary(document: Document) -> str:
    """The totals, then a line for each account with something to do, as long as there is room."""
    where = f"in {many(len(document['accounts']), 'account')}."
    title = headline(document)
    if document["status"] == "no_change":
        return f"{title} {where}"
    left = f" {not_as_wanted(document['incomplete'])}" if document["incomplete"] else ""
    lines = [f"{title}: {totals_in_words(document['accounts'])} {where}{left}"]
    busy = [account for account in document["accounts"] if account["status"] != "no_change"]
    for place, account in enumerate(busy):
        line = f"{_short(account['account'])}: {_what(account)}"
        rest = f"... and {many(len(busy) - place, 'more account')}"
        if len("\n".join([*lines, line, rest]).encode()) > MAX_BYTES:
            return "\n".join([*lines, rest])
        lines.append(line)
    return "\n".join(lines)


def awaited(document: Document) -> int:
    """How many devices were sent by an earlier run and are waiting for their confirmation."""
    return sum(is_on_its_way(row) for account in document["accounts"] for row in left_of(account))


def as_remaining(document: Document) -> str:
    """What a plan leaves not as wanted, and what to do about it; empty if there is nothing."""
    if not document["incomplete"]:
        return ""
    rows = [row for account in document["accounts"] for row in left_of(account)]
    counts = collections.Counter(_short(row["outcome"]) for row in rows)
    waiting = awaited(document)
    texts = [
        not_as_wanted(document["incomplete"]),
        ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items())[:_OUTCOMES]) + "."
        if rows
        else "",
        f"{waiting:,} of them {are(waiting)} not confirmed yet: to wait, apply the same plan again." if waiting else "",
        advice(rows),
    ]
    return " ".join(filter(None, texts))


def _what(account: Document) -> str:
    """What is done to an account, or why it has no plan."""
    if account["status"] == "error":
        return f"no plan ({_short(account['failure']['code'])})"
    parts = []
    for part in account["parts"]:
        if part["status"] not in IDLE:
            title = _short(part["sku"] or TITLES[part["kind"]])
            stopped = f" (stopped: {_short(part['failure']['code'])})" if "failure" in part else ""
            parts.append(f"{title} {in_words(part['plan'])}{' FOR LIFE' if part['lifetime'] else ''}{stopped}")
    left = incomplete_of(account)
    return "; ".join([*parts, *([f"{left:,} not as wanted"] if left else [])])


def _short(text: object) -> str:
    """A text on a single line."""
    line = re.sub(r"\s+", " ", str(text)).strip()
    return line if len(line) <= 64 else line[:61] + "..."
