# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The report as Markdown: short enough for a ticket or an email, with the most urgent facts first."""

from __future__ import annotations

import typing as t

from .._text.lists import many
from .._text.markdown import plain
from .._text.money import amount_words
from .data import Json
from .document import by_runway, days_of, pools_of
from .wording import (
    LIMITS,
    RECLAIM,
    candidate_words,
    count_words,
    drift_words,
    first_words,
    forecast_words,
    pool_words,
    removable_words,
    run_words,
    runway_words,
    shares_of_cost,
    since_words,
    states_words,
    unpriced,
)

MAX_ROWS = 50
"""Rows of a table. The other files have more."""


def as_markdown(document: Json) -> str:
    """The whole report."""
    lines = [line for make in _PARTS for line in make(document)]
    return "\n".join([*lines, ""])


def _head(document: Json) -> t.Iterator[str]:
    totals = document["totals"]
    yield from (f"# {plain(document['title'])}", "")
    read = many(totals["accounts"], "account")
    incomplete = (
        f"; **{totals['incomplete']} of them could not be read in full**" if totals["incomplete"] else " read in full"
    )
    yield from (f"{document['created']}. {read}{incomplete}.", "")
    for section in document["accounts"]:
        for failure in section["failures"]:
            failed = f"{plain(failure['what'])} ({plain(failure['code'])}): {plain(failure['message'])}"
            yield f"- **{plain(section['account'])}**, {failed}"
    if totals["incomplete"]:
        yield ""
    if first := first_words(document):
        yield from (f"**First pool to run dry: {first[0]}.** {plain(first[1])}", "")


def _pools(document: Json) -> t.Iterator[str]:
    today = days_of(document)
    currency = f" {document['currency']}".rstrip()
    priced = bool(document["totals"]["cost"])
    rows = []
    for account, pool in by_runway(document):
        cost = pool["cost"]
        costs = [f"{cost['bought'] or 'unknown'}{currency}" if cost else unpriced(pool)] if priced else []
        runway = runway_words(pool["runway"], today) if pool["total"] else ""
        rows.append([account, pool["license"], pool_words(pool), runway, *costs])
    yield from _table("Pools", ["account", "license", "use", "runway", *(["monthly cost"] if priced else [])], rows)
    if priced:
        cost = document["totals"]["cost"]
        yield from (
            plain(f"{amount_words(cost['bought'])}{currency} a month in total: {shares_of_cost(cost)}."),
            "",
        )


def _drift(document: Json) -> t.Iterator[str]:
    rows = [
        [account, pool["license"], drift_words(pool["drift"]), since_words(pool)]
        for account, pool in pools_of(document)
        if pool["drift"]
    ]
    yield from _table("Drift", ["account", "license", "drift", "since the previous report"], rows)
    yield from _devices(
        document, "drift", "Devices not as wanted", ("account", "device_id", "license", "what", "state")
    )


def _candidates(document: Json) -> t.Iterator[str]:
    rows = []
    for section in document["accounts"]:
        one = section["candidates"]
        if one:
            seen = forecast_words(one["forecast"]) if one["forecast"] else ""
            rows.append([section["account"], candidate_words(one), seen])
    yield from _table("Removal candidates", ["account", "list", "if the subscription shrinks"], rows)


def _reclaimable(document: Json) -> t.Iterator[str]:
    rows = [
        [account, pool["license"], why, f"{count:,}"]
        for account, pool in pools_of(document)
        for why, count in pool["reasons"].items()
    ]
    yield from _table("Reclaimable licenses", ["account", "license", "why", "devices"], rows)
    for account, text in removable_words(document):
        yield from (f"**{plain(account)}**: {plain(text)}", "")
    yield from _devices(
        document,
        "reclaimable",
        "Devices with a reclaimable license",
        ("account", "device_id", "license", "what", "why"),
    )


def _runs(document: Json) -> t.Iterator[str]:
    rows = [
        [run["started"], run["kind"], run["status"], f"{run['accounts']:,}", run_words(run)] for run in document["runs"]
    ]
    yield from _table("Runs", ["started", "kind", "status", "accounts", "outcome"], rows)
    for one in document["unreadable"]:
        yield f"- {plain(one['file'])} of the history is left out: {plain(one['why'])}."
    if document["unreadable"]:
        yield ""


def _states(document: Json) -> t.Iterator[str]:
    rows = [
        [section["account"], count_words(one["count"]), states_words(one), count_words(one["without_license"])]
        for section in document["accounts"]
        if (one := section["devices"])
    ]
    yield from _table("Devices", ["account", "devices", "states", "without any license"], rows)


def _limits(document: Json) -> t.Iterator[str]:
    yield from ("## How to read this", "", *(f"- {plain(text)}" for text in LIMITS), "")
    named = f" Every device is in {plain(document['csv'])}." if document["csv"] else ""
    yield f"All times are UTC.{named}"


def _devices(document: Json, name: str, title: str, columns: t.Sequence[str]) -> t.Iterator[str]:
    found = document["tables"][name]
    if found["rows"]:
        rows = [
            [RECLAIM.get(row[key], row[key]) if key == "what" else row[key] for key in columns] for row in found["rows"]
        ]
        heads = [key.replace("_id", "") for key in columns]
        yield f"<details><summary>{title} ({found['count']:,})</summary>"
        yield ""
        yield from _rows(heads, rows, found["count"])
        yield from ("</details>", "")


def _table(title: str, head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> t.Iterator[str]:
    if rows:
        yield from (f"## {title}", "", *_rows(head, rows, len(rows)))


def _rows(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]], count: int) -> t.Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows[:MAX_ROWS]:
        yield "| " + " | ".join(plain(cell) for cell in row) + " |"
    yield ""
    if count > MAX_ROWS:
        yield from (f"And {count - MAX_ROWS:,} more: see the other files of the report.", "")


_PARTS = (_head, _pools, _drift, _candidates, _reclaimable, _runs, _states, _limits)
