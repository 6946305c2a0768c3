# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The whole report with its figures as one JSON document, the source of the HTML and Markdown pages."""

from __future__ import annotations

import datetime
import typing as t

from .._text.money import added
from .data import FOTA, Json
from .lines import Line
from .reclaim import KINDS

FORMAT = 2
"""Version of the document. In format 1, C(license), C(licenses), and C(without_license) were spelled with a c."""

MAX_ROWS = 1000
"""Devices listed in each table of the document. The CSV file has every device."""

MAX_RUNS = 30


class Tables:
    """The devices that the document lists: the first of each kind, and their total number."""

    def __init__(self) -> None:
        names = ("drift", "reclaimable", "candidates")
        self._tables: dict[str, Json] = {name: {"count": 0, "rows": []} for name in names}

    def add(self, account: str, lines: t.Iterable[Line]) -> None:
        """Add the lines of an account."""
        for line in lines:
            if line.drift in ("missing", "extra", "unknown"):
                self._row("drift", account, line, what=line.drift)
            if line.reclaim:
                self._row("reclaimable", account, line, what=line.reclaim, why=line.why)
        for line in sorted((line for line in lines if line.place), key=lambda line: line.place):
            self._row("candidates", account, line, place=line.place, held=line.held, protected=line.protected)

    def as_document(self) -> Json:
        """The tables by name."""
        return self._tables

    def _row(self, name: str, account: str, line: Line, **more: t.Any) -> None:
        table = self._tables[name]
        table["count"] += 1
        if len(table["rows"]) < MAX_ROWS:
            plain = {"account": account, "device_id": line.device_id, "license": line.license, "state": line.state}
            table["rows"].append({**plain, "since": line.since, **more})


def make_document(
    sections: t.Sequence[Json],
    tables: Tables,
    runs: t.Sequence[Json],
    unreadable: t.Sequence[tuple[str, str]],
    **plain: t.Any,
) -> Json:
    """Build the report.

    :param sections: one for each account, from C(section_of).
    :param plain: title, time, and other facts about the report itself.
    """
    ordered = sorted(sections, key=lambda section: str(section["account"]))
    incomplete = any(section["status"] == "incomplete" for section in ordered)
    return {
        "format": FORMAT,
        **plain,
        "status": "incomplete" if incomplete else "complete",
        "totals": _totals(ordered),
        "accounts": ordered,
        "tables": tables.as_document(),
        "runs": list(runs[:MAX_RUNS]),
        "unreadable": [{"file": name, "why": why} for name, why in unreadable],
    }


def pools_of(document: Json) -> list[tuple[str, Json]]:
    """Every pool with the name of its account."""
    return [(section["account"], pool) for section in document["accounts"] for pool in section["pools"]]


def by_runway(document: Json) -> list[tuple[str, Json]]:
    """Every pool: the one that will be empty first comes first, those without a known date come last."""

    def key(one: tuple[str, Json]) -> tuple[bool, int]:
        days = one[1]["runway"]["days"] if one[1]["total"] else None
        return days is None, days or 0

    return sorted(pools_of(document), key=key)


def snapshots_of(sections: t.Iterable[Json]) -> dict[tuple[str, str], Json]:
    """The counts of each pool that could be counted, for the history."""
    found: dict[tuple[str, str], Json] = {}
    for section in sections:
        for pool in section["pools"]:
            if pool["assigned"] is not None:
                numbers = {name: pool[name] for name in ("total", "assigned", "available")}
                drift = pool["drift"] or {}
                amiss = {name: drift.get(name) for name in ("missing", "extra", "unknown")}
                wasted = {"reclaimable": pool["reclaimable"]["now"] if pool["reclaimable"] else None}
                found[section["account"], pool["license"]] = {**numbers, **amiss, **wasted}
    return found


def _totals(sections: t.Sequence[Json]) -> Json:
    pools = [pool for section in sections for pool in section["pools"]]
    drifts = [pool["drift"] for pool in pools if pool["drift"]]
    wasted = [pool["reclaimable"] for pool in pools if pool["reclaimable"]]
    costs = [pool["cost"] for pool in pools if pool["cost"]]
    amiss = ("wanted", "as_wanted", "missing", "extra", "kept", "unknown")
    listed = [section["candidates"] for section in sections if section["candidates"]]
    return {
        "accounts": len(sections),
        "incomplete": sum(section["status"] == "incomplete" for section in sections),
        "licenses": {name: _sum(pool[name] for pool in pools) for name in ("total", "assigned", "available")},
        "uncounted_pools": sum(pool["assigned"] is None or pool["total"] is None for pool in pools),
        "drift": {name: sum(drift[name] for drift in drifts) for name in amiss} if drifts else None,
        "reclaimable": {name: sum(one[name] for one in wasted) for name in KINDS} if wasted else None,
        "candidates": sum(one["listed"] for one in listed) if listed else None,
        "fota_by_week": _weeks([pool["assigned_by_week"] for pool in pools if pool["license"] == FOTA]),
        "simsec_by_week": _weeks([pool["assigned_by_week"] for pool in pools if pool["license"] != FOTA]),
        "soonest": _soonest(sections),
        "cost": added(costs) if costs else None,
    }


def _sum(values: t.Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _weeks(weeks: t.Sequence[Json | None]) -> Json | None:
    known = [one for one in weeks if one is not None]
    if not known:
        return None
    counts = [sum(column) for column in zip(*(one["counts"] for one in known), strict=True)]
    return {"first_day": known[0]["first_day"], "counts": counts, "before": sum(one["before"] for one in known)}


def _soonest(sections: t.Sequence[Json]) -> Json | None:
    """The pool that will be empty first, among those with a known date."""
    found = [
        (pool["runway"]["days"], section["account"], pool["license"])
        for section in sections
        for pool in section["pools"]
        if pressing(pool)
    ]
    if not found:
        return None
    days, account, license = min(found)
    return {"account": account, "license": license, "days": days}


def pressing(pool: Json) -> bool:
    """Whether it matters when a pool is empty. A pool that was filled once and for all is no problem."""
    runway, drift = pool["runway"], pool["drift"] or {}
    if runway["verdict"] == "empty":
        return bool(pool["total"] and (runway["last_90"] or drift.get("missing")))
    return runway["days"] is not None


def days_of(document: Json) -> datetime.date:
    """The day of the report, in UTC."""
    return datetime.date.fromisoformat(document["created"][:10])
