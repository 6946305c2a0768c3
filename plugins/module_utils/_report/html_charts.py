# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The charts of a report with their tables: which figures they show, and in which order."""

from __future__ import annotations

import datetime
import decimal
import typing as t

from .._text.lists import many
from .._text.money import amount_words
from .charts import Bar, bars, columns
from .data import Json
from .document import by_runway, days_of, pools_of, pressing
from .wording import (
    DRIFT,
    RECLAIM,
    candidate_words,
    drift_words,
    kind_words,
    pool_words,
    run_words,
    runway_words,
    share_words,
    shares_of_cost,
    since_words,
    time_words,
    unpriced,
    urgency,
)

MAX_PAST = 6
"""Pools with a chart of the counts of earlier reports."""

_OUTCOMES = {
    "assigned": "c1",
    "added": "c5",
    "removed": "c3",
    "accepted": "c4",
    "failed": "c6",
    "unknown": "c2",
    "skipped": "c7",
}

_COSTS = ("bought", "assigned", "free", "reclaimable")
_DRIFT = {"as_wanted": "c1", "kept": "c4", "missing": "c2", "extra": "c3", "unknown": "c7"}
_RECLAIM = {"now": "c5", "wanted": "c2", "locked": "c4", "unknown": "c7"}

_RUNWAY = {"bad": ("c6", "less than 30 days"), "warn": ("c2", "less than 90 days"), "": ("c1", "90 days or more")}


def _label(account: str, pool: Json) -> str:
    return f"{account} {pool['license']}"


def pool_chart(document: Json) -> str:
    """Assigned and free licenses of each pool, the fullest first."""
    pools = pools_of(document)
    pools.sort(key=lambda one: (one[1]["total"] is None, (one[1]["available"] or 0) / (one[1]["total"] or 1)))
    head = ["account", "license", "kind", "bought", "assigned", "share assigned", "free"]
    if document["totals"]["cost"]:
        head += ["monthly cost", "cost of assigned", "cost of free", "cost of reclaimable"]
    rows, cells = [], []
    for account, pool in pools:
        total, assigned, free, cost = (pool[name] for name in ("total", "assigned", "available", "cost"))
        pieces = (("c1", "assigned", assigned or 0), ("c0", "free", max(free or 0, 0))) if total is not None else ()
        note = f"{pool['name']}: {pool_words(pool)}{_cost_words(cost, document['currency'])}"
        rows.append(Bar(_label(account, pool), note, pieces))
        share = share_words(assigned, total) if total and assigned is not None else ""
        costs = [_amount(cost[name]) if cost else unpriced(pool) for name in _COSTS]
        row = [account, pool["license"], kind_words(pool), total, assigned, share, free, *costs]
        cells.append(row[: len(head)])
    return bars("Assigned and free licenses, the fullest pool first", rows, head, cells)


def _amount(value: str | None) -> decimal.Decimal | None:
    return None if value is None else decimal.Decimal(value)


def _cost_words(cost: Json | None, currency: str) -> str:
    if cost is None:
        return ""
    return f"; {' '.join([amount_words(cost['bought']), currency]).strip()} a month: {shares_of_cost(cost)}"


def runway_chart(document: Json) -> str:
    """Days until each pool is empty, the soonest first."""
    today = days_of(document)
    rows, cells = [], []
    for account, pool in by_runway(document):
        if pool["total"]:
            days, words = pool["runway"]["days"], runway_words(pool["runway"], today)
            cells.append((account, pool["license"], "" if days is None else days, words))
            note = f"{many(days, 'day')}: {words}" if days else words
            pieces = [] if days is None else [(*_RUNWAY[urgency(days)], days)]
            rows.append(Bar(_label(account, pool), note, pieces, urgency(days) if pressing(pool) else ""))
    caption = "Days until a pool is empty, the soonest first"
    return bars(caption, rows, ("account", "license", "days", "how long it lasts"), cells) if rows else ""


def week_charts(document: Json) -> t.Iterator[str]:
    """Assignments of each week, for all accounts together."""
    for name, what in (("fota_by_week", "FOTA licenses"), ("simsec_by_week", "SIM-Secure licenses, by the journal")):
        weeks = document["totals"][name]
        if weeks and (any(weeks["counts"]) or weeks["before"]):
            first = datetime.date.fromisoformat(weeks["first_day"])
            labels = [(first + datetime.timedelta(7 * place)).isoformat() for place in range(len(weeks["counts"]))]
            caption = f"{what}: those held now, by the week of their assignment ({weeks['before']:,} are older)"
            yield columns(caption, labels, weeks["counts"], "assigned")


def past_charts(document: Json) -> t.Iterator[str]:
    """The counts of earlier reports, for the first pools that have such counts."""
    known = [(account, pool) for account, pool in pools_of(document) if len(pool["past"]) > 1]
    for account, pool in known[:MAX_PAST]:
        past = [row for row in pool["past"][-60:] if row["assigned"] is not None]
        labels = [*(row["day"] for row in past), days_of(document).isoformat()]
        counts = [*(row["assigned"] for row in past), pool["assigned"] or 0]
        yield columns(
            f"{_label(account, pool)}: assigned, as earlier reports counted", labels, counts, "assigned", "c5"
        )


def drift_chart(document: Json) -> str:
    """How many devices are as wanted and how many are not, the worst pool first."""
    managed = [(account, pool) for account, pool in pools_of(document) if pool["drift"]]
    managed.sort(key=lambda one: -one[1]["drift"]["missing"] - one[1]["drift"]["extra"])
    rows, cells = [], []
    for account, pool in managed:
        drift, since = pool["drift"], since_words(pool)
        pieces = [(color, DRIFT[name], drift[name]) for name, color in _DRIFT.items()]
        note = "; ".join(filter(None, (drift_words(drift), since)))
        rows.append(Bar(_label(account, pool), note, pieces))
        cells.append((account, pool["license"], drift["wanted"], *(drift[name] for name in _DRIFT), since))
    head = ("account", "license", "wanted", *(DRIFT[name] for name in _DRIFT), "since the previous report")
    return bars("Devices by what is wanted and what is", rows, head, cells)


def candidate_chart(document: Json) -> str:
    """Devices on the removal candidate list of each account, the longest list first."""
    listed = [(section["account"], section["candidates"]) for section in document["accounts"] if section["candidates"]]
    listed.sort(key=lambda one: -one[1]["listed"])
    rows = []
    for account, one in listed:
        useless = one["without_license"] or 0
        what = "holds a license" if one["without_license"] is not None else "listed, license unknown"
        pieces = (("c1", what, one["listed"] - useless), ("c4", "holds none", useless))
        rows.append(Bar(account, candidate_words(one), pieces))
    return bars("Listed devices", rows, ("account", "list"), [row[:2] for row in rows])


def reclaim_chart(document: Json) -> str:
    """Reclaimable licenses, the largest number first."""
    pools = [(account, pool) for account, pool in pools_of(document) if any((pool["reclaimable"] or {}).values())]
    pools.sort(key=lambda one: -one[1]["reclaimable"]["now"])
    rows: list[Bar] = []
    cells: list[tuple[str, str, str, int]] = []
    for account, pool in pools:
        count, reasons = pool["reclaimable"], pool["reasons"]
        pieces = [(color, RECLAIM[name], count[name]) for name, color in _RECLAIM.items()]
        whys = ", ".join(f"{why} ({number:,})" for why, number in reasons.items())
        note = f"{count['now']:,} of {sum(count.values()):,} can be removed: {whys}"
        rows.append(Bar(_label(account, pool), note, pieces))
        cells.extend((account, pool["license"], why, number) for why, number in reasons.items())
    return bars("Licenses of devices that do not need them", rows, ("account", "license", "why", "devices"), cells)


def run_chart(document: Json) -> str:
    """The outcomes of each run, the newest first."""
    rows, cells = [], []
    for run in document["runs"]:
        pieces = [(color, name, run["summary"].get(name, 0)) for name, color in _OUTCOMES.items()]
        started, words = time_words(run["started"]), run_words(run)
        label = f"{started} {run['kind']} of {many(run['accounts'], 'account')} ({run['status']})"
        rows.append(Bar(label, words, [piece for piece in pieces if piece[2]]))
        cells.append((started, run["kind"], run["status"], run["accounts"], words))
    head = ("started", "kind", "status", "accounts", "outcome")
    return bars("Outcome of each run, the newest first", rows, head, cells)
