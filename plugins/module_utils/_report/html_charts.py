# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The charts of a report: which figures they show, and in which order."""

from __future__ import annotations

import datetime
import typing as t

from .._text.lists import many
from .charts import Bar, bars, columns
from .data import Json
from .document import days_of, pools_of
from .wording import drift_words, pool_words, run_words

YEAR = 365
"""Days that the whole width of the runway chart stands for."""

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


def _label(account: str, pool: Json) -> str:
    return f"{account} {pool['license']}"


def pool_chart(document: Json) -> str:
    """Assigned and free licenses of each pool, the fullest first."""
    pools = [(account, pool) for account, pool in pools_of(document) if pool["total"] is not None]
    pools.sort(key=lambda one: ((one[1]["available"] or 0) / (one[1]["total"] or 1), one[0], one[1]["license"]))
    rows = []
    for account, pool in pools:
        assigned, free = pool["assigned"] or 0, max(pool["available"] or 0, 0)
        rows.append(Bar(_label(account, pool), pool_words(pool), (("c1", "assigned", assigned), ("c0", "free", free))))
    return bars("Assigned and free licenses, the fullest pool first", rows) if rows else ""


def runway_chart(document: Json) -> str:
    """Days until each pool is empty, the soonest first. Pools without a known date are left out."""
    known = [
        (account, pool) for account, pool in pools_of(document) if pool["total"] and pool["runway"]["days"] is not None
    ]
    known.sort(key=lambda one: (one[1]["runway"]["days"], one[0], one[1]["license"]))
    rows = []
    for account, pool in known:
        days = pool["runway"]["days"]
        color = "c6" if days < 30 else "c2" if days < 90 else "c1"
        what = {"c6": "days, less than 30", "c2": "days, less than 90", "c1": "days until it is empty"}[color]
        piece = (color, what, min(days, YEAR))
        note = many(days, "day") if days else "empty now"
        rows.append(Bar(_label(account, pool), note, (piece,), YEAR))
    return bars("Days until a pool is empty; the whole width is a year", rows) if rows else ""


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
    managed.sort(key=lambda one: (-one[1]["drift"]["missing"] - one[1]["drift"]["extra"], one[0], one[1]["license"]))
    names = (("c1", "as_wanted"), ("c2", "missing"), ("c3", "extra"), ("c4", "unknown"))
    rows = [
        Bar(
            _label(account, pool),
            drift_words(pool["drift"]),
            [(color, name.replace("_", " "), pool["drift"][name]) for color, name in names],
        )
        for account, pool in managed
    ]
    return bars("Devices by what is wanted and what is", rows)


def candidate_chart(document: Json) -> str:
    """Devices on the removal candidate list of each account."""
    rows = []
    for section in document["accounts"]:
        one = section["candidates"]
        if one and one["listed"]:
            useless = one["without_license"] or 0
            what = "holds a license" if one["without_license"] is not None else "listed, license unknown"
            pieces = (("c1", what, one["listed"] - useless), ("c4", "holds none", useless))
            rows.append(Bar(section["account"], f"{one['listed']:,} listed", pieces))
    rows.sort(key=lambda row: -sum(count for _color, _what, count in row.pieces))
    most = max(sum(count for _color, _what, count in row.pieces) for row in rows)
    return bars("Listed devices", [row._replace(most=most) for row in rows])


def reclaim_chart(document: Json) -> str:
    """Reclaimable licenses, the largest number first. All bars have one scale."""
    pools = [(account, pool) for account, pool in pools_of(document) if any((pool["reclaimable"] or {}).values())]
    pools.sort(key=lambda one: (-one[1]["reclaimable"]["now"], one[0], one[1]["license"]))
    most = max(sum(pool["reclaimable"].values()) for _account, pool in pools)
    rows = []
    for account, pool in pools:
        count = pool["reclaimable"]
        pieces = (
            ("c5", "can be removed", count["now"]),
            ("c2", "wanted by the fleet files", count["wanted"]),
            ("c4", "bound for life", count["locked"]),
        )
        rows.append(
            Bar(_label(account, pool), f"{count['now']:,} of {sum(count.values()):,} can be removed", pieces, most)
        )
    return bars("Licenses of devices that do not need them", rows)


def run_chart(document: Json) -> str:
    """The outcomes of each run, the newest first. All bars have one scale."""
    runs = document["runs"]
    most = max([sum(run["summary"].values()) for run in runs] + [1])
    rows = []
    for run in runs:
        known = [(color, name, run["summary"].get(name, 0)) for name, color in _OUTCOMES.items()]
        pieces = [piece for piece in known if piece[2]]
        rows.append(Bar(f"{run['started']} {run['kind']} ({run['status']})", run_words(run), pieces, most))
    return bars("Outcome of each run, the newest first", rows)
