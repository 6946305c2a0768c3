# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The report as one self-contained HTML file for phones, dark mode, and printing."""

from __future__ import annotations

import typing as t

from .._text.html import cards, escape, page
from .._text.lists import few, many
from .charts import STYLE as CHARTS
from .data import Json
from .document import days_of, pools_of
from .html_charts import (
    candidate_chart,
    drift_chart,
    past_charts,
    pool_chart,
    reclaim_chart,
    run_chart,
    runway_chart,
    week_charts,
)
from .html_head import amount, headline, tiles
from .wording import (
    LIMITS,
    RECLAIM,
    candidate_words,
    drift_words,
    forecast_words,
    pool_words,
    run_words,
    runway_words,
    since_words,
)

MAX_TABLE = 1000
"""Rows of a table about accounts. The JSON document has all."""


def as_html(document: Json) -> str:
    """The whole report."""
    body = "".join(part for make in _PARTS for part in make(document))
    return page(document["title"], f"<main>{body}</main>", CHARTS)


def _pools(document: Json) -> t.Iterator[str]:
    yield "<section><h2>Pool use</h2>"
    pools = pools_of(document)
    if not pools:
        yield "<p>No pool could be read.</p></section>"
        return
    yield pool_chart(document)
    head = ["account", "license", "kind", "use"] + (
        ["monthly cost", "free", "reclaimable"] if document["totals"]["cost"] else []
    )
    rows = []
    for account, pool in pools[:MAX_TABLE]:
        cost = pool["cost"] or dict.fromkeys(("bought", "free", "reclaimable"), "-.-")
        costs = [amount(cost[name]) if pool["cost"] else "no price" for name in ("bought", "free", "reclaimable")]
        rows.append([account, pool["license"], pool["name"], pool_words(pool), *costs][: len(head)])
    yield _folded("All pools", cards(head, rows), len(pools))
    for section in document["accounts"]:
        if section["event_based"]:
            yield f"<p>The FOTA subscription of {escape(section['account'])} is event-based: "
            yield "no licenses are assigned.</p>"
    yield "</section>"


def _runway(document: Json) -> t.Iterator[str]:
    today = days_of(document)
    pools = [(account, pool) for account, pool in pools_of(document) if pool["total"]]
    if pools:
        yield "<section><h2>Runway</h2>"
        yield runway_chart(document)
        rows = [(account, pool["license"], runway_words(pool["runway"], today)) for account, pool in pools[:MAX_TABLE]]
        yield cards(("account", "license", "how long it lasts"), rows) + "</section>"


def _time(document: Json) -> t.Iterator[str]:
    charts = [*week_charts(document), *past_charts(document)]
    if charts:
        yield "<section><h2>Assignments over time</h2>" + "".join(charts) + "</section>"


def _drift(document: Json) -> t.Iterator[str]:
    managed = [(account, pool) for account, pool in pools_of(document) if pool["drift"]]
    unnamed = [section["account"] for section in document["accounts"] if section["unnamed"]]
    if not managed and not unnamed:
        return
    yield "<section><h2>Drift: wanted against actual</h2>"
    if unnamed:
        yield f"<p>No fleet file names {escape(few(unnamed, 20))}.</p>"
    if not managed:
        yield "</section>"
        return
    yield drift_chart(document)
    rows = [(account, pool["license"], drift_words(pool["drift"]), since_words(pool)) for account, pool in managed]
    yield cards(("account", "license", "drift", "since the previous report"), rows[:MAX_TABLE])
    columns = ("account", "device_id", "license", "what", "state", "since")
    yield _devices(document, "drift", "Devices not as wanted", columns) + "</section>"


def _candidates(document: Json) -> t.Iterator[str]:
    listed = [(section["account"], section["candidates"]) for section in document["accounts"] if section["candidates"]]
    if not listed:
        return
    yield "<section><h2>Removal candidates</h2>"
    yield "<p>These lose their FOTA license first when the subscription shrinks, in the order of the list.</p>"
    if any(one["listed"] for _account, one in listed):
        yield candidate_chart(document)
    yield cards(("account", "list"), ((account, candidate_words(one)) for account, one in listed[:MAX_TABLE]))
    for account, one in listed:
        if one["forecast"]:
            yield f"<p><strong>{escape(account)}</strong>: {escape(forecast_words(one['forecast']))}</p>"
    columns = ("account", "place", "device_id", "held", "protected", "state", "since")
    yield _devices(document, "candidates", "Listed devices", columns) + "</section>"


def _reclaimable(document: Json) -> t.Iterator[str]:
    if not document["totals"]["reclaimable"]:
        return
    yield "<section><h2>Reclaimable licenses</h2>"
    yield f"<p>{escape(_rules(document))}</p>"
    if any(document["totals"]["reclaimable"].values()):
        yield reclaim_chart(document)
        rows = [
            (account, pool["license"], why, f"{count:,}")
            for account, pool in pools_of(document)
            for why, count in pool["reasons"].items()
        ]
        yield cards(("account", "license", "why", "devices"), rows[:MAX_TABLE])
    columns = ("account", "device_id", "license", "what", "why", "since")
    yield _devices(document, "reclaimable", "Devices with a reclaimable license", columns) + "</section>"


def _rules(document: Json) -> str:
    states = ", ".join(document["reclaim_states"]) or "no state"
    idle = f", was not connected for {many(document['idle_days'], 'day')}" if document["idle_days"] is not None else ""
    return (
        f"A license counts as reclaimable when its device is in one of these states: {states}{idle}, is not in the "
        "account any more, or is not wanted by fleet files that have state exact. Devices are only known where the "
        "list of devices was read. This report removes nothing."
    )


def _runs(document: Json) -> t.Iterator[str]:
    if document["runs"]:
        yield "<section><h2>Runs</h2>" + run_chart(document)
        rows = [
            (run["started"], run["kind"], run["status"], f"{run['accounts']:,}", run_words(run))
            for run in document["runs"]
        ]
        yield cards(("started", "kind", "status", "accounts", "outcome"), rows) + "</section>"
    for one in document["unreadable"]:
        yield f'<p class="failure">{escape(one["file"])} of the history is left out: {escape(one["why"])}.</p>'


def _states(document: Json) -> t.Iterator[str]:
    known = [(section["account"], section["devices"]) for section in document["accounts"] if section["devices"]]
    if known:
        rows = []
        for account, one in known[:MAX_TABLE]:
            states = ", ".join(f"{count:,} {state or 'without a state'}" for state, count in one["states"].items())
            rows.append((account, f"{one['count']:,}", states, f"{one['without_license']:,}"))
        yield (
            "<section><h2>Devices</h2>"
            + cards(("account", "devices", "states", "without a license"), rows)
            + "</section>"
        )


def _limits(document: Json) -> t.Iterator[str]:
    named = f" Every device is in {escape(document['csv'])}." if document["csv"] else ""
    yield "<section><h2>How to read this</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in LIMITS)
    yield f"</ul><p>All times are UTC.{named}</p></section>"


def _devices(document: Json, name: str, title: str, columns: t.Sequence[str]) -> str:
    """A collapsed table of devices."""
    found = document["tables"][name]
    if not found["rows"]:
        return ""
    rows = [[_cell(key, row[key]) for key in columns] for row in found["rows"]]
    shown = cards([key.replace("_id", "").replace("_", " ") for key in columns], rows)
    if found["count"] > len(rows):
        where = f"in {document['csv']}" if document["csv"] else "in the CSV file, if one is made"
        shown += f"<p>And {found['count'] - len(rows):,} more: every device is {escape(where)}.</p>"
    return _folded(title, shown, found["count"])


def _cell(key: str, value: t.Any) -> t.Any:
    if key == "protected":
        return "yes" if value else ""
    return RECLAIM.get(value, value) if key == "what" else value


def _folded(title: str, content: str, count: int) -> str:
    return f"<details><summary>{escape(title)} ({count:,})</summary>{content}</details>"


_PARTS = (headline, tiles, _pools, _runway, _time, _drift, _candidates, _reclaimable, _runs, _states, _limits)
