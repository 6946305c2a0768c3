# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The section of one account in a report: figures over its lines. Pure."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from .._candidates.eviction import forecast
from .._plan.plan import Pool
from .._simsec.api import SkuSubscription, pool_of
from .._simsec.skus import sku_of
from .._text.money import Prices, cost_of
from .data import FOTA, AccountData, Json, ReadFailure
from .history import History, earlier
from .lines import Line, by_id
from .reclaim import KINDS, Rules
from .runway import Point, runway

WEEKS = 26
STATES = 12
"""States of devices that are counted separately."""


@dataclasses.dataclass(frozen=True)
class ReportSettings:
    """The settings of a report."""

    rules: Rules
    prices: Prices
    history: History


def section_of(data: AccountData, lines: t.Sequence[Line], settings: ReportSettings) -> Json:
    """Everything that a report says about an account, except its lines."""
    by_license: dict[str, list[Line]] = {}
    for line in lines:
        by_license.setdefault(line.license, []).append(line)
    pools = [_pool(data, pool, by_license.get(pool["license"], []), settings) for pool in _pools(data, by_license)]
    return {
        "account": data.name,
        "file": data.wanted.file if data.wanted else None,
        "status": "incomplete" if data.failures else "complete",
        "failures": _failures(data.failures),
        "unnamed": data.unnamed,
        "event_based": data.event_based,
        "journal": data.journal is not None,
        "pools": pools,
        "candidates": _candidates(data, by_license.get(FOTA, [])),
        "devices": _devices(data, lines, settings.rules),
    }


def _failures(failures: t.Iterable[ReadFailure]) -> list[Json]:
    """Parts that failed for the same reason are reported together."""
    parts: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        parts.setdefault((failure.code, failure.message), []).append(failure.what)
    return [{"what": ", ".join(what), "code": code, "message": text} for (code, text), what in parts.items()]


def _pools(data: AccountData, by_license: t.Mapping[str, t.Any]) -> list[Json]:
    """Numbers of licenses as the account counts them, for each license that it has or should have."""
    found: dict[str, Json] = {}
    if data.fota_pool is not None or FOTA in by_license:
        found[FOTA] = {"name": "Software Management", **(data.fota_pool or {})}
    rows: list[SkuSubscription] = t.cast(t.Any, data.subscriptions or [])
    for row in rows:
        pool = pool_of(rows, row["sku"]) or Pool(None, None)
        numbers = {"total": pool.total, "assigned": pool.assigned, "available": pool.available}
        found[row["sku"]] = {"name": f"SIM-Secure {sku_of(row['sku']).name}", **numbers}
    for license in sorted(by_license):
        if license and license not in found:
            found[license] = {"name": f"SIM-Secure {sku_of(license).name}"}
    empty = {"total": None, "assigned": None, "available": None}
    return [{"license": license, **empty, **row} for license, row in found.items()]


def _pool(data: AccountData, pool: Json, lines: t.Sequence[Line], settings: ReportSettings) -> Json:
    license, today = pool["license"], settings.rules.today
    fota = license == FOTA
    dated = data.fota if fota else data.journal
    days = collections.Counter(line.since[:10] for line in lines if line.held == "yes" and line.since)
    drift = _drift(data, license, lines)
    reclaimable = collections.Counter(line.reclaim for line in lines if line.reclaim)
    wasted = {name: reclaimable[name] for name in KINDS}
    past = earlier(settings.history, (data.name, license), today.isoformat())
    points = [
        Point(datetime.date.fromisoformat(row["day"]), row["assigned"]) for row in past if row["assigned"] is not None
    ]
    if pool["assigned"] is not None:
        points.append(Point(today, pool["assigned"]))
    span = runway(pool["available"], days if dated is not None else None, today, points)
    counts = {
        "bought": pool["total"],
        "assigned": pool["assigned"],
        "free": pool["available"],
        "reclaimable": wasted["now"],
    }
    lifetime = not fota and data.sku(license).lifetime
    return {
        **pool,
        "lifetime": lifetime,
        "read_from": "ThingSpace" if fota else "journal" if data.journal is not None else "",
        "beyond_journal": license in data.beyond_journal,
        "assigned_by_week": _weeks(days, today) if dated is not None else None,
        "undated": sum(line.held == "yes" and not line.since for line in lines) if dated is not None else None,
        "runway": span.as_document(),
        "drift": drift,
        "reclaimable": wasted if any(line.held == "yes" for line in lines) else None,
        **_locked(data, lines, data.fota_elsewhere if fota else 0),
        "reasons": dict(collections.Counter(line.why for line in lines if line.reclaim).most_common(20)),
        "before": past[-1] if past else None,
        "past": [{"day": row["day"], "total": row["total"], "assigned": row["assigned"]} for row in past[-400:]],
        "cost": None if lifetime else cost_of(settings.prices, license, counts),
    }


def _locked(data: AccountData, lines: t.Iterable[Line], elsewhere: int) -> Json:
    """How many held licenses can never be removed, of how many that is not known, and why.

    :param elsewhere: how many the list does not have.
    """
    held = collections.Counter(line.locked for line in lines if line.held == "yes")
    why = data.upgrades_unread or "ThingSpace's list of devices does not say whether the firmware was upgraded."
    if elsewhere and not held[None]:
        why = "The list does not have them."
    unknown = held[None] + elsewhere
    return {"locked": held[True], "locked_unknown": unknown, "locked_unknown_why": why if unknown else ""}


def _drift(data: AccountData, license: str, lines: t.Sequence[Line]) -> Json | None:
    """How the current state differs from the wanted one; None if the fleet files do not manage the license."""
    if data.wanted is None or (data.wanted.fota if license == FOTA else data.wanted.simsec) is None:
        return None
    counts = collections.Counter[str](line.drift for line in lines)
    names = {"as_wanted": "as wanted", "missing": "missing", "extra": "extra", "kept": "kept", "unknown": "unknown"}
    found: Json = {name: counts[word] for name, word in names.items()}
    if not any(found.values()) and license != FOTA:
        return None
    return {"wanted": sum(line.wanted == "yes" for line in lines), **found}


def _weeks(days: t.Mapping[str, int], today: datetime.date) -> Json:
    """Assignments of the last half year by week. The last week ends today."""
    weeks = [0] * WEEKS
    before = 0
    for day, count in days.items():
        age = (today - datetime.date.fromisoformat(day)).days // 7
        if age < WEEKS:
            weeks[WEEKS - 1 - max(age, 0)] += count
        else:
            before += count
    first = today - datetime.timedelta(7 * WEEKS - 1)
    return {"first_day": first.isoformat(), "counts": weeks, "before": before}


def _candidates(data: AccountData, lines: t.Sequence[Line]) -> Json | None:
    """The removal candidate list: the devices on it, and the effect of a smaller subscription."""
    if data.candidates is None:
        return None
    listed = [line for line in lines if line.place]
    wanted = data.wanted.candidates if data.wanted else None
    found: Json = {
        "listed": len(data.candidates),
        "without_license": None if data.fota_unseen else sum(line.held == "no" for line in listed),
        "protected": sum(line.protected for line in listed),
        "wanted": None if wanted is None else len(wanted),
        "missing": None if wanted is None else len(set(wanted).difference(data.candidates)),
        "extra": None if wanted is None else len(set(data.candidates).difference(wanted)),
        "order_differs": None if wanted is None else wanted != data.candidates,
        "forecast": None,
    }
    if data.shrink_to is not None and data.fota is not None:
        upgrades = data.fota_upgrades or {}
        whole = forecast(data.shrink_to, list(data.fota.items()), data.candidates, data.fota_elsewhere)
        seen = whole.with_upgrades(upgrades).as_result(1)
        found["forecast"] = {name: value for name, value in seen.items() if not isinstance(value, list)}
    return found


def _devices(data: AccountData, lines: t.Sequence[Line], rules: Rules) -> Json | None:
    """How many devices are in which state, and how many hold no known license; None if FOTA licenses are unknown."""
    if data.devices is None:
        return None
    listed = by_id(data, rules)
    devices = listed["imei"].values()
    # A line may name a device by its SIM. Both indexes hold the same object.
    holding = {id(listed[line.kind].get(line.device_id)) for line in lines if line.held != "no"}
    return {
        "count": len(data.devices),
        "without_license": None if data.fota_unseen else sum(id(device) not in holding for device in devices),
        "states": dict(collections.Counter(device.state for device in devices).most_common(STATES)),
    }
