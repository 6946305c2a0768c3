# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""The texts of a report, the same in HTML and in Markdown."""

from __future__ import annotations

import datetime
import typing as t

from .._text.lists import many
from .._text.money import amount_words
from .data import Json
from .document import days_of, pools_of

NEAR = 60
"""Up to this many days ahead, the day is shown. After that, a month is precise enough."""

UNKNOWN = "unknown"

DRIFT = {
    "as_wanted": "as wanted",
    "missing": "missing",
    "extra": "extra",
    "kept": "not wanted but left alone",
    "unknown": "unknown",
}

RECLAIM = {
    "now": "can be removed",
    "wanted": "wanted by the fleet files",
    "locked": "can never be removed",
    "unknown": "unknown whether it can be removed",
}

LIMITS = (
    "FOTA licenses and their assignment times are as ThingSpace lists them. A removed license is no longer listed, so "
    "past weeks show only licenses that are still held.",
    "ThingSpace shows how many SIM-Secure licenses are assigned, but not to which devices. The journal "
    "knows that for licenses that were assigned with it. If there is no journal, or the account counts more licenses "
    "than it explains, the report says unknown.",
    "A monthly FOTA license can never be removed after an upgrade of the firmware. The report shows that as far as "
    "ThingSpace says when a device was upgraded. Where it does not, a license does not count as one that can be "
    "removed.",
    "A runway assumes that assignments continue at the recent rate. It does not know anyone's plans.",
)
"""What a reader has to know to interpret the figures."""


def count_words(value: int | None) -> str:
    """A number, or the word for an unknown one."""
    return UNKNOWN if value is None else f"{value:,}"


def unpriced(pool: Json) -> str:
    """Why a pool has no monthly cost."""
    return "paid once" if pool["lifetime"] else "no price"


def share_words(some: int, total: int) -> str:
    """A share in whole percent. Only all is 100%, and only none is 0%."""
    percent = (200 * some + total) // (2 * total)
    if percent >= 100 and some < total:
        return "over 99%"
    return "under 1%" if percent == 0 and some else f"{percent}%"


def shares_of_cost(cost: Json) -> str:
    """How much of the cost of bought licenses is for which of them. What is reclaimable is assigned, too."""
    return ", ".join(f"{amount_words(cost[name])} {name}" for name in ("assigned", "free", "reclaimable"))


def kind_words(pool: Json) -> str:
    """What licenses a pool has, and whether they are for life."""
    return f"{pool['name']}{', for life' if pool['lifetime'] else ''}"


def states_words(devices: Json) -> str:
    """How many devices of an account are in which state."""
    return ", ".join(f"{count:,} {state or 'without a state'}" for state, count in devices["states"].items())


def pool_words(pool: Json) -> str:
    """How full a pool is."""
    total, assigned, free = pool["total"], pool["assigned"], pool["available"]
    if total is None and assigned is None:
        return UNKNOWN
    share = f" ({share_words(assigned, total)})" if total and assigned is not None else ""
    least = "at least " if pool["locked_unknown"] else ""
    stays = f", {least}{pool['locked']:,} never to be removed" if pool["locked"] else ""
    stays = ", for life" if pool["lifetime"] else stays
    return f"{count_words(assigned)} of {count_words(total)} assigned{share}, {count_words(free)} free{stays}"


def removable_words(document: Json) -> t.Iterator[tuple[str, str]]:
    """Each account with licenses of which it is unknown whether they can be removed: how many, and why."""
    for account, pool in pools_of(document):
        if unknown := pool["locked_unknown"]:
            licenses = many(unknown, f"{pool['license']} license")
            yield account, f"It is unknown whether {licenses} can be removed. {pool['locked_unknown_why']}"


def urgency(days: int) -> t.Literal["bad", "warn", ""]:
    """How urgent it is that a pool will be empty in so many days, as the class that a page shows it with."""
    return "bad" if days < 30 else "warn" if days < 90 else ""


def first_words(document: Json) -> tuple[str, str] | None:
    """The pool that will be empty first: when, and which and why."""
    soonest = document["totals"]["soonest"]
    if not soonest:
        return None
    account, license = soonest["account"], soonest["license"]
    (pool,) = (pool for name, pool in pools_of(document) if (name, pool["license"]) == (account, license))
    days = many(soonest["days"], "day") if soonest["days"] else "empty now"
    return days, f"{license} of {account}: {runway_words(pool['runway'], days_of(document))}"


def time_words(timestamp: str) -> str:
    """A time of the form C(2026-01-31T12:00:00Z), to the minute."""
    return timestamp[:16].replace("T", " ")


def runway_words(runway: Json, today: datetime.date) -> str:
    """How long a pool lasts."""
    span, recent = runway["span"], runway["last_90"]
    words: dict[str, t.Callable[[], str]] = {
        "unknown": lambda: "unknown: there are neither assignment dates nor enough earlier reports",
        "empty": lambda: "empty",
        "no_assignment": lambda: "no current license was assigned in 90 days",
        "too_few": lambda: (
            f"too few to tell: {many(recent, 'assignment')} on {many(runway['active_days'], 'day')} "
            f"in {many(span, 'day')}"
        ),
        "not_growing": lambda: f"use did not grow in {many(span, 'day')}",
        "far": lambda: f"lasts more than two years{_rate(runway)}",
        "dated": lambda: f"at this rate empty {_dates(runway, today)}{_rate(runway)}",
    }
    return words[runway["verdict"]]()


def _rate(runway: Json) -> str:
    slow, fast = (f"{rate:.1f}".rstrip("0").rstrip(".") for rate in runway["per_day"])
    rate = fast if slow == fast else f"{slow} to {fast}"
    since = f"by the counts of {runway['span']} days" if runway["basis"] == "history" else "by assignment dates"
    return f" ({rate} a day {since})"


def _dates(runway: Json, today: datetime.date) -> str:
    first, near = _date(runway["empty_from"], today)
    if not runway["empty_to"]:
        return f"not before {first}, and maybe not within two years"
    last, days = _date(runway["empty_to"], today)
    # Two rates that agree do not make a day certain.
    if first == last or days - near <= max(3, near // 10):
        return f"about {first}" if near <= NEAR else f"in {first}"
    return f"between {first} and {last}"


def _date(text: str, today: datetime.date) -> tuple[str, int]:
    """A day, as precise as is meaningful, and how many days are left."""
    day = datetime.date.fromisoformat(text)
    days = (day - today).days
    return (f"{day.day} {day:%B %Y}" if days <= NEAR else f"{day:%B %Y}"), days


def drift_words(drift: Json | None) -> str:
    """How the current state differs from the wanted one."""
    if drift is None:
        return "not managed"
    parts = [f"{drift[name]:,} {DRIFT[name]}" for name in ("missing", "extra", "unknown", "kept") if drift[name]]
    return f"{many(drift['wanted'], 'device')} wanted: {', '.join(parts) or 'all as wanted'}"


def since_words(pool: Json) -> str:
    """How the drift changed since the previous report; empty if there is none."""
    before, drift = pool["before"], pool["drift"]
    if not before or not drift:
        return ""
    changes = []
    for name in ("missing", "extra", "unknown"):
        if before[name] is not None and before[name] != drift[name]:
            changes.append(f"{name} {before[name]:,} then, {drift[name]:,} now")
    return f"since {before['day']}: {', '.join(changes) or 'no change'}"


def candidate_words(candidates: Json) -> str:
    """The content of an account's removal candidate list."""
    parts = [many(candidates["listed"], "device") + " listed"]
    if candidates["without_license"]:
        parts.append(f"{candidates['without_license']:,} of them without a license, so without effect")
    if candidates["protected"]:
        parts.append(f"{candidates['protected']:,} of them protected by the fleet files")
    if candidates["wanted"] is not None:
        differs = [f"{candidates[name]:,} {name}" for name in ("missing", "extra") if candidates[name]]
        order = ["in another order"] if candidates["order_differs"] and not differs else []
        parts.append(f"against the fleet files: {', '.join(differs + order) or 'as wanted'}")
    return "; ".join(parts)


def forecast_words(seen: Json) -> str:
    """The effect of a smaller subscription."""
    if not seen["evicted"]:
        return f"With {seen['shrink_to']:,} licenses, no device would lose its license."
    text = (
        f"With {many(seen['shrink_to'], 'license')}, {many(seen['evicted'], 'device')} would lose theirs: "
        f"{seen['from_list']:,} from the list, {seen['beyond_list']:,} because they have held it longest."
    )
    if seen.get("upgraded"):
        least = "at least " if seen.get("upgraded_unknown") else ""
        upgraded = f"{least}{seen['upgraded']:,} of them, because they were upgraded"
        text += f" No request could remove the licenses of {upgraded}."
    return text if seen["certain"] else text + " It is open which ones come last: some were assigned at the same time."


def run_words(run: Json) -> str:
    """The result of a run."""
    parts = [f"{count:,} {name}" for name, count in sorted(run["summary"].items())]
    if run["accounts_failed"]:
        parts.append(f"{many(run['accounts_failed'], 'account')} failed")
    return ", ".join(parts) or "nothing to do"
