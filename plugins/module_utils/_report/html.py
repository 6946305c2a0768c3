# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The report as one self-contained HTML file for phones, dark mode, and printing."""

from __future__ import annotations

import typing as t

from .._text.html import cards, escape, page
from .._text.lists import few, many
from .charts import MAX_TABLE, folded
from .charts import STYLE as CHARTS
from .data import Json
from .document import pools_of
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
from .html_head import headline, tiles
from .wording import DRIFT, LIMITS, RECLAIM, forecast_words, removable_words, states_words, time_words


def as_html(document: Json) -> str:
    """The whole report."""
    made = [(name, title, "".join(make(document))) for name, title, make in _SECTIONS]
    shown = [one for one in made if one[2]]
    contents = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _content in shown)
    sections = "".join(f'<section id="{name}"><h2>{title}</h2>{content}</section>' for name, title, content in shown)
    head = "".join([*headline(document), *tiles(document)])
    body = f'<main>{head}<nav aria-label="Contents"><ul>{contents}</ul></nav>{sections}</main>'
    return page(document["title"], body, CHARTS)


def _pools(document: Json) -> t.Iterator[str]:
    yield pool_chart(document) if pools_of(document) else "<p>No pool could be read.</p>"
    for section in document["accounts"]:
        if section["event_based"]:
            yield f"<p>The FOTA subscription of {escape(section['account'])} is event-based: "
            yield "no licenses are assigned.</p>"


def _time(document: Json) -> t.Iterator[str]:
    yield from week_charts(document)
    yield from past_charts(document)


def _drift(document: Json) -> t.Iterator[str]:
    unnamed = [section["account"] for section in document["accounts"] if section["unnamed"]]
    if unnamed:
        yield f"<p>No fleet file names {escape(few(unnamed, 20))}.</p>"
    if document["totals"]["drift"]:
        yield drift_chart(document)
        columns = ("account", "device_id", "license", "what", "state", "since")
        yield _devices(document, "drift", "Devices not as wanted", columns)


def _candidates(document: Json) -> t.Iterator[str]:
    if document["totals"]["candidates"] is None:
        return
    yield "<p>These lose their FOTA license first when the subscription shrinks, in the order of the list.</p>"
    yield candidate_chart(document)
    for section in document["accounts"]:
        if section["candidates"] and section["candidates"]["forecast"]:
            seen = forecast_words(section["candidates"]["forecast"])
            yield f"<p><strong>{escape(section['account'])}</strong>: {escape(seen)}</p>"
    columns = ("account", "place", "device_id", "held", "protected", "state", "since")
    yield _devices(document, "candidates", "Listed devices", columns)


def _reclaimable(document: Json) -> t.Iterator[str]:
    if not document["totals"]["reclaimable"]:
        return
    yield f"<p>{escape(_rules(document))}</p>"
    if any(document["totals"]["reclaimable"].values()):
        yield reclaim_chart(document)
    for account, text in removable_words(document):
        yield f"<p><strong>{escape(account)}</strong>: {escape(text)}</p>"
    columns = ("account", "device_id", "license", "what", "why", "since")
    yield _devices(document, "reclaimable", "Devices with a reclaimable license", columns)


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
        yield run_chart(document)
    for one in document["unreadable"]:
        yield f'<p class="failure">{escape(one["file"])} of the history is left out: {escape(one["why"])}.</p>'


def _states(document: Json) -> t.Iterator[str]:
    rows = [
        (section["account"], one["count"], states_words(one), one["without_license"])
        for section in document["accounts"]
        if (one := section["devices"])
    ]
    if rows:
        yield cards(("account", "devices", "states", "without any license"), rows[:MAX_TABLE])


def _limits(document: Json) -> t.Iterator[str]:
    named = f" Every device is in {escape(document['csv'])}." if document["csv"] else ""
    yield "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in LIMITS)
    yield f"</ul><p>All times are UTC.{named}</p>"


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
    return folded(title, shown, found["count"])


def _cell(key: str, value: t.Any) -> t.Any:
    if key == "protected":
        return "yes" if value else ""
    if key == "since":
        return time_words(value)
    return DRIFT.get(value) or RECLAIM.get(value, value) if key == "what" else value


_SECTIONS = (
    ("pools", "Pool use", _pools),
    ("runway", "Runway", runway_chart),
    ("time", "Assignments over time", _time),
    ("drift", "Drift: wanted against actual", _drift),
    ("candidates", "Removal candidates", _candidates),
    ("reclaimable", "Reclaimable licenses", _reclaimable),
    ("runs", "Runs", _runs),
    ("devices", "Devices", _states),
    ("reading", "How to read this", _limits),
)
"""The sections, each with its name in links. One without content is left out."""
